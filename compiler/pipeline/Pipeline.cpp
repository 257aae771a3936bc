//===- Pipeline.cpp - From a model to an object, phase by phase ------------===//

#include "compiler/pipeline/Pipeline.h"

#include "compiler/transforms/Passes.h"
#include "targets/Target.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/Threading.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace cria;

namespace {

void simplify(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void verify(OpPassManager &manager, StringRef phase, ArrayRef<std::string> allowed, bool staticMemory = false) {
  VerifyPhaseOptions options;
  options.phase = phase.str();
  options.allowed.assign(allowed.begin(), allowed.end());
  options.staticMemory = staticMemory;
  manager.addPass(createVerifyPhase(options));
}

void buildModel(OpPassManager &manager, const CompileOptions &options) {
  CastWeightsOptions cast;
  cast.type = options.weightType;
  manager.addPass(createCastWeights(cast));
  CastCachesOptions caches;
  caches.type = options.cacheType;
  manager.addPass(createCastCaches(caches));
  manager.addPass(createSplitRope());
  if (options.observe) {
    ObserveInputsOptions observe;
    observe.records = options.records;
    manager.addPass(createObserveInputs(observe));
  }
  QuantizeWeightsOptions quantize;
  quantize.format = options.quantize;
  quantize.keepStored = options.weightType.empty();
  manager.addPass(createQuantizeWeights(quantize));
  manager.addNestedPass<func::FuncOp>(createRoundInputs());
  // Shapes last: the passes above are the same for one token and for many.
  manager.addPass(createSpecializeSteps());
  manager.addPass(createDeferLastLayer());
  if (options.screen)
    manager.addPass(createScreenLogits());
  simplify(manager);
  verify(manager, "model", {"func", "llama", "arith"});
}

void buildKernel(OpPassManager &manager, const CompileOptions &) {
  manager.addPass(createLowerToKernels());
  // Only now are layers that differ in shape or precision told apart.
  manager.addPass(createOutlineLayers());
  manager.addPass(createLayOutWeights());
  simplify(manager);
  verify(manager, "kernel", {"func", "linalg", "tensor", "kernel", "arith", "math"});
}

void buildSchedule(OpPassManager &manager, const CompileOptions &) {
  manager.addPass(createSplitAttention());
  manager.addPass(createSelectSchedules());
  manager.addNestedPass<func::FuncOp>(createDistribute());
  manager.addNestedPass<func::FuncOp>(createSkipScreened());
  simplify(manager);
  verify(manager, "schedule", {"func", "linalg", "tensor", "kernel", "arith", "math", "scf", "affine"});
}

void buildVector(OpPassManager &manager, const CompileOptions &) {
  manager.addNestedPass<func::FuncOp>(createVectorizeMatmul());
  manager.addNestedPass<func::FuncOp>(createVectorizeBlockMatmul());
  manager.addNestedPass<func::FuncOp>(createVectorizeBlockGather());
  manager.addNestedPass<func::FuncOp>(createVectorizeQuantizeRows());
  manager.addNestedPass<func::FuncOp>(createVectorizeAttention());
  manager.addNestedPass<func::FuncOp>(createVectorizeMergeParts());
  manager.addNestedPass<func::FuncOp>(createVectorizeAppend());
  manager.addNestedPass<func::FuncOp>(createVectorizeElementwise());
  simplify(manager);
  manager.addNestedPass<func::FuncOp>(createHoistInvariants());
  simplify(manager);
  verify(manager, "vector", {"func", "linalg", "tensor", "kernel", "arith", "math", "scf", "affine", "vector", "ub"});
}

void buildBuffer(OpPassManager &manager, const CompileOptions &) {
  manager.addPass(createBufferize());
  // Reshapes there and back fold away first: then a function's result is seen to
  // be the argument that it was written into.
  simplify(manager);
  manager.addPass(bufferization::createDropEquivalentBufferResultsPass());
  manager.addNestedPass<func::FuncOp>(createReplicate());
  manager.addPass(createPlanMemory());
  manager.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  simplify(manager);
  verify(manager, "buffer", {"func", "kernel", "arith", "math", "scf", "affine", "vector", "ub", "memref", "llvm"},
         /*staticMemory=*/true);
}

/// Adds the passes that are the target's own, found through the module.
struct TargetLowering : PassWrapper<TargetLowering, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TargetLowering)
  StringRef getArgument() const override { return "cria-target-lowering"; }
  StringRef getDescription() const override { return "the lowerings of the module's target"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<vector::VectorDialect, memref::MemRefDialect, arith::ArithDialect, math::MathDialect,
                    affine::AffineDialect, scf::SCFDialect>();
  }
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation());
    if (failed(chip))
      return signalPassFailure();
    OpPassManager manager(ModuleOp::getOperationName());
    chip->target->addLowerPasses(manager, *chip->chip);
    if (failed(runPipeline(manager, getOperation())))
      signalPassFailure();
  }
};

