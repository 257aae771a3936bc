//===- machine.cpp - The machine's limits, on demand -----------------------===//
//
// Reads lines "NAME THREADS" and answers each with a number: bytes per second for
// `read`, operations per second for `f32`, `bf16` (0: the chip has no
// instruction for it) and `bytes`.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/Machine.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <string>

namespace {

struct Limit {
  const char *name;
  double (*measure)(int threads);
};
const Limit kLimits[] = {{"read", cria::readBandwidth},
                         {"f32", cria::multiplyAddPeak},
                         {"bf16", cria::bfloatProductPeak},
                         {"bytes", cria::byteProductPeak}};

} // namespace

int main() {
  std::string name;
  int threads;
  while (std::cin >> name >> threads) {
    const Limit *limit =
        std::find_if(std::begin(kLimits), std::end(kLimits), [&](const Limit &l) { return name == l.name; });
    if (limit == std::end(kLimits) || threads < 1) {
      std::cerr << "error: expects lines of read, f32, bf16 or bytes and a number of threads, but got '" << name << " "
                << threads << "'\n";
      return 1;
    }
    std::cout << limit->measure(threads) << std::endl;
  }
  return std::cin.eof() ? 0 : 1;
}
