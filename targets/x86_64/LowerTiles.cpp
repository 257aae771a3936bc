//===- LowerTiles.cpp - Products of tiles on AMX ---------------------------===//
//
// AMX has eight registers of 16 rows of 64 bytes. A step takes a tile of rows, one of a
// panel, which lies in memory just so, and adds their product to a tile of sums:
//
//   BF16   2 x 2 tiles of sums, 2 of rows, 2 of panels; a loop over the columns
//   bytes  one of each, where K is a group of 16 or 32 columns
//
// LLVM finds the registers and configures them, once for a function. What it cannot do
// is give one register two shapes within a function: it then fails. So as many tiles are
// used at once as the shapes of the function's other products leave registers for.
//
// The `amx` dialect is passed by: its tiles live in loops, whose types are converted
// before memory is, and its ops want memory to be converted with them. The intrinsics
// that it becomes are as short.
//
//===----------------------------------------------------------------------===//

#include "targets/x86_64/X86.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <set>

using namespace mlir;

namespace cria::x86 {
#define GEN_PASS_DEF_LOWERTILES
#include "targets/x86_64/Passes.h.inc"
} // namespace cria::x86

using namespace cria;

namespace {

constexpr int64_t kRegisters = 8, kMostRows = 16, kRowBytes = 64;

/// Of a tile: rows, and bytes of each.
using Shape = std::pair<int64_t, int64_t>;

/// How a product is cut into tiles.
struct Cut {
  explicit Cut(kernel::TileMatmulOp op) {
    auto rows = cast<MemRefType>(op.getRows().getType()), sums = cast<MemRefType>(op.getDestination().getType());
    int64_t m = rows.getDimSize(0), step = op.getStep() * rows.getElementTypeBitWidth() / 8;
    height = divisorUpTo(m, kMostRows);
    left = {height, step};
    right = {step / 4, 4 * sums.getDimSize(2)};
    result = {height, 4 * sums.getDimSize(2)};
  }
  bool fits() const { return result.second <= kRowBytes; }

  int64_t height;             ///< rows of the input in a tile
  Shape left, right, result;  ///< of rows, panels and sums
};

class TileKernel {
public:
  /// At most `registers` tiles are alive at once; at least 3.
  TileKernel(kernel::TileMatmulOp op, int64_t registers, OpBuilder &builder)
      : op(op), cut(op), b(builder), loc(op.getLoc()), converter(builder.getContext()),
        tile(LLVM::LLVMX86AMXType::get(builder.getContext())) {
    // Sums, rows and panels: 2 + 2 + 1 registers of two tiles, 4 + 2 + 2 of four.
    rowTiles = registers >= 5 ? 2 : 1;
    panelTiles = registers >= 8 ? 2 : 1;
  }

  void build() {
    auto sums = cast<MemRefType>(op.getDestination().getType());
    int64_t heights = sums.getDimSize(0) / cut.height, panels = sums.getDimSize(1);
    for (int64_t t = 0; t < heights; t += rowTiles)
      for (int64_t p = 0; p < panels; p += panelTiles)
        multiply(t, std::min(heights, t + rowTiles), p, std::min(panels, p + panelTiles));
  }

private:
  /// Tiles [t, tEnd) of rows times panels [p, pEnd).
  void multiply(int64_t t, int64_t tEnd, int64_t p, int64_t pEnd) {
    SmallVector<Value> sums;
    for (int64_t i = t; i < tEnd; ++i)
      for (int64_t j = p; j < pEnd; ++j)
        sums.push_back(op.getAccumulate() ? load(op.getDestination(), {index(i * cut.height), index(j), index(0)},
                                                 sumStride(), cut.result)
                                          : intrinsic("tilezero", tile, shape(cut.result)));
    int64_t columns = cast<MemRefType>(op.getRows().getType()).getDimSize(1), step = op.getStep();
    if (columns == step) {
      addStep(index(0), t, tEnd, p, pEnd, sums);
    } else {
      auto loop = scf::ForOp::create(b, loc, index(0), index(columns / step), index(1), sums);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> inner(loop.getRegionIterArgs());
      addStep(loop.getInductionVar(), t, tEnd, p, pEnd, inner);
      scf::YieldOp::create(b, loc, inner);
      sums.assign(loop.getResults().begin(), loop.getResults().end());
    }
    size_t number = 0;
    for (int64_t i = t; i < tEnd; ++i)
      for (int64_t j = p; j < pEnd; ++j) {
        SmallVector<Value> operands = shape(cut.result);
        operands.append({pointer(op.getDestination(), {index(i * cut.height), index(j), index(0)}),
                         integer(64, sumStride()), sums[number++]});
        intrinsic("tilestored64", {}, operands);
      }
  }

