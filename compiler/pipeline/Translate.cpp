//===- Translate.cpp - Dialects, and the way out of MLIR -------------------===//

#include "compiler/pipeline/Pipeline.h"

#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Llama.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Module.h"

using namespace mlir;

void cria::registerAllCria(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<llama::LlamaDialect, kernel::KernelDialect>();
  kernel::registerBufferizableOpInterfaceModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

std::unique_ptr<llvm::Module> cria::translateToLlvm(ModuleOp module, llvm::LLVMContext &context) {
  // Storage and sources say what the artifact holds; only functions become code.
  OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc(), module.getName());
  OpBuilder builder = OpBuilder::atBlockEnd(code->getBody());
  for (auto func : module.getOps<LLVM::LLVMFuncOp>())
    builder.clone(*func);
  return translateModuleToLLVMIR(*code, context);
}
