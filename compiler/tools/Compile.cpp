//===- Compile.cpp - From a model's path to an artifact --------------------===//

#include "compiler/tools/Compile.h"

#include "compiler/Version.h"
#include "compiler/artifact/Artifact.h"
#include "compiler/artifact/ModelTable.h"
#include "compiler/pipeline/Pipeline.h"
#include "compiler/tokenizer/Tables.h"
#include "compiler/tools/Calibrate.h"
#include "compiler/tools/ProgressLine.h"
#include "compiler/tools/Report.h"
#include "dialects/llama/Llama.h"
#include "frontends/Hyperparameters.h"
#include "frontends/InputFile.h"
#include "runtime/Abi.h"
#include "targets/Target.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace cria;

static_assert(kMaxEosIds == CRIA_MAX_EOS_IDS, "frontends accept as many EOS ids as the ABI has room for");

Installation::Installation(const char *program) {
  static int anchor; // for getMainExecutable to find this program
  this->program = llvm::sys::fs::getMainExecutable(program, &anchor);
  root = llvm::sys::path::parent_path(llvm::sys::path::parent_path(this->program)).str();
}

static uint64_t modificationTime(const llvm::Twine &path) {
  llvm::sys::fs::file_status status;
  return llvm::sys::fs::status(path, status) ? 0 : status.getLastModificationTime().time_since_epoch().count();
}

uint64_t Installation::buildTime() const { return modificationTime(program); }