  /// `sums` with the products of step `number` added.
  void addStep(Value number, int64_t t, int64_t tEnd, int64_t p, int64_t pEnd, SmallVectorImpl<Value> &sums) {
    Value column = times(number, op.getStep()), place = times(number, cut.right.first);
    SmallVector<Value> lefts, rights;
    for (int64_t i = t; i < tEnd; ++i)
      lefts.push_back(load(op.getRows(), {index(i * cut.height), column}, stride(op.getRows(), 0), cut.left));
    for (int64_t j = p; j < pEnd; ++j)
      rights.push_back(load(op.getPanels(), {index(j), place, index(0)}, stride(op.getPanels(), 1), cut.right));
    bool floats = getElementTypeOrSelf(op.getRows()).isBF16();
    Value *sum = sums.begin();
    for (Value left : lefts)
      for (Value right : rights) {
        Value operands[] = {integer(16, cut.height), integer(16, cut.result.second), integer(16, cut.left.second), *sum,
                            left, right};
        *sum++ = intrinsic(floats ? "tdpbf16ps" : "tdpbssd", tile, operands);
      }
  }

  Value load(Value memory, ArrayRef<Value> place, int64_t strideBytes, Shape of) {
    SmallVector<Value> operands = shape(of);
    operands.append({pointer(memory, place), integer(64, strideBytes)});
    return intrinsic("tileloadd64", tile, operands);
  }

  Value pointer(Value memory, ArrayRef<Value> place) {
    auto type = cast<MemRefType>(memory.getType());
    Value descriptor =
        UnrealizedConversionCastOp::create(b, loc, converter.convertType(type), memory).getResult(0);
    SmallVector<Value> indices;
    for (Value number : place)
      indices.push_back(arith::IndexCastOp::create(b, loc, b.getI64Type(), number));
    return LLVM::getStridedElementPtr(b, loc, converter, type, descriptor, indices);
  }

  /// Bytes from one row of `memory` to the next, along dimension `dim`.
  int64_t stride(Value memory, unsigned dim) {
    auto type = cast<MemRefType>(memory.getType());
    return type.getStridesAndOffset().first[dim] * type.getElementTypeBitWidth() / 8;
  }
  int64_t sumStride() { return stride(op.getDestination(), 0); }

  Value intrinsic(StringRef name, Type result, ValueRange operands) {
    StringAttr full = b.getStringAttr("llvm.x86." + name + ".internal");
    auto call = result ? LLVM::CallIntrinsicOp::create(b, loc, result, full, operands)
                       : LLVM::CallIntrinsicOp::create(b, loc, full, operands);
    return result ? call.getResult(0) : Value();
  }
  SmallVector<Value> shape(Shape of) { return {integer(16, of.first), integer(16, of.second)}; }
  Value integer(unsigned bits, int64_t value) { return arith::ConstantIntOp::create(b, loc, value, bits); }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value times(Value value, int64_t factor) { return arith::MulIOp::create(b, loc, value, index(factor)); }

  kernel::TileMatmulOp op;
  Cut cut;
  OpBuilder &b;
  Location loc;
  LLVMTypeConverter converter;
  Type tile;
  int64_t rowTiles, panelTiles; ///< tiles of rows, and panels, of which sums are in registers
};

struct LowerTiles : x86::impl::LowerTilesBase<LowerTiles> {
  void runOnOperation() override {
    SmallVector<kernel::TileMatmulOp> ops;
    getOperation().walk([&](kernel::TileMatmulOp op) {
      if (isa<MemRefType>(op.getDestination().getType()) && Cut(op).fits())
        ops.push_back(op);
    });
    std::set<Shape> shapes;
    for (kernel::TileMatmulOp op : ops) {
      Cut cut(op);
      shapes.insert({cut.left, cut.right, cut.result});
    }
    for (kernel::TileMatmulOp op : ops) {
      Cut cut(op);
      std::set<Shape> own = {cut.left, cut.right, cut.result};
      int64_t registers = kRegisters - (int64_t(shapes.size()) - int64_t(own.size()));
      if (registers < 3) { // shapes enough: this one stays with vectors
        op.emitRemark("expects at most ") << kRegisters << " shapes of tiles in a function, but got " << shapes.size();
        continue;
      }
      OpBuilder builder(op);
      TileKernel(op, registers, builder).build();
      op.erase();
    }
  }
};

} // namespace
