//===- Guide.h - What an error in a weight costs -----------------*- C++ -*-===//
//
// A row w of a matrix W, rounded to v, changes the products with the vectors x of a
// text by (w - v) . x; summed up, squared, that is (w - v) H (w - v)^T with H the sum of
// x x^T (Hessian of the layer's error; Frantar et al., GPTQ, 2022). The columns of v
// are chosen from left to right, and what a choice errs is made good by the columns
// that are still free: how much by each, the Cholesky factor U of H^-1 tells,
// H^-1 = U^T U with U upper triangular.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_WEIGHTS_GUIDE_H
#define CRIA_COMPILER_WEIGHTS_GUIDE_H

#include "compiler/weights/Records.h"

#include "dialects/llama/Llama.h"
#include "dialects/llama/Quantization.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cria {

/// H [K, K], its upper triangle, of the vectors of observation `number`: their mean of
/// x x^T, plus on the diagonal 1 % of its mean (and 1 where all are zero). Sums are F64
/// and in the order of the text. On `threads` threads (0: all), with the same result.
std::vector<double> observedHessian(const Records &records, size_t number, unsigned threads = 0);

/// U of H [K, K], whose upper triangle is given and overwritten. H is to be positive
/// definite. The result does not depend on the number of threads.
llama::Guide makeGuide(std::vector<double> &hessian, int64_t columns, unsigned threads = 0);

/// The guide of an observation. It is made when it is first asked for, once, and is in
/// memory until this goes.
class ObservedGuide {
public:
  /// Of observation `number` of `records`, which must outlive this. One guide at a time is
  /// made under `making`: that takes all cores, and twice the memory of the guide besides.
  ObservedGuide(const Records &records, size_t number, std::mutex &making)
      : records(records), number(number), making(making) {}
  ~ObservedGuide();

  /// Safe from several threads.
  const llama::Guide &get();

  /// For tests: how many this process has made so far, and how many of them are in memory.
  static int64_t allMade();
  static int64_t allInMemory();

private:
  const Records &records;
  size_t number;
  std::mutex &making;
  std::once_flag once;
  llama::Guide guide = {}; ///< empty before
};

/// The guides of a module: all who share one hold it, and it goes with the last of them. Where
/// matrices that share one follow each other, those of matrices in work are in memory: no more
/// than there are threads.
class Guides {
public:
  /// Whether `op` has records that fit it; an error names the file.
  llvm::Error check(llama::ObservationOp op);
  /// The guide of `op`, which has passed the check; not to be held longer than this lives.
  std::shared_ptr<ObservedGuide> share(llama::ObservationOp op);

private:
  struct File {
    std::unique_ptr<llvm::MemoryBuffer> bytes;
    Records records;
  };
  llvm::Expected<const Records *> open(llvm::StringRef path);

  std::mutex making;
  llvm::DenseMap<mlir::Operation *, std::weak_ptr<ObservedGuide>> shared; ///< by observation
  llvm::StringMap<std::unique_ptr<File>> files;
};

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_GUIDE_H
