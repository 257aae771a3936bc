//===- Llama2c.cpp - Reads a llama2.c checkpoint ---------------------------===//
//
// A version 0 checkpoint is seven i32 (D, F, layers, H, Hkv, V, C; V negative:
// the output matrix is separate), then all tensors in F32, one role after the
// other and all layers of a role together. Two tables of rotary cosines and
// sines, [C, Dh/2] each, follow the final norm; they are computed anew here.
//
//===----------------------------------------------------------------------===//

#include "frontends/llama2c/Llama2c.h"

#include "frontends/InputFile.h"
#include "frontends/tokenizer/Readers.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

#include <cstdlib>

using namespace llvm;

namespace cria {

namespace {

constexpr uint64_t kHeaderBytes = 7 * 4;

/// The order of the file. Entries of a layer stand for all layers.
constexpr Role kFileOrder[] = {Role::Embed, Role::AttnNorm, Role::Q,    Role::K,  Role::V, Role::O,
                               Role::FfnNorm, Role::Gate,   Role::Down, Role::Up, Role::Norm,
                               Role::Output};

/// The header's numbers; nothing if they make no sense.
std::optional<Hyperparameters> parseHeader(StringRef bytes) {
  if (bytes.size() < kHeaderBytes)
    return std::nullopt;
  auto word = [&](unsigned i) {
    return int64_t(int32_t(support::endian::read32le(bytes.data() + 4 * i)));
  };
  Hyperparameters p;
  p.architecture = "llama";
  p.width = word(0);
  p.ffn = word(1);
  p.layers = word(2);
  p.heads = word(3);
  p.kvHeads = word(4);
  p.vocabulary = std::abs(word(5));
  p.contextSize = word(6);
  p.tiedOutput = word(5) > 0;
  for (int64_t size : {p.width, p.ffn, p.heads, p.kvHeads, p.vocabulary, p.contextSize})
    if (size <= 0 || size > kMaxDimension)
      return std::nullopt;
  if (p.layers <= 0 || p.layers > kMaxLayers || p.heads > kMaxHeads || p.width % p.heads ||
      p.heads % p.kvHeads || p.width / p.heads % 2)
    return std::nullopt;
  p.headSize = p.width / p.heads;
  // What llama2.c's program has as constants.
  p.epsilon = 1e-5;
  p.rope.layout = llama::RopeLayout::Interleaved;
  p.windows.assign(p.layers, 0);
  p.bosId = p.vocabulary > 1 ? 1 : -1;
  p.addBos = p.bosId >= 0;
  // It stops at BOS, which begins the next story of its training data.
  for (int64_t id : {1, 2})
    if (id < p.vocabulary)
      addEosId(p, id);
  return p;
}

/// Gives every weight its place; returns the bytes that the file must have.
uint64_t placeTensors(StringRef path, const Hyperparameters &p, std::vector<BoundWeight> &weights) {
  for (WeightSlot &slot : weightSlots(p))
    weights.push_back({std::move(slot), {}});
  uint64_t offset = kHeaderBytes;
  for (Role role : kFileOrder) {
    if (role == Role::Output) // after the rotary tables
      offset = SaturatingAdd(offset, uint64_t(p.contextSize) * p.headSize * 4);
    for (BoundWeight &weight : weights) {
      if (weight.slot.role != role)
        continue;
      weight.tensor.file = path.str();
      weight.tensor.offset = offset;
      weight.tensor.shape = weight.slot.shape;
      uint64_t bytes = 4;
      for (int64_t size : weight.slot.shape)
        bytes *= size; // at most 2^50 by kMaxDimension; only their sum may overflow
      offset = SaturatingAdd(offset, bytes);
    }
  }
  return offset;
}

/// The vocabulary beside the checkpoint at `path`, if there is one.
Error readTokenizerBeside(StringRef path, ModelFile &model) {
  int64_t pieces = model.parameters.vocabulary;
  for (const std::string &name : {std::string("tokenizer.bin"),
                                  "tok" + std::to_string(pieces) + ".bin",
                                  std::string("tokenizer.model")}) {
    SmallString<128> file(sys::path::parent_path(path));
    sys::path::append(file, name);
    if (!sys::fs::exists(file))
      continue;
    Expected<llama::Vocabulary> vocabulary = sys::path::extension(file) == ".bin"
                                                 ? readLlama2cTokenizer(file, uint64_t(pieces))
                                                 : readSentencePieceModel(file);
    if (!vocabulary)
      return vocabulary.takeError();
    model.vocabulary = std::move(*vocabulary);
    model.files.push_back(file.str().str());
    return Error::success();
  }
  return Error::success();
}

} // namespace

bool isLlama2c(StringRef bytes) { return parseHeader(bytes).has_value(); }

Expected<ModelFile> readLlama2c(StringRef path, bool ownTokenizer) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef bytes = (*buffer)->getBuffer();
  std::optional<Hyperparameters> parameters = parseHeader(bytes);
  if (!parameters)
    return inputError(path + ": expects the header of a llama2.c checkpoint, but got none");

  ModelFile model;
  model.parameters = std::move(*parameters);
  model.parameters.name = printable(sys::path::stem(path));
  model.files.push_back(path.str());
  if (Error error = checkHyperparameters(model.parameters, path))
    return std::move(error);
  uint64_t expected = placeTensors(path, model.parameters, model.weights);
  if (bytes.size() != expected)
    return inputError(path + ": a llama2.c checkpoint of this header expects " + Twine(expected) +
                      " bytes, but got " + Twine(bytes.size()));

  if (ownTokenizer)
    if (Error error = readTokenizerBeside(path, model))
      return std::move(error);
  return model;
}

} // namespace cria
