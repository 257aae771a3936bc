//===- Evaluator.cpp - Weight expressions become bytes ---------------------===//
//
// A constant is cut into pieces of about a megabyte: rows, or the panels of a
// packed matrix. Threads take pieces in order; each computes its piece into a
// buffer of its own and writes it to its place.
//
//===----------------------------------------------------------------------===//

#include "compiler/weights/Evaluator.h"
#include "compiler/weights/RowSource.h"

#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Llama.h"
#include "dialects/llama/Quantization.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

using namespace mlir;
using namespace cria;

namespace {

constexpr int64_t kPieceBytes = 1 << 20;

/// A number that its row cannot keep.
struct Unrepresentable {
  int64_t row;
  float number;
  StoredRow origin; ///< of the row
};

/// A constant that can be evaluated from row (or panel) to row.
struct Job {
  kernel::ConstantOp constant;
  std::unique_ptr<RowSource> rows; ///< of the packed matrix, if it is one; null when all is written
  Storage storage;
  int64_t columns;
  int64_t panelRows; ///< of a packed matrix; 0: not packed
  int64_t beside;    ///< columns of a row that lie beside each other in a panel
  std::optional<llama::Format> format; ///< of panels that hold codes
  int64_t sourceRows; ///< rows before packing pads them
  int64_t units;     ///< panels or rows
  int64_t unitBytes;
  /// What a matrix is made of, one below the other: sources and rows. Of a vector, a
  /// table or a rough copy: nothing.
  std::vector<std::pair<std::string, int64_t>> parts;
  int64_t unitsPerPiece;
  /// Errors and squares (see MatrixReport) of every row, if somebody asks.
  mutable std::vector<std::pair<double, double>> measured;
  int64_t firstPiece; ///< number of its first piece among all
  /// Of the first row with a number that its type makes infinite, or with a group that no scale can represent and
  /// that stands for NaN; in row `sourceRows` if there is none.
  Unrepresentable firstUnrepresentable;
};

int64_t constantBytes(kernel::ConstantOp constant) {
  RankedTensorType type = constant.getTensorType();
  return type.getNumElements() * (type.getElementType().isInteger(8) ? 1 : bytesOf(storageOf(type.getElementType())));
}

/// Whether `value` is but an aid beside the model's own matrices.
bool isRough(Value value) {
  auto quantize = value.getDefiningOp<llama::QuantizeOp>();
  return quantize && quantize.getRough();
}

FailureOr<Job> makeJob(kernel::ConstantOp constant, MappedFiles &files) {
  Value value = cast<kernel::YieldOp>(constant.getBody().front().getTerminator()).getValue();
  Job job = {};
  job.constant = constant;
  job.storage = storageOf(constant.getTensorType().getElementType());
  if (auto pack = value.getDefiningOp<llama::PackOp>()) {
    value = pack.getInput();
    job.panelRows = pack.getRows();
    job.beside = pack.getColumns();
  } else if (auto blocks = value.getDefiningOp<llama::PackBlocksOp>()) {
    value = blocks.getInput();
    job.panelRows = blocks.getRows();
    job.format = blocks.getFormat();
  }
  RowShape shape = rowShape(cast<RankedTensorType>(value.getType()));
  if (auto concat = value.getDefiningOp<llama::ConcatRowsOp>())
    for (Value input : concat.getInputs())
      job.parts.emplace_back(llama::sourceOf(input).str(), cast<RankedTensorType>(input.getType()).getDimSize(0));
  else if (cast<RankedTensorType>(value.getType()).getRank() == 2 && !isRough(value))
    job.parts.emplace_back(StringRef(constant.getSymName()).rsplit(".value").first, shape.rows);
  job.columns = shape.columns;
  job.sourceRows = job.firstUnrepresentable.row = shape.rows;
  job.units = job.panelRows ? constant.getTensorType().getDimSize(0) : shape.rows;
  job.unitBytes = constantBytes(constant) / job.units;
  int64_t readBytes = job.unitBytes; // of a unit
  if (auto norms = value.getDefiningOp<llama::RowNormsOp>())
    readBytes = norms.getRows() * norms.getInput().getType().getDimSize(1) * int64_t(sizeof(float));
  job.unitsPerPiece = std::max<int64_t>(1, kPieceBytes / readBytes);
  FailureOr<std::unique_ptr<RowSource>> rows = makeRowSource(value, files);
  if (failed(rows))
    return failure();
  job.rows = std::move(*rows);
  if (job.format && !job.rows->hasCodes(*job.format))
    return constant.emitOpError("expects weights that are given by codes of format ")
           << stringifyFormat(*job.format) << " to be packed into blocks";
  return job;
}

/// [rows, columns] to [columns / beside, panelRows, beside] with zeros beyond `rows`, by
/// blocks that stay in the cache.
void transpose(const float *from, int64_t rows, int64_t columns, int64_t panelRows, int64_t beside, float *to) {
  constexpr int64_t kBlock = 16;
  if (rows < panelRows)
    std::fill(to, to + columns * panelRows, 0.0f);
  for (int64_t begin = 0; begin < columns; begin += kBlock)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = begin; column < std::min(begin + kBlock, columns); ++column)
        to[(column / beside * panelRows + row) * beside + column % beside] = from[row * columns + column];
}

