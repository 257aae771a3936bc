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
  llvm::StringRef name() const override { return "x86_64"; }
  llvm::ArrayRef<Chip> chips() const override { return x86::chips(); }

  const Chip *nativeChip() const override {
    if (!llvm::Triple(llvm::sys::getProcessTriple()).isX86())
      return nullptr;
    llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
    const Chip *newest = nullptr;
    for (const Chip &chip : chips())
      if (llvm::all_of(chip.features, [&](const Feature &feature) { return host.lookup(feature.name); }))
        newest = &chip;
    return newest;
  }

  Schedule schedule(const Chip &chip, const KernelKey &key) const override { return x86::schedule(chip, key); }

  void addLowerPasses(mlir::OpPassManager &manager, const Chip &chip) const override {
    x86::LowerDotOptions dot;
    dot.vnni = x86::has(chip, "avx512vnni");
    dot.wide = x86::has(chip, "avx512bw");
    manager.addNestedPass<mlir::func::FuncOp>(x86::createLowerDot(dot));
    manager.addNestedPass<mlir::func::FuncOp>(cpu::createLowerVectors());
  }

  llvm::Error emitObject(llvm::Module &module, const Chip &chip, llvm::raw_pwrite_stream &stream) const override {
    return cpu::emitObject(module, "x86_64-unknown-linux-musl", chip, stream);
  }

  llvm::StringRef runtimeFolder() const override { return "x86_64"; }
};

} // namespace

const Target &cria::x86Target() {
  static const X86Target target;
  return target;
}
