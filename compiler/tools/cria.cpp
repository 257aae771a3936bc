//===- cria.cpp - The driver -----------------------------------------------===//

#include "compiler/artifact/Artifact.h"
#include "compiler/pipeline/Pipeline.h"
#include "compiler/tools/Compile.h"
#include "compiler/tools/Options.h"
#include "compiler/tools/ProgressLine.h"
#include "targets/Target.h"
#include "targets/x86_64/X86.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <unistd.h>

using namespace mlir;
using namespace cria;

namespace {

void reportTo(MLIRContext &context) {
  context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    StringRef severity = diagnostic.getSeverity() == DiagnosticSeverity::Error     ? "error"
                         : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                                   : "note";
    ProgressLine::hide();
    llvm::errs() << "cria: " << severity << ": " << diagnostic.str() << "\n";
  });
}

int fail(const llvm::Twine &message) {
  llvm::errs() << "cria: error: " << message << "\n";
  return 1;
}

/// `exitCode`, if all that was printed has arrived.
int closeOutput(int exitCode) {
  llvm::outs().flush();
  std::error_code error = llvm::outs().error();
  if (!error)
    return exitCode;
  llvm::outs().clear_error(); // or the stream's destructor says it again, as a crash
  return fail("standard output: cannot be written: " + error.message());
}

int listTargets() {
  llvm::Expected<ChipRef> byDefault = lookupChip("");
  for (const Target *target : registeredTargets()) {
    for (const ChipSet &set : target->chipSets())
      llvm::outs() << llvm::left_justify(set.name, 16) << set.summary << ": " << llvm::join(set.chips, ", ") << "\n";
    for (const Chip &chip : target->chips()) {
      llvm::outs() << llvm::left_justify(chip.name, 16) << chip.summary;
      if (byDefault && byDefault->chip == &chip)
        llvm::outs() << " [default]";
      if (target->nativeChip() == &chip)
        llvm::outs() << " [native]";
      llvm::outs() << "\n";
    }
  }
  if (!byDefault)
    llvm::consumeError(byDefault.takeError());
  return closeOutput(0);
}

int listPhases() {
  llvm::outs() << llvm::left_justify("import", 12) << "read the model as llama IR\n";
  for (const Phase &phase : phases())
    llvm::outs() << llvm::left_justify(phase.name, 12) << phase.summary << "\n";
  return closeOutput(0);
}

/// `$XDG_CACHE_HOME/cria` or `~/.cache/cria`.
bool cacheFolder(llvm::SmallVectorImpl<char> &folder) {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache && llvm::sys::path::is_absolute(cache))
    folder.append(cache, cache + std::strlen(cache));
  else if (llvm::sys::path::home_directory(folder))
    llvm::sys::path::append(folder, ".cache");
  else
    return false;
  llvm::sys::path::append(folder, "cria");
  return true;
}

int runModel(MLIRContext &context, const DriverOptions &options, const Installation &installation) {
  llvm::SmallString<128> path;
  if (!cacheFolder(path))
    return fail("expects HOME or XDG_CACHE_HOME to name a folder for compiled models, but got neither");
  if (std::error_code error = llvm::sys::fs::create_directories(path))
    return fail(path + ": cannot be made: " + error.message());
  FailureOr<ImportedModel> imported = importModel(context, options, installation);
  if (failed(imported))
    return 1;
  FailureOr<std::string> name = cacheName(*imported, options, installation);
  if (failed(name))
    return 1;
  llvm::sys::path::append(path, *name);
  bool isThere = llvm::sys::fs::can_execute(path) && isWholeArtifact(path);
  if (!isThere && failed(compileModel(*imported, options, installation, path)))
    return 1;
  std::vector<char *> arguments = {const_cast<char *>(path.c_str())};
  for (const std::string &argument : options.programArguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  ::execv(arguments.front(), arguments.data());
  return fail(llvm::Twine(arguments.front()) + ": cannot be run: " + std::strerror(errno));
}

/// What whoever waits at a terminal asks for is no crash.
void quit(int signal) {
  llvm::sys::RunInterruptHandlers(); // removes files
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Signals end the program, and files that are not whole are removed then, but those go on being ignored that the
/// process which started it ignores: nohup, a job in the background.
class Signals {
public:
  Signals() {
    for (auto &[signal, ignored] : ending)
      ignored = isIgnored(signal);
  }

  /// After LLVM has set up its own.
  void setUp() {
    std::signal(SIGQUIT, quit);
    for (auto [signal, ignored] : ending)
      if (ignored)
        std::signal(signal, SIG_IGN);
    // What cannot be written is an error of the write.
    std::signal(SIGXFSZ, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
  }

private:
  static bool isIgnored(int signal) {
    struct sigaction action;
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  }

  struct Ending {
    int signal;
    bool ignored = false;
  };
  Ending ending[5] = {{SIGHUP}, {SIGINT}, {SIGTERM}, {SIGUSR2}, {SIGQUIT}};
};

} // namespace

int main(int argc, char **argv) {
  llvm::setBugReportMsg("cria crashed. This is a fault of cria's: what it was asked to do follows.\n");
  Signals signals;
  llvm::InitLLVM setup(argc, argv, /*InstallPipeSignalExitHandler=*/false);
  signals.setUp();
  registerTarget(&x86Target());
  int exitCode = 0;
  std::optional<DriverOptions> options = parseOptions(argc, argv, exitCode);
  if (!options)
    return closeOutput(exitCode);
  if (options->command == DriverOptions::Command::Targets)
    return listTargets();
  if (options->command == DriverOptions::Command::Phases)
    return listPhases();
  if (!options->stopAfter.empty() && !isPhase(options->stopAfter))
    return fail("--stop-after expects a phase that 'cria phases' lists, but got '" + options->stopAfter + "'");

  DialectRegistry registry;
  registerAllCria(registry);
  MLIRContext context(registry);
  reportTo(context);
  Installation installation(argv[0]);
  if (options->command == DriverOptions::Command::Run)
    return runModel(context, *options, installation);
  FailureOr<ImportedModel> imported = importModel(context, *options, installation);
  return closeOutput(failed(imported) || failed(compileModel(*imported, *options, installation, options->output)));
}