/// The 32 codes at `from` of row `r`, into their places in `to`.
void packColumns(const llama::BlockLayout &layout, const uint8_t *from, int64_t r, char *to) {
  uint32_t fours[8], vectors[8] = {}; // four columns, or bytes, in one number
  std::memcpy(fours, from, sizeof(fours));
  for (auto [four, fields] : llvm::zip_equal(fours, layout.fields))
    for (auto [vector, place, bits, shift] : fields)
      vectors[vector] |= (four >> shift & 0x01010101u * ((1u << bits) - 1)) << place;
  for (int vector = 0; vector < layout.format.bits; ++vector)
    std::memcpy(to + 4 * (layout.rows * vector + r), &vectors[vector], sizeof(uint32_t));
}

/// Factor `number` of a block's, of row `r`, into its place in the block at `to`: row by row, in the order of
/// the numbers.
void packFactor(const llama::BlockLayout &layout, int64_t number, int factor, int64_t r, char *to) {
  int64_t step = number / layout.format.factorsOfStep(), place = number % layout.format.factorsOfStep();
  char *bytes = to + layout.factors + step * layout.stepBytes;
  if (layout.format.factorBits == 8) {
    bytes[place * layout.rows + r] = char(factor);
  } else if (layout.format.factorBits == 4) {
    char &two = bytes[place / 2 * layout.rows + r];
    two = char(place % 2 ? two | factor << 4 : factor);
  } else if (place == 0) {
    bytes[r] = char(factor);
  } else {
    int64_t half = layout.rows / 2;
    char &upper = bytes[layout.rows + r % half];
    bytes[r] = char(bytes[r] | factor << 6);
    upper = char(r < half ? factor >> 2 : upper | factor >> 2 << 4);
  }
}

/// Notes what became of row `row` of a matrix: `values` [K].
void measure(const Job &job, int64_t row, const float *values, std::vector<float> &exact) {
  exact.resize(job.columns);
  job.rows->readExact(row, exact.data());
  auto &[errors, squares] = job.measured[row];
  errors = squares = 0;
  for (int64_t column = 0; column < job.columns; ++column) {
    double number = exact[column], off = values[column] - number;
    errors += off * off;
    squares += number * number;
  }
}

/// A number that became infinite or NaN when it was rounded to one of `values`, row `row` of a matrix.
std::optional<float> lostNumber(const Job &job, int64_t row, const float *values, std::vector<float> &exact) {
  constexpr uint32_t kExponent = 0x7f800000; // all ones: infinity or NaN
  auto isNone = [](float value) { return (llvm::bit_cast<uint32_t>(value) & kExponent) == kExponent; };
  bool some = false;
  for (int64_t column = 0; column < job.columns; ++column)
    some |= isNone(values[column]);
  if (!some)
    return std::nullopt;
  exact.resize(job.columns);
  job.rows->readExact(row, exact.data());
  for (int64_t column = 0; column < job.columns; ++column)
    if (isNone(values[column]) && !isNone(exact[column]))
      return exact[column];
  return std::nullopt;
}

/// Of row `row` the number that is largest in magnitude; NaN if there is one.
float largestNumber(const Job &job, int64_t row, std::vector<float> &exact) {
  exact.resize(job.columns);
  job.rows->readExact(row, exact.data());
  float largest = 0;
  for (float number : exact) {
    if (std::isnan(number))
      return number;
    if (std::fabs(number) > std::fabs(largest))
      largest = number;
  }
  return largest;
}

