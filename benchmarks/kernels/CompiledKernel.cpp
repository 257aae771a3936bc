//===- CompiledKernel.cpp - A few ops of a model, ready to run -------------===//

#include "benchmarks/kernels/CompiledKernel.h"

#include "compiler/artifact/ModelTable.h"
#include "compiler/weights/Evaluator.h"
#include "targets/Target.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace cria;
using namespace mlir;

static llvm::Error failure(const char *what) {
  return llvm::createStringError("%s", what);
}

/// The object of `module`, after all phases.
static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emitObject(ModuleOp module) {
  FailureOr<ChipRef> chip = chipOf(module);
  if (failed(chip))
    return failure("the module has no target");
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateToLlvm(module, context);
  if (!code || failed(addModelTable(module, *chip, {"benchmark", "benchmark"}, 0, 1, *code)))
    return failure("the module cannot be translated");
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  if (llvm::Error error = chip->target->emitObject(*code, *chip->chip, stream))
    return std::move(error);
  return llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object.data(), object.size()), "kernel.o");
}

/// The constants of `module`, in a mapped file without a name.
static llvm::Expected<void *> evaluateConstants(ModuleOp module) {
  llvm::SmallString<128> path;
  int file = -1;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("cria-kernel", "weights", file, path))
    return llvm::errorCodeToError(code);
  llvm::sys::fs::remove(path);
  uint64_t bytes = constantsBytes(module);
  void *weights = MAP_FAILED;
  OutputFile out(file, bytes);
  if (ftruncate(file, off_t(bytes)) == 0 &&
      succeeded(writeConstants(module, out, 0, path, [](uint64_t, uint64_t, uint64_t, uint64_t) {})))
    weights = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (weights == MAP_FAILED)
    return failure("the weights cannot be written to a temporary file and mapped");
  return weights;
}

llvm::Expected<std::unique_ptr<CompiledKernel>> CompiledKernel::make(const std::string &source,
                                                                     const CompileOptions &options) {
  DialectRegistry registry;
  registerAllCria(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
  if (!module || failed(runPhases(*module, options)))
    return failure("the kernel cannot be compiled");
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> object = emitObject(*module);
  if (!object)
    return object.takeError();
  llvm::Expected<void *> weights = evaluateConstants(*module);
  if (!weights)
    return weights.takeError();

  std::unique_ptr<CompiledKernel> kernel(new CompiledKernel);
  kernel->weights = *weights;
  static bool initialized = !llvm::InitializeNativeTarget() && !llvm::InitializeNativeTargetAsmPrinter();
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit = llvm::orc::LLJITBuilder().create();
  if (!initialized || !jit)
    return jit ? failure("LLVM has no native target") : jit.takeError();
  kernel->jit = std::move(*jit);
  llvm::orc::JITDylib &library = kernel->jit->getMainJITDylib();
  // Of this program the code needs the barrier, which is not exported, and libc.
  auto barrier = llvm::orc::ExecutorSymbolDef(llvm::orc::ExecutorAddr::fromPtr(&cria_barrier),
                                              llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable);
  if (llvm::Error error =
          library.define(llvm::orc::absoluteSymbols({{kernel->jit->mangleAndIntern("cria_barrier"), barrier}})))
    return std::move(error);
  auto libc = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      kernel->jit->getDataLayout().getGlobalPrefix());
  if (!libc)
    return libc.takeError();
  library.addGenerator(std::move(*libc));
  if (llvm::Error error = kernel->jit->addObjectFile(std::move(*object)))
    return std::move(error);
  llvm::Expected<llvm::orc::ExecutorAddr> table = kernel->jit->lookup("cria_models");
  if (!table)
    return table.takeError();
  kernel->model = table->toPtr<const CriaModel *const *(*)()>()()[0];
  return kernel;
}

CompiledKernel::~CompiledKernel() {
  if (weights && model)
    munmap(weights, model->weights_bytes);
}
