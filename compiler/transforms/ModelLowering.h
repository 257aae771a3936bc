//===- ModelLowering.h - The lowering of a model to kernels -----*- C++ -*-===//
//
// What the parts of the lowering share: structure and small ops (LowerToKernels.cpp), products
// with matrices (LowerProducts.cpp) and which of a head's matter (LowerScreen.cpp). Shapes
// are written with the dialects' letters; R is the panel height of a packed matrix [P, K, R]
// or, of BF16 in pairs of columns, [P, K / 2, R, 2].
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_MODELLOWERING_H
#define CRIA_COMPILER_TRANSFORMS_MODELLOWERING_H

#include "compiler/transforms/KernelBuilder.h"
#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Llama.h"
#include "dialects/llama/Quantization.h"
#include "targets/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"

namespace cria {

/// Lowers one module. The caches' state comes first, the rest is created on the way.
class ModelLowering {
public:
  ModelLowering(mlir::ModuleOp module, llama::ModelAttr model, ChipRef chip)
      : module(module), model(model), chip(chip), symbols(module),
        stateBuilder(mlir::OpBuilder::atBlockBegin(module.getBody())) {}

  mlir::LogicalResult run();

private:
  /// Of codes that meet codes; none for floats.
  using Format = std::optional<llama::Format>;
  static Format formatOf(llama::LinearOp op) {
    return op.getInput().getDefiningOp<llama::QuantizeRowsOp>() ? llama::codeFormat(op.getWeight()) : std::nullopt;
  }

  // Structure.
  mlir::LogicalResult lowerForward(mlir::func::FuncOp func);
  mlir::LogicalResult lowerFinish(mlir::func::FuncOp func);
  mlir::LogicalResult lowerIntoHidden(mlir::func::FuncOp func, mlir::Value hidden, KernelBuilder &b);
  mlir::Value hiddenRows(KernelBuilder &b);
  mlir::LogicalResult lowerLogits(mlir::func::FuncOp func);
  mlir::LogicalResult lowerBlock(mlir::Block &block);
  mlir::LogicalResult lowerOp(mlir::Operation *op);
  mlir::LogicalResult keep(mlir::Operation *op);
  mlir::FailureOr<mlir::func::FuncOp> entry(const llvm::Twine &name);
  void makeEntry(mlir::func::FuncOp func, mlir::Value index);

  // Ops; each returns what stands for the op's result.
  mlir::Value lower(llama::EmbedOp op, KernelBuilder &b);
  mlir::Value lower(llama::RmsNormOp op, KernelBuilder &b);
  mlir::Value lower(llama::LinearOp op, KernelBuilder &b);
  /// What reads it takes codes and scales (`run` checks that); the numbers themselves stay.
  mlir::Value lower(llama::QuantizeRowsOp op, KernelBuilder &) { return lookup(op.getInput()); }
  mlir::Value lower(llama::ScreenOp op, KernelBuilder &b);
  mlir::Value lower(llama::RoundOp op, KernelBuilder &b);
  mlir::Value lower(llama::RopeOp op, KernelBuilder &b);
  mlir::Value lower(llama::AttentionOp op, KernelBuilder &b);
  mlir::Value lower(llama::SwigluOp op, KernelBuilder &b);
  mlir::Value lower(llama::AddOp op, KernelBuilder &b);
  mlir::Value lower(llama::CacheReadOp op, KernelBuilder &b);
  mlir::Value lower(llama::CacheUpdateOp op, KernelBuilder &b);

  void lower(llama::CacheWriteOp op, KernelBuilder &b);
  void lower(llama::ObserveOp op, KernelBuilder &b);

  std::pair<mlir::Value, mlir::Value> rotated(mlir::Value rows);

  /// Groups of rows.
  struct Groups {
    int64_t tokens, count, size; ///< T, H, K
  };
  mlir::Value acrossGroups(mlir::Value x, Groups groups, double start, KernelBuilder::Body byLanes,
                           KernelBuilder::Body ofLanes, KernelBuilder &b);

  // Screened heads.
  static mlir::LogicalResult checkScreen(llama::ScreenOp op);
  mlir::Value panelsOf(mlir::Value product);
  std::pair<mlir::Value, mlir::Value> errorFactors(llama::ScreenOp op, KernelBuilder &b);

