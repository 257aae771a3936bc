//===- HostileInput.cpp - Damaged tokenizer files and tables --------------===//
//
// HostileInput ROUNDS VOCABULARY...
//     Cuts and garbles each file ROUNDS times: reading it gives an error or a
//     vocabulary whose tables open and work. Then garbles the tables of the whole
//     file ROUNDS times: opening them gives an error or something that encodes and
//     decodes without a crash. Meant to run under sanitizers; where they are
//     absent it still finds crashes and hangs. Also checks fitVocabulary and
//     applyTokenizerConfig, which no other test program reaches.
//
//===----------------------------------------------------------------------===//
#include "frontends/tokenizer/Vocabulary.h"
#include "test/Damage.h"
#include "test/tokenizer/Support.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace cria::test;
using cria::llama::Vocabulary;

static const StringRef sampleTexts[] = {
    "", "Once upon a time", "  it's 1234567 \xc3\xa9\xcc\x81\xcc\xa3 \xff\xe2\x96 \n\n\t x",
    "\xed\xa0\x80 \xf0\x9f\xa6\x99<s></s><|begin_of_text|><tool>\xea\xb0\x81\xe1\x86\xa8"};

/// Encodes and decodes; an error if ids leave the vocabulary.
static void useTokenizer(const CriaTokenizer &t) {
  for (StringRef text : sampleTexts) {
    int32_t *ids;
    int64_t count = criaTokenizerEncode(&t, text.data(), text.size(), &ids);
    for (int64_t i = 0; i < count; ++i) {
      if (ids[i] < 0 || uint32_t(ids[i]) >= t.pieces)
        fail("id " + Twine(ids[i]) + " is outside the vocabulary of " + Twine(t.pieces));
      char buffer[8];
      criaTokenizerDecode(&t, ids[i], i == 0, buffer, sizeof(buffer));
    }
    if (count >= 0)
      std::free(ids);
  }
  char byte;
  for (int64_t id : {int64_t(-1), int64_t(t.pieces), int64_t(INT32_MAX)})
    if (criaTokenizerDecode(&t, int32_t(id), 0, &byte, 1) != 0)
      fail("id " + Twine(id) + ", which is no piece, expects 0 bytes");
}

/// Reads damaged copies of a file. Returns how many were refused.
static unsigned damageFile(StringRef name, unsigned rounds, Random &random) {
  auto [path, count] = name.contains(':') ? name.rsplit(':') : std::pair(name, StringRef());
  auto original = readFile(path);
  SmallString<64> copy;
  if (auto error = sys::fs::createTemporaryFile("tokenizer", path.rsplit('.').second, copy))
    fail(error.message());
  unsigned refused = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<uint8_t> bytes(original->getBuffer().bytes_begin(),
                               original->getBuffer().bytes_end());
    if (random.below(4) == 0)
      bytes.resize(random.below(uint32_t(bytes.size())));
    else
      garble(bytes, random);
    std::error_code error;
    raw_fd_ostream(copy, error).write(reinterpret_cast<char *>(bytes.data()), bytes.size());
    if (error)
      fail(error.message());
    auto vocabulary = readVocabulary(count.empty() ? copy.str().str() : (copy + ":" + count).str());
    if (!vocabulary) {
      std::string message = toString(vocabulary.takeError());
      if (!StringRef(message).starts_with(copy))
        fail("an error expects to name its file, but got " + message);
      ++refused;
      continue;
    }
    useTokenizer(Tokenizer(*vocabulary).runtime);
  }
  sys::fs::remove(copy);
  return refused;
}

/// Opens damaged copies of tables. Returns how many were refused.
static unsigned damageTables(const std::vector<uint8_t> &tables, unsigned rounds, Random &random) {
  unsigned refused = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<uint8_t> bytes = tables;
    if (random.below(8) == 0)
      bytes.resize(random.below(uint32_t(bytes.size())));
    else
      garble(bytes, random);
    CriaTokenizer t;
    const char *error = nullptr;
    int result = criaTokenizerOpen(&t, bytes.data(), bytes.size(), &error);
    if ((result == 0) != (error == nullptr))
      fail("opening tables expects an error text with a failure, and none without");
    refused += result != 0;
    if (result == 0)
      useTokenizer(t);
  }
  return refused;
}

