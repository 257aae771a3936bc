//===- ChildProgram.cpp - A program that cria runs -------------------------===//

#include "compiler/tools/ChildProgram.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

using namespace cria;
using llvm::StringRef;

namespace {

constexpr size_t kPieceBytes = 1 << 18;

llvm::Error failure(StringRef what, StringRef why, StringRef reason) {
  return llvm::createStringError(what + ": " + why + ": " + reason);
}

/// Two ends, each closed when this is at the latest.
struct Pipe {
  int read = -1, write = -1;

  Pipe() = default;
  Pipe(const Pipe &) = delete;
  ~Pipe() {
    close(read);
    close(write);
  }

  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
  static void close(int &end) {
    if (end >= 0)
      ::close(std::exchange(end, -1));
  }
};

/// What the new process does: only what a signal's handler may do, too, since other threads may have held locks. With
/// nothing of its own to tidy up it can be killed, where it might have been told to ignore anything milder.
[[noreturn]] void become(const ChildProgram &program, char *const *words, pid_t parent, int kept, int report) {
  auto redirect = [](const std::string &file, int to) {
    int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    return descriptor >= 0 && ::dup2(descriptor, to) == to;
  };
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent /* who may have died before */ &&
      redirect(program.out, STDOUT_FILENO) && redirect(program.err, STDERR_FILENO) &&
      (kept < 0 || ::fcntl(kept, F_SETFD, 0) == 0))
    ::execv(program.path.c_str(), words);
  int reason = errno;
  (void)!::write(report, &reason, sizeof(reason));
  ::_exit(127);
}

/// The process that `program` runs in; `kept` stays open there, if there is one.
llvm::Expected<pid_t> start(const ChildProgram &program, std::vector<std::string> arguments, int kept) {
  std::string path = program.path;
  llvm::SmallVector<char *> words = {path.data()};
  for (std::string &argument : arguments)
    words.push_back(argument.data());
  words.push_back(nullptr);
  auto cannot = [&](int reason) { return failure(path, "cannot be started", llvm::sys::StrError(reason)); };
  Pipe report; // closed by what is started, or told why nothing was
  if (!report.open())
    return cannot(errno);
  pid_t parent = ::getpid(), child = ::fork();
  if (child == 0)
    become(program, words.data(), parent, kept, report.write);
  if (child < 0)
    return cannot(errno);
  Pipe::close(report.write);
  int reason = 0;
  if (llvm::sys::RetryAfterSignal(-1, ::read, report.read, &reason, sizeof(reason)) != sizeof(reason))
    return child;
  llvm::sys::RetryAfterSignal(-1, ::waitpid, child, nullptr, 0);
  return cannot(reason);
}

/// Copies what comes out of a pipe to a file.
llvm::Error copy(int pipe, StringRef file) {
  std::error_code error;
  llvm::raw_fd_ostream stream(file, error, llvm::sys::fs::CD_OpenExisting);
  if (error)
    return failure(file, "cannot be written", error.message());
  stream.SetUnbuffered();
  std::vector<char> piece(kPieceBytes);
  ssize_t got = 0;
  while (!stream.error() &&
         (got = llvm::sys::RetryAfterSignal(-1, ::read, pipe, piece.data(), piece.size())) > 0)
    stream.write(piece.data(), size_t(got));
  if (got < 0)
    return failure(file, "what belongs there cannot be read", llvm::sys::StrError());
  error = stream.error();
  stream.clear_error();
  return error ? failure(file, "cannot be written", error.message()) : llvm::Error::success();
}

} // namespace

llvm::Expected<int> cria::runProgram(const ChildProgram &program) {
  Pipe pipe;
  std::vector<std::string> arguments = program.arguments;
  if (!program.writeOption.empty()) {
    if (!pipe.open())
      return failure(program.path, "cannot be started", llvm::sys::StrError());
    arguments.push_back(program.writeOption);
    arguments.push_back("/proc/self/fd/" + std::to_string(pipe.write));
  }
  llvm::Expected<pid_t> child = start(program, std::move(arguments), pipe.write);
  if (!child)
    return child.takeError();
  Pipe::close(pipe.write);
  llvm::Error copied = pipe.read < 0 ? llvm::Error::success() : copy(pipe.read, program.written);
  Pipe::close(pipe.read); // what is still written fails
  int status = 0;
  bool isKnown = llvm::sys::RetryAfterSignal(-1, ::waitpid, *child, &status, 0) == *child;
  int reason = errno;
  if (copied)
    return std::move(copied);
  if (!isKnown)
    return failure(program.path, "cannot be waited for", llvm::sys::StrError(reason));
  if (WIFSIGNALED(status))
    return failure(program.path, "was ended", ::strsignal(WTERMSIG(status)));
  return WEXITSTATUS(status);
}
