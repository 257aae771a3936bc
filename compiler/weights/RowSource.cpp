//===- RowSource.cpp - A weight expression, some rows at a time ------------===//

#include "compiler/weights/RowSource.h"
#include "compiler/weights/RopeTable.h"

#include "dialects/llama/Llama.h"
#include "dialects/llama/Synthetic.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;
using namespace cria;

RowShape cria::rowShape(RankedTensorType type) {
  int64_t rows = type.getDimSize(0);
  return {rows, type.getNumElements() / rows};
}

Storage cria::storageOf(Type elementType) {
  return elementType.isF16() ? Storage::F16 : elementType.isBF16() ? Storage::BF16 : Storage::F32;
}

FailureOr<StringRef> MappedFiles::contents(Operation *user, StringRef path) {
  std::unique_ptr<llvm::MemoryBuffer> &file = files[path];
  if (!file) {
    auto opened = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!opened)
      return user->emitError() << path << ": cannot be read: " << opened.getError().message();
    file = std::move(*opened);
  }
  return file->getBuffer();
}

namespace {

/// A tensor in a file, at one of the float types.
class StoredRows : public RowSource {
public:
  StoredRows(StringRef bytes, Storage storage, int64_t columns)
      : bytes(bytes), storage(storage), columns(columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    toF32(storage, bytes.data() + begin * columns * bytesOf(storage), count * columns, out);
  }

private:
  StringRef bytes;
  Storage storage;
  int64_t columns;
};

/// A tensor in a file, in blocks of 32 along its last dimension. The rows of a
/// vector are its elements: then a range of rows begins and ends within blocks.
class BlockRows : public RowSource {
public:
  BlockRows(StringRef bytes, llama::Encoding encoding, int64_t columns)
      : bytes(bytes), encoding(encoding), columns(columns), blocks(columns / kBlock) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    int64_t next = begin * columns, end = next + count * columns;
    while (next < end) {
      int64_t within = next % kBlock, whole = (end - next) / kBlock;
      if (within == 0 && whole > 0) {
        decode(next / kBlock, whole, out);
        next += whole * kBlock;
        out += whole * kBlock;
        continue;
      }
      float block[kBlock];
      decode(next / kBlock, 1, block);
      int64_t part = std::min(kBlock - within, end - next);
      std::copy_n(block + within, part, out);
      next += part;
      out += part;
    }
  }

  bool readCodes(int64_t row, llama::Format format, llama::CodeGroup *out) const override {
    bool q8 = encoding == llama::Encoding::Q8_0;
    if (format != (q8 ? llama::Format::Q8 : llama::Format::Q4))
      return false;
    const char *at = bytes.data() + row * blocks * (q8 ? 34 : 18);
    for (int64_t block = 0; block < blocks; ++block, at += q8 ? 34 : 18) {
      toF32(Storage::F16, at, 1, &out[block].scale);
      for (int i = 0; i < llama::kGroup; ++i)
        out[block].codes[i] = q8 ? int8_t(at[2 + i]) : i < 16 ? (at[2 + i] & 15) - 8 : (uint8_t(at[i - 14]) >> 4) - 8;
    }
    return true;
  }

private:
  static constexpr int64_t kBlock = 32;

  void decode(int64_t block, int64_t count, float *out) const {
    bool q8 = encoding == llama::Encoding::Q8_0;
    const char *at = bytes.data() + block * (q8 ? 34 : 18);
    q8 ? fromQ8_0(at, count, out) : fromQ4_0(at, count, out);
  }

  StringRef bytes;
  llama::Encoding encoding;
  int64_t columns;
  int64_t blocks; ///< of a row
};

/// Rows rounded to what a format can hold.
class QuantizedRows : public RowSource {
public:
  QuantizedRows(std::unique_ptr<RowSource> input, llama::Format format, int64_t columns)
      : input(std::move(input)), format(format), columns(columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    input->read(begin, count, out);
    for (float *at = out; at < out + count * columns; at += llama::kGroup)
      llama::dequantizeGroup(llama::quantizeGroup(format, at), at);
  }
  bool readCodes(int64_t row, llama::Format wanted, llama::CodeGroup *out) const override {
    if (wanted != format)
      return false;
    std::vector<float> values(columns);
    input->read(row, 1, values.data());
    for (int64_t group = 0; group < columns / llama::kGroup; ++group)
      out[group] = llama::quantizeGroup(format, values.data() + group * llama::kGroup);
    return true;
  }

private:
  std::unique_ptr<RowSource> input;
  llama::Format format;
  int64_t columns;
};

class SyntheticRows : public RowSource {
public:
  SyntheticRows(llama::SyntheticOp op)
      : seed(op.getSeed()), mean(op.getMean().convertToDouble()), deviation(op.getDeviation().convertToDouble()),
        storage(storageOf(op.getTensorType().getElementType())), columns(rowShape(op.getTensorType()).columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    llama::syntheticFill(seed, mean, deviation, begin * columns, count * columns, out);
    roundTo(storage, out, count * columns);
  }

private:
  uint64_t seed;
  double mean, deviation;
  Storage storage;
  int64_t columns;
};

