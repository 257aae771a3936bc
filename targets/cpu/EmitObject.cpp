//===- EmitObject.cpp - LLVM IR becomes an object --------------------------===//

#include "targets/cpu/Cpu.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace cria;

namespace {

std::string featureString(const Chip &chip) {
  std::string text;
  for (const Feature &feature : chip.features)
    text += (text.empty() ? "+" : ",+") + feature.name.str();
  return text;
}

std::unique_ptr<llvm::TargetMachine> makeMachine(llvm::StringRef tripleName, const Chip &chip, std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
  });
  llvm::Triple triple(tripleName);
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.FunctionSections = true;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, chip.llvmCpu, featureString(chip), options, llvm::Reloc::PIC_,
                                  llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
}

void setAttributes(llvm::Module &module, const Chip &chip) {
  std::string width = std::to_string(8 * chip.vectorBytes);
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", chip.llvmCpu);
    function.addFnAttr("target-features", featureString(chip));
    // LLVM prefers narrow vectors on some chips; our kernels chose theirs.
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

} // namespace

llvm::Error cpu::emitObject(llvm::Module &module, llvm::StringRef triple, const Chip &chip,
                            llvm::raw_pwrite_stream &stream) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(triple, chip, error);
  if (!machine)
    return llvm::createStringError(error);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  setAttributes(module, chip);
  optimize(module, *machine);
  llvm::legacy::PassManager emission;
  if (machine->addPassesToEmitFile(emission, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("LLVM cannot write objects for %s", triple.str().c_str());
  emission.run(module);
  return llvm::Error::success();
}
