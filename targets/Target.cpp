//===- Target.cpp - The registry of targets --------------------------------===//

#include "targets/Target.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

using namespace cria;

namespace {

llvm::SmallVector<const Target *> &registry() {
  static llvm::SmallVector<const Target *> targets;
  return targets;
}

constexpr llvm::StringLiteral kTargetAttr = "kernel.target";

} // namespace

llvm::ArrayRef<const Target *> cria::registeredTargets() { return registry(); }

void cria::registerTarget(const Target *target) { registry().push_back(target); }

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

mlir::FailureOr<ChipRef> cria::chipOf(mlir::ModuleOp module) {
  auto name = module->getAttrOfType<mlir::StringAttr>(kTargetAttr);
  if (!name)
    return module.emitError("expects a '") << kTargetAttr << "' attribute that names a target";
  llvm::Expected<ChipRef> chip = lookupChip(name);
  if (!chip)
    return module.emitError(llvm::toString(chip.takeError()));
  return *chip;
}
