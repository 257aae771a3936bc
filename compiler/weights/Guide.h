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

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

#include <list>
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

/// Makes guides when they are first asked for, and keeps the last few: matrices that
/// share one are evaluated one after the other. Safe from several threads.
class Guides {
public:
  /// Whether `op` has records that fit it; an error names the file.
  llvm::Error check(llama::ObservationOp op);
  /// The guide of `op`, which has passed the check.
  std::shared_ptr<const llama::Guide> get(llama::ObservationOp op);

private:
  static constexpr size_t kMostKept = 2;

  struct File {
    std::unique_ptr<llvm::MemoryBuffer> bytes;
    Records records;
  };
  llvm::Expected<const Records *> open(llvm::StringRef path);

  std::mutex mutex;
  std::list<std::pair<mlir::Operation *, std::shared_ptr<const llama::Guide>>> kept; ///< the latest first
  llvm::StringMap<std::unique_ptr<File>> files;
};

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_GUIDE_H
