"""Bad tokenizer files and what is said of them: file, key, expected, found.

messages_test.py DRIVER MODEL SCRATCH
"""
import copy
import os
import subprocess
import sys

import tokenizer_files as files


class Checker:
    def __init__(self, driver, scratch):
        self.driver, self.scratch, self.count = driver, scratch, 0

    def check(self, path, message):
        run = subprocess.run([self.driver, "encode", path], input=b"", stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        error = run.stderr.decode(errors="replace").strip()
        expected = f"error: {path.split(':')[0]}: {message}"
        if run.returncode != 1 or not error.startswith(expected) or "\n" in error:
            sys.exit(f"expects exit code 1 and\n{expected}\nbut got {run.returncode} and\n{error}")
        self.count += 1

    def accept_json(self, base, change):
        value = copy.deepcopy(base)
        change(value)
        files.write_json(self.path("good.json"), value)
        run = subprocess.run([self.driver, "encode", self.path("good.json")], input=b"", stderr=subprocess.PIPE)
        if run.returncode != 0:
            sys.exit(f"expects {value} to be read, but got {run.stderr.decode(errors='replace')}")

    def path(self, name):
        return os.path.join(self.scratch, name)

    def check_json(self, base, change, message):
        value = copy.deepcopy(base)
        change(value)
        files.write_json(self.path("bad.json"), value)
        self.check(self.path("bad.json"), message)

    def check_bytes(self, name, data, message):
        with open(self.path(name.split(":")[0]), "wb") as file:
            file.write(data)
        self.check(self.path(name), message)

    def check_model(self, pieces, rest, message):
        files.write_model(self.path("bad.model"), pieces, rest)
        self.check(self.path("bad.model"), message)


def check_byte_level(checker):
    alphabet = files.byte_alphabet()
    vocab = {c: i for i, c in enumerate(alphabet)}
    vocab["he"] = 256
    base = files.byte_level_json("llama3", vocab, [("h", "e")])

    def change(message, *path):
        *parents, last = path[:-1]

        def apply(value):
            for key in parents:
                value = value[key]
            value[last] = path[-1]
        checker.check_json(base, apply, message)

    change("'surprise' is a key that is not understood; known are version", "surprise", 1)
    change("'model.type' expects 'BPE', but got \"Unigram\"", "model", "type", "Unigram")
    change("'model.prefix' is a key that is not understood", "model", "prefix", 1)
    change("'model.dropout' expects null, but got 0.1", "model", "dropout", 0.1)
    change("'model.fuse_unk' expects a boolean, but got 3", "model", "fuse_unk", 3)
    change("'model.end_of_word_suffix' expects null, but got \"</w>\"",
           "model", "end_of_word_suffix", "</w>")
    change("'model.vocab' expects an object of pieces and ids, but got []", "model", "vocab", [])
    change("'model.vocab.he' expects an id below the number of pieces, 259, but got 4000000000",
           "model", "vocab", "he", 4000000000)
    change("'model.vocab.he' expects an id below the number of pieces, 259, but got -1",
           "model", "vocab", "he", -1)
    change("'model.vocab.he' expects an id of its own, but 72 is taken", "model", "vocab", "he", 72)
    change("'model.vocab.?x' expects an id below the number of pieces, 260, but got \"\\u007f\\n\"",
           "model", "vocab", "\nx", "\x7f\n")
    change("'model.merges' expects a list, but got null", "model", "merges", None)
    change("'model.merges[0]' names 'xy', which is no piece of the vocabulary",
           "model", "merges", ["xy z"])
    change("'model.merges[1]' makes 'ha', which is no piece of the vocabulary",
           "model", "merges", [["h", "e"], ["h", "a"]])
    for content, shown, kind in (("he", "he", "control"), ("\u0120e", "??e", "user-defined")):  # " e", as a text
        def add(value):
            del value["model"]["vocab"]["he"]
            value["model"]["vocab"][content] = 256
            value["model"]["merges"] = [[content[0], "e"]]
            value["added_tokens"].append({"id": 256, "content": content, "special": kind == "control",
                                          "normalized": False})
        checker.check_json(base, add, f"'model.merges[0]' makes '{shown}', which expects to be a normal piece, "
                                      f"but got a {kind} one")
    change("'model.merges[1]' repeats the merge of 'h' and 'e'", "model", "merges", ["h e", "h e"])
    change("'model.merges[0]' expects two pieces and a space between them, but got 'h e y'",
           "model", "merges", ["h e y"])
    change("'model.merges[0]' expects two pieces, but got 7", "model", "merges", [7])
    change("'added_tokens' expects a list, but got 1", "added_tokens", 1)
    change("'added_tokens[0].content' expects a text, but got null", "added_tokens", [{}])
    change("'added_tokens[0].id' expects 256 as 'model.vocab' has it, but got 3", "added_tokens",
           [{"id": 3, "content": "he", "special": True}])
    change("'added_tokens[1].lstrip' expects false for \"<tool>\", which is not special, but got "
           "true", "added_tokens", 1, "lstrip", True)
    change("'normalizer' expects none or NFC, but got {\"type\":\"NFKC\"}",
           "normalizer", {"type": "NFKC"})
    supported = ("'pre_tokenizer' expects none, Metaspace without split, or ByteLevel with the "
                 "words of gpt-2, llama-3, qwen2 or smollm (gpt-2 between digits), but got ")
    change(supported + "{\"pretokenizers\":[{\"behavior\":\"Isolated\",\"invert\":false,"
           "\"pattern\":{\"Regex\":\"\\\\d+\"}", "pre_tokenizer", "pretokenizers", 0, "pattern",
           "Regex", "\\d+")
    change(supported + "{\"type\":\"Whitespace\"}", "pre_tokenizer", {"type": "Whitespace"})
    change(supported, "pre_tokenizer", {"type": "Metaspace", "replacement": "\u2581"})
    for decoder, shown in (({"type": "WordPiece"}, "{\"type\":\"WordPiece\"}"), (None, "null"),
                           ({"type": "Sequence", "decoders": []}, "{\"decoders\":[]"),
                           ({"type": "Sequence", "decoders": [base["decoder"]] * 2}, "{\"decoders\":[{")):
        change("'decoder' expects ByteLevel, but got " + shown, "decoder", decoder)
    change("'post_processor' expects ByteLevel or TemplateProcessing, but got "
           "{\"type\":\"BertProcessing\"}", "post_processor", {"type": "BertProcessing"})
    def change_template(message, edit):
        """`edit` changes the template that puts <|begin_of_text|>, 257, before a text."""
        template = files.template("<|begin_of_text|>", 257)
        edit(template, template["special_tokens"]["<|begin_of_text|>"])
        change(message, "post_processor", template)

    checker.accept_json(base, lambda value: value.update(post_processor=files.template("<|begin_of_text|>", 257)))
    change_template("'post_processor.single' expects at most one special token before the text and none after it",
                    lambda template, token: template["single"].reverse())
    for part in ({}, 7, {"SpecialToken": {"id": 7}}):
        change_template("'post_processor.single' expects at most one special token before the text and none after it",
                        lambda template, token: template["single"].insert(0, part))
    change("'post_processor.single' expects a special token of 'added_tokens', but got '<who>'",
           "post_processor", files.template("<who>", 257))
    change_template("'post_processor.single[1].Sequence.id' expects \"A\", but got \"B\"",
                    lambda template, token: template["single"][1]["Sequence"].update(id="B"))
    change_template("'post_processor.single[0].type' is a key that is not understood; known are SpecialToken",
                    lambda template, token: template["single"][0].update(type="x"))
    change_template("'post_processor.single[1].Sequence.more' is a key that is not understood; known are id, type_id",
                    lambda template, token: template["single"][1]["Sequence"].update(more=1))
    ids = "'post_processor.special_tokens.<|begin_of_text|>.ids' expects [257], the token's own, but got "
    change_template(ids + "[7,8]", lambda template, token: token.update(ids=[7, 8]))
    change_template(ids + "null", lambda template, token: token.pop("ids"))
    change_template(ids + "null", lambda template, token: template.update(special_tokens=[]))
    change_template("'post_processor.special_tokens.<|begin_of_text|>.more' is a key that is not understood",
                    lambda template, token: token.update(more=1))
    change("'post_processor' expects at most one TemplateProcessing, but got ", "post_processor",
           {"type": "Sequence", "processors": [files.template()] * 2})
    known = " is a key that is not understood; known are "
    change("'normalizer.more'" + known + "type", "normalizer", {"type": "NFC", "more": 1})
    change("'normalizer.normalizers[1].more'" + known + "type", "normalizer",
           {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFC", "more": None}]})
    change("'pre_tokenizer.more'" + known + "type, pretokenizers", "pre_tokenizer", "more", 1)
    change("'pre_tokenizer.pretokenizers[0].max_length'" + known + "type, pattern, behavior, invert",
           "pre_tokenizer", "pretokenizers", 0, "max_length", 3)
    change("'decoder.more'" + known + "type, add_prefix_space, trim_offsets, use_regex", "decoder", "more", 1)
    change("'post_processor.more'" + known + "type, add_prefix_space", "post_processor",
           {**base["decoder"], "more": 1})
    change("'added_tokens[1].more'" + known + "id, content, single_word, lstrip, rstrip, normalized, special",
           "added_tokens", 1, "more", True)

    def without_a_byte(value):
        value["model"]["vocab"]["??"] = value["model"]["vocab"].pop(alphabet[10])
    checker.check_json(base, without_a_byte, "byte-level BPE expects a normal piece for each byte, but "
                                             "byte 0x0A has none")

    def add_to_alphabet(value):  # what its only piece would be for is found in the text before
        value["added_tokens"].append({"id": alphabet.index("a"), "content": "a", "special": False})
    checker.check_json(base, add_to_alphabet, "byte-level BPE expects a normal piece for each byte, but byte 0x61 has")
    checker.check_bytes("bad.json", b'{"model": {',
                        "key 'model' expects JSON, but got the end at byte 11")
    checker.check_bytes("bad.json", b"[" * 1000000, "expects JSON at most 64 levels deep")
    checker.check_bytes("bad.json", b"[1]", "expects a JSON object, but got [1]")
    checker.check_bytes("bad.json", b'{"a": 1, "a": 2}',
                        "key 'a' expects to appear once, but got it twice")
    checker.check(checker.path("none.json"), "no such file or directory")


def check_sentencepiece_json(checker, pieces):
    base = files.sentencepiece_as_json(pieces)

    def change(message, **members):
        checker.check_json(base, lambda value: value["model"].update(members), message)

    change("'model.merges' expects at least one merge, but got none", merges=[])
    change("'model.unk_token' expects a piece of 'model.vocab', but got \"<what>\"",
           unk_token="<what>")
    for number in (4000000000, 3):
        change(f"'model.unk_token' expects a piece of 'model.vocab', but got {number}",
               unk_token=number)
    change("'model.ignore_merges' expects false without ByteLevel, but got true",
           ignore_merges=True)
    change("'model.fuse_unk' expects true without byte pieces, but got false",
           fuse_unk=False, byte_fallback=False)
    prepend, replace = base["normalizer"]["normalizers"]
    for normalizer, shown in (
            (None, "null"), ({"type": "NFKC"}, "{\"type\":\"NFKC\"}"),
            ({"type": "Sequence", "normalizers": [prepend, prepend, replace]}, "{\"normalizers\":"),
            ({**replace, "pattern": {"String": " ", "Regex": " "}}, "{\"content\":")):
        checker.check_json(base, lambda value: value.update(normalizer=normalizer),
                           "'normalizer' expects at most one Prepend, and Replace of spaces by '\u2581', "
                           "but got " + shown)
    checker.check_json(base, lambda value: value["normalizer"]["normalizers"][1].update(more=1),
                       "'normalizer.normalizers[1].more' is a key that is not understood; known are type, pattern, "
                       "content")
    check_sentencepiece_decoders(checker, base)


def check_sentencepiece_decoders(checker, base):
    replace, bytes_, fuse, strip = base["decoder"]["decoders"]
    metaspace = {"type": "Metaspace", "replacement": files.SPACE, "add_prefix_space": True, "prepend_scheme": "always",
                 "split": False}

    def sequence(*stages):
        return lambda value: value.update(decoder={"type": "Sequence", "decoders": list(stages)})

    for stages in ((replace, bytes_, fuse), (replace, bytes_), (bytes_, metaspace), (bytes_, replace, fuse, strip),
                   (replace, bytes_, fuse, {**strip, "start": 0})):
        checker.accept_json(base, sequence(*stages))
    for stages in (
            (), (replace, fuse, strip), (bytes_, fuse),  # spaces or bytes do not come back
            ({**replace, "pattern": {"String": "e"}}, bytes_), ({**replace, "pattern": {"Regex": files.SPACE}}, bytes_),
            ({**replace, "content": "_"}, bytes_), (bytes_, {**metaspace, "replacement": "_"}),
            (replace, bytes_, fuse, {**strip, "content": "t"}), (replace, bytes_, fuse, {**strip, "start": 2}),
            (replace, bytes_, fuse, {**strip, "stop": 1}), (replace, bytes_, fuse, strip, strip),
            (replace, bytes_, strip), (replace, fuse, bytes_), (replace, bytes_, {"type": "CTC"})):
        checker.check_json(base, sequence(*stages), "'decoder' expects Replace of '\u2581' by spaces (or Metaspace), "
                           "ByteFallback for model.byte_fallback, Fuse, and Strip of at most one space in front, but "
                           "got {\"decoders\":[")
    checker.check_json(base, lambda value: value.update(decoder=None), "'decoder' expects Replace of ")
    checker.check_json(base, sequence(replace, {**bytes_, "more": 1}),
                       "'decoder.decoders[1].more' is a key that is not understood; known are type")


def check_model(checker, pieces, rest):
    def spec(number, field, wire, value):
        return files.change_spec(rest, number, field, wire, value)
    checker.check_model(pieces, spec(2, 3, 0, 1),
                        "'trainer_spec.model_type' expects 2 (BPE), but got 1 (unigram)")
    checker.check_model(pieces, spec(2, 24, 0, 1), "'trainer_spec.treat_whitespace_as_suffix' "
                                                   "expects false, but got true")
    checker.check_model(pieces, spec(3, 1, 2, b"nmt_nfkc") + [(3, 2, b"\x12\x03abc")],
                        "'normalizer_spec.name' expects 'identity', but got 'nmt_nfkc' with 3 "
                        "bytes of normalization rules")
    checker.check_model(pieces, spec(3, 5, 0, 0),
                        "'normalizer_spec.escape_whitespaces' expects true, but got false")
    checker.check_model(pieces, spec(2, 35, 0, 0),
                        "'pieces[3].type' is byte, which expects 'trainer_spec.byte_fallback' to "
                        "be true, but got false")
    checker.check_model([], rest, "the tokenizer expects at least one piece, but got none")
    checker.check_model(pieces + [("\u2581the", 0, files.NORMAL)], rest,
                        f"piece {len(pieces)} expects a text of its own, but '???the' is piece")
    checker.check_model(pieces + [("", 0, files.NORMAL)], rest,
                        f"piece {len(pieces)} expects a text, but got none")
    checker.check_model(pieces + [("x\ny", float("nan"), files.NORMAL)], rest,
                        f"piece {len(pieces)}, 'x?y', expects a finite score, but got nan")
    checker.check_model(pieces + [("xyz", 0, 9)], rest, f"'pieces[{len(pieces)}].type' expects a "
                                                        "number from 1 to 6, but got 9")
    checker.check_model(pieces + [("<0xZZ>", 0, files.BYTE)], rest,
                        f"byte piece {len(pieces)} expects a text like '<0x0A>', but got '<0xZZ>'")
    checker.check_model(pieces + [("<0x0A>", 0, files.BYTE)], rest,
                        f"byte piece {len(pieces)} expects a byte of its own, but '<0x0A>' came")
    checker.check_model(pieces[:3] + pieces[4:], rest,
                        "the tokenizer expects 0 or 256 byte pieces, but got 255")
    checker.check_model([p for p in pieces if p[2] == files.NORMAL], rest,
                        "the tokenizer expects byte pieces or an unknown piece for characters "
                        "without a piece, but got neither")
    broken = "expects a SentencePiece model, but got something else, or a part"
    with open(checker.path("bad.model"), "rb") as file:
        data = file.read()
    checker.check_bytes("bad.model", data[:-1], broken)
    checker.check_bytes("bad.model", b"\xff" * 40, broken)


def check_llama2c(checker, pieces):
    files.write_llama2c(checker.path("good.bin"), pieces)
    count = len(pieces)
    with open(checker.path("good.bin"), "rb") as file:
        data = file.read()
    checker.check(checker.path(f"good.bin:{count + 1}"),
                  f"the tokenizer expects the model's {count + 1} pieces, but got {count}")
    checker.check(checker.path(f"good.bin:{count - 1}"), "the tokenizer expects to end after the "
                  f"model's {count - 1} pieces, but got 9 more bytes")
    checker.check_bytes(f"bad.bin:{count}", data[:-1], f"piece {count - 1} expects 1 bytes, but "
                                                       "got 0")
    checker.check_bytes(f"bad.bin:{count}", data[:-6], f"piece {count - 1} expects a score and a "
                                                       "length of 8 bytes, but got 3")
    checker.check_bytes(f"bad.bin:{count}", b"\x01", "expects a llama2.c tokenizer of at least 4 "
                                                     "bytes, but got 1")
    checker.check_bytes("bad.bin:1", data[:8] + b"\xff\xff\xff\xff", "piece 0 expects 4294967295 "
                                                                     "bytes, but got 0")


def main():
    driver, model, scratch = sys.argv[1:]
    os.makedirs(scratch, exist_ok=True)
    checker = Checker(driver, scratch)
    pieces, rest = files.read_model(model)
    check_byte_level(checker)
    check_sentencepiece_json(checker, pieces)
    check_model(checker, pieces, rest)
    check_llama2c(checker, pieces)
    print(f"{checker.count} bad files are refused as expected")


main()
