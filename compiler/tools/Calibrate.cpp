//===- Calibrate.cpp - What a text shows about a model ---------------------===//

#include "compiler/tools/Calibrate.h"

#include "compiler/tools/ChildProgram.h"
#include "compiler/weights/Records.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace cria;

/// What is in a file that a program has just written; empty if that fails.
static std::string contentsOf(const TemporaryPath &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path.get());
  return buffer ? (*buffer)->getBuffer().trim().str() : "";
}

llvm::Expected<double> cria::measurePerplexity(StringRef program, StringRef text, StringRef records) {
  llvm::Expected<TemporaryPath> out = TemporaryPath::create("cria-output");
  if (!out)
    return out.takeError();
  llvm::Expected<TemporaryPath> err = TemporaryPath::create("cria-errors");
  if (!err)
    return err.takeError();
  // Absolute: neither looked for in PATH nor taken for an option or standard input.
  llvm::SmallString<128> programPath(program), textPath(text);
  llvm::sys::fs::make_absolute(programPath);
  llvm::sys::fs::make_absolute(textPath);
  ChildProgram child = {std::string(programPath), {"--perplexity", std::string(textPath)}, out->get(), err->get(),
                        records.empty() ? "" : "--record", records.str()};
  auto fail = [&](StringRef why) {
    return llvm::createStringError("the perplexity of " + text + " cannot be measured: " + why);
  };
  llvm::Expected<int> code = runProgram(child);
  if (!code)
    return fail(llvm::toString(code.takeError()));
  double perplexity = 0;
  if (*code == 0 && !StringRef(contentsOf(*out)).getAsDouble(perplexity))
    return perplexity;
  std::string said = contentsOf(*err);
  if (StringRef rest = said; rest.consume_front((llvm::sys::path::filename(programPath) + ": ").str()))
    said = rest.str();
  return fail(said.empty() ? "the model prints none" : said);
}

FailureOr<Calibration> cria::calibrate(ModuleOp module, StringRef text,
                                       llvm::function_ref<LogicalResult(StringRef)> compile) {
  auto fail = [&](llvm::Error error) { return module.emitError(llvm::toString(std::move(error))); };
  llvm::Expected<TemporaryPath> observer = TemporaryPath::create("cria-observer");
  if (!observer)
    return fail(observer.takeError());
  llvm::Expected<TemporaryPath> records = TemporaryPath::create("cria-records");
  if (!records)
    return fail(records.takeError());
  if (failed(compile(observer->get())))
    return failure();
  llvm::Expected<double> perplexity = measurePerplexity(observer->get(), text, records->get());
  if (!perplexity)
    return fail(perplexity.takeError());
  auto bytes = llvm::MemoryBuffer::getFile(records->get(), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!bytes)
    return module.emitError() << records->get() << ": cannot be read: " << bytes.getError().message();
  llvm::Expected<Records> parsed = Records::parse((*bytes)->getBuffer());
  if (!parsed)
    return fail(parsed.takeError());
  if (parsed->tokens() < kLeastCalibrationTokens)
    return module.emitError() << text << ": a calibration expects at least " << kLeastCalibrationTokens
                              << " tokens, but got " << parsed->tokens();
  Calibration result;
  result.records = std::move(*records);
  result.perplexity = *perplexity;
  return result;
}
