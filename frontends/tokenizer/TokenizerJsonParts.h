//===- TokenizerJsonParts.h - The stages around the model --------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_TOKENIZER_TOKENIZERJSONPARTS_H
#define CRIA_FRONTENDS_TOKENIZER_TOKENIZERJSONPARTS_H

#include "dialects/llama/Vocabulary.h"
#include "frontends/Json.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace cria::tokenizerjson {

/// A value for an error message: its JSON text in ASCII, long enough for a regular
/// expression.
std::string show(const Json &value);

/// The member `name` of an object; null if there is none or `object` is none.
const Json &member(const Json &object, llvm::StringRef name);

/// The "type" of a stage: empty if it has none.
std::string typeOf(const Json &stage);

/// A boolean member: `otherwise` if it is absent or null, nothing if it is no boolean.
std::optional<bool> boolean(const Json &object, llvm::StringRef name, bool otherwise);

/// Refuses members of `object` (at `key`) that are not `known`.
llvm::Error checkMembers(const Json &object, llvm::ArrayRef<llvm::StringRef> known,
                         llvm::StringRef file, llvm::StringRef key);

/// The first special token with one of `texts`, the best of them first; -1 if none.
int32_t findSpecial(const llama::Vocabulary &vocabulary, llvm::ArrayRef<llvm::StringRef> texts);

/// Each of these reads one stage of `root` into the vocabulary and refuses, by
/// name, what is not understood. readPreTokenizer comes first: it decides the kind.
llvm::Error readPreTokenizer(const Json &root, llama::Vocabulary &vocabulary,
                             llvm::StringRef file);
llvm::Error readNormalizer(const Json &root, llama::Vocabulary &vocabulary, llvm::StringRef file);
llvm::Error checkDecoder(const Json &root, const llama::Vocabulary &vocabulary,
                         llvm::StringRef file);

/// The id of the token that the post-processor's template puts before a text: -1 if
/// none; nothing if there is no template to say. The vocabulary has its pieces by then.
llvm::Expected<std::optional<int32_t>> readPostProcessor(const Json &root,
                                                         const llama::Vocabulary &vocabulary,
                                                         llvm::StringRef file);

} // namespace cria::tokenizerjson

#endif // CRIA_FRONTENDS_TOKENIZER_TOKENIZERJSONPARTS_H
