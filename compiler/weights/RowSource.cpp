//===- RowSource.cpp - A weight expression, some rows at a time ------------===//

#include "compiler/weights/RowSource.h"
#include "compiler/weights/EncodedRows.h"
#include "compiler/weights/RopeTable.h"

#include "dialects/llama/Llama.h"
#include "dialects/llama/Synthetic.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <sys/mman.h>

using namespace mlir;
using namespace cria;

RowShape cria::rowShape(RankedTensorType type) {
  int64_t rows = type.getDimSize(0);
  return {rows, type.getNumElements() / rows};
}

Storage cria::storageOf(Type elementType) {
  return elementType.isF16() ? Storage::F16 : elementType.isBF16() ? Storage::BF16 : Storage::F32;
}

FailureOr<const llvm::MemoryBuffer *> MappedFiles::contents(Operation *user, StringRef path) {
  std::unique_ptr<llvm::MemoryBuffer> &file = files[path];
  if (!file) {
    auto opened = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!opened)
      return user->emitError() << path << ": cannot be read: " << opened.getError().message();
    file = std::move(*opened);
  }
  return file.get();
}

namespace {

/// A tensor's bytes in a file. Pages of them that have been read are given back whenever they may have become
/// many, and at the end; a thread that still reads some has the system map them once more.
class StoredBytes {
public:
  StoredBytes(llama::SourceOp source, const llvm::MemoryBuffer &mapped)
      : file(source.getFile()), tensor(source.getSymName()),
        bytes(mapped.getBuffer().substr(source.getOffset(), source.getStoredBytes())),
        isMapped(mapped.getBufferKind() == llvm::MemoryBuffer::MemoryBuffer_MMap) {}
  ~StoredBytes() { giveBack(); }

  /// Calls `use` with the bytes from `offset` on, of which it reads `count`.
  void read(int64_t offset, int64_t count, llvm::function_ref<void(const char *)> use) const {
    use(bytes.data() + offset);
    if ((bytesRead += count) < kMostRead)
      return;
    bytesRead = 0;
    giveBack();
  }

  StoredRow storedRow(int64_t row) const { return {file, tensor, row}; }

private:
  static constexpr int64_t kMostRead = 8 << 20; ///< before pages are given back

  /// The mapping is private and nobody writes to it, so that its pages are those of the file.
  void giveBack() const {
    uint64_t page = llvm::sys::Process::getPageSizeEstimate(), address = reinterpret_cast<uintptr_t>(bytes.data());
    uint64_t begin = llvm::alignTo(address, page), end = llvm::alignDown(address + bytes.size(), page);
    if (isMapped && begin < end)
      madvise(const_cast<char *>(bytes.data()) + (begin - address), end - begin, MADV_DONTNEED);
  }

  StringRef file, tensor, bytes;
  bool isMapped;
  mutable std::atomic<int64_t> bytesRead = 0; ///< since pages were given back
};

/// A tensor in a file, at one of the float types.
class StoredRows : public RowSource {
public:
  StoredRows(llama::SourceOp source, const llvm::MemoryBuffer &file, int64_t columns)
      : bytes(source, file), storage(storageOf(source.getTensorType().getElementType())), columns(columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    int64_t rowBytes = columns * bytesOf(storage);
    bytes.read(begin * rowBytes, count * rowBytes,
               [&](const char *from) { toF32(storage, from, count * columns, out); });
  }
  StoredRow storedRow(int64_t row) const override { return bytes.storedRow(row); }

private:
  StoredBytes bytes;
  Storage storage;
  int64_t columns;
};

/// A tensor in a file, in blocks of codes along its last dimension. The rows of a
/// vector are its elements: then a range of rows begins and ends within blocks.
class EncodedRows : public RowSource {
public:
  EncodedRows(llama::SourceOp source, const llvm::MemoryBuffer &file, int64_t columns)
      : bytes(source, file), encoding(source.getEncoding()), format(*llama::codeFormat(encoding)), columns(columns),
        blockColumns(traits(format).block), blockBytes(llama::encodedBytes(encoding)) {}

  void read(int64_t begin, int64_t count, float *out) const override {
    llama::CodeRow codes;
    SmallVector<float, 0> values;
    int64_t next = begin * columns, end = next + count * columns;
    while (next < end) {
      int64_t first = next / blockColumns, within = next % blockColumns;
      int64_t blocks = std::min<int64_t>(llvm::divideCeil(end, blockColumns) - first, kMostBlocks);
      decode(first, blocks, codes);
      values.resize_for_overwrite(blocks * blockColumns);
      codes.dequantize(format, values.data());
      int64_t part = std::min(blocks * blockColumns - within, end - next);
      std::copy_n(values.data() + within, part, out);
      next += part;
      out += part;
    }
  }

