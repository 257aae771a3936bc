//===- Link.cpp - Generated code and runtime become a program --------------===//

#include "compiler/artifact/Link.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace {

/// A temporary file, removed in the end.
class TemporaryPath {
public:
  ~TemporaryPath() {
    if (path.empty())
      return;
    llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }

  /// Makes the file, of `contents`.
  LogicalResult create(ModuleOp module, StringRef suffix, StringRef contents) {
    int descriptor;
    if (std::error_code error = llvm::sys::fs::createTemporaryFile("cria", suffix, descriptor, path))
      return module.emitError("cannot make a temporary file: ") << error.message();
    llvm::sys::RemoveFileOnSignal(path);
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << contents;
    stream.flush();
    if (std::error_code error = stream.error()) {
      stream.clear_error();
      return module.emitError() << path.str() << ": cannot be written: " << error.message();
    }
    return success();
  }

  StringRef get() const { return path; }

private:
  llvm::SmallString<128> path;
};

} // namespace

mlir::FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
cria::linkProgram(ModuleOp module, llvm::ArrayRef<StringRef> objects, StringRef runtimeFolder) {
  std::vector<TemporaryPath> inputs(objects.size());
  for (auto [input, object] : llvm::zip_equal(inputs, objects))
    if (failed(input.create(module, "o", object)))
      return failure();
  TemporaryPath output;
  if (failed(output.create(module, "elf", "")))
    return failure();

  std::vector<std::string> words = {"ld.lld", "-static", "-pie", "--no-dynamic-linker", "-z", "text", "-z", "relro",
                                    "-z", "now", "-z", "noexecstack", "--gc-sections", "--build-id=none", "-s",
                                    "--threads=1", "-o", std::string(output.get())};
  auto add = [&](StringRef part) -> LogicalResult {
    llvm::SmallString<128> path(runtimeFolder);
    llvm::sys::path::append(path, part);
    if (!llvm::sys::fs::exists(path))
      return module.emitError() << path.str() << ": expected a part of the runtime, found nothing";
    words.push_back(std::string(path));
    return success();
  };
  if (failed(add("rcrt1.o")) || failed(add("crti.o")))
    return failure();
  for (const TemporaryPath &input : inputs)
    words.push_back(std::string(input.get()));
  if (failed(add("libcria_runtime.a")) || failed(add("libc.a")) || failed(add("crtn.o")))
    return failure();
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return module.emitError("the linker failed: ") << StringRef(messages).rtrim();
  auto program = llvm::MemoryBuffer::getFile(output.get(), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!program)
    return module.emitError() << output.get() << ": cannot be read: " << program.getError().message();
  // The bytes outlive the file.
  return llvm::MemoryBuffer::getMemBufferCopy((*program)->getBuffer());
}
