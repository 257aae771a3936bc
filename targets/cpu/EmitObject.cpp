//===- EmitObject.cpp - LLVM IR becomes an object --------------------------===//

#include "targets/cpu/Cpu.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
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

std::unique_ptr<llvm::TargetMachine> makeMachine(llvm::StringRef tripleName, llvm::StringRef baseline,
                                                 const Chip &chip, std::string &error) {
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
      target->createTargetMachine(triple, baseline, featureString(chip), options, llvm::Reloc::PIC_,
                                  llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
}

void setAttributes(llvm::Module &module, llvm::StringRef baseline, const Chip &chip) {
  std::string width = std::to_string(8 * chip.vectorBytes);
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", baseline);
    function.addFnAttr("tune-cpu", chip.llvmCpu);
    function.addFnAttr("target-features", featureString(chip));
    // LLVM prefers narrow vectors on some chips; our kernels chose theirs.
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    // Layers, all that could be inlined, keep what `llvm.fake.use` says of order, which inlining drops.
    function.addFnAttr(llvm::Attribute::NoInline);
  }
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  // What is a vector and how often a loop is unrolled has been decided.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.LoopInterleaving = tuning.SLPVectorization = tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

/// What generated code may leave undefined (runtime/README.md). A call to anything
/// else is a lowering that is missing for the chip.
llvm::Error checkSymbols(llvm::StringRef object) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!flags || !name)
      return flags ? name.takeError() : flags.takeError();
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty() &&
        !name->starts_with("cria_") && !llvm::is_contained({"memcpy", "memmove", "memset"}, *name))
      return llvm::createStringError("generated code expects to call the runtime's own functions only, but got '%s'",
                                     name->str().c_str());
  }
  return llvm::Error::success();
}

} // namespace

llvm::Error cpu::emitObject(llvm::Module &module, llvm::StringRef triple, llvm::StringRef baseline,
                            const Chip &chip, llvm::raw_pwrite_stream &stream) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(triple, baseline, chip, error);
  if (!machine)
    return llvm::createStringError(error);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  setAttributes(module, baseline, chip);
  optimize(module, *machine);
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream objectStream(object);
  llvm::legacy::PassManager emission;
  if (machine->addPassesToEmitFile(emission, objectStream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("LLVM cannot write objects for %s", triple.str().c_str());
  emission.run(module);
  if (llvm::Error undefined = checkSymbols(objectStream.str()))
    return undefined;
  stream << objectStream.str();
  return llvm::Error::success();
}
