//===- HostileImport.cpp - Models whose headers are damaged ----------------===//
//
// HostileImport MODEL FILE cut LENGTH...
//     Imports MODEL with FILE, a part of it or itself, cut off at each length: an error.
// HostileImport MODEL FILE bytes|text ROUNDS BYTES
//     Damages the first BYTES of FILE, ROUNDS times: importing MODEL gives an error or a
//     model, and says an error exactly if it gives none. `text`: a byte of JSON's own.
//
// Meant to run under sanitizers; where they are absent it still finds crashes and hangs.
// FILE is as it was in the end, and as it failed if a crash or an error ends the program.
//
//===----------------------------------------------------------------------===//
#include "dialects/llama/Llama.h"
#include "frontends/Frontend.h"
#include "test/Damage.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace llvm;
using namespace cria::test;

namespace {

[[noreturn]] void fail(const Twine &what) {
  errs() << "error: " << what << "\n";
  std::exit(1);
}

uint64_t number(StringRef text) {
  uint64_t result = 0;
  if (text.getAsInteger(10, result))
    fail("expects a number, but got '" + text + "'");
  return result;
}

class Victim {
public:
  Victim(mlir::MLIRContext &context, StringRef model, StringRef file) : context(context), model(model), file(file) {
    auto buffer = MemoryBuffer::getFile(file, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!buffer)
      fail(file + ": " + buffer.getError().message());
    whole.assign((*buffer)->getBuffer().bytes_begin(), (*buffer)->getBuffer().bytes_end());
  }

  std::vector<uint8_t> copy() const { return whole; }
  void restore() const { write(whole); }

  /// Whether the model is refused with `bytes` in the file's place.
  bool isRefused(ArrayRef<uint8_t> bytes, const Twine &what) const {
    PrettyStackTraceFormat trace("%s: %s", file.str().c_str(), what.str().c_str());
    write(bytes);
    unsigned errors = 0;
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
      errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    });
    cria::ImportOptions options;
    options.path = model.str();
    bool refused = failed(cria::importModel(&context, options));
    if (errors != refused)
      fail(file + ": " + what + " is " + (refused ? "refused" : "taken") + ", with " + Twine(errors) + " errors");
    return refused;
  }

private:
  void write(ArrayRef<uint8_t> bytes) const {
    std::error_code error;
    raw_fd_ostream stream(file, error);
    if (!error)
      stream.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    if (error)
      fail(file + ": " + error.message());
  }

  mlir::MLIRContext &context;
  StringRef model, file;
  std::vector<uint8_t> whole;
};

void cut(const Victim &victim, ArrayRef<char *> lengths) {
  for (StringRef length : lengths) {
    std::vector<uint8_t> bytes = victim.copy();
    if (number(length) >= bytes.size())
      fail("expects lengths below " + Twine(bytes.size()) + ", but got " + length);
    bytes.resize(number(length));
    if (!victim.isRefused(bytes, "cut off at " + length))
      fail("expects an error for a file cut off at " + length);
  }
}

void damage(const Victim &victim, bool text, uint64_t rounds, uint64_t header) {
  Random random(11);
  uint64_t refused = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    std::vector<uint8_t> bytes = victim.copy();
    auto part = MutableArrayRef(bytes).take_front(header);
    if (text)
      garbleText(part, random);
    else
      garble(part, random);
    refused += victim.isRefused(bytes, "round " + Twine(round));
  }
  outs() << refused << " of " << rounds << " refused\n";
  if (refused == 0)
    fail("expects some damage to be seen");
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM setup(argc, argv);
  StringRef kind = argc > 4 ? argv[3] : "";
  if (kind != "cut" && (argc != 6 || (kind != "bytes" && kind != "text")))
    fail("expects: MODEL FILE cut LENGTH... | MODEL FILE bytes|text ROUNDS BYTES");
  mlir::DialectRegistry registry;
  registry.insert<cria::llama::LlamaDialect, mlir::func::FuncDialect>();
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  Victim victim(context, argv[1], argv[2]);
  if (kind == "cut")
    cut(victim, ArrayRef(argv + 4, argc - 4));
  else
    damage(victim, kind == "text", number(argv[4]), number(argv[5]));
  victim.restore();
}
