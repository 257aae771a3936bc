//===- Link.cpp - Generated code and runtime become a program --------------===//

#include "compiler/artifact/Link.h"

#include "compiler/artifact/TemporaryPath.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace cria;

mlir::FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
cria::linkProgram(ModuleOp module, llvm::ArrayRef<StringRef> objects, StringRef runtimeFolder) {
  std::vector<TemporaryPath> inputs;
  for (StringRef object : objects) {
    llvm::Expected<TemporaryPath> input = TemporaryPath::create("cria-object", object);
    if (!input)
      return module.emitError(llvm::toString(input.takeError()));
    inputs.push_back(std::move(*input));
  }
  llvm::Expected<TemporaryPath> output = TemporaryPath::create("cria-program");
  if (!output)
    return module.emitError(llvm::toString(output.takeError()));

  // test/runtime/CMakeLists.txt has the same line.
  std::vector<std::string> words = {"ld.lld", "-static", "-pie", "--no-dynamic-linker", "-z", "text", "-z", "relro",
                                    "-z", "now", "-z", "noexecstack", "--gc-sections", "--build-id=none", "-s",
                                    "--threads=1", "-o", output->get()};
  auto add = [&](StringRef part) -> LogicalResult {
    llvm::SmallString<128> path(runtimeFolder);
    llvm::sys::path::append(path, part);
    if (!llvm::sys::fs::exists(path))
      return module.emitError() << path.str() << ": expects a part of the runtime there, but got nothing";
    words.push_back(std::string(path));
    return success();
  };
  if (failed(add("rcrt1.o")) || failed(add("crti.o")))
    return failure();
  for (const TemporaryPath &input : inputs)
    words.push_back(input.get());
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
  auto program = llvm::MemoryBuffer::getFile(output->get(), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!program)
    return module.emitError() << output->get() << ": cannot be read: " << program.getError().message();
  // The bytes outlive the file.
  return llvm::MemoryBuffer::getMemBufferCopy((*program)->getBuffer());
}
