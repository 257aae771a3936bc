//===- model.cpp - Writes models to measure with ---------------------------===//
//
//   cria-bench-model SHAPE FORMAT FILE
//
// SHAPE is one of those of `synthetic:`. FORMAT is `llama2c`, a checkpoint of
// llama2.c, or says which matrices of a GGUF file have which type:
//
//   f32 f16 bf16 q8_0 q4_0   all of them one (llama-quantize --pure)
//   q4_k_m                   llama-quantize's Q4_K_M: Q4_K, but Q6_K for the output
//                            and, in half of the layers, for values and ffn_down
//
// Norms are F32. Weights are random, the same for the same arguments: a file runs at
// the speed of a trained model of its shape. Prints as JSON what a step costs,
// `decode_bytes` of weights read for a token of its own, `head_bytes` of them for its logits, and `prefill_operations` (a
// product and its addition are two) needed for a token of a prompt, whose logits nobody
// asks for: of the last layer keys and values; and how many positions its `context` has.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/models/ModelWriter.h"
#include "frontends/synthetic/Synthetic.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace cria;
using namespace llvm;

constexpr StringLiteral kLlama2c = "llama2c";
constexpr Mix kMixes[] = {{"f32", 0, "f32"},   {"f16", 1, "f16"},       {"bf16", 32, "bf16"}, {"q8_0", 7, "q8_0"},
                          {"q4_0", 2, "q4_0"}, {"q4_k_m", 15, nullptr}, {kLlama2c, 0, "f32"}};

static void printCost(const Hyperparameters &p, ArrayRef<RandomWeight> weights) {
  uint64_t bytes = 0, headBytes = 0, operations = 0;
  for (const RandomWeight &weight : weights) {
    const WeightSlot &slot = weight.slot;
    if (slot.role != Role::Embed || p.tiedOutput) // of an embedding alone a step reads a row
      bytes += weight.bytes;
    if (slot.role == (p.tiedOutput ? Role::Embed : Role::Output))
      headBytes += weight.bytes;
    bool isNeeded = slot.layer + 1 < p.layers || slot.role == Role::K || slot.role == Role::V;
    if (slot.layer >= 0 && slot.shape.size() > 1 && isNeeded)
      operations += 2 * slot.shape[0] * slot.shape[1];
  }
  outs() << "{\"decode_bytes\": " << bytes << ", \"head_bytes\": " << headBytes << ", \"prefill_operations\": " << operations
         << ", \"context\": " << p.contextSize << "}\n";
}

static Error writeModel(StringRef path, const ModelFile &model, const Mix &mix) {
  Expected<std::vector<RandomWeight>> weights = randomWeights(model, mix);
  if (!weights)
    return weights.takeError();
  std::error_code code;
  raw_fd_ostream out(path, code, sys::fs::OF_None);
  if (code)
    return createFileError(path, code);
  out.SetBufferSize(2 << 20); // the window that Linux maps at once if it is written so (compiler/weights/OutputFile.h)
  if (mix.name == kLlama2c)
    writeLlama2c(out, model.parameters, *weights);
  else
    writeGguf(out, model.parameters, mix, *weights);
  out.close();
  if (out.has_error()) {
    code = out.error();
    out.clear_error();
    sys::fs::remove(path);
    return createFileError(path, code);
  }
  printCost(model.parameters, *weights);
  return Error::success();
}

int main(int argc, char **argv) {
  std::string formats = join(map_range(kMixes, [](const Mix &m) { return m.name.str(); }), "|");
  if (argc != 4) {
    errs() << "usage: cria-bench-model SHAPE " << formats << " FILE\n";
    return 2;
  }
  const Mix *mix = find_if(kMixes, [&](const Mix &m) { return m.name == argv[2]; });
  if (mix == std::end(kMixes)) {
    errs() << "error: expects a format of " << formats << ", but got '" << argv[2] << "'\n";
    return 1;
  }
  Expected<ModelFile> model = readSynthetic("synthetic:" + std::string(argv[1]), /*ownTokenizer=*/false);
  Error error = model ? writeModel(argv[3], *model, *mix) : model.takeError();
  if (!error)
    return 0;
  errs() << "error: " << toString(std::move(error)) << "\n";
  return 1;
}
