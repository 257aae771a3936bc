//===- ChildProgram.h - A program that cria runs -----------------*- C++ -*-===//
#ifndef CRIA_COMPILER_TOOLS_CHILDPROGRAM_H
#define CRIA_COMPILER_TOOLS_CHILDPROGRAM_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace cria {

/// A program to run, and where what it writes goes: to files that are there already, so that none comes back when
/// a signal has made cria remove them.
struct ChildProgram {
  std::string path; ///< PATH is not searched
  std::vector<std::string> arguments;
  std::string out, err;    ///< files for its standard output and its errors
  std::string writeOption; ///< takes a file that it writes, but gets a pipe; empty: it writes none
  std::string written;     ///< the file that cria copies the pipe to
};

/// Runs `program` to its end. The exit code, or an error that names what could not be started, copied or waited for.
/// The program gets cria's standard input. It is killed when the thread that calls this ends, as all do when cria dies,
/// be it by a signal that nothing can answer.
llvm::Expected<int> runProgram(const ChildProgram &program);

} // namespace cria

#endif // CRIA_COMPILER_TOOLS_CHILDPROGRAM_H
