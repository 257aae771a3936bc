//===- SentencePieceOracle.cpp - Random texts and the library's ids -------===//
//
// SentencePieceOracle MODEL TEXTS
//     Writes TEXTS random strings, seeded, to standard output: pieces of the
//     vocabulary, characters of all Unicode, and bytes that are not UTF-8; each as
//     length u32 and bytes, then the sentencepiece library's ids as count u32 and
//     i32 each. `TokenizerDriver compare` reads them. A program of its own, since
//     Debian's library brings a protobuf of another version than ours.
//
//===----------------------------------------------------------------------===//
#include "test/Random.h"

#include <sentencepiece_processor.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using cria::test::Random;

[[noreturn]] static void fail(const std::string &what) {
  std::fprintf(stderr, "error: %s\n", what.c_str());
  std::exit(1);
}

static void appendUtf8(std::string &text, uint32_t c) {
  if (c < 0x80) {
    text += char(c);
    return;
  }
  int trailing = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
  text += char(leads[trailing] | c >> (6 * trailing));
  while (trailing-- > 0)
    text += char(0x80 | ((c >> (6 * trailing)) & 0x3f));
}

static uint32_t randomCharacter(Random &random) {
  uint32_t c = random.below(2) ? random.below(0x3000) : random.below(0x110000);
  return c >= 0xd800 && c < 0xe000 ? 0x2581 : c;
}

static std::string randomText(Random &random,
                              const sentencepiece::SentencePieceProcessor &processor) {
  std::string text;
  // Most texts mix everything; some are only pieces, only bytes or only characters.
  uint32_t kinds = random.below(8), parts = random.below(random.below(4) ? 12 : 200);
  for (uint32_t i = 0; i < parts; ++i) {
    uint32_t kind = kinds < 5 ? random.below(5) : kinds - 5;
    if (kind == 0) {
      std::string piece = processor.IdToPiece(int(random.below(processor.GetPieceSize())));
      for (size_t at; (at = piece.find("\xe2\x96\x81")) != std::string::npos;)
        piece.replace(at, 3, " ");
      text += piece;
    } else if (kind == 1) {
      text += char(random.below(256));
    } else if (kind == 2) {
      appendUtf8(text, randomCharacter(random));
    } else if (kind == 3) {
      text.append(1 + random.below(3), ' ');
    } else {
      text += char(0x20 + random.below(0x5f));
    }
  }
  return text;
}

template <typename T>
static void writeWords(const T *elements, uint32_t count) {
  std::fwrite(&count, sizeof(count), 1, stdout);
  std::fwrite(elements, sizeof(T), count, stdout);
}

int main(int argc, char **argv) {
  if (argc != 3)
    fail("expects: MODEL TEXTS");
  sentencepiece::SentencePieceProcessor processor;
  if (auto status = processor.Load(argv[1]); !status.ok())
    fail(status.ToString());
  Random random(20);
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    std::string text = randomText(random, processor);
    std::vector<int> ids;
    if (auto status = processor.Encode(text, &ids); !status.ok())
      fail(status.ToString());
    writeWords(text.data(), text.size());
    writeWords(ids.data(), ids.size());
  }
  return std::fflush(stdout) != 0;
}