uint64_t Installation::runtimeBuildTime(llvm::StringRef target) const {
  return modificationTime(runtimeFolder(target) + "/libcria_runtime.a");
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

FailureOr<ImportedModel> cria::importModel(MLIRContext &context, const DriverOptions &options,
                                           const Installation &installation) {
  // A model may take long to read.
  if (llvm::Expected<llvm::SmallVector<ChipRef>> chips = lookupChips(options.target); !chips)
    return emitError(UnknownLoc::get(&context)) << llvm::toString(chips.takeError());
  if (!options.calibrate.empty())
    if (auto text = mapFile(options.calibrate); !text)
      return emitError(UnknownLoc::get(&context)) << llvm::toString(text.takeError());
  ImportOptions import;
  import.path = options.model.empty() ? installation.storyteller() : options.model;
  import.tokenizer = options.tokenizer;
  import.context = options.context;
  import.chunk = options.chunk;
  return importModel(&context, import);
}

namespace {

/// Reports `error`.
LogicalResult fail(ModuleOp module, llvm::Error error) { return module.emitError(llvm::toString(std::move(error))); }

/// Refuses an output that would destroy one of the inputs.
LogicalResult checkOutput(const ImportedModel &imported, StringRef calibration, StringRef output) {
  llvm::SmallVector<StringRef> inputs(imported.files.begin(), imported.files.end());
  if (!calibration.empty())
    inputs.push_back(calibration);
  for (StringRef input : inputs)
    if (llvm::sys::fs::equivalent(input, output))
      return imported.module.get()->emitError() << output << ": cannot be written: expects a file of its own, but got the input "
                                << input;
  return success();
}

/// Prints the IR to `stream`. Fails if not all of it arrives.
LogicalResult print(ModuleOp module, llvm::raw_fd_ostream &stream, StringRef name) {
  module.print(stream);
  stream << "\n";
  stream.flush();
  if (!stream.error())
    return success();
  std::string reason = stream.error().message();
  stream.clear_error();
  return module.emitError() << name << ": cannot be written: " << reason;
}

/// Runs the phases up to the one to stop after, and prints the IR; empty or "-": to standard output.
LogicalResult printPhase(ModuleOp module, const CompileOptions &compile, StringRef stopAfter, StringRef output) {
  auto run = [&] { return runPhases(module, compile, stopAfter); };
  if (output.empty() || output == "-")
    return success(succeeded(run()) && succeeded(print(module, llvm::outs(), "standard output")));
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(output, status) && (status.type() == llvm::sys::fs::file_type::character_file ||
                                                 status.type() == llvm::sys::fs::file_type::fifo_file)) {
    std::error_code error;
    llvm::raw_fd_ostream stream(output, error);
    if (error)
      return module.emitError() << output << ": cannot be written: " << error.message();
    return success(succeeded(run()) && succeeded(print(module, stream, output)));
  }
  llvm::Expected<AtomicFile> file = AtomicFile::create(output);
  if (!file)
    return fail(module, file.takeError());
  llvm::raw_fd_ostream stream(file->descriptor(), /*shouldClose=*/false);
  if (failed(run()) || failed(print(module, stream, output)))
    return failure();
  llvm::Error error = file->keep(0666);
  return error ? fail(module, std::move(error)) : success();
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

/// The code of one level of `levels`, after the last phase, as an ELF object.
FailureOr<llvm::SmallVector<char, 0>> makeObject(ModuleOp module, const ChipRef &chip, const ShownTypes &types,
                                                 unsigned level, unsigned levels) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateToLlvm(module, context);
  if (!code || failed(addModelTable(module, chip, types, level, levels, *code)))
    return failure();
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  if (llvm::Error error = chip.target->emitObject(*code, *chip.chip, stream))
    return fail(module, std::move(error));
  return object;
}

/// Runs all phases on `imported` for each of `chips`, and writes the artifact. Each matrix
/// adds a line to `report`, if there is one.
LogicalResult makeArtifact(ImportedModel &imported, const CompileOptions &compile, ArrayRef<ChipRef> chips,
                           StringRef weightType, const Installation &installation, AtomicFile &output,
                           std::vector<MatrixReport> *report = nullptr) {
  ModuleOp module = *imported.module;
  FailureOr<llvm::SmallVector<OwningOpRef<ModuleOp>>> levels = runPhases(module, compile, chips);
  if (failed(levels))
    return failure();
  ShownTypes types = {weightType.str(), compile.cacheType.empty() ? "f32" : compile.cacheType};
  llvm::SmallVector<llvm::SmallVector<char, 0>> objects(levels->size());
  if (failed(failableParallelForEachN(module.getContext(), 0, objects.size(), [&](size_t number) -> LogicalResult {
        FailureOr<llvm::SmallVector<char, 0>> object =
            makeObject(*(*levels)[number], chips[number], types, number, objects.size());
        if (succeeded(object))
          objects[number] = std::move(*object);
        return object;
      })))
    return failure();

  std::vector<uint8_t> tables;
  if (imported.vocabulary)
    tables = buildTokenizerTables(*imported.vocabulary);
  std::string runtime = installation.runtimeFolder(chips.front().target->runtimeFolder());
  llvm::SmallVector<StringRef> parts;
  for (const llvm::SmallVector<char, 0> &object : objects)
    parts.push_back(StringRef(object.data(), object.size()));
  ProgressLine line;
  return writeArtifact(*levels->front(), {parts, tables, runtime}, output,
                       [&](uint64_t tensors, uint64_t allTensors, uint64_t bytes, uint64_t allBytes) {
                         line.show(tensors, allTensors, bytes, allBytes);
                       },
                       report);
}

/// The model unquantized and observed, for this machine. What a file holds as codes
/// becomes F16: codes would be multiplied by codes, and the numbers are to be seen.
LogicalResult makeObserver(const ImportedModel &imported, const DriverOptions &options, const Installation &installation,
                           StringRef output) {
  ModuleOp module = imported.module.get();
  llvm::Expected<llvm::SmallVector<ChipRef>> native = lookupChips("native");
  if (!native)
    return module.emitError("to calibrate expects a machine that can run the model: ")
           << llvm::toString(native.takeError());
  CompileOptions compile;
  compile.target = "native";
  compile.weightType = options.weightType;
  compile.cacheType = options.cacheType; // the text is read as the model will read
  auto isCoded = [](llama::SourceOp source) { return source.getEncoding() != llama::Encoding::Plain; };
  if (compile.weightType.empty() && llvm::any_of(module.getOps<llama::SourceOp>(), isCoded))
    compile.weightType = "f16";
  compile.observe = true;
  llvm::Expected<AtomicFile> file = AtomicFile::create(output);
  if (!file)
    return fail(module, file.takeError());
  ImportedModel observed = {module.clone(), imported.vocabulary, imported.files};
  return makeArtifact(observed, compile, *native, "observed", installation, *file);
}

/// Whether the model phase, where rules meet the names of matrices, has nothing against `options`, and leaves codes
/// that a text can guide: those of a matrix that something is multiplied by. It is the same for any chip.
LogicalResult checkRules(ModuleOp module, CompileOptions options, const ChipRef &chip) {
  OwningOpRef<ModuleOp> copy = module.clone();
  options.target = chip.chip->name.str();
  options.screen = false; // it would take the head's place
  if (failed(runPhases(*copy, options, "model")))
    return failure();
  auto findCodes = [](llama::LinearOp linear) {
    return linear.getWeight().getDefiningOp<llama::QuantizeOp>() ? WalkResult::interrupt() : WalkResult::advance();
  };
  if (!copy->walk(findCodes).wasInterrupted())
    return module.emitError("--calibrate expects a matrix at few bits that something is multiplied by, but got "
                            "--quantize ")
           << options.quantize;
  return success();
}

void printPerplexities(StringRef text, double before, StringRef output) {
  llvm::outs() << "perplexity of " << text << ": " << llvm::format("%.6f", before) << " before, ";
  llvm::Expected<double> after = measurePerplexity(output, text);
  if (after)
    llvm::outs() << llvm::format("%.6f", *after) << " after\n";
  else // compiled for another machine
    llvm::outs() << "unknown after: " << llvm::toString(after.takeError()) << "\n";
}

} // namespace