void buildLower(OpPassManager &manager, const CompileOptions &) {
  manager.addPass(createLowerForall());
  manager.addPass(std::make_unique<TargetLowering>());
  simplify(manager);
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  // Every buffer has a static shape, so an argument is its address alone.
  ConvertFuncToLLVMPassOptions func;
  func.useBarePtrCallConv = true;
  manager.addPass(createConvertFuncToLLVMPass(func));
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  simplify(manager);
  verify(manager, "lower", {"llvm"});
}

constexpr Phase kPhases[] = {
    {"model", "decide every precision and shape", buildModel},
    {"kernel", "the model as linalg and kernel ops, weights and state as storage", buildKernel},
    {"schedule", "cut kernels for threads and registers, as the target says", buildSchedule},
    {"vector", "inner tiles as vectors", buildVector},
    {"buffer", "tensors as buffers at static places", buildBuffer},
    {"lower", "the target's last lowerings, to the llvm dialect", buildLower},
};

} // namespace

llvm::ArrayRef<Phase> cria::phases() { return kPhases; }

bool cria::isPhase(StringRef name) {
  return name == "import" || llvm::any_of(kPhases, [&](const Phase &phase) { return phase.name == name; });
}

/// Runs the phases behind `from` up to and including `to`; `import` comes before all.
static LogicalResult runPhases(ModuleOp module, const CompileOptions &options, StringRef from, StringRef to) {
  bool inside = from == "import";
  for (const Phase &phase : phases()) {
    if (from == to)
      return success();
    if (inside) {
      PassManager manager(module.getContext());
      // Once a phase: after every pass, as cria-opt does it, compiling takes a quarter longer.
      manager.enableVerifier(false);
      phase.build(manager, options);
      if (failed(manager.run(module)) || failed(mlir::verify(module)))
        return failure();
      from = phase.name;
    }
    inside |= from == phase.name;
  }
  return success();
}

static void setChip(ModuleOp module, const ChipRef &chip) {
  module->setAttr(kernel::kTargetAttrName, StringAttr::get(module.getContext(), chip.chip->name));
}

LogicalResult cria::runPhases(ModuleOp module, const CompileOptions &options, StringRef stopAfter) {
  if (!stopAfter.empty() && !isPhase(stopAfter))
    return module.emitError("expects a phase to stop after, but got '") << stopAfter << "'";
  llvm::Expected<ChipRef> chip = lookupChip(options.target);
  if (!chip)
    return module.emitError(llvm::toString(chip.takeError()));
  setChip(module, *chip);
  return ::runPhases(module, options, "import", stopAfter);
}

/// Fails where the constants of two modules are not the same op for op.
static LogicalResult compareConstants(ModuleOp first, ModuleOp second) {
  auto same = [](kernel::ConstantOp a, kernel::ConstantOp b) {
    return OperationEquivalence::isEquivalentTo(a, b, OperationEquivalence::IgnoreLocations);
  };
  auto ours = first.getOps<kernel::ConstantOp>(), theirs = second.getOps<kernel::ConstantOp>();
  for (auto a = ours.begin(), b = theirs.begin();; ++a, ++b) {
    bool end = a == ours.end();
    if (end && b == theirs.end())
      return success();
    if (end || b == theirs.end() || !same(*a, *b))
      return (end ? *b : *a).emitOpError("expects to lie at one place and in one layout for every chip, but does not for ")
             << first->getAttr(kernel::kTargetAttrName) << " and " << second->getAttr(kernel::kTargetAttrName);
  }
}

/// Loads what the phases need: that is no longer possible where modules run beside each other.
static void loadDialects(MLIRContext &context, const CompileOptions &options) {
  DialectRegistry registry;
  OpPassManager manager(ModuleOp::getOperationName());
  for (const Phase &phase : phases())
    phase.build(manager, options);
  manager.getDependentDialects(registry);
  context.appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context.getOrLoadDialect(name);
}

FailureOr<llvm::SmallVector<OwningOpRef<ModuleOp>>> cria::runPhases(ModuleOp module, const CompileOptions &options,
                                                                    llvm::ArrayRef<ChipRef> chips) {
  // What the model phase decides does not depend on the chip.
  if (failed(::runPhases(module, options, "import", "model")))
    return failure();
  llvm::SmallVector<OwningOpRef<ModuleOp>> levels;
  for (const ChipRef &chip : chips) {
    levels.push_back(module.clone());
    setChip(*levels.back(), chip);
  }
  MLIRContext *context = module.getContext();
  loadDialects(*context, options);
  if (failed(failableParallelForEach(context, levels, [&](OwningOpRef<ModuleOp> &level) {
        return ::runPhases(*level, options, "model", "lower");
      })))
    return failure();
  for (OwningOpRef<ModuleOp> &level : levels)
    if (failed(compareConstants(*levels.front(), *level)))
      return failure();
  return levels;
}

void cria::registerCriaPasses() {
  registerCriaTransformPasses();
  PassRegistration<TargetLowering>();
  for (const Phase &phase : phases())
    PassPipelineRegistration<>(("cria-" + phase.name).str(), phase.summary,
                               [build = phase.build](OpPassManager &manager) { build(manager, CompileOptions()); });
}