/// A line for each part of a matrix.
void addReports(const Job &job, std::vector<MatrixReport> &reports) {
  kernel::ConstantOp constant = job.constant;
  std::string format;
  if (job.format)
    format = stringifyFormat(*job.format).str();
  else
    llvm::raw_string_ostream(format) << constant.getTensorType().getElementType();
  auto row = job.measured.begin();
  for (auto &[name, rows] : job.parts) {
    MatrixReport report = {name, rows, job.columns, format, constantBytes(constant) * rows / job.sourceRows, 0, 0};
    for (auto end = row + rows; row != end; ++row) {
      report.errors += row->first;
      report.squares += row->second;
    }
    reports.push_back(report);
  }
}

/// One panel of codes, [ceil(K / S), B], as Quantization.h describes a block.
/// `seen` is called with the number of every row of the matrix once its codes are known.
void packCodes(const Job &job, int64_t panel, llama::CodeRow &row, char *to, llvm::function_ref<void(int64_t)> seen) {
  llama::BlockLayout layout(*job.format, job.panelRows);
  const llama::FormatTraits &t = layout.format;
  int64_t blocks = llvm::divideCeil(job.columns, t.block), groups = t.block / t.group;
  row.resize(*job.format, job.columns);
  for (int64_t r = 0; r < job.panelRows; ++r) {
    int64_t number = panel * job.panelRows + r;
    if (number < job.sourceRows) {
      job.rows->readCodes(number, row);
      seen(number);
    } else {
      row.clear();
    }
    for (int64_t block = 0; block < blocks; ++block) {
      char *at = to + block * layout.bytes;
      if (t.exponents)
        at[r] = char(llama::toExponent(row.scales[block]));
      else
        fromF32(Storage::F16, &row.scales[block], 1, at + 2 * r);
      if (t.minimums)
        fromF32(Storage::F16, &row.minimums[block], 1, at + layout.minimums + 2 * r);
      for (int64_t group = 0, factor = 0; t.twoLevels() && group < groups; ++group) {
        packFactor(layout, factor++, row.scaleFactors[block * groups + group] + t.factorOffset, r, at);
        if (t.minimums)
          packFactor(layout, factor++, row.minimumFactors[block * groups + group], r, at);
      }
      for (int64_t part = 0; part < t.block / llama::kGroup; ++part)
        packColumns(layout, row.codes.data() + block * t.block + part * llama::kGroup, r,
                    at + layout.codes + part * layout.stepBytes);
    }
  }
}

/// Refuses a matrix with a number that no scale of the codes chosen for it, or not its type, can represent.
LogicalResult checkRepresentable(const Job &job) {
  auto [row, number, origin] = job.firstUnrepresentable;
  if (row == job.sourceRows)
    return success();
  bool half = job.format || job.storage == Storage::F16; // a group holds no more, either
  std::string type = job.format ? "scales of " + stringifyFormat(*job.format).str() : half ? "f16" : "bf16";
  std::string message;
  llvm::raw_string_ostream(message) << origin.file << (origin.file.empty() ? "" : ": ") << origin.tensor
                                    << ": expects numbers of at most " << (half ? "65504" : "3.38e38")
                                    << " in magnitude (" << type << "), but row " << origin.row << " holds "
                                    << llvm::format("%g", number);
  return job.constant->getParentOfType<ModuleOp>().emitError(message);
}

/// Buffers of one thread.
class Worker {
public:
  /// Units [begin, end) of `job`, as the artifact holds them.
  llvm::ArrayRef<char> evaluate(const Job &job, int64_t begin, int64_t end) {
    bytes.resize((end - begin) * job.unitBytes);
    firstUnrepresentable.row = job.sourceRows;
    if (job.format) {
      for (int64_t unit = begin; unit < end; ++unit)
        packCodes(job, unit, codes, bytes.data() + (unit - begin) * job.unitBytes, [&](int64_t row) {
          if (job.rows->choosesCodes() && llvm::any_of(codes.scales, [](float scale) { return std::isnan(scale); }))
            note(job, row, largestNumber(job, row, exact));
          if (job.measured.empty())
            return;
          values.resize(job.columns);
          codes.dequantize(*job.format, values.data());
          measure(job, row, values.data(), exact);
        });
      return bytes;
    }
    if (!job.panelRows) {
      values.resize((end - begin) * job.columns);
      job.rows->read(begin, end - begin, values.data());
      fromF32(job.storage, values.data(), values.size(), bytes.data());
      inspectRows(job, begin, end - begin);
      return bytes;
    }
    values.resize(job.panelRows * job.columns);
    packed.resize(job.panelRows * job.columns);
    for (int64_t unit = begin; unit < end; ++unit) {
      int64_t row = unit * job.panelRows, rows = std::min(job.panelRows, job.sourceRows - row);
      job.rows->read(row, rows, values.data());
      inspectRows(job, row, rows);
      transpose(values.data(), rows, job.columns, job.panelRows, job.beside, packed.data());
      fromF32(job.storage, packed.data(), packed.size(), bytes.data() + (unit - begin) * job.unitBytes);
    }
    return bytes;
  }

