//===- Compile.cpp - From a model's path to an artifact --------------------===//

#include "compiler/tools/Compile.h"

#include "compiler/Version.h"
#include "compiler/artifact/Artifact.h"
#include "compiler/artifact/ModelTable.h"
#include "compiler/pipeline/Pipeline.h"
#include "compiler/tokenizer/Tables.h"
#include "compiler/tools/ProgressLine.h"
#include "dialects/llama/Llama.h"
#include "frontends/Frontend.h"
#include "targets/Target.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace cria;

Installation::Installation(const char *program) {
  static int anchor; // for getMainExecutable to find this program
  llvm::SmallString<128> path(llvm::sys::fs::getMainExecutable(program, &anchor));
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status))
    built = status.getLastModificationTime().time_since_epoch().count();
  root = llvm::sys::path::parent_path(llvm::sys::path::parent_path(path)).str();
}

std::string Installation::runtimeFolder(llvm::StringRef target) const {
  llvm::SmallString<128> path(root);
  llvm::sys::path::append(path, "lib", "cria", target);
  return std::string(path);
}

std::string Installation::storyteller() const {
  llvm::SmallString<128> path(root);
  llvm::sys::path::append(path, "share", "cria", "storyteller");
  return std::string(path);
}

namespace {

FailureOr<ImportedModel> import(MLIRContext &context, const DriverOptions &options,
                                const Installation &installation) {
  ImportOptions import;
  import.path = options.model.empty() ? installation.storyteller() : options.model;
  import.tokenizer = options.tokenizer;
  import.context = options.context;
  import.chunk = options.chunk;
  return importModel(&context, import);
}

/// Refuses an output that would destroy one of the inputs: of the folder of a model,
/// the files that hold its tensors.
LogicalResult checkOutput(ModuleOp module, const DriverOptions &options, StringRef output) {
  llvm::SmallVector<StringRef> inputs = {options.model, options.tokenizer};
  for (auto source : module.getOps<llama::SourceOp>())
    if (inputs.back() != source.getFile())
      inputs.push_back(source.getFile());
  for (StringRef input : inputs)
    if (!input.empty() && llvm::sys::fs::equivalent(input, output))
      return module.emitError() << output << ": cannot be written: expected a file of its own, found the input "
                                << input;
  return success();
}

/// Prints the IR to `output`; empty or "-": standard output.
LogicalResult print(ModuleOp module, StringRef output) {
  std::error_code error;
  llvm::ToolOutputFile file(output.empty() ? "-" : output, error, llvm::sys::fs::OF_Text);
  if (error)
    return module.emitError() << output << ": cannot be written: " << error.message();
  module.print(file.os());
  file.os() << "\n";
  file.os().flush();
  if (file.os().error()) {
    std::string reason = file.os().error().message();
    file.os().clear_error();
    return module.emitError() << (output.empty() ? "standard output" : output) << ": cannot be written: " << reason;
  }
  file.keep();
  return success();
}

/// The types that matrices of the model are stored at, as `--info` says them.
std::string storedTypes(ModuleOp module) {
  llvm::SmallVector<std::string> names;
  auto note = [&](RankedTensorType type, llama::Encoding encoding) {
    std::string name = stringifyEncoding(encoding).str();
    if (encoding == llama::Encoding::Plain) {
      name.clear();
      llvm::raw_string_ostream(name) << type.getElementType();
    }
    if (type.getRank() > 1 && !llvm::is_contained(names, name))
      names.push_back(name);
  };
  for (auto source : module.getOps<llama::SourceOp>())
    note(source.getTensorType(), source.getEncoding());
  for (auto synthetic : module.getOps<llama::SyntheticOp>())
    note(synthetic.getTensorType(), llama::Encoding::Plain);
  return "as stored (" + llvm::join(names, ", ") + ")";
}

} // namespace

LogicalResult cria::compileModel(MLIRContext &context, const DriverOptions &options,
                                 const Installation &installation, StringRef output) {
  FailureOr<ImportedModel> imported = import(context, options, installation);
  if (failed(imported))
    return failure();
  ModuleOp module = *imported->module;
  if (failed(checkOutput(module, options, output)))
    return failure();
  CompileOptions compile;
  compile.target = options.target;
  compile.weightType = options.weightType;
  compile.quantize = options.quantize;
  std::string weightType = options.weightType.empty() ? storedTypes(module) : options.weightType;
  if (!options.quantize.empty())
    weightType = options.quantize + ", others " + weightType;
  if (failed(runPhases(module, compile, options.stopAfter)))
    return failure();
  if (!options.stopAfter.empty())
    return print(module, output);

  FailureOr<ChipRef> chip = chipOf(module);
  if (failed(chip))
    return failure();
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code = translateToLlvm(module, llvmContext);
  if (!code || failed(addModelTable(module, *chip, weightType, *code)))
    return failure();
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  if (llvm::Error error = chip->target->emitObject(*code, *chip->chip, stream))
    return module.emitError(llvm::toString(std::move(error)));

  std::vector<uint8_t> tables;
  if (imported->vocabulary)
    tables = buildTokenizerTables(*imported->vocabulary);
  std::string runtime = installation.runtimeFolder(chip->target->runtimeFolder());
  ProgressLine line;
  return writeArtifact(module, {StringRef(object.data(), object.size()), tables, runtime}, output,
                       [&](uint64_t tensors, uint64_t allTensors, uint64_t bytes, uint64_t allBytes) {
                         line.show(tensors, allTensors, bytes, allBytes);
                       });
}

FailureOr<std::string> cria::cacheName(MLIRContext &context, const DriverOptions &options,
                                       const Installation &installation) {
  FailureOr<ImportedModel> imported = import(context, options, installation);
  if (failed(imported))
    return failure();
  llvm::Expected<ChipRef> chip = lookupChip(options.target);
  if (!chip)
    return imported->module->emitError(llvm::toString(chip.takeError()));
  auto model = imported->module.get()->getAttrOfType<llama::ModelAttr>(llama::kModelAttrName);
  // The tokenizer may come from a file that the model's hash does not cover.
  std::vector<uint8_t> tables;
  if (imported->vocabulary)
    tables = buildTokenizerTables(*imported->vocabulary);
  std::string key;
  llvm::raw_string_ostream(key) << kProducer << '/' << installation.buildTime() << '/' << model << '/' << chip->chip->name << '/' << options.weightType << '/'
                                << options.quantize
                                << '/' << llvm::xxh3_64bits(tables);
  return (model.getName() + "-" + llvm::utohexstr(llvm::xxh3_64bits(key), /*LowerCase=*/true)).str();
}