static void expectFit(const Vocabulary &original, int64_t difference, bool fits) {
  Vocabulary vocabulary = original;
  uint64_t wanted = original.pieces.size() + difference;
  Error error = cria::fitVocabulary(vocabulary, wanted, "file");
  if (bool(error) == fits || (fits && vocabulary.pieces.size() != wanted))
    fail("a model with " + Twine(difference) + " more pieces expects another answer");
  consumeError(std::move(error));
}

static void checkFit() {
  Vocabulary words;
  words.kind = Vocabulary::Kind::SentencePieceBpe;
  words.pieces.resize(100);
  expectFit(words, 0, true);
  expectFit(words, -1, false);
  expectFit(words, 28, false);
  words.pieces.back().type = Vocabulary::PieceType::Control;
  expectFit(words, -1, true);
  expectFit(words, -2, false);
  words.kind = Vocabulary::Kind::ByteLevelBpe;
  expectFit(words, 28, true);
  expectFit(words, 27, false);
  expectFit(words, 28 + 512, false);
}

static void expectConfig(StringRef json, StringRef expected) {
  SmallString<64> path;
  std::error_code code = sys::fs::createTemporaryFile("tokenizer_config", "json", path);
  if (!code)
    raw_fd_ostream(path, code) << json;
  if (code)
    fail(code.message());
  cria::FolderTokenizer tokenizer;
  Vocabulary &vocabulary = tokenizer.vocabulary;
  vocabulary.pieces.resize(3);
  vocabulary.pieces[2].bytes = "<go>";
  vocabulary.pieces[2].type = Vocabulary::PieceType::Control;
  vocabulary.addBos = false;
  std::string got;
  if (Error error = cria::applyTokenizerConfig(tokenizer, path))
    got = toString(std::move(error)).substr(path.size());
  else
    got = "bos " + itostr(vocabulary.bosId) + " " + (vocabulary.addBos ? "added" : "not added") +
          (vocabulary.addSpacePrefix ? ", prefix" : ", no prefix") + (tokenizer.namesBos ? ", named" : "");
  sys::fs::remove(path);
  if (got != expected)
    fail(json + " expects '" + expected + "', but got '" + got + "'");
}

static void checkConfig() {
  expectConfig("{}", "bos -1 not added, prefix");
  expectConfig(R"({"bos_token": "<go>", "add_bos_token": true})", "bos 2 added, prefix, named");
  expectConfig(R"({"bos_token": null})", "bos -1 not added, prefix");
  expectConfig(R"({"bos_token": {"content": "<go>"}, "add_prefix_space": false})",
               "bos 2 not added, no prefix, named");
  expectConfig(R"({"bos_token": "<stop>"})",
               ": 'bos_token' expects a special token of the tokenizer, but got \"<stop>\"");
  expectConfig(R"({"add_bos_token": true})",
               ": 'add_bos_token' is true, which expects a 'bos_token', but got none");
  expectConfig(R"({"add_eos_token": true})", ": 'add_eos_token' expects false, but got true");
  expectConfig(R"({"add_bos_token": 1})", ": 'add_bos_token' expects a boolean, but got 1");
}

int main(int argc, char **argv) {
  unsigned rounds = 0;
  if (argc < 3 || StringRef(argv[1]).getAsInteger(10, rounds) || rounds == 0)
    fail("expects: ROUNDS VOCABULARY...");
  checkFit();
  checkConfig();
  Random random(7);
  for (StringRef name : ArrayRef(argv + 2, argc - 2)) {
    unsigned files = damageFile(name, rounds, random);
    unsigned tables = damageTables(openTokenizer(name)->tables, rounds, random);
    std::printf("%s: %u of %u damaged files and %u of %u damaged tables refused\n",
                name.str().c_str(), files, rounds, tables, rounds);
    if (files == 0 || tables == 0)
      fail("expects some damage to be seen");
  }
}
