//===- ImportDump.cpp - Prints what importModel makes of a model -----------===//
//
// `cria-import-test compile MODEL --stop-after=import -o - [--context N] [--chunk N]
// [--tokenizer FILE]`: the driver's command line for this phase, without the phases
// behind it, so that the frontends' tests run on a build of the frontends alone.
//
//===----------------------------------------------------------------------===//

#include "frontends/Frontend.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace {

/// Takes `--name=VALUE` or `--name VALUE` from the front of `arguments`.
bool takeOption(llvm::ArrayRef<const char *> &arguments, llvm::StringRef name,
                llvm::StringRef &value) {
  llvm::StringRef first = arguments.front();
  if (first == name && arguments.size() > 1) {
    value = arguments[1];
    arguments = arguments.drop_front(2);
    return true;
  }
  if (!first.consume_front(name) || !first.consume_front("="))
    return false;
  value = first;
  arguments = arguments.drop_front();
  return true;
}

int usage(llvm::StringRef what) {
  llvm::errs() << "cria-import-test: error: unexpected '" << what << "'\n";
  return 2;
}

} // namespace

int main(int argc, char **argv) {
  llvm::ArrayRef<const char *> arguments(argv + 1, argc - 1);
  if (arguments.empty() || llvm::StringRef(arguments.front()) != "compile")
    return usage(arguments.empty() ? "" : arguments.front());
  arguments = arguments.drop_front();
  cria::ImportOptions options;
  while (!arguments.empty()) {
    llvm::StringRef value;
    if (takeOption(arguments, "--stop-after", value)) {
      if (value != "import")
        return usage(value);
    } else if (takeOption(arguments, "-o", value)) {
      if (value != "-")
        return usage(value);
    } else if (takeOption(arguments, "--tokenizer", value)) {
      options.tokenizer = value.str();
    } else if (takeOption(arguments, "--context", value)) {
      if (value.getAsInteger(10, options.context))
        return usage(value);
    } else if (takeOption(arguments, "--chunk", value)) {
      if (value.getAsInteger(10, options.chunk))
        return usage(value);
    } else if (options.path.empty()) {
      options.path = arguments.front();
      arguments = arguments.drop_front();
    } else {
      return usage(arguments.front());
    }
  }

  MLIRContext context;
  context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    llvm::errs() << "cria-import-test: error: " << diagnostic.str() << "\n";
  });
  FailureOr<cria::ImportedModel> model = cria::importModel(&context, options);
  if (failed(model))
    return 1;
  model->module->print(llvm::outs());
  if (model->vocabulary)
    llvm::errs() << "vocabulary: " << model->vocabulary->pieces.size() << " pieces\n";
  return 0;
}
