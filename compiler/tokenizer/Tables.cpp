//===- Tables.cpp - A vocabulary becomes the runtime's tables -------------===//
#include "compiler/tokenizer/Tables.h"
#include "compiler/tokenizer/UnicodeTables.h"
#include "runtime/TokenizerTables.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <numeric>

namespace cria {
namespace {

using llama::Vocabulary;

// The runtime reads the enumerators as numbers.
static_assert(int(Vocabulary::PreTokenizer::None) == CRIA_PRETOKENIZER_NONE &&
              int(Vocabulary::PreTokenizer::Gpt2) == CRIA_PRETOKENIZER_GPT2 &&
              int(Vocabulary::PreTokenizer::Llama3) == CRIA_PRETOKENIZER_LLAMA3 &&
              int(Vocabulary::PreTokenizer::Qwen2) == CRIA_PRETOKENIZER_QWEN2 &&
              int(Vocabulary::PreTokenizer::SmolLm) == CRIA_PRETOKENIZER_SMOLLM);
static_assert(int(Vocabulary::PieceType::Normal) == CRIA_PIECE_NORMAL &&
              int(Vocabulary::PieceType::Unknown) == CRIA_PIECE_UNKNOWN &&
              int(Vocabulary::PieceType::Control) == CRIA_PIECE_CONTROL &&
              int(Vocabulary::PieceType::UserDefined) == CRIA_PIECE_USER_DEFINED &&
              int(Vocabulary::PieceType::Unused) == CRIA_PIECE_UNUSED &&
              int(Vocabulary::PieceType::Byte) == CRIA_PIECE_BYTE);

class TableBuilder {
public:
  explicit TableBuilder(const Vocabulary &vocabulary) : vocabulary(vocabulary) {}

  std::vector<uint8_t> build();

private:
  const Vocabulary &vocabulary;
  CriaTokenizerHeader header = {};
  std::vector<uint8_t> bytes;

  template <typename T>
  CriaTableSection addSection(const std::vector<T> &elements);
  void addPieces();
  void addPieceSlots();
  void addRanks();
  void addMerges();
  void addByteIds();
  void addUserDefined();
  void addUnicode();

