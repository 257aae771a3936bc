//===- Records.cpp - What matrices were multiplied by, from a file ---------===//

#include "compiler/weights/Records.h"

#include "runtime/Abi.h"

#include "llvm/Support/Endian.h"

using namespace cria;

llvm::Expected<Records> Records::parse(llvm::StringRef bytes) {
  auto fail = [](const llvm::Twine &message) { return llvm::createStringError("records " + message); };
  llvm::StringRef rest = bytes;
  auto word = [&](uint32_t &value) {
    if (rest.size() < sizeof(value))
      return false;
    value = llvm::support::endian::read32le(rest.data());
    rest = rest.drop_front(sizeof(value));
    return true;
  };
  if (!rest.consume_front(llvm::StringRef(CRIA_RECORD_MAGIC, sizeof(CRIA_RECORD_MAGIC))))
    return fail("expect to begin with '" CRIA_RECORD_MAGIC "', but do not");
  Records records;
  uint32_t count, width, tokens;
  if (!word(count) || count > rest.size() / sizeof(width))
    return fail("expect the widths of their observations, but end before");
  uint64_t floats = 0; // of a token
  for (uint32_t i = 0; i < count; ++i) {
    word(width);
    records.widths.push_back(width);
    floats += width;
  }
  if (floats == 0)
    return fail("expect observations, but have none");
  while (!rest.empty()) {
    uint64_t at = bytes.size() - rest.size();
    if (!word(tokens) || tokens > rest.size() / sizeof(float) / floats)
      return fail("expect a whole step at byte " + llvm::Twine(at) + ", but end at " + llvm::Twine(bytes.size()));
    records.steps.push_back({rest.data(), tokens});
    records.allTokens += tokens;
    rest = rest.drop_front(tokens * floats * sizeof(float));
  }
  return records;
}

std::vector<Records::Run> Records::vectors(size_t number) const {
  int64_t before = 0;
  for (size_t i = 0; i < number; ++i)
    before += widths[i];
  std::vector<Run> runs;
  for (const Step &step : steps)
    runs.push_back({step.data + before * step.tokens * int64_t(sizeof(float)), step.tokens});
  return runs;
}
