//===- cria-reference.cpp - Runs a model in the reference interpreter ------===//
//
//   cria-reference MODEL --ids 1,2,3 --logits FILE
//   cria-reference MODEL --ids 1,2,3 --greedy 20
//
// Slow and right: what compiled artifacts are compared with.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Interpreter.h"
#include "dialects/llama/Llama.h"
#include "frontends/Frontend.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace cria;
namespace cl = llvm::cl;

namespace {

struct Options {
  cl::OptionCategory category{"cria-reference options"};
  cl::opt<std::string> model{cl::Positional, cl::Required, cl::value_desc("model"),
                             cl::desc("<model, or an .mlir file>"), cl::cat(category)};
  cl::list<int32_t> ids{"ids", cl::CommaSeparated, cl::OneOrMore, cl::value_desc("1,2,3"),
                        cl::desc("The prompt, as token ids"), cl::cat(category)};
  cl::opt<std::string> logits{
      "logits", cl::value_desc("file"), cl::cat(category),
      cl::desc("Write raw F32 logits, a row of the vocabulary per token that was fed")};
  cl::opt<unsigned> greedy{
      "greedy", cl::init(0), cl::value_desc("n"), cl::cat(category),
      cl::desc("Continue greedily by at most n tokens and print their ids. Stops after an\n"
               "end-of-sequence id and at the end of the context. The last one is not\n"
               "fed: its row is not in --logits")};
  cl::opt<unsigned> chunk{"chunk", cl::init(0), cl::value_desc("n"), cl::cat(category),
                          cl::desc("Feed the prompt n tokens at a time (default: all at once)")};
  cl::opt<unsigned> context{"context", cl::init(0), cl::value_desc("n"), cl::cat(category),
                            cl::desc("Positions of the KV cache (default: the model's own)")};
};

/// Feeds tokens, and keeps what comes out.
struct Session {
  reference::Interpreter interpreter;
  llvm::raw_ostream *logits; ///< null: not asked for
  int64_t position = 0;
  std::vector<double> last; ///< logits [V] of the last token

  LogicalResult feed(ArrayRef<int32_t> tokens) {
    auto rows = interpreter.step(tokens, position);
    if (failed(rows))
      return failure();
    position += int64_t(tokens.size());
    last.assign(rows->end() - rows->size() / tokens.size(), rows->end());
    if (logits)
      for (double value : *rows) {
        auto bits = llvm::support::endian::byte_swap(llvm::bit_cast<uint32_t>(float(value)),
                                                     llvm::endianness::little);
        logits->write(reinterpret_cast<const char *>(&bits), sizeof(bits));
      }
    return success();
  }
};

OwningOpRef<ModuleOp> load(MLIRContext &context, const Options &options) {
  if (StringRef(options.model).ends_with(".mlir"))
    return parseSourceFile<ModuleOp>(options.model, &context);
  ImportOptions import;
  import.path = options.model;
  import.context = options.context;
  FailureOr<ImportedModel> model = importModel(&context, import);
  return failed(model) ? OwningOpRef<ModuleOp>() : std::move(model->module);
}

LogicalResult runModel(MLIRContext &mlirContext, const Options &options,
                       llvm::raw_ostream *logits) {
  OwningOpRef<ModuleOp> module = load(mlirContext, options);
  if (!module)
    return failure();
  FailureOr<reference::Interpreter> interpreter = reference::Interpreter::create(*module);
  if (failed(interpreter))
    return failure();
  ArrayRef<int64_t> eosIds;
  int64_t context = std::numeric_limits<int64_t>::max(); // an .mlir file need not say
  if (auto model = (*module)->getAttrOfType<llama::ModelAttr>(llama::kModelAttrName)) {
    eosIds = model.getEosIds().asArrayRef();
    context = model.getContextSize();
  }
  Session session{std::move(*interpreter), logits, 0, {}};
  ArrayRef<int32_t> prompt(&*options.ids.begin(), options.ids.size());
  if (int64_t(prompt.size()) > context)
    return module->emitError("expects at most ")
           << context << " tokens, its context, but got " << prompt.size();
  while (!prompt.empty()) {
    size_t count = options.chunk ? std::min<size_t>(options.chunk, prompt.size()) : prompt.size();
    if (failed(session.feed(prompt.take_front(count))))
      return failure();
    prompt = prompt.drop_front(count);
  }

  for (unsigned n = 0; n < options.greedy; ++n) {
    auto best = std::max_element(session.last.begin(), session.last.end()); // the first of equals
    int32_t id = int32_t(best - session.last.begin());
    llvm::outs() << (n ? "," : "") << id;
    llvm::outs().flush();
    if (llvm::is_contained(eosIds, id) || n + 1 == options.greedy || session.position == context)
      break;
    if (failed(session.feed(id)))
      return failure();
  }
  if (options.greedy)
    llvm::outs() << '\n';
  return success();
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(argc, argv, "the reference interpreter of cria\n");

  DialectRegistry registry;
  registry.insert<llama::LlamaDialect, arith::ArithDialect, func::FuncDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false); // a user wants the message, not the module
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);

  std::unique_ptr<llvm::ToolOutputFile> file;
  if (!options.logits.empty()) {
    std::string message;
    file = openOutputFile(options.logits, &message);
    if (!file) {
      llvm::WithColor::error(llvm::errs(), "cria-reference") << message << '\n';
      return 1;
    }
  }
  if (failed(runModel(context, options, file ? &file->os() : nullptr)))
    return 1;
  if (file) {
    file->os().flush();
    if (std::error_code error = file->os().error()) { // a full disk; the file is removed
      llvm::WithColor::error(llvm::errs(), "cria-reference")
          << options.logits << ": " << error.message() << '\n';
      file->os().clear_error();
      return 1;
    }
    file->keep();
  }
  return 0;
}
