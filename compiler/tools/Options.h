//===- Options.h - The command line of cria ----------------------*- C++ -*-===//
#ifndef CRIA_COMPILER_TOOLS_OPTIONS_H
#define CRIA_COMPILER_TOOLS_OPTIONS_H

#include "frontends/Frontend.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cria {

/// What the command line asks for.
struct DriverOptions {
  enum class Command { Compile, Run, Targets, Phases };
  Command command = Command::Compile;

  std::string model; ///< empty: the storyteller that ships with cria
  std::string output;
  std::string target;
  std::string weightType;
  std::string quantize; ///< rules, as QuantizeRules.h says; empty: no
  std::string cacheType; ///< of keys and values; empty: f32
  bool screen = true;    ///< see CompileOptions
  std::string calibrate; ///< a text that guides the choice of codes; empty: none
  bool report = false;   ///< print what became of every matrix
  std::string tokenizer;
  std::string stopAfter; ///< a phase, or "import"; empty: go on to the artifact
  int64_t context = 0;   ///< 0: the model's own
  int64_t chunk = kChunk;
  std::vector<std::string> programArguments; ///< of `run`, behind `--`
};

/// Reads the command line. Without a value the program is to exit with `exitCode`:
/// help is in `llvm::outs()` (0), or what is wrong with the words (2).
std::optional<DriverOptions> parseOptions(int argc, char **argv, int &exitCode);

} // namespace cria

#endif // CRIA_COMPILER_TOOLS_OPTIONS_H
