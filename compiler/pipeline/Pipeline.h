//===- Pipeline.h - From a model to an object, phase by phase ----*- C++ -*-===//
//
// One table of phases: the driver walks it, `--stop-after` names its rows, and
// `cria-opt` exposes each row as the pipeline `cria-<phase>`.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_PIPELINE_PIPELINE_H
#define CRIA_COMPILER_PIPELINE_PIPELINE_H

#include "targets/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace cria {

/// What a user decides about a compilation.
struct CompileOptions {
  std::string target;     ///< a chip's name, or "native"; empty: the default
  std::string quantize;   ///< as QuantizeRules.h says; empty: no
  std::string weightType; ///< "f32", "f16", "bf16"; empty: as stored
  std::string cacheType;  ///< of keys and values: "f32", "f16", "bf16", "q8"; empty: f32
  bool screen = true;     ///< for one token, leave out logits that a copy of the head tells do not matter
  bool observe = false;   ///< look at what matrices are multiplied by …
  std::string records;    ///< … as recorded in this file; empty: leave it to be recorded
};

/// One phase of the design: after it, only some ops may remain.
struct Phase {
  llvm::StringLiteral name;    ///< as `--stop-after` takes it
  llvm::StringLiteral summary; ///< one line
  /// Adds the phase's passes and, last, the verifier of what may remain.
  void (*build)(mlir::OpPassManager &manager, const CompileOptions &options);
};

/// All phases between the frontend and the object, in order.
llvm::ArrayRef<Phase> phases();

/// Whether `name` is that of a phase, or `import`, which comes before all.
bool isPhase(llvm::StringRef name);

/// Runs the phases up to and including `stopAfter` (empty: all) on an imported
/// module. `import` as `stopAfter` runs none. Problems are diagnostics.
mlir::LogicalResult runPhases(mlir::ModuleOp module, const CompileOptions &options,
                              llvm::StringRef stopAfter = "");

/// Runs all phases on an imported module for each of `chips`, from the kernel phase on
/// beside each other. The modules differ in code and state; their constants are the same,
/// place by place, so that an artifact holds them once: a diagnostic says where a target's
/// layouts break that.
mlir::FailureOr<llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>>>
runPhases(mlir::ModuleOp module, const CompileOptions &options, llvm::ArrayRef<ChipRef> chips);

/// The functions of a module after the last phase, as LLVM IR. Null, with a
/// diagnostic, if it cannot be translated.
std::unique_ptr<llvm::Module> translateToLlvm(mlir::ModuleOp module, llvm::LLVMContext &context);

/// Makes every dialect, interface and translation known that the phases use.
void registerAllCria(mlir::DialectRegistry &registry);

/// Registers our passes and each phase as a pipeline with `cria-opt`.
void registerCriaPasses();

} // namespace cria

#endif // CRIA_COMPILER_PIPELINE_PIPELINE_H