  bool hasCodes(llama::Format wanted) const override { return wanted == format && columns % blockColumns == 0; }
  void readCodes(int64_t row, llama::CodeRow &out) const override {
    int64_t blocks = columns / blockColumns;
    decode(row * blocks, blocks, out);
  }
  StoredRow storedRow(int64_t row) const override { return bytes.storedRow(row); }

private:
  static constexpr int64_t kMostBlocks = 64; ///< decoded at once: what the cache holds

  void decode(int64_t first, int64_t blocks, llama::CodeRow &out) const {
    bytes.read(first * blockBytes, blocks * blockBytes,
               [&](const char *from) { decodeBlocks(encoding, from, blocks, out); });
  }

  StoredBytes bytes;
  llama::Encoding encoding;
  llama::Format format;
  int64_t columns, blockColumns, blockBytes;
};

/// Rows rounded to what a format can hold.
class QuantizedRows : public RowSource {
public:
  /// `guide` null: none.
  QuantizedRows(std::unique_ptr<RowSource> input, llama::QuantizeOp op, std::shared_ptr<ObservedGuide> guide)
      : input(std::move(input)), format(op.getFormat()), columns(op.getType().getDimSize(1)), isRough(op.getRough()),
        guide(std::move(guide)) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    llama::CodeRow codes;
    for (int64_t row = begin; row < begin + count; ++row, out += columns) {
      readCodes(row, codes);
      codes.dequantize(format, out);
    }
  }
  bool hasCodes(llama::Format wanted) const override { return wanted == format; }
  bool choosesCodes() const override { return !isRough; }
  void readCodes(int64_t row, llama::CodeRow &out) const override {
    SmallVector<float, 0> values;
    values.resize_for_overwrite(columns);
    input->read(row, 1, values.data());
    llama::quantizeRow(format, values.data(), columns, out, guide ? &guide->get() : nullptr);
  }
  void readExact(int64_t row, float *out) const override { input->readExact(row, out); }
  StoredRow storedRow(int64_t row) const override { return input->storedRow(row); }

private:
  std::unique_ptr<RowSource> input;
  llama::Format format;
  int64_t columns;
  bool isRough;
  std::shared_ptr<ObservedGuide> guide;
};

class SyntheticRows : public RowSource {
public:
  SyntheticRows(llama::SyntheticOp op)
      : name(op.getSymName()), seed(op.getSeed()), mean(op.getMean().convertToDouble()),
        deviation(op.getDeviation().convertToDouble()), storage(storageOf(op.getTensorType().getElementType())),
        columns(rowShape(op.getTensorType()).columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    llama::syntheticFill(seed, mean, deviation, begin * columns, count * columns, out);
    roundTo(storage, out, count * columns);
  }
  StoredRow storedRow(int64_t row) const override { return {"", name, row}; }

private:
  StringRef name;
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
  void readExact(int64_t row, float *out) const override { input->readExact(row, out); }
  StoredRow storedRow(int64_t row) const override { return input->storedRow(row); }

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
  bool hasCodes(llama::Format format) const override { return input->hasCodes(format); }
  bool choosesCodes() const override { return input->choosesCodes(); }
  void readCodes(int64_t row, llama::CodeRow &out) const override { input->readCodes(origin(row), out); }
  void readExact(int64_t row, float *out) const override { input->readExact(origin(row), out); }
  StoredRow storedRow(int64_t row) const override { return input->storedRow(origin(row)); }

private:
  int64_t origin(int64_t row) const {
    int64_t within = row % head, half = head / 2;
    return row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
  }

  std::unique_ptr<RowSource> input;
  int64_t columns, head;
};

/// The rows of several inputs, one after the other.
class ConcatRows : public RowSource {
public:
  /// `ends[i]`: the number of rows up to the last of `inputs[i]`.
  ConcatRows(std::vector<std::unique_ptr<RowSource>> inputs, SmallVector<int64_t> ends, int64_t columns)
      : inputs(std::move(inputs)), ends(std::move(ends)), columns(columns) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    for (int64_t row = begin, end = begin + count; row < end;) {
      auto [input, first] = inputOf(row);
      int64_t some = std::min(end, ends[input]) - row;
      inputs[input]->read(row - first, some, out);
      row += some;
      out += some * columns;
    }
  }
  bool hasCodes(llama::Format format) const override {
    return llvm::all_of(inputs, [&](const auto &input) { return input->hasCodes(format); });
  }
  bool choosesCodes() const override {
    return llvm::any_of(inputs, [](const auto &input) { return input->choosesCodes(); });
  }
  void readCodes(int64_t row, llama::CodeRow &out) const override {
    auto [input, first] = inputOf(row);
    inputs[input]->readCodes(row - first, out);
  }
  void readExact(int64_t row, float *out) const override {
    auto [input, first] = inputOf(row);
    inputs[input]->readExact(row - first, out);
  }
  StoredRow storedRow(int64_t row) const override {
    auto [input, first] = inputOf(row);
    return inputs[input]->storedRow(row - first);
  }

