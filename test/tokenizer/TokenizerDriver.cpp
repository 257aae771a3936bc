//===- TokenizerDriver.cpp - Encodes texts for the tests ------------------===//
//
// TokenizerDriver vectors VOCABULARY INP OUT
//     Texts of INP (between lines `__ggml_vocab_test__`) against the ids of OUT,
//     a line each.
// TokenizerDriver encode VOCABULARY
//     Texts from standard input (length as u32, then bytes), a line of ids each.
//     Byte-level tokenizers must give each text back.
// TokenizerDriver compare VOCABULARY TEXTS
//     As many texts and ids as SentencePieceOracle writes to standard input. Text
//     whose normalization loses nothing must come back from its ids.
//
//===----------------------------------------------------------------------===//
#include "test/tokenizer/Support.h"

#include "llvm/ADT/SmallVector.h"

#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace cria::test;

static int runVectors(StringRef vocabulary, StringRef inputPath, StringRef outputPath) {
  auto tokenizer = openTokenizer(vocabulary);
  auto input = readFile(inputPath), output = readFile(outputPath);
  // The last text is empty, and so is the last line.
  SmallVector<StringRef> texts, lines;
  input->getBuffer().split(texts, "\n__ggml_vocab_test__\n");
  output->getBuffer().split(lines, "\n");
  if (texts.size() != lines.size() || texts.size() != 47)
    fail("expects 47 texts and lines, but got " + Twine(texts.size()) + " and " +
         Twine(lines.size()));
  int failures = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string ids = join(tokenizer->encode(texts[i]));
    if (ids == lines[i].trim())
      continue;
    std::fprintf(stderr, "text %zu expects %s, but got %s\n", i, lines[i].str().c_str(),
                 ids.c_str());
    ++failures;
  }
  std::printf("%zu texts, %d wrong\n", texts.size(), failures);
  return failures != 0;
}

/// Takes what a length in front of it says from `rest`: `width` bytes each.
static StringRef take(StringRef &rest, size_t width) {
  if (rest.size() < sizeof(uint32_t))
    fail("expects a length of 4 bytes");
  uint32_t count = support::endian::read32le(rest.data());
  rest = rest.drop_front(sizeof(count));
  if (rest.size() / width < count)
    fail("expects " + Twine(count) + " more elements");
  StringRef taken = rest.take_front(count * width);
  rest = rest.drop_front(taken.size());
  return taken;
}

static std::unique_ptr<MemoryBuffer> readInput() {
  auto input = MemoryBuffer::getSTDIN();
  if (!input)
    fail(input.getError().message());
  return std::move(*input);
}

static int runEncode(StringRef vocabulary) {
  auto tokenizer = openTokenizer(vocabulary);
  auto input = readInput();
  for (StringRef rest = input->getBuffer(); !rest.empty();) {
    StringRef text = take(rest, 1);
    std::vector<int32_t> ids = tokenizer->encode(text);
    std::printf("%s\n", join(ids).c_str());
    const uint32_t changesText = CRIA_TOKENIZER_NFC | CRIA_TOKENIZER_BYTE_LEVEL;
    if ((tokenizer->runtime.flags & changesText) == CRIA_TOKENIZER_BYTE_LEVEL &&
        tokenizer->decode(ids) != text)
      fail("the ids " + join(ids) + " do not give their text back");
  }
  return 0;
}

static int runCompare(StringRef vocabulary, StringRef countText) {
  auto tokenizer = openTokenizer(vocabulary);
  auto input = readInput();
  // Unknown characters do not come back, nor do spaces that were removed.
  bool keepsText = tokenizer->runtime.byte_ids[0] >= 0 &&
                   !(tokenizer->runtime.flags & CRIA_TOKENIZER_REMOVE_WHITESPACE);
  unsigned expectedCount = 0, compared = 0, returned = 0;
  if (countText.getAsInteger(10, expectedCount))
    fail("expects a number of texts");
  for (StringRef rest = input->getBuffer(); !rest.empty(); ++compared) {
    StringRef text = take(rest, 1), words = take(rest, sizeof(int32_t));
    std::vector<int32_t> expected;
    for (; !words.empty(); words = words.drop_front(sizeof(int32_t)))
      expected.push_back(support::endian::read32le(words.data()));
    std::vector<int32_t> ids = tokenizer->encode(text);
    std::string name = "text " + std::to_string(compared) + " (hexadecimal " + toHex(text) + ")";
    if (ids != expected)
      fail(name + " expects ids " + join(expected) + ", but got " + join(ids));
    const UTF8 *begin = text.bytes_begin();
    if (!keepsText || !isLegalUTF8String(&begin, text.bytes_end()) ||
        text.contains("\xe2\x96\x81"))
      continue;
    if (tokenizer->decode(ids) != text)
      fail(name + " does not come back from ids " + join(ids));
    ++returned;
  }
  if (compared != expectedCount || (keepsText && returned * 4 < compared))
    fail("expects " + Twine(expectedCount) + " texts, a quarter of them to come back, but got " +
         Twine(compared) + " and " + Twine(returned));
  std::printf("%u texts have the library's ids, %u came back from them\n", compared, returned);
  return 0;
}

int main(int argc, char **argv) {
  StringRef mode = argc > 1 ? argv[1] : "";
  if (mode == "vectors" && argc == 5)
    return runVectors(argv[2], argv[3], argv[4]);
  if (mode == "encode" && argc == 3)
    return runEncode(argv[2]);
  if (mode == "compare" && argc == 4)
    return runCompare(argv[2], argv[3]);
  fail("expects: vectors VOCABULARY INP OUT | encode VOCABULARY | compare VOCABULARY TEXTS");
}
