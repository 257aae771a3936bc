//===- Guide.cpp - What an error in a weight costs -------------------------===//
//
// The factor without ever inverting H: with V upper triangular and H = V V^T (a
// Cholesky factorization from the last column to the first), H^-1 = V^-T V^-1, so that
// U = V^-1. All loops run along rows, and every number is made by one thread in one
// order.
//
//===----------------------------------------------------------------------===//

#include "compiler/weights/Guide.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

using namespace cria;

namespace {

constexpr double kDamping = 0.01; ///< of the mean of H's diagonal, as in the paper
constexpr int64_t kBlock = 64; ///< columns that are eliminated together
constexpr int64_t kRows = 8;   ///< rows that a thread takes together

/// Calls `body` with every part [begin, end) of [0, count), `size` long, on all threads.
template <typename Body> void forParts(int64_t count, int64_t size, unsigned threads, Body body) {
  std::atomic<int64_t> next = 0;
  auto work = [&] {
    for (int64_t begin; (begin = next.fetch_add(size)) < count;)
      body(begin, std::min(begin + size, count));
  };
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (int64_t thread = 1; thread < std::min<int64_t>(threads, (count + size - 1) / size); ++thread)
    others.emplace_back(work);
  work();
  for (std::thread &other : others)
    other.join();
}

/// In eight parts, in order, which any compiler makes vectors of.
double dot(const double *a, const double *b, int64_t count) {
  double parts[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int j = 0; j < 8; ++j)
      parts[j] += a[i + j] * b[i + j];
  double sum = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
  for (; i < count; ++i)
    sum += a[i] * b[i];
  return sum;
}

/// H [K, K] to V, in its upper triangle.
void factor(double *h, int64_t K, unsigned threads) {
  auto row = [&](int64_t i) { return h + i * K; };
  for (int64_t end = K; end > 0;) {
    int64_t begin = std::max<int64_t>(0, end - kBlock);
    // What the columns behind the block contribute, once for the whole block.
    forParts(end, kRows, threads, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        for (int64_t j = std::max(begin, i); j < end; ++j)
          row(i)[j] -= dot(row(i) + end, row(j) + end, K - end);
    });
    auto eliminate = [&](int64_t i, int64_t j) {
      row(i)[j] = (row(i)[j] - dot(row(i) + j + 1, row(j) + j + 1, end - j - 1)) / row(j)[j];
    };
    for (int64_t j = end - 1; j >= begin; --j) {
      row(j)[j] = std::sqrt(row(j)[j] - dot(row(j) + j + 1, row(j) + j + 1, end - j - 1));
      for (int64_t i = begin; i < j; ++i)
        eliminate(i, j);
    }
    forParts(begin, kRows, threads, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        for (int64_t j = end - 1; j >= begin; --j)
          eliminate(i, j);
    });
    end = begin;
  }
}

} // namespace

std::vector<double> cria::observedHessian(const Records &records, size_t number, unsigned threads) {
  int64_t K = records.width(number);
  std::vector<Records::Run> runs = records.vectors(number);
  std::vector<double> h(K * K);
  forParts(K, kRows, threads, [&](int64_t first, int64_t last) {
    std::vector<float> vector(K);
    std::vector<double> x(K);
    for (const Records::Run &run : runs)
      for (int64_t token = 0; token < run.count; ++token) {
        std::memcpy(vector.data(), run.vectors + token * K * int64_t(sizeof(float)), K * sizeof(float));
        for (int64_t j = first; j < K; ++j)
          x[j] = vector[j];
        for (int64_t i = first; i < last; ++i)
          for (int64_t j = i; j < K; ++j)
            h[i * K + j] += x[i] * x[j];
      }
  });
  double count = std::max<double>(1, double(records.tokens())), mean = 0;
  for (int64_t i = 0; i < K; ++i) {
    for (int64_t j = i; j < K; ++j)
      h[i * K + j] /= count;
    mean += h[i * K + i] / double(K);
  }
  for (int64_t i = 0; i < K; ++i)
    h[i * K + i] += mean > 0 ? kDamping * mean : 1;
  return h;
}

llama::Guide cria::makeGuide(std::vector<double> &hessian, int64_t K, unsigned threads) {
  factor(hessian.data(), K, threads);
  const double *v = hessian.data();
  llama::Guide guide;
  guide.columns = K;
  guide.factor.resize(K * K);
  // U V = 1, a few rows of U at a time, which then share what they read of V.
  forParts(K, kRows, threads, [&](int64_t first, int64_t last) {
    std::vector<double> rows((last - first) * K);
    for (int64_t i = first; i < last; ++i)
      rows[(i - first) * K + i] = 1;
    for (int64_t k = first; k < K; ++k)
      for (int64_t i = first; i < std::min(last, k + 1); ++i) {
        double *u = rows.data() + (i - first) * K;
        double done = u[k] / v[k * K + k];
        u[k] = done;
        for (int64_t j = k + 1; j < K; ++j)
          u[j] -= done * v[k * K + j];
      }
    for (int64_t i = first; i < last; ++i)
      for (int64_t j = i; j < K; ++j)
        guide.factor[i * K + j] = float(rows[(i - first) * K + j]);
  });
  return guide;
}

static std::atomic<int64_t> guidesMade, guidesInMemory;

int64_t ObservedGuide::allMade() { return guidesMade; }
int64_t ObservedGuide::allInMemory() { return guidesInMemory; }

ObservedGuide::~ObservedGuide() {
  if (!guide.factor.empty())
    --guidesInMemory;
}

const llama::Guide &ObservedGuide::get() {
  std::call_once(once, [&] {
    std::lock_guard<std::mutex> lock(making);
    std::vector<double> hessian = observedHessian(records, number);
    guide = makeGuide(hessian, records.width(number));
    ++guidesMade;
    ++guidesInMemory;
  });
  return guide;
}

llvm::Expected<const Records *> Guides::open(llvm::StringRef path) {
  std::unique_ptr<File> &file = files[path];
  if (!file) {
    auto opened = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!opened)
      return llvm::createStringError(path + ": cannot be read: " + opened.getError().message());
    llvm::Expected<Records> records = Records::parse((*opened)->getBuffer());
    if (!records)
      return llvm::createStringError(path + ": " + llvm::toString(records.takeError()));
    file = std::make_unique<File>(File{std::move(*opened), std::move(*records)});
  }
  return &file->records;
}

llvm::Error Guides::check(llama::ObservationOp op) {
  if (!op.getFile())
    return llvm::createStringError("observation '" + op.getSymName() + "' expects a file of records, but has none");
  llvm::Expected<const Records *> records = open(*op.getFile());
  if (!records)
    return records.takeError();
  size_t number = op.getNumber(), count = (*records)->observations();
  if (number >= count || (*records)->width(number) != int64_t(op.getWidth()))
    return llvm::createStringError(*op.getFile() + ": expects an observation of number " + llvm::Twine(number) +
                                   " and width " + llvm::Twine(int64_t(op.getWidth())) + ", but " +
                                   (number < count ? "its width is " + llvm::Twine((*records)->width(number))
                                                   : "has only " + llvm::Twine(count)));
  return llvm::Error::success();
}

std::shared_ptr<ObservedGuide> Guides::share(llama::ObservationOp op) {
  std::weak_ptr<ObservedGuide> &known = shared[op];
  std::shared_ptr<ObservedGuide> guide = known.lock();
  if (!guide) {
    guide = std::make_shared<ObservedGuide>(*llvm::cantFail(open(*op.getFile())), op.getNumber(), making);
    known = guide;
  }
  return guide;
}