private:
  /// The input that holds `row`, and the number of its first one.
  std::pair<size_t, int64_t> inputOf(int64_t row) const {
    size_t input = llvm::upper_bound(ends, row) - ends.begin();
    return {input, input ? ends[input - 1] : 0};
  }

  std::vector<std::unique_ptr<RowSource>> inputs;
  SmallVector<int64_t> ends;
  int64_t columns;
};

/// The largest norms of every few rows of an input, or of what it and another one differ by.
class NormRows : public RowSource {
public:
  /// `other` null: none.
  NormRows(std::unique_ptr<RowSource> input, std::unique_ptr<RowSource> other, RowShape shape, int64_t rows)
      : input(std::move(input)), other(std::move(other)), shape(shape), rows(rows) {}
  void read(int64_t begin, int64_t count, float *out) const override {
    SmallVector<float, 0> values(shape.columns), away(shape.columns);
    for (int64_t panel = begin; panel < begin + count; ++panel, ++out) {
      double largest = 0;
      bool whole = (panel + 1) * rows <= shape.rows;
      for (int64_t row = panel * rows; whole && row < (panel + 1) * rows; ++row) {
        input->read(row, 1, values.data());
        if (other)
          other->read(row, 1, away.data());
        double sum = 0;
        for (auto [value, taken] : llvm::zip_equal(values, away))
          sum += (double(value) - taken) * (double(value) - taken);
        double norm = std::sqrt(sum);
        if (std::isnan(norm) || norm > largest) // NaN stays
          largest = norm;
      }
      *out = whole ? roundedUp(largest) : std::numeric_limits<float>::infinity();
    }
  }

private:
  /// A little above `norm`: products of F32 that are so small that they are rounded to zero count, too. Infinite
  /// where products with numbers up to 2^63 could be.
  static float roundedUp(double norm) {
    double above = norm * (1 + 0x1p-20) + 0x1p-60;
    return above > 0x1p60 ? std::numeric_limits<float>::infinity() : float(above);
  }

  std::unique_ptr<RowSource> input, other;
  RowShape shape; ///< of both
  int64_t rows;
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
  FailureOr<const llvm::MemoryBuffer *> file = files.contents(source, source.getFile());
  if (failed(file))
    return failure();
  uint64_t offset = source.getOffset(), bytes = source.getStoredBytes(), size = (*file)->getBufferSize();
  if (offset > size || bytes > size - offset)
    return source.emitError() << source.getFile() << ": tensor '" << source.getSymName() << "' expects " << bytes
                              << " bytes at offset " << offset << ", but the file has " << size;
  int64_t columns = rowShape(source.getTensorType()).columns;
  if (source.getEncoding() == llama::Encoding::Plain)
    return std::unique_ptr<RowSource>(std::make_unique<StoredRows>(source, **file, columns));
  return std::unique_ptr<RowSource>(std::make_unique<EncodedRows>(source, **file, columns));
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
      .Case([&](llama::ConcatRowsOp concat) -> Result {
        std::vector<std::unique_ptr<RowSource>> inputs;
        SmallVector<int64_t> ends;
        for (Value input : concat.getInputs()) {
          Result rows = makeRowSource(input, files);
          if (failed(rows))
            return failure();
          inputs.push_back(std::move(*rows));
          ends.push_back((ends.empty() ? 0 : ends.back()) + rowShape(cast<RankedTensorType>(input.getType())).rows);
        }
        return std::unique_ptr<RowSource>(
            std::make_unique<ConcatRows>(std::move(inputs), std::move(ends), shape.columns));
      })
      .Case([&](llama::QuantizeOp quantize) -> Result {
        Result input = makeRowSource(quantize.getInput(), files);
        if (failed(input))
          return failure();
        std::shared_ptr<ObservedGuide> guide;
        if (FlatSymbolRefAttr name = quantize.getGuideAttr()) {
          auto observation = SymbolTable::lookupNearestSymbolFrom<llama::ObservationOp>(quantize, name);
          if (llvm::Error error = files.guides.check(observation))
            return quantize.emitOpError() << llvm::toString(std::move(error));
          guide = files.guides.share(observation);
        }
        return std::unique_ptr<RowSource>(
            std::make_unique<QuantizedRows>(std::move(*input), quantize, std::move(guide)));
      })
      .Case([&](llama::RowNormsOp norms) -> Result {
        Result input = makeRowSource(norms.getInput(), files), other = std::unique_ptr<RowSource>();
        if (norms.getOther())
          other = makeRowSource(norms.getOther(), files);
        if (failed(input) || failed(other))
          return failure();
        return std::unique_ptr<RowSource>(std::make_unique<NormRows>(
            std::move(*input), std::move(*other), rowShape(norms.getInput().getType()), norms.getRows()));
      })
      .Case([&](llama::RopeTableOp table) -> Result {
        return std::unique_ptr<RowSource>(std::make_unique<RopeRows>(table));
      })
      .Default([&](Operation *other) -> Result {
        return other->emitOpError("cannot be evaluated by rows: expected it to be the last of its expression");
      });
}