LogicalResult cria::compileModel(ImportedModel &imported, const DriverOptions &options,
                                 const Installation &installation, StringRef output) {
  ModuleOp module = *imported.module;
  if (failed(checkOutput(imported, options.calibrate, output)))
    return failure();
  CompileOptions compile;
  compile.target = options.target;
  compile.weightType = options.weightType;
  compile.quantize = options.quantize;
  compile.cacheType = options.cacheType;
  compile.screen = options.screen;
  std::string weightType = options.weightType.empty() ? storedTypes(module) : options.weightType;
  if (!options.quantize.empty())
    weightType = options.quantize + (options.calibrate.empty() ? "" : " calibrated") + ", others " + weightType;
  llvm::Expected<llvm::SmallVector<ChipRef>> chips = lookupChips(options.target);
  if (!chips)
    return fail(module, chips.takeError());
  if (!options.stopAfter.empty()) {
    if (chips->size() > 1)
      return module.emitError("to stop after a phase expects a target of one chip, but got '") << options.target << "'";
    return printPhase(module, compile, options.stopAfter, output);
  }
  llvm::Expected<AtomicFile> file = AtomicFile::create(output);
  if (!file)
    return fail(module, file.takeError());

  Calibration calibration;
  if (!options.calibrate.empty()) {
    if (!imported.vocabulary)
      return module.emitError("--calibrate expects a model with a tokenizer, but this one has none; give it with "
                              "--tokenizer");
    if (failed(checkRules(module, compile, chips->front())))
      return failure();
    auto observe = [&](StringRef path) { return makeObserver(imported, options, installation, path); };
    FailureOr<Calibration> made = calibrate(module, options.calibrate, observe);
    if (failed(made))
      return failure();
    calibration = std::move(*made);
    compile.observe = true;
    compile.records = calibration.records.get();
  }
  std::vector<MatrixReport> report;
  if (failed(makeArtifact(imported, compile, *chips, weightType, installation, *file,
                          options.report ? &report : nullptr)))
    return failure();
  if (options.report)
    printReport(report, llvm::outs());
  if (options.report && !options.calibrate.empty())
    printPerplexities(options.calibrate, calibration.perplexity, output);
  return success();
}

FailureOr<std::string> cria::cacheName(ImportedModel &imported, const DriverOptions &options,
                                       const Installation &installation) {
  ModuleOp module = *imported.module;
  llvm::Expected<llvm::SmallVector<ChipRef>> chips = lookupChips(options.target);
  if (!chips)
    return fail(module, chips.takeError());
  std::string names;
  for (const ChipRef &chip : *chips) {
    uint64_t runtime = installation.runtimeBuildTime(chip.target->runtimeFolder());
    names += (chip.chip->name + " " + llvm::Twine(runtime) + " ").str();
  }
  auto model = module->getAttrOfType<llama::ModelAttr>(llama::kModelAttrName);
  std::string text; // as it is now
  if (auto buffer = llvm::MemoryBuffer::getFile(options.calibrate))
    text = llvm::utohexstr(llvm::xxh3_64bits((*buffer)->getBuffer()));
  std::string key;
  llvm::raw_string_ostream(key) << kProducer << '/' << installation.buildTime() << '/' << model << '/' << names << '/'
                                << options.weightType << '/' << options.quantize << '/' << options.cacheType
                                << '/' << options.screen << '/' << options.calibrate << '/' << text;
  // The model's own name may be long, and is not one of a path.
  std::string name = model.getName().take_front(64).str();
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "-" + llvm::utohexstr(llvm::xxh3_64bits(key), /*LowerCase=*/true);
}