  bool isByteLevel() const { return vocabulary.kind == Vocabulary::Kind::ByteLevelBpe; }
  /// Pieces that merges or whole words may become.
  bool isFoundByText(const Vocabulary::Piece &piece) const {
    return piece.type == Vocabulary::PieceType::Normal ||
           (!isByteLevel() && (piece.type == Vocabulary::PieceType::UserDefined ||
                               piece.type == Vocabulary::PieceType::Unused));
  }
};

/// Slots for `entries` at a load of two thirds: short searches, also for what is
/// not there.
std::vector<uint32_t> makeSlots(size_t entries) {
  return std::vector<uint32_t>(entries + entries / 2 + 1);
}

uint32_t nextFreeSlot(const std::vector<uint32_t> &slots, uint32_t hash) {
  uint32_t slot = criaTokenizerSlot(hash, slots.size());
  while (slots[slot] != 0)
    slot = slot + 1 == slots.size() ? 0 : slot + 1;
  return slot;
}

uint32_t hashOf(const std::string &text) {
  return criaTokenizerHashBytes(text.data(), text.size());
}

template <typename T>
CriaTableSection TableBuilder::addSection(const std::vector<T> &elements) {
  bytes.resize((bytes.size() + CRIA_TOKENIZER_ALIGNMENT - 1) / CRIA_TOKENIZER_ALIGNMENT *
               CRIA_TOKENIZER_ALIGNMENT);
  size_t offset = bytes.size(), size = elements.size() * sizeof(T);
  assert(offset + size <= std::numeric_limits<uint32_t>::max() && "frontends bound the pieces");
  bytes.resize(offset + size);
  if (size)
    std::memcpy(bytes.data() + offset, elements.data(), size);
  return {uint32_t(offset), uint32_t(elements.size())};
}

void TableBuilder::addPieces() {
  std::vector<uint32_t> offsets = {0};
  std::vector<uint8_t> text, types;
  for (const Vocabulary::Piece &piece : vocabulary.pieces) {
    text.insert(text.end(), piece.bytes.begin(), piece.bytes.end());
    offsets.push_back(text.size());
    types.push_back(uint8_t(piece.type));
    header.max_piece_bytes = std::max<uint32_t>(header.max_piece_bytes, piece.bytes.size());
  }
  header.piece_offsets = addSection(offsets);
  header.piece_text = addSection(text);
  header.piece_types = addSection(types);
}

void TableBuilder::addPieceSlots() {
  // Byte level needs a piece by its text only to take a word whole.
  if (isByteLevel() && !vocabulary.ignoreMerges)
    return;
  std::vector<uint32_t> slots = makeSlots(vocabulary.pieces.size());
  for (size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Vocabulary::Piece &piece = vocabulary.pieces[id];
    if (isFoundByText(piece) && !piece.bytes.empty())
      slots[nextFreeSlot(slots, hashOf(piece.bytes))] = uint32_t(id) + 1;
  }
  header.piece_slots = addSection(slots);
}

void TableBuilder::addRanks() {
  if (isByteLevel() || !vocabulary.merges.empty())
    return;
  const auto &pieces = vocabulary.pieces;
  std::vector<uint32_t> order(pieces.size()), ranks(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return pieces[a].score != pieces[b].score ? pieces[a].score > pieces[b].score : a < b;
  });
  // Equal scores must stay equal: among them the leftmost pair merges first.
  for (size_t i = 1; i < order.size(); ++i)
    ranks[order[i]] =
        ranks[order[i - 1]] + (pieces[order[i]].score != pieces[order[i - 1]].score);
  header.piece_ranks = addSection(ranks);
}

void TableBuilder::addMerges() {
  std::vector<CriaTableMerge> merges;
  std::vector<uint32_t> slots = makeSlots(vocabulary.merges.size());
  for (const Vocabulary::Merge &merge : vocabulary.merges) {
    merges.push_back({merge.left, merge.right, merge.result});
    slots[nextFreeSlot(slots, criaTokenizerHashPair(merge.left, merge.right))] = merges.size();
  }
  if (merges.empty())
    return;
  header.merges = addSection(merges);
  header.merge_slots = addSection(slots);
}

void TableBuilder::addByteIds() {
  std::vector<int32_t> ids(256, -1);
  auto wanted = isByteLevel() ? Vocabulary::PieceType::Normal : Vocabulary::PieceType::Byte;
  for (size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const Vocabulary::Piece &piece = vocabulary.pieces[id];
    if (piece.type != wanted || piece.bytes.size() != 1)
      continue;
    int32_t &slot = ids[uint8_t(piece.bytes[0])];
    if (slot < 0)
      slot = id;
  }
  header.byte_ids = addSection(ids);
}

void TableBuilder::addUserDefined() {
  const auto &pieces = vocabulary.pieces;
  std::vector<uint32_t> found;
  for (size_t id = 0; id < pieces.size(); ++id)
    if (pieces[id].type == Vocabulary::PieceType::UserDefined && !pieces[id].bytes.empty())
      found.push_back(id);
  if (found.empty())
    return;
  auto firstByte = [&](uint32_t id) { return uint8_t(pieces[id].bytes[0]); };
  std::sort(found.begin(), found.end(), [&](uint32_t a, uint32_t b) {
    if (firstByte(a) != firstByte(b))
      return firstByte(a) < firstByte(b);
    size_t sizeA = pieces[a].bytes.size(), sizeB = pieces[b].bytes.size();
    return sizeA != sizeB ? sizeA > sizeB : a < b;
  });
  std::vector<uint32_t> starts(257);
  for (uint32_t id : found)
    ++starts[firstByte(id) + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  header.user_defined = addSection(found);
  header.user_starts = addSection(starts);
}

void TableBuilder::addUnicode() {
  if (vocabulary.preTokenizer != Vocabulary::PreTokenizer::None)
    header.classes = addSection(buildCharacterClasses());
  if (!vocabulary.normalizeNfc)
    return;
  NormalizationTables tables = buildNormalizationTables();
  header.combining_classes = addSection(tables.combiningClasses);
  header.decompositions = addSection(tables.decompositions);
  header.decomposed = addSection(tables.decomposed);
  header.compositions = addSection(tables.compositions);
}

std::vector<uint8_t> TableBuilder::build() {
  std::memcpy(header.magic, CRIA_TOKENIZER_MAGIC, sizeof(header.magic));
  header.version = CRIA_TOKENIZER_VERSION;
  header.header_bytes = sizeof(header);
  header.flags = (isByteLevel() ? CRIA_TOKENIZER_BYTE_LEVEL : 0) |
                 (vocabulary.addSpacePrefix ? CRIA_TOKENIZER_SPACE_PREFIX : 0) |
                 (vocabulary.spacePrefixOnce ? CRIA_TOKENIZER_PREFIX_ONCE : 0) |
                 (vocabulary.spacePrefixFirstOnly ? CRIA_TOKENIZER_PREFIX_FIRST : 0) |
                 (vocabulary.removeExtraWhitespace ? CRIA_TOKENIZER_REMOVE_WHITESPACE : 0) |
                 (vocabulary.ignoreMerges ? CRIA_TOKENIZER_IGNORE_MERGES : 0) |
                 (vocabulary.normalizeNfc ? CRIA_TOKENIZER_NFC : 0);
  header.pre_tokenizer = uint32_t(vocabulary.preTokenizer);
  header.unk_id = vocabulary.unkId;

  bytes.resize(sizeof(header));
  addPieces();
  addPieceSlots();
  addRanks();
  addMerges();
  addByteIds();
  addUserDefined();
  addUnicode();
  // A whole number of alignments, whatever follows.
  header.total_bytes = addSection(std::vector<uint8_t>()).offset;
  std::memcpy(bytes.data(), &header, sizeof(header));
  return std::move(bytes);
}

} // namespace

std::vector<uint8_t> buildTokenizerTables(const Vocabulary &vocabulary) {
  return TableBuilder(vocabulary).build();
}

} // namespace cria
