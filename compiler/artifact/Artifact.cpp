//===- Artifact.cpp - One file that runs by itself -------------------------===//

#include "compiler/artifact/Artifact.h"
#include "compiler/artifact/Link.h"

#include "runtime/Abi.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace cria;

namespace {

/// A file that exists under a temporary name until `keep`.
class TemporaryFile {
public:
  ~TemporaryFile() {
    if (descriptor >= 0)
      ::close(descriptor);
    if (!path.empty()) {
      ::unlink(path.c_str());
      llvm::sys::DontRemoveFileOnSignal(path);
    }
  }

  /// `.NAME.XXXXXX` beside `output`. The error names the output: that is what the
  /// user asked for.
  LogicalResult create(ModuleOp module, StringRef output) {
    llvm::SmallString<128> model(llvm::sys::path::parent_path(output));
    if (model.empty())
      model = ".";
    llvm::sys::path::append(model, "." + llvm::sys::path::filename(output) + ".XXXXXX");
    path = std::string(model);
    descriptor = ::mkstemp(path.data());
    if (descriptor < 0) {
      int error = errno;
      path.clear();
      return module.emitError() << output << ": cannot be written: " << std::strerror(error);
    }
    llvm::sys::RemoveFileOnSignal(path);
    return success();
  }

  int get() const { return descriptor; }

  /// Gives the file its permissions and its name.
  LogicalResult keep(ModuleOp module, StringRef output) {
    mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(descriptor, 0777 & ~mask) != 0 || ::fsync(descriptor) != 0 ||
        ::rename(path.c_str(), output.str().c_str()) != 0)
      return module.emitError() << output << ": cannot be written: " << std::strerror(errno);
    llvm::sys::DontRemoveFileOnSignal(path);
    path.clear();
    return success();
  }

private:
  std::string path;
  int descriptor = -1;
};

LogicalResult writeAt(ModuleOp module, StringRef output, OutputFile &file, llvm::ArrayRef<char> bytes,
                      uint64_t offset) {
  if (int error = file.write(bytes, offset))
    return module.emitError() << output << ": cannot be written at byte " << offset << ": " << std::strerror(error);
  return success();
}

uint64_t page(uint64_t offset) { return llvm::alignTo(offset, CRIA_PAGE_BYTES); }

} // namespace

bool cria::isWholeArtifact(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  CriaTrailer trailer;
  if (!file || (*file)->getBufferSize() < sizeof(trailer))
    return false;
  std::memcpy(&trailer, (*file)->getBufferEnd() - sizeof(trailer), sizeof(trailer));
  return std::memcmp(trailer.magic, CRIA_TRAILER_MAGIC, sizeof(trailer.magic)) == 0 &&
         trailer.abi_version == CRIA_ABI_VERSION && trailer.file_bytes == (*file)->getBufferSize();
}

LogicalResult cria::writeArtifact(ModuleOp module, const ArtifactParts &parts, StringRef output,
                                  const Progress &progress, std::vector<MatrixReport> *report) {
  // A link keeps pointing to what is written.
  llvm::SmallString<128> target(output);
  if (llvm::sys::fs::is_symlink_file(output))
    if (std::error_code error = llvm::sys::fs::real_path(output, target))
      return module.emitError() << output << ": cannot be written: it is a link, and what it leads to: "
                                << error.message();
  output = target;
  if (llvm::sys::fs::exists(output) && !llvm::sys::fs::is_regular_file(output))
    return module.emitError() << output << ": cannot be written: expected a file or nothing there, found "
                              << (llvm::sys::fs::is_directory(output) ? "a folder" : "a device");
  TemporaryFile file;
  if (failed(file.create(module, output)))
    return failure();

  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> program = linkProgram(module, parts.objects, parts.runtimeFolder);
  if (failed(program))
    return failure();
  StringRef code = (*program)->getBuffer();

  CriaTrailer trailer = {};
  trailer.weights_offset = page(code.size());
  trailer.weights_bytes = llvm::alignTo(constantsBytes(module), CRIA_TENSOR_ALIGNMENT); // as the code counts them
  trailer.tokenizer_offset = page(trailer.weights_offset + trailer.weights_bytes);
  trailer.tokenizer_bytes = parts.tokenizer.size();
  trailer.file_bytes = trailer.tokenizer_offset + llvm::alignTo(trailer.tokenizer_bytes, 8) + sizeof(CriaTrailer);
  trailer.abi_version = CRIA_ABI_VERSION;
  std::memcpy(trailer.magic, CRIA_TRAILER_MAGIC, sizeof(trailer.magic));

  // Space first: a full disk is seen now, not after minutes.
  if (int error = ::posix_fallocate(file.get(), 0, trailer.file_bytes))
    return module.emitError() << output << ": cannot be written: " << trailer.file_bytes
                              << " bytes are needed: " << std::strerror(error);
  OutputFile out(file.get(), trailer.file_bytes);
  llvm::ArrayRef<char> tokenizer(reinterpret_cast<const char *>(parts.tokenizer.data()), parts.tokenizer.size());
  llvm::ArrayRef<char> end(reinterpret_cast<const char *>(&trailer), sizeof(trailer));
  if (failed(writeAt(module, output, out, {code.data(), code.size()}, 0)) ||
      failed(writeConstants(module, out, trailer.weights_offset, output, progress, /*threads=*/0, report)) ||
      failed(writeAt(module, output, out, tokenizer, trailer.tokenizer_offset)) ||
      failed(writeAt(module, output, out, end, trailer.file_bytes - sizeof(trailer))))
    return failure();
  return file.keep(module, output);
}
