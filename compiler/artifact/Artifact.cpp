//===- Artifact.cpp - One file that runs by itself -------------------------===//

#include "compiler/artifact/Artifact.h"
#include "compiler/artifact/Link.h"

#include "runtime/Abi.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstring>
#include <fcntl.h>

using namespace mlir;
using namespace cria;

namespace {

/// Reports `error`, if there is one.
LogicalResult check(ModuleOp module, llvm::Error error) {
  return error ? LogicalResult(module.emitError(llvm::toString(std::move(error)))) : success();
}

LogicalResult writeAt(ModuleOp module, const AtomicFile &output, OutputFile &file, llvm::ArrayRef<char> bytes,
                      uint64_t offset) {
  if (int error = file.write(bytes, offset))
    return module.emitError() << output.asked() << ": cannot be written at byte " << offset << ": "
                              << std::strerror(error);
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

LogicalResult cria::writeArtifact(ModuleOp module, const ArtifactParts &parts, AtomicFile &output,
                                  const Progress &progress, std::vector<MatrixReport> *report) {
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
  if (int error = ::posix_fallocate(output.descriptor(), 0, trailer.file_bytes))
    return check(module, output.cannotBeWritten(llvm::Twine(trailer.file_bytes) + " bytes are needed: " +
                                                std::strerror(error)));
  OutputFile out(output.descriptor(), trailer.file_bytes);
  llvm::ArrayRef<char> tokenizer(reinterpret_cast<const char *>(parts.tokenizer.data()), parts.tokenizer.size());
  llvm::ArrayRef<char> end(reinterpret_cast<const char *>(&trailer), sizeof(trailer));
  if (failed(writeAt(module, output, out, {code.data(), code.size()}, 0)) ||
      failed(writeConstants(module, out, trailer.weights_offset, output.asked(), progress, /*threads=*/0, report)) ||
      failed(writeAt(module, output, out, tokenizer, trailer.tokenizer_offset)) ||
      failed(writeAt(module, output, out, end, trailer.file_bytes - sizeof(trailer))))
    return failure();
  return check(module, output.keep(0777));
}