  // Products with matrices.
  int64_t panelRows(mlir::Value weight, Format format) const;
  int64_t columnsBeside(llama::LinearOp op) const;
  /// Where the source of an embedding table is multiplied by as floats, too, it lies in the artifact
  /// once, as panels: how many columns are beside each other there. Else 0.
  int64_t columnsBesideIfMatrix(mlir::Value table);
  mlir::Value packed(mlir::Value weight, Format format, int64_t columns, KernelBuilder &b);
  /// Rows [T, K] in groups, the last one filled up with zeros, as `kernel.quantize_rows` makes
  /// them: codes [T, G, 32], scales [T, G] or [T, 2 * G], sums of 32 codes [T, G] or of 16 [T, 2 * G].
  struct QuantizedRows {
    mlir::Value codes, scales, sums;
  };
  /// What else they depend on: scales, and the offset of the codes they meet.
  struct RowsKind {
    bool microscaled;
    int64_t offset;
    bool operator==(const RowsKind &other) const {
      return microscaled == other.microscaled && offset == other.offset;
    }
  };
  static RowsKind rowsKind(llama::LinearOp op);
  static int64_t sumsPerGroup(llama::LinearOp op);
  QuantizedRows quantizeRows(llama::LinearOp op, mlir::Value x, KernelBuilder &b);
  mlir::Value filledUp(mlir::Value x, int64_t width, KernelBuilder &b);
  /// What x [T, P * R] was before its parts were joined: [T, P, R]; null if it was not.
  static mlir::Value inParts(mlir::Value x) {
    auto joined = x.getDefiningOp<mlir::tensor::CollapseShapeOp>();
    return joined && joined.getSrcType().getRank() == 3 ? joined.getSrc() : mlir::Value();
  }
  llvm::SmallVector<llama::LinearOp> joinable(llama::LinearOp op);
  std::pair<mlir::Value, int64_t> joinedMatrix(llvm::ArrayRef<mlir::Value> weights, KernelBuilder &b);
  mlir::LogicalResult multiplyTogether(llvm::ArrayRef<llama::LinearOp> all, KernelBuilder &b);
  mlir::Value multiply(llama::LinearOp op, mlir::Value x, mlir::Value panels, mlir::Value init, KernelBuilder &b);

  // State.
  kernel::StateOp state(llvm::StringRef name, mlir::RankedTensorType type);
  mlir::LogicalResult planCaches();
  mlir::LogicalResult checkPositions(mlir::Operation *op, llvm::StringRef what, mlir::RankedTensorType type);
  using NamedType = std::pair<std::string, mlir::RankedTensorType>;
  void placeBesideEachOther(llvm::ArrayRef<NamedType> caches, int64_t positions);
  bool areKeys(llama::CacheUpdateOp op) const;
  bool isFused(llama::RopeOp op) const;
  static std::string scalesName(llvm::StringRef cache) { return (cache + ".scales").str(); }
  mlir::Value destination(mlir::Operation *op, llvm::ArrayRef<int64_t> shape, KernelBuilder &b);

  llama::FormatAttr formatAttr(llama::Format format) {
    return llama::FormatAttr::get(module.getContext(), format);
  }
  mlir::Value lookup(mlir::Value value) const { return values.lookupOrDefault(value); }
  static mlir::RankedTensorType tensorType(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }

  mlir::ModuleOp module;
  llama::ModelAttr model;
  ChipRef chip;
  mlir::SymbolTable symbols;
  mlir::OpBuilder stateBuilder;
  mlir::IRMapping values;
  /// Each input once of a kind, however many matrices it meets.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<std::pair<RowsKind, QuantizedRows>, 1>> quantizedRows;
  llvm::SmallVector<llama::ConcatRowsOp> joinedMatrices; ///< of the products that became one
  llvm::SmallVector<mlir::Operation *> replaced; ///< old ops, in program order
  llvm::StringSet<> keyCaches; ///< the symbols of caches that hold keys
  llvm::DenseMap<mlir::Value, mlir::Value> cacheScales; ///< of the codes of a cache
  int64_t stateBytes = 0;
  int64_t buffers = 0; ///< numbers for uninitialized tensors, see KernelBuilder
  bool chunk = false; ///< the function being lowered is the chunk's
  /// Where the op that makes the entry function's result must leave it.
  mlir::Operation *resultOp = nullptr;
  mlir::Value resultDestination; ///< [T, D] or [T, Vp]
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_MODELLOWERING_H
