//===- Target.cpp - The registry of targets --------------------------------===//

#include "targets/Target.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <algorithm>

using namespace cria;

namespace {

llvm::SmallVector<const Target *> &registry() {
  static llvm::SmallVector<const Target *> targets;
  return targets;
}

} // namespace

llvm::ArrayRef<const Target *> cria::registeredTargets() { return registry(); }

void cria::registerTarget(const Target *target) { registry().push_back(target); }

int64_t cria::divisorUpTo(int64_t size, int64_t limit) {
  int64_t divisor = std::max<int64_t>(1, std::min(size, limit));
  while (size % divisor)
    --divisor;
  return divisor;
}

llvm::Expected<ChipRef> cria::lookupChip(llvm::StringRef name) {
  if (name.empty() && !registry().empty())
    return ChipRef{registry().front(), &registry().front()->defaultChip()};
  std::string known;
  for (const Target *target : registry()) {
    if (name == "native")
      if (const Chip *chip = target->nativeChip())
        return ChipRef{target, chip};
    for (const Chip &chip : target->chips()) {
      if (chip.name == name)
        return ChipRef{target, &chip};
      known += (known.empty() ? "" : ", ") + chip.name.str();
    }
  }
  if (name == "native")
    return llvm::createStringError("target 'native' expects a machine with the features of one of %s",
                                   known.c_str());
  return llvm::createStringError("unknown target '%s', expected native or one of %s", name.str().c_str(),
                                 known.c_str());
}

llvm::Expected<llvm::SmallVector<ChipRef>> cria::lookupChips(llvm::StringRef name) {
  llvm::SmallVector<ChipRef> found;
  std::string sets;
  for (const Target *target : registry())
    for (const ChipSet &set : target->chipSets()) {
      sets += set.name.str() + ", ";
      if (set.name != name)
        continue;
      for (const Chip &chip : target->chips())
        if (llvm::is_contained(set.chips, chip.name))
          found.push_back({target, &chip});
      return found;
    }
  llvm::Expected<ChipRef> chip = lookupChip(name);
  if (!chip) {
    std::string message = llvm::toString(chip.takeError());
    llvm::StringRef list = "native or one of ";
    if (size_t at = message.find(list.str()); at != std::string::npos)
      message.insert(at + list.size(), sets);
    return llvm::createStringError(message);
  }
  found.push_back(*chip);
  return found;
}

mlir::FailureOr<ChipRef> cria::chipOf(mlir::ModuleOp module) {
  auto name = module->getAttrOfType<mlir::StringAttr>(kernel::kTargetAttrName);
  if (!name)
    return module.emitError("expects a '") << kernel::kTargetAttrName << "' attribute that names a target";
  llvm::Expected<ChipRef> chip = lookupChip(name);
  if (!chip)
    return module.emitError(llvm::toString(chip.takeError()));
  return *chip;
}
