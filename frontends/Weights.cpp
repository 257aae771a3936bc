//===- Weights.cpp - Which tensors a model has, by role --------------------===//

#include "frontends/Weights.h"

#include "frontends/InputFile.h"

#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace llvm;

namespace cria {

namespace {

/// The symbols of the roles, as `llama.source` ops carry them.
StringRef roleSymbol(Role role) {
  switch (role) {
  case Role::Embed: return "embed";
  case Role::Norm: return "norm";
  case Role::Output: return "output";
  case Role::AttnNorm: return "attn_norm";
  case Role::Q: return "q";
  case Role::K: return "k";
  case Role::V: return "v";
  case Role::O: return "o";
  case Role::QBias: return "q_bias";
  case Role::KBias: return "k_bias";
  case Role::VBias: return "v_bias";
  case Role::OBias: return "o_bias";
  case Role::QNorm: return "q_norm";
  case Role::KNorm: return "k_norm";
  case Role::FfnNorm: return "ffn_norm";
  case Role::Gate: return "gate";
  case Role::Up: return "up";
  case Role::Down: return "down";
  case Role::GateBias: return "gate_bias";
  case Role::UpBias: return "up_bias";
  case Role::DownBias: return "down_bias";
  }
  llvm_unreachable("every role has a symbol");
}

} // namespace

std::string nameInFile(ArrayRef<RoleName> names, const WeightSlot &slot) {
  for (const RoleName &entry : names) {
    if (entry.role != slot.role)
      continue;
    auto [before, after] = entry.name.split("{}");
    return slot.layer < 0 ? entry.name.str()
                          : (before + Twine(slot.layer) + after).str();
  }
  return {};
}

std::string WeightSlot::symbol() const {
  return layer < 0 ? roleSymbol(role).str()
                   : ("layers." + Twine(layer) + "." + roleSymbol(role)).str();
}

std::vector<WeightSlot> weightSlots(const Hyperparameters &p) {
  std::vector<WeightSlot> slots;
  int64_t queries = p.heads * p.headSize, keys = p.kvHeads * p.headSize;
  slots.push_back({Role::Embed, -1, {p.vocabulary, p.width}});
  for (int64_t layer = 0; layer < p.layers; ++layer) {
    auto add = [&](bool present, Role role, SmallVector<int64_t, 2> shape) {
      if (present)
        slots.push_back({role, layer, std::move(shape)});
    };
    add(true, Role::AttnNorm, {p.width});
    add(true, Role::Q, {queries, p.width});
    add(true, Role::K, {keys, p.width});
    add(true, Role::V, {keys, p.width});
    add(p.qkvBias, Role::QBias, {queries});
    add(p.qkvBias, Role::KBias, {keys});
    add(p.qkvBias, Role::VBias, {keys});
    add(p.qkNorm, Role::QNorm, {p.headSize});
    add(p.qkNorm, Role::KNorm, {p.headSize});
    add(true, Role::O, {p.width, queries});
    add(p.outputBias, Role::OBias, {p.width});
    add(true, Role::FfnNorm, {p.width});
    add(true, Role::Gate, {p.ffn, p.width});
    add(true, Role::Up, {p.ffn, p.width});
    add(true, Role::Down, {p.width, p.ffn});
    add(p.mlpBias, Role::GateBias, {p.ffn});
    add(p.mlpBias, Role::UpBias, {p.ffn});
    add(p.mlpBias, Role::DownBias, {p.width});
  }
  slots.push_back({Role::Norm, -1, {p.width}});
  if (!p.tiedOutput)
    slots.push_back({Role::Output, -1, {p.vocabulary, p.width}});
  return slots;
}

Expected<std::vector<BoundWeight>> bindWeights(const Hyperparameters &parameters,
                                               const StoredTensors &tensors,
                                               ArrayRef<RoleName> names,
                                               function_ref<bool(StringRef)> harmless,
                                               StringRef where) {
  std::vector<BoundWeight> weights;
  std::set<std::string> used;
  for (WeightSlot &slot : weightSlots(parameters)) {
    std::string name = nameInFile(names, slot);
    if (name.empty())
      return inputError(where + ": expects no '" + slot.symbol() +
                        "' in this format, but the model needs one");
    auto found = tensors.find(name);
    if (found == tensors.end())
      return inputError(where + ": tensor '" + name + "' of shape " + shapeText(slot.shape) +
                        " is missing");
    const StoredTensor &tensor = found->second;
    if (tensor.shape != slot.shape)
      return inputError(tensor.file + ": tensor '" + name + "' expects shape " +
                        shapeText(slot.shape) + ", but got " + shapeText(tensor.shape));
    used.insert(name);
    weights.push_back({std::move(slot), tensor});
  }
  for (const auto &[name, tensor] : tensors)
    if (!used.count(name) && !harmless(name))
      return inputError(tensor.file + ": tensor '" + printable(name) +
                        "' is not understood: no part of this model uses it");
  return weights;
}

} // namespace cria
