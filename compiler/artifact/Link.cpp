//===- Link.cpp - Generated code and runtime become a program --------------===//

#include "compiler/artifact/Link.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;

mlir::FailureOr<std::unique_ptr<llvm::MemoryBuffer>> cria::linkProgram(ModuleOp module, StringRef object,
                                                                      StringRef runtimeFolder) {
  llvm::SmallString<128> input, output;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("cria", "o", descriptor, input))
    return module.emitError("cannot make a temporary file: ") << error.message();
  llvm::FileRemover removeInput(input);
  llvm::sys::RemoveFileOnSignal(input);
  {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << object;
    stream.flush();
    if (std::error_code error = stream.error()) {
      stream.clear_error();
      return module.emitError() << input.str() << ": cannot be written: " << error.message();
    }
  }
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("cria", "elf", output))
    return module.emitError("cannot make a temporary file: ") << error.message();
  llvm::FileRemover removeOutput(output);
  llvm::sys::RemoveFileOnSignal(output);

  std::vector<std::string> words = {"ld.lld", "-static", "-pie", "--no-dynamic-linker", "-z", "text", "-z", "relro",
                                    "-z", "now", "-z", "noexecstack", "--gc-sections", "--build-id=none", "-s",
                                    "--threads=1", "-o", std::string(output)};
  for (StringRef part : {"rcrt1.o", "crti.o", "", "libcria_runtime.a", "libc.a", "crtn.o"}) {
    llvm::SmallString<128> path(part.empty() ? StringRef(input) : runtimeFolder);
    if (!part.empty())
      llvm::sys::path::append(path, part);
    if (!llvm::sys::fs::exists(path))
      return module.emitError() << path.str() << ": expected a part of the runtime, found nothing";
    words.push_back(std::string(path));
  }
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return module.emitError("the linker failed: ") << StringRef(messages).rtrim();
  auto program = llvm::MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!program)
    return module.emitError() << output.str() << ": cannot be read: " << program.getError().message();
  // The bytes outlive the file.
  return llvm::MemoryBuffer::getMemBufferCopy((*program)->getBuffer());
}
