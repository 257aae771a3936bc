//===- LowerTiles.cpp - Products of tiles, on vectors ----------------------===//

#include "targets/cpu/Cpu.h"

using namespace mlir;

namespace cria::cpu {
#define GEN_PASS_DEF_LOWERTILES
#include "targets/cpu/Passes.h.inc"
} // namespace cria::cpu

using namespace cria;

namespace {

class TileLoops {
public:
  TileLoops(kernel::TileMatmulOp op, OpBuilder &builder)
      : op(op), b(builder), loc(op.getLoc()), rows(cast<MemRefType>(op.getRows().getType())),
        sums(cast<MemRefType>(op.getDestination().getType())),
        type(VectorType::get({sums.getDimSize(2)}, sums.getElementType())),
        words(type.clone(builder.getI32Type())), zero(index(0)) {}

  void build() {
    loop(sums.getDimSize(0), {}, [&](Value t, ValueRange) -> SmallVector<Value> {
      loop(sums.getDimSize(1), {}, [&](Value p, ValueRange) -> SmallVector<Value> {
        Value start = constant(type, 0);
        if (op.getAccumulate())
          start = vector::LoadOp::create(b, loc, type, op.getDestination(), ValueRange{t, p, zero});
        Value sum = rows.getElementType().isBF16() ? multiplyFloats(t, p, start) : multiplyBytes(t, p, start);
        vector::StoreOp::create(b, loc, sum, op.getDestination(), ValueRange{t, p, zero});
        return {};
      });
      return {};
    });
  }

private:
  /// `sum` [R] with row t's products with panel p added, a step at a time.
  Value multiplyFloats(Value t, Value p, Value sum) {
    int64_t step = op.getStep();
    return loop(rows.getDimSize(1) / step, sum, [&](Value number, ValueRange sum) -> SmallVector<Value> {
      Value first = arith::MulIOp::create(b, loc, number, index(step / 2)), none = constant(type, 0);
      SmallVector<Value> parts = loop(step / 2, {none, none}, [&](Value pair, ValueRange parts) -> SmallVector<Value> {
        auto [weights, row] = read(t, p, arith::AddIOp::create(b, loc, first, pair));
        SmallVector<Value> next;
        for (bool odd : {false, true}) // the upper half is the second in memory
          next.push_back(vector::FMAOp::create(b, loc, kernel::widenHalf(b, loc, weights, odd),
                                               kernel::widenHalf(b, loc, row, odd), parts[odd]));
        return next;
      });
      Value both = arith::AddFOp::create(b, loc, parts[0], parts[1]);
      return {arith::AddFOp::create(b, loc, sum[0], both)};
    })[0];
  }

  Value multiplyBytes(Value t, Value p, Value sum) {
    auto bytes = VectorType::get({4 * type.getNumElements()}, b.getI8Type());
    Value flip = constant(bytes, 0x80);
    SmallVector<Value> parts = loop(rows.getDimSize(1) / 4, {sum, constant(type, 0)}, [&](Value four, ValueRange parts) {
      auto [weights, row] = read(t, p, four);
      Value activations = vector::ExtractOp::create(b, loc, row, 0);
      Value shifted = arith::XOrIOp::create(b, loc, vector::BitCastOp::create(b, loc, bytes, weights), flip);
      return SmallVector<Value>{kernel::DotOp::create(b, loc, type, parts[0], shifted, activations),
                                kernel::DotOp::create(b, loc, type, parts[1], flip, activations)};
    });
    return arith::SubIOp::create(b, loc, parts[0], parts[1]);
  }

  /// 32 bits of every row of panel p, columns c * place on, and of row t in every lane.
  std::pair<Value, Value> read(Value t, Value p, Value place) {
    int64_t beside = 32 / rows.getElementTypeBitWidth();
    Value weights = vector::LoadOp::create(b, loc, VectorType::get({beside * type.getNumElements()}, rows.getElementType()),
                                           op.getPanels(), ValueRange{p, place, zero});
    Value column = arith::MulIOp::create(b, loc, place, index(beside));
    Value row = vector::LoadOp::create(b, loc, VectorType::get({beside}, rows.getElementType()), op.getRows(),
                                       ValueRange{t, column});
    Value word = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), row);
    return {vector::BitCastOp::create(b, loc, words, weights),
            vector::BroadcastOp::create(b, loc, words, vector::ExtractOp::create(b, loc, word, 0))};
  }

  SmallVector<Value> loop(int64_t count, ValueRange values,
                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto loop = scf::ForOp::create(b, loc, zero, index(count), index(1), values);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> results = body(loop.getInductionVar(), loop.getRegionIterArgs());
    if (!values.empty()) // else the terminator is there
      scf::YieldOp::create(b, loc, results);
    return loop.getResults();
  }

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value constant(VectorType type, int64_t value) {
    Attribute element = isa<FloatType>(type.getElementType())
                            ? Attribute(b.getFloatAttr(type.getElementType(), double(value)))
                            : Attribute(b.getIntegerAttr(type.getElementType(), APInt(type.getElementTypeBitWidth(), value)));
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, element));
  }

  kernel::TileMatmulOp op;
  OpBuilder &b;
  Location loc;
  MemRefType rows, sums;
  VectorType type, words; ///< of R sums; of as many 32 bits
  Value zero;
};

struct LowerTiles : cpu::impl::LowerTilesBase<LowerTiles> {
  void runOnOperation() override {
    getOperation().walk([](kernel::TileMatmulOp op) {
      if (!isa<MemRefType>(op.getDestination().getType()))
        return;
      OpBuilder builder(op);
      TileLoops(op, builder).build();
      op.erase();
    });
  }
};

} // namespace
