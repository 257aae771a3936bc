//===- Gguf.cpp - Writes a GGUF file ---------------------------------------===//
//
// The format is described where it is read, in frontends/gguf/Gguf.h.
//
//===----------------------------------------------------------------------===//

#include "frontends/gguf/Gguf.h"

#include "benchmarks/models/ModelWriter.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace cria;
using namespace llvm;

namespace {

constexpr uint64_t kAlignment = 32;

/// Writes what lies before the tensors' data; every number is little-endian, as this
/// machine's are.
class Writer {
public:
  explicit Writer(raw_ostream &out) : out(out) {}

  template <typename Number> void number(Number value) {
    out.write(reinterpret_cast<const char *>(&value), sizeof(value));
  }
  void string(StringRef text) {
    number<uint64_t>(text.size());
    out << text;
  }
  void key(StringRef name, GgufType type) {
    string(name);
    number(uint32_t(type));
    ++keys;
  }
  void u32(StringRef name, uint64_t value) {
    key(name, GgufType::U32);
    number(uint32_t(value));
  }
  void f32(StringRef name, float value) {
    key(name, GgufType::F32);
    number(value);
  }
  void text(StringRef name, StringRef value) {
    key(name, GgufType::String);
    string(value);
  }
  void array(StringRef name, GgufType type, uint64_t count) {
    key(name, GgufType::Array);
    number(uint32_t(type));
    number(count);
  }
  uint64_t keys = 0;

private:
  raw_ostream &out;
};

void writeKeys(Writer &writer, const Hyperparameters &p, const Mix &mix) {
  writer.text("general.architecture", "llama");
  writer.text("general.name", p.name);
  writer.u32("general.file_type", mix.id);
  writer.u32("general.quantization_version", 2);
  writer.u32("general.alignment", kAlignment);
  writer.u32("llama.context_length", p.contextSize);
  writer.u32("llama.embedding_length", p.width);
  writer.u32("llama.feed_forward_length", p.ffn);
  writer.u32("llama.block_count", p.layers);
  writer.u32("llama.attention.head_count", p.heads);
  writer.u32("llama.attention.head_count_kv", p.kvHeads);
  writer.f32("llama.attention.layer_norm_rms_epsilon", float(p.epsilon));
  writer.u32("llama.rope.dimension_count", p.headSize);
  writer.f32("llama.rope.freq_base", float(p.rope.theta));
}

/// Three control pieces, the 256 bytes, and words nobody says. ggml's types: 1
/// normal, 2 unknown, 3 control, 6 byte.
void writeVocabulary(Writer &writer, int64_t count) {
  std::vector<std::string> pieces = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    pieces.push_back("<0x" + utohexstr(byte, /*LowerCase=*/false, 2) + ">");
    types.push_back(6);
  }
  while (int64_t(pieces.size()) < count) {
    pieces.push_back("\u2581w" + std::to_string(pieces.size()));
    types.push_back(1);
  }
  writer.text("tokenizer.ggml.model", "llama");
  writer.array("tokenizer.ggml.tokens", GgufType::String, count);
  for (const std::string &piece : pieces)
    writer.string(piece);
  writer.array("tokenizer.ggml.scores", GgufType::F32, count);
  for (int64_t id = 0; id < count; ++id)
    writer.number(-float(id));
  writer.array("tokenizer.ggml.token_type", GgufType::I32, count);
  for (int32_t type : types)
    writer.number(type);
  writer.u32("tokenizer.ggml.bos_token_id", 1);
  writer.u32("tokenizer.ggml.eos_token_id", 2);
  writer.u32("tokenizer.ggml.unknown_token_id", 0);
}

void writeTensor(Writer &writer, StringRef name, ArrayRef<int64_t> shape, uint32_t type, uint64_t offset) {
  writer.string(name);
  writer.number(uint32_t(shape.size()));
  for (int64_t size : reverse(shape))
    writer.number<uint64_t>(size);
  writer.number(type);
  writer.number(offset);
}

} // namespace

void cria::writeGguf(raw_ostream &out, const Hyperparameters &p, const Mix &mix, ArrayRef<RandomWeight> weights) {
  std::string keys; // are counted before they are written
  raw_string_ostream keyStream(keys);
  Writer keyWriter(keyStream);
  writeKeys(keyWriter, p, mix);
  writeVocabulary(keyWriter, p.vocabulary);

  // LLaMA 3's scaling is a tensor in GGUF.
  std::vector<float> factors;
  if (p.rope.scaling == llama::RopeScaling::Llama3)
    for (double factor : ropeFactors(p.rope, p.headSize))
      factors.push_back(float(factor));
  uint64_t factorBytes = factors.size() * sizeof(float);

  uint64_t start = out.tell();
  Writer writer(out);
  out << "GGUF";
  writer.number<uint32_t>(3);
  writer.number<uint64_t>(weights.size() + !factors.empty());
  writer.number<uint64_t>(keyWriter.keys);
  out << keys;
  uint64_t offset = 0;
  if (!factors.empty()) {
    writeTensor(writer, "rope_freqs.weight", {int64_t(factors.size())}, /*F32*/ 0, 0);
    offset = alignTo(factorBytes, kAlignment);
  }
  for (const RandomWeight &weight : weights) {
    writeTensor(writer, ggufTensorName(weight.slot), weight.slot.shape, weight.type->id, offset);
    offset += alignTo(weight.bytes, kAlignment);
  }
  auto align = [&] { out.write_zeros(offsetToAlignment(out.tell() - start, Align(kAlignment))); };
  align();
  out.write(reinterpret_cast<const char *>(factors.data()), factorBytes);
  align();
  for (const RandomWeight &weight : weights) {
    weight.write(out);
    align();
  }
}
