"""Tokenizer files for the tests: read, varied and written without a library."""
import json
import struct

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPACE = "\u2581"


def _varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def _fields(data):
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        elif key & 7 == 5:
            value = data[at:at + 4]
            at += 4
        else:
            size, at = _varint(data, at)
            value = data[at:at + size]
            at += size
        yield key >> 3, key & 7, value


def _field(number, wire, value):
    def varint(n):
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])
    head = varint(number << 3 | wire)
    if wire == 0:
        return head + varint(value)
    return head + (value if wire == 5 else varint(len(value)) + value)


def read_model(path):
    """The pieces (text, score, type) of a SentencePiece model, and its other fields."""
    pieces, rest = [], []
    with open(path, "rb") as file:
        data = file.read()
    for number, wire, value in _fields(data):
        if number != 1:
            rest.append((number, wire, value))
            continue
        piece = {1: b"", 2: bytes(4), 3: NORMAL}
        piece.update({n: v for n, _, v in _fields(value)})
        pieces.append((piece[1].decode(), struct.unpack("<f", piece[2])[0], piece[3]))
    return pieces, rest


def write_model(path, pieces, rest):
    data = b""
    for text, score, kind in pieces:
        piece = _field(1, 2, text.encode()) + _field(2, 5, struct.pack("<f", score))
        data += _field(1, 2, piece + _field(3, 0, kind))
    with open(path, "wb") as file:
        file.write(data + b"".join(_field(*f) for f in rest))


def change_spec(rest, spec, number, wire, value):
    """`rest` with one more field, which wins, in its trainer (2) or normalizer (3) spec."""
    return [(n, w, v + _field(number, wire, value) if n == spec else v) for n, w, v in rest]


def write_llama2c(path, pieces):
    with open(path, "wb") as file:
        file.write(struct.pack("<i", max(len(p[0].encode()) for p in pieces)))
        for index, (text, score, _) in enumerate(pieces):
            text = f"\n{text}\n" if index in (1, 2) else text.replace(SPACE, " ")
            file.write(struct.pack("<fi", score, len(text.encode())) + text.encode())


def template(begin=None, id=None):
    """The post-processor that puts the special token `begin` before a text, or nothing."""
    single = [{"Sequence": {"id": "A", "type_id": 0}}]
    if begin:
        single.insert(0, {"SpecialToken": {"id": begin, "type_id": 0}})
    return {"type": "TemplateProcessing", "single": single, "pair": [],
            "special_tokens": {begin: {"id": begin, "ids": [id], "tokens": [begin]}} if begin else {}}


def sentencepiece_as_json(pieces):
    """What Hugging Face's conversion makes of a model: every way to split a piece in two
    is a merge, those of the better piece first."""
    ids = {text: index for index, (text, _, _) in enumerate(pieces)}
    merges = []
    for text, score, kind in pieces:
        if kind != NORMAL:
            continue
        splits = [(text[:i], text[i:]) for i in range(1, len(text))]
        splits = [s for s in splits if s[0] in ids and s[1] in ids]
        splits.sort(key=lambda s: (ids[s[0]], ids[s[1]]))
        merges += [(score, f"{left} {right}") for left, right in splits]
    merges.sort(key=lambda m: -m[0])
    special = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True}
               for i, (t, _, k) in enumerate(pieces) if k in (UNKNOWN, CONTROL)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": SPACE},
            {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]},
        "pre_tokenizer": None,
        "post_processor": template("<s>", ids["<s>"]),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": True, "vocab": ids,
                  "merges": [m[1] for m in merges]},
    }


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")


def byte_alphabet():
    """GPT-2's character for each byte."""
    shown = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    hidden = [b for b in range(256) if b not in shown]
    return [chr(b) if b in shown else chr(256 + hidden.index(b)) for b in range(256)]


def byte_level_json(name, vocab, merges):
    """A byte-level tokenizer.json with the pre-tokenizer `name`; `vocab` maps pieces in the
    byte alphabet to ids, `merges` are pairs of them."""
    def byte_level(use_regex):
        return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                "use_regex": use_regex}

    def split(regex):
        return {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated",
             "invert": False}, byte_level(False)]}
    stages = {"gpt2": byte_level(True), "llama3": split(LLAMA3), "qwen2": split(QWEN2),
              "smollm": {"type": "Sequence", "pretokenizers": [
                  {"type": "Digits", "individual_digits": True}, byte_level(True)]}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": len(vocab), "content": "<|begin_of_text|>", "special": True},
            {"id": len(vocab) + 1, "content": "<tool>", "normalized": False, "special": False}],
        "normalizer": {"type": "NFC"} if name == "qwen2" else None,
        "pre_tokenizer": stages[name], "post_processor": None, "decoder": byte_level(True),
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "",
                  "fuse_unk": False, "byte_fallback": False,
                  "ignore_merges": name == "llama3", "vocab": vocab,
                  "merges": [f"{a} {b}" for a, b in merges]},
    }


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
