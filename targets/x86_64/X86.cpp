//===- X86.cpp - The x86-64 target -----------------------------------------===//

#include "targets/x86_64/X86.h"
#include "targets/cpu/Cpu.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace cria;

namespace {

class X86Target : public Target {
public:
  llvm::ArrayRef<Chip> chips() const override { return x86::chips(); }

  llvm::ArrayRef<ChipSet> chipSets() const override { return x86::chipSets(); }

  const Chip &defaultChip() const override {
    return *llvm::find_if(chips(), [](const Chip &chip) { return chip.name == "x86-64-v3"; });
  }

  const Chip *nativeChip() const override {
    if (!llvm::Triple(llvm::sys::getProcessTriple()).isX86())
      return nullptr;
    llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
    const Chip *best = nullptr;
    for (const Chip &chip : chips())
      if (llvm::all_of(chip.features, [&](const Feature &feature) { return host.lookup(feature.name); }))
        best = &chip;
    return best;
  }

  Schedule schedule(const Chip &chip, const KernelKey &key) const override { return x86::schedule(chip, key); }

  bool multipliesBf16(const Chip &chip) const override { return x86::has(chip, "avx512bf16") || chip.tiles; }

  void addLowerPasses(mlir::OpPassManager &manager, const Chip &chip) const override {
    if (x86::has(chip, "amx-tile"))
      manager.addNestedPass<mlir::func::FuncOp>(x86::createLowerTiles());
    manager.addNestedPass<mlir::func::FuncOp>(cpu::createLowerTiles()); // what is left of them
    x86::LowerDotOptions dot;
    dot.vectorBytes = chip.vectorBytes;
    dot.vnni = x86::has(chip, chip.vectorBytes == 64 ? "avx512vnni" : "avxvnni");
    dot.bf16 = x86::has(chip, "avx512bf16");
    manager.addNestedPass<mlir::func::FuncOp>(x86::createLowerDot(dot));
    x86::LowerLookupOptions lookup;
    lookup.vectorBytes = chip.vectorBytes;
    manager.addNestedPass<mlir::func::FuncOp>(x86::createLowerLookup(lookup));
    manager.addNestedPass<mlir::func::FuncOp>(cpu::createLowerVectors());
    cpu::ExpandFloatsOptions floats;
    floats.fma = x86::has(chip, "fma");
    floats.f16 = x86::has(chip, "f16c");
    manager.addNestedPass<mlir::func::FuncOp>(cpu::createExpandFloats(floats));
  }

  llvm::Error emitObject(llvm::Module &module, const Chip &chip, llvm::raw_pwrite_stream &stream) const override {
    return cpu::emitObject(module, "x86_64-unknown-linux-musl", "x86-64", chip, stream);
  }

  llvm::StringRef runtimeFolder() const override { return "x86_64"; }
};

} // namespace

const Target &cria::x86Target() {
  static const X86Target target;
  return target;
}