  Unrepresentable firstUnrepresentable; ///< as in the job, of the last units

private:
  void note(const Job &job, int64_t row, float number) {
    if (row < firstUnrepresentable.row)
      firstUnrepresentable = {row, number, job.rows->storedRow(row)};
  }

  /// `values` are rows [begin, begin + count).
  void inspectRows(const Job &job, int64_t begin, int64_t count) {
    for (int64_t row = begin; row < begin + count; ++row) {
      const float *numbers = values.data() + (row - begin) * job.columns;
      if (job.storage != Storage::F32 && !job.parts.empty())
        if (std::optional<float> number = lostNumber(job, row, numbers, exact))
          note(job, row, *number);
      if (!job.measured.empty())
        measure(job, row, numbers, exact);
    }
  }

  std::vector<float> values, packed, exact;
  llama::CodeRow codes;
  std::vector<char> bytes;
};

} // namespace

uint64_t cria::constantsBytes(ModuleOp module) {
  uint64_t end = 0;
  for (auto constant : module.getOps<kernel::ConstantOp>())
    end = std::max<uint64_t>(end, constant.getOffset() + constantBytes(constant));
  return end;
}

LogicalResult cria::writeConstants(ModuleOp module, OutputFile &file, uint64_t segment, StringRef name,
                                   const Progress &progress, unsigned threads, std::vector<MatrixReport> *report) {
  MappedFiles files;
  std::vector<Job> jobs;
  int64_t pieces = 0;
  uint64_t allBytes = 0;
  for (auto constant : module.getOps<kernel::ConstantOp>()) {
    FailureOr<Job> job = makeJob(constant, files);
    if (failed(job))
      return failure();
    if (report && !job->parts.empty())
      job->measured.resize(job->sourceRows);
    job->firstPiece = pieces;
    pieces += (job->units + job->unitsPerPiece - 1) / job->unitsPerPiece;
    allBytes += constantBytes(constant);
    jobs.push_back(std::move(*job));
  }

  std::atomic<int64_t> next = 0;
  std::atomic<int> error = 0;
  std::mutex mutex;
  uint64_t bytesDone = 0;
  std::vector<int64_t> unitsLeft;
  for (const Job &job : jobs)
    unitsLeft.push_back(job.units);
  uint64_t tensorsDone = 0;
  auto work = [&] {
    Worker worker;
    for (int64_t piece; !error && (piece = next++) < pieces;) {
      size_t number = std::upper_bound(jobs.begin(), jobs.end(), piece,
                                       [](int64_t wanted, const Job &job) { return wanted < job.firstPiece; }) -
                      jobs.begin() - 1;
      Job &job = jobs[number];
      int64_t begin = (piece - job.firstPiece) * job.unitsPerPiece;
      int64_t end = std::min(begin + job.unitsPerPiece, job.units);
      llvm::ArrayRef<char> bytes = worker.evaluate(job, begin, end);
      uint64_t offset = segment + job.constant.getOffset() + begin * job.unitBytes;
      if (int failed = file.write(bytes, offset)) {
        error = failed;
        return;
      }
      std::lock_guard<std::mutex> lock(mutex);
      if (worker.firstUnrepresentable.row < job.firstUnrepresentable.row)
        job.firstUnrepresentable = worker.firstUnrepresentable;
      bytesDone += bytes.size();
      unitsLeft[number] -= end - begin;
      if (unitsLeft[number] == 0) {
        ++tensorsDone;
        job.rows.reset(); // and what they hold
      }
      if (progress)
        progress(tensorsDone, jobs.size(), bytesDone, allBytes);
    }
  };
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread)
    others.emplace_back(work);
  work();
  for (std::thread &other : others)
    other.join();
  if (error)
    return module.emitError() << name << ": cannot be written: " << std::strerror(error);
  for (const Job &job : jobs)
    if (failed(checkRepresentable(job)))
      return failure();
  for (const Job &job : jobs)
    if (report)
      addReports(job, *report);
  return success();
}
