//===- Frontend.cpp - A model file becomes llama IR ------------------------===//

#include "frontends/Frontend.h"

#include "frontends/InputFile.h"
#include "frontends/ModelBuilder.h"
#include "frontends/Tokenizers.h"
#include "frontends/gguf/Gguf.h"
#include "frontends/huggingface/HuggingFace.h"
#include "frontends/llama2c/Llama2c.h"
#include "frontends/synthetic/Synthetic.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace cria {

namespace {

constexpr int64_t kDefaultContext = 4096;
constexpr int64_t kMaxChunk = 4096;

/// A format: how a path is recognised as one, and how it is read. To add a
/// format, add a row.
struct Format {
  llvm::StringLiteral name;
  bool (*recognise)(StringRef path, StringRef bytes); ///< bytes: none for folders and names
  llvm::Expected<ModelFile> (*read)(StringRef path, bool ownTokenizer);
};
const Format kFormats[] = {
    {"synthetic:NAME", [](StringRef path, StringRef) { return isSynthetic(path); }, readSynthetic},
    {"a Hugging Face folder (config.json and safetensors)",
     [](StringRef path, StringRef) { return isHuggingFaceFolder(path); }, readHuggingFace},
    {"GGUF", [](StringRef, StringRef bytes) { return isGguf(bytes); }, readGguf},
    // Last: it has no magic number.
    {"a llama2.c checkpoint of version 0",
     [](StringRef, StringRef bytes) { return isLlama2c(bytes); }, readLlama2c},
};

/// What stands at `path` if no format knows it.
std::string describe(StringRef path, StringRef bytes) {
  if (llvm::sys::fs::is_directory(path))
    return "a folder without config.json";
  if (bytes.size() > 8 && bytes[8] == '{')
    return "what looks like a safetensors file (give the folder that it lies in)";
  if (bytes.starts_with(StringRef("24ka", 4)))
    return "a llama2.c checkpoint of a later version";
  return ("a file of " + Twine(bytes.size()) + " bytes that begins with '" +
          printable(bytes.take_front(16)) + "'").str();
}

llvm::Expected<ModelFile> readModel(const ImportOptions &options) {
  StringRef path = options.path;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  if (!isSynthetic(path) && !llvm::sys::fs::is_directory(path)) {
    auto mapped = mapFile(path);
    if (!mapped)
      return mapped.takeError();
    buffer = std::move(*mapped);
  }
  StringRef bytes = buffer ? buffer->getBuffer() : StringRef();
  std::string supported;
  for (const Format &format : kFormats) {
    if (format.recognise(path, bytes))
      return format.read(path, /*ownTokenizer=*/options.tokenizer.empty());
    supported += (supported.empty() ? "" : ", ") + format.name.str();
  }
  return inputError(path + ": expects a model, but got " + describe(path, bytes) +
                    "; supported are " + supported);
}

/// Reads the tokenizer that the options name, if any, and makes the model's
/// tokenizer and its hyperparameters agree.
llvm::Error joinVocabulary(ModelFile &model, const ImportOptions &options) {
  if (!options.tokenizer.empty()) {
    auto vocabulary = readTokenizerFile(options.tokenizer, model.parameters.vocabulary);
    if (!vocabulary)
      return vocabulary.takeError();
    model.vocabulary = std::move(*vocabulary);
    model.files.push_back(options.tokenizer);
  }
  if (!model.vocabulary)
    return llvm::Error::success();
  Hyperparameters &p = model.parameters;
  llama::Vocabulary &vocabulary = *model.vocabulary;
  StringRef where = options.tokenizer.empty() ? options.path : options.tokenizer;
  if (llvm::Error error = fitVocabulary(vocabulary, uint64_t(p.vocabulary), where))
    return error;
  // A BOS that the model has wins (that of a Hugging Face folder has given way to the one that the folder's own
  // tokenizer names); whether a prompt starts with it, the tokenizer knows.
  if (p.bosId < 0)
    p.bosId = vocabulary.bosId;
  p.addBos = vocabulary.addBos && p.bosId >= 0;
  if (p.eosIds.empty() && vocabulary.eosId >= 0)
    addEosId(p, vocabulary.eosId);
  return checkHyperparameters(p, where);
}

/// What the model is made of: its files, and the name of a synthetic one, which says its seed.
llvm::Expected<std::string> hashInput(const ModelFile &model, StringRef path) {
  if (model.files.empty())
    return hashText(path);
  llvm::Expected<std::string> files = hashFiles(model.files);
  if (!files || !isSynthetic(path))
    return files;
  return hashText((path + " " + *files).str());
}

llvm::Expected<int64_t> chooseContext(const ImportOptions &options, int64_t own) {
  if (options.chunk < 1 || options.chunk > kMaxChunk)
    return inputError("expects a chunk of 1 to " + Twine(kMaxChunk) + " tokens, but got " +
                      Twine(options.chunk));
  if (options.context == 0)
    return std::min(own, kDefaultContext);
  if (options.context < 0 || options.context > own)
    return inputError(options.path + ": expects a context of 1 to " + Twine(own) +
                      " positions, those of the model, but got " + Twine(options.context));
  return options.context;
}

} // namespace

FailureOr<ImportedModel> importModel(MLIRContext *context, const ImportOptions &options) {
  auto fail = [&](llvm::Error error) {
    emitError(UnknownLoc::get(context)) << llvm::toString(std::move(error));
    return failure();
  };
  llvm::Expected<ModelFile> model = readModel(options);
  if (!model)
    return fail(model.takeError());
  if (llvm::Error error = joinVocabulary(*model, options))
    return fail(std::move(error));
  llvm::Expected<int64_t> contextSize = chooseContext(options, model->parameters.contextSize);
  if (!contextSize)
    return fail(contextSize.takeError());
  llvm::Expected<std::string> hash = hashInput(*model, options.path);
  if (!hash)
    return fail(hash.takeError());

  ImportedModel imported;
  imported.module = buildModel(context, *model, *contextSize, options.chunk, *hash);
  if (failed(verify(*imported.module)))
    return failure();
  imported.vocabulary = std::move(model->vocabulary);
  imported.files = std::move(model->files);
  return imported;
}

} // namespace cria
