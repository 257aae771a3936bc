//===- SentencePieceModel.cpp - Reads tokenizer.model ---------------------===//
#include "frontends/InputFile.h"
#include "frontends/tokenizer/Readers.h"
#include "frontends/tokenizer/SentencePieceModel.pb.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/StringExtras.h"

#include <climits>
#include <optional>

using namespace llvm;

namespace cria {

using llama::Vocabulary;
using PieceType = Vocabulary::PieceType;

namespace {

constexpr int modelTypeBpe = 2;

StringRef modelTypeName(int type) {
  constexpr StringRef names[] = {"unigram", "BPE", "word", "char"};
  return type >= 1 && type <= 4 ? names[type - 1] : "unknown";
}

std::optional<PieceType> pieceType(int type) {
  switch (type) {
  case 1:
    return PieceType::Normal;
  case 2:
    return PieceType::Unknown;
  case 3:
    return PieceType::Control;
  case 4:
    return PieceType::UserDefined;
  case 5:
    return PieceType::Unused;
  case 6:
    return PieceType::Byte;
  default:
    return std::nullopt;
  }
}

Error checkFeatures(const sentencepiece::Model &model, StringRef path) {
  const sentencepiece::TrainerSpec &trainer = model.trainer_spec();
  const sentencepiece::NormalizerSpec &normalizer = model.normalizer_spec();
  if (trainer.model_type() != modelTypeBpe)
    return tokenizerError(path, "'trainer_spec.model_type' expects 2 (BPE), but got " +
                                    Twine(trainer.model_type()) + " (" +
                                    modelTypeName(trainer.model_type()) + ")");
  if (trainer.treat_whitespace_as_suffix())
    return tokenizerError(
        path, "'trainer_spec.treat_whitespace_as_suffix' expects false, but got true");
  if (!normalizer.precompiled_charsmap().empty())
    return tokenizerError(path, "'normalizer_spec.name' expects 'identity', but got '" +
                                    printable(normalizer.name()) + "' with " +
                                    Twine(normalizer.precompiled_charsmap().size()) +
                                    " bytes of normalization rules");
  if (!normalizer.escape_whitespaces())
    return tokenizerError(path, "'normalizer_spec.escape_whitespaces' expects true, but got false");
  if (size_t size = model.denormalizer_spec().precompiled_charsmap().size())
    return tokenizerError(path, "'denormalizer_spec.precompiled_charsmap' expects 0 bytes, "
                                "but got " + Twine(size));
  return Error::success();
}

} // namespace

Expected<Vocabulary> readSentencePieceModel(StringRef path) {
  Expected<std::unique_ptr<MemoryBuffer>> file = mapParsedFile(path);
  if (!file)
    return file.takeError();
  StringRef bytes = (*file)->getBuffer();
  sentencepiece::Model model;
  static_assert(kMaxParsedBytes <= uint64_t(INT_MAX), "the parser counts bytes in an int");
  if (!model.ParseFromArray(bytes.data(), int(bytes.size())))
    return tokenizerError(path, "expects a SentencePiece model, but got something else, or a part");
  if (Error error = checkFeatures(model, path))
    return std::move(error);

  Vocabulary vocabulary;
  vocabulary.kind = Vocabulary::Kind::SentencePieceBpe;
  vocabulary.addSpacePrefix = model.normalizer_spec().add_dummy_prefix();
  vocabulary.removeExtraWhitespace = model.normalizer_spec().remove_extra_whitespaces();
  for (const auto &piece : model.pieces()) {
    size_t id = vocabulary.pieces.size();
    std::optional<PieceType> type = pieceType(piece.type());
    if (!type)
      return tokenizerError(path, "'pieces[" + Twine(id) +
                                      "].type' expects a number from 1 to 6, but got " +
                                      Twine(piece.type()));
    if (type == PieceType::Byte && !model.trainer_spec().byte_fallback())
      return tokenizerError(path, "'pieces[" + Twine(id) +
                                      "].type' is byte, which expects "
                                      "'trainer_spec.byte_fallback' to be true, but got false");
    if (type == PieceType::Control && piece.piece() == model.trainer_spec().bos_piece())
      vocabulary.bosId = int32_t(id);
    if (type == PieceType::Control && piece.piece() == model.trainer_spec().eos_piece())
      vocabulary.eosId = int32_t(id);
    vocabulary.pieces.push_back({piece.piece(), piece.score(), *type});
  }
  vocabulary.addBos = vocabulary.bosId >= 0;
  if (Error error = finishSentencePieceVocabulary(vocabulary, path))
    return std::move(error);
  return vocabulary;
}

} // namespace cria