class CastRows : public RowSource {
public:
  CastRows(std::unique_ptr<RowSource> input, Storage storage, int64_t columns)
      : input(std::move(input)), storage(storage), columns(columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    input->read(begin, count, out);
    roundTo(storage, out, count * columns);
  }

private:
  std::unique_ptr<RowSource> input;
  Storage storage;
  int64_t columns;
};

/// Row i of a head comes from row 2i, row i + Dh/2 from row 2i + 1.
class SplitRows : public RowSource {
public:
  SplitRows(std::unique_ptr<RowSource> input, RowShape shape, int64_t heads)
      : input(std::move(input)), columns(shape.columns), head(shape.rows / heads) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    for (int64_t row = begin; row < begin + count; ++row, out += columns)
      input->read(origin(row), 1, out);
  }
  bool readCodes(int64_t row, llama::Format format, llama::CodeGroup *out) const override {
    return input->readCodes(origin(row), format, out);
  }

private:
  int64_t origin(int64_t row) const {
    int64_t within = row % head, half = head / 2;
    return row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
  }

  std::unique_ptr<RowSource> input;
  int64_t columns, head;
};

class RopeRows : public RowSource {
public:
  explicit RopeRows(llama::RopeTableOp op) : table(op) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    for (int64_t row = 0; row < count; ++row)
      table.row(begin + row, out + row * table.columns());
  }

private:
  RopeTable table;
};

FailureOr<std::unique_ptr<RowSource>> makeStored(llama::SourceOp source, MappedFiles &files) {
  FailureOr<StringRef> file = files.contents(source, source.getFile());
  if (failed(file))
    return failure();
  uint64_t offset = source.getOffset(), bytes = source.getStoredBytes();
  if (offset > file->size() || bytes > file->size() - offset)
    return source.emitError() << source.getFile() << ": tensor '" << source.getSymName() << "' expects " << bytes
                              << " bytes at offset " << offset << ", but the file has " << file->size();
  StringRef data = file->substr(offset, bytes);
  int64_t columns = rowShape(source.getTensorType()).columns;
  if (source.getEncoding() == llama::Encoding::Plain)
    return std::unique_ptr<RowSource>(
        std::make_unique<StoredRows>(data, storageOf(source.getTensorType().getElementType()), columns));
  return std::unique_ptr<RowSource>(std::make_unique<BlockRows>(data, source.getEncoding(), columns));
}

FailureOr<std::unique_ptr<RowSource>> makeLeaf(llama::WeightOp weight, MappedFiles &files) {
  Operation *symbol = SymbolTable::lookupNearestSymbolFrom(weight, weight.getSourceAttr());
  if (auto source = dyn_cast_or_null<llama::SourceOp>(symbol))
    return makeStored(source, files);
  if (auto synthetic = dyn_cast_or_null<llama::SyntheticOp>(symbol))
    return std::unique_ptr<RowSource>(std::make_unique<SyntheticRows>(synthetic));
  return weight.emitOpError("expects a source, but got ") << weight.getSourceAttr();
}

} // namespace

FailureOr<std::unique_ptr<RowSource>> cria::makeRowSource(Value value, MappedFiles &files) {
  using Result = FailureOr<std::unique_ptr<RowSource>>;
  Operation *op = value.getDefiningOp();
  RowShape shape = rowShape(cast<RankedTensorType>(value.getType()));
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](llama::WeightOp weight) { return makeLeaf(weight, files); })
      .Case([&](llama::CastOp cast) -> Result {
        Result input = makeRowSource(cast.getInput(), files);
        if (failed(input))
          return failure();
        Storage storage = storageOf(cast.getType().getElementType());
        return std::unique_ptr<RowSource>(std::make_unique<CastRows>(std::move(*input), storage, shape.columns));
      })
      .Case([&](llama::SplitRopeRowsOp split) -> Result {
        Result input = makeRowSource(split.getInput(), files);
        if (failed(input))
          return failure();
        return std::unique_ptr<RowSource>(std::make_unique<SplitRows>(std::move(*input), shape, split.getHeads()));
      })
      .Case([&](llama::QuantizeOp quantize) -> Result {
        Result input = makeRowSource(quantize.getInput(), files);
        if (failed(input))
          return failure();
        return std::unique_ptr<RowSource>(
            std::make_unique<QuantizedRows>(std::move(*input), quantize.getFormat(), shape.columns));
      })
      .Case([&](llama::RopeTableOp table) -> Result {
        return std::unique_ptr<RowSource>(std::make_unique<RopeRows>(table));
      })
      .Default([&](Operation *other) -> Result {
        return other->emitOpError("cannot be evaluated by rows: expected it to be the last of its expression");
      });
}
