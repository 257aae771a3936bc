#!/usr/bin/env python3
"""Tokenizers on their way into a model: tokenizer_import_test.py --cria COMMAND --driver COMMAND [unittest options].

DRIVER is ../tokenizer/TokenizerDriver.cpp, which encodes texts; what `bad` and `good` ask of CRIA is in import_case.py.
What is said of a bad tokenizer.json or tokenizer.model is tested in ../tokenizer/messages_test.py.
"""
import json
import os
import shutil
import struct
import subprocess

from import_case import ImportCase, edit_config, models, run_tests, tokenizers

STORYTELLER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "storyteller", "model")
COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"


class TokenizerCase(ImportCase):
    def with_tokenizer(self, post_processor=None, bos=256):
        """A folder with a byte-level tokenizer.json, whose BOS is <|begin_of_text|>, 256; `bos` is config.json's."""
        vocab = {c: i for i, c in enumerate(tokenizers.byte_alphabet())}
        tokenizer = tokenizers.byte_level_json("llama3", vocab, [])
        tokenizer["post_processor"] = post_processor
        config = {**models.FAMILIES["llama"], "vocab_size": 258, "bos_token_id": bos}
        model = self.path("model")
        os.makedirs(model, exist_ok=True)
        models.write_hf(config, models.make_weights(config, "x"), model, "f32")
        tokenizers.write_json(os.path.join(model, "tokenizer.json"), tokenizer)
        return model

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def encode(self, tokenizer, *texts):
        """The ids of each text; byte-level ones without normalization give their text back, or the driver fails."""
        data = b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in texts)
        done = subprocess.run([self.programs["driver"], "encode", tokenizer], input=data, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return [list(map(int, line.split())) for line in done.stdout.decode().splitlines()]


class Folders(TokenizerCase):
    def test_hash_follows_only_what_is_read(self):
        model = self.with_tokenizer()
        before = self.hash_of(model)
        for name, is_read in (("tokenizer.model", False), ("tokenizer_config.json", True)):
            self.write("model/" + name, "{}")
            with self.subTest(name=name):
                self.assertEqual(self.hash_of(model) != before, is_read)

    def test_post_processors_say_bos(self):
        level = {"type": "ByteLevel", "trim_offsets": True}
        begin, none = tokenizers.template("<|begin_of_text|>", 256), tokenizers.template()

        def sequence(*stages):
            return {"type": "Sequence", "processors": list(stages)}
        for post_processor, adds in (
                (None, True), (level, True), (sequence(level), True),  # they do not say: LLaMA's habit
                (begin, True), (sequence(level, begin), True), (none, False), (sequence(level, none), False)):
            with self.subTest(post_processor=post_processor):
                self.assertIn(f"bosId = 256, addBos = {str(adds).lower()},",
                              self.good(self.with_tokenizer(post_processor)))

    def test_whose_bos(self):
        """What the folder's own tokenizer names wins over config.json's, 5; what is only LLaMA's habit does not."""
        begin, none = tokenizers.template("<|begin_of_text|>", 256), tokenizers.template()
        names, adds = {"bos_token": "<|begin_of_text|>"}, {"bos_token": "<|begin_of_text|>", "add_bos_token": True}
        for post_processor, config, expected in (
                (begin, None, "bosId = 256, addBos = true"), (begin, {}, "bosId = 256, addBos = true"),
                (none, None, "bosId = 5, addBos = false"), (none, adds, "bosId = 256, addBos = true"),
                (None, names, "bosId = 256, addBos = true"), (None, None, "bosId = 5, addBos = true"),
                (None, {"bos_token": None, "add_bos_token": False}, "bosId = 5, addBos = false")):
            model = self.with_tokenizer(post_processor, bos=5)
            if config is not None:
                self.write("model/tokenizer_config.json", json.dumps(config))
            with self.subTest(post_processor=post_processor, config=config):
                self.assertIn(expected, self.good(model))
            shutil.rmtree(model)
        # A tokenizer that is given explicitly leaves the model its own.
        model = self.with_tokenizer(begin, bos=5)
        self.assertIn("bosId = 5, addBos = true",
                      self.good(model, "--tokenizer", os.path.join(model, "tokenizer.json")))

    def test_bos_of_sentencepiece(self):
        model = self.path("story")
        shutil.copytree(STORYTELLER, model)
        edit_config(model, bos_token_id=5)
        self.assertIn("bosId = 1, addBos = true", self.good(model))
        self.assertIn("bosId = 5, addBos = true",
                      self.good(model, "--tokenizer", os.path.join(model, "tokenizer.model")))

    def test_other_tokenizers(self):
        """A folder with a tokenizer of another kind does not compile as if it had none."""
        donor = os.path.join(self.with_tokenizer(), "tokenizer.json")
        config = {**models.FAMILIES["llama"], "vocab_size": 258}
        for files in (["vocab.json", "merges.txt"], ["merges.txt"], ["tekken.json"], ["tokenizer_config.json"]):
            model = self.path("other")
            os.makedirs(model)
            models.write_hf(config, models.make_weights(config, "x"), model, "f32")
            self.good(model)
            for name in files:
                self.write("other/" + name, "{}")
            with self.subTest(files=files):
                self.bad(model, f"other: expects tokenizer.json or tokenizer.model, but got only {', '.join(files)}; "
                                "another tokenizer can be given by --tokenizer FILE")
                self.good(model, "--tokenizer", donor)
            shutil.rmtree(model)

    def test_files_that_are_too_large(self):
        model = self.make("llama")
        for name, begin in (("tokenizer.json", b"{"), ("tokenizer.model", b"\n\5")):
            with open(os.path.join(model, name), "wb") as file:
                file.write(begin)
                file.truncate(2**28 + 1)  # a sparse file
            expected = f"{name}: expects at most {2**28} bytes, but got {2**28 + 1}"
            self.bad(model, expected)
            os.rename(os.path.join(model, name), self.path(name))
            self.bad(model, expected, "--tokenizer", self.path(name))

    def test_nul_in_json(self):
        model = self.with_tokenizer()
        path = os.path.join(model, "tokenizer.json")
        with open(path, "ab") as file:
            size = file.tell()
            file.write(b'\0, "model": garbage')
        self.bad(model, f"tokenizer.json: expects JSON, but got NUL at byte {size}")


class Ids(TokenizerCase):
    """What texts become."""

    def byte_level(self, name, **changes):
        """A tokenizer.json that splits as `name` does and has `changes`; its pieces are the bytes, then "he"."""
        vocab = {c: i for i, c in enumerate([*tokenizers.byte_alphabet(), "he"])}
        path = self.path(f"{name}.json")
        tokenizers.write_json(path, {**tokenizers.byte_level_json(name, vocab, [("h", "e")]), **changes})
        return path

    def gguf(self, tokens, types, *keys, scores=None):
        """A GGUF file with a tokenizer of llama.cpp's kind `llama` if it has scores, else `gpt2`."""
        entries = [("tokenizer.ggml.model", 8, "llama" if scores else "gpt2"),
                   ("tokenizer.ggml.tokens", 9, (8, tokens)), ("tokenizer.ggml.token_type", 9, (5, types)), *keys]
        if scores:
            entries.append(("tokenizer.ggml.scores", 9, (6, scores)))
        path = self.path("tokenizer.gguf")
        with open(path, "wb") as file:
            file.write(models.gguf_bytes(3, entries, []))
        return path

    def test_only_what_a_file_says_is_normalized(self):
        nfc = {"type": "NFC"}
        for normalizer, composes in ((None, False), ({"type": "Sequence", "normalizers": []}, False),
                                     (nfc, True), ({"type": "Sequence", "normalizers": [nfc]}, True)):
            ids = self.encode(self.byte_level("qwen2", normalizer=normalizer), COMPOSED, DECOMPOSED)
            with self.subTest(normalizer=normalizer):
                self.assertEqual(ids, [[0xC3, 0xA9], [0xC3, 0xA9] if composes else [ord("e"), 0xCC, 0x81]])

    def test_only_some_gguf_tokenizers_normalize(self):
        for pre, changes in (("qwen2", True), ("deepseek-r1-qwen", False), ("llama-bpe", False)):
            ids = self.encode(self.gguf(tokenizers.byte_alphabet(), [1] * 256, ("tokenizer.ggml.pre", 8, pre),
                                        ("tokenizer.ggml.merges", 9, (8, []))), COMPOSED, DECOMPOSED)
            with self.subTest(pre=pre):
                self.assertEqual(ids[0] == ids[1], changes)

    def test_added_token_that_a_merge_makes(self):
        """It is found in a text before anything is merged, as Hugging Face has it."""
        path = self.byte_level("gpt2")
        with open(path) as file:
            tokenizer = json.load(file)
        vocab, he = tokenizer["model"]["vocab"], 256
        vocab["th"] = 257
        tokenizer["model"]["merges"].insert(0, "t h")  # before "h e"
        tokenizer["added_tokens"] = []
        texts = ("the he", "hers", "htheh")
        t, h, th, space, r, s, e = (vocab[c] for c in ("t", "h", "th", "\u0120", "r", "s", "e"))
        for added, expected in (([], [[th, e, space, he], [he, r, s], [h, th, e, h]]),
                                ([{"id": he, "content": "he", "special": False}],
                                 [[t, he, space, he], [he, r, s], [h, t, he, h]])):
            tokenizers.write_json(path, {**tokenizer, "added_tokens": added})
            self.assertEqual(self.encode(path, *texts), expected)

    def test_added_token_of_sentencepiece_that_merges_make(self):
        """A text's spaces become U+2581 only behind the search for added tokens: then merges make "\u2581a"."""
        space = tokenizers.SPACE
        pieces = [("<unk>", 0.0, tokenizers.UNKNOWN), ("<s>", 0.0, tokenizers.CONTROL)]
        pieces += [(text, -i, tokenizers.NORMAL) for i, text in enumerate((space, "a", "b", space + "a"))]
        tokenizer = tokenizers.sentencepiece_as_json(pieces)
        tokenizer["model"]["byte_fallback"] = False
        path = self.path("pieces.json")
        expected = [[5, 4, 5], [2, 4, 5]]
        for added in ([], [{"id": 5, "content": space + "a", "special": False, "normalized": False}]):
            tokenizers.write_json(path, {**tokenizer, "added_tokens": tokenizer["added_tokens"] + added})
            self.assertEqual(self.encode(path, "ab a", "b a"), expected)

    def sentencepiece(self, byte_type, *keys, missing=None):
        space = tokenizers.SPACE
        tokens = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), space, "a", "b", space + "a", "ab"]
        types = [2, 3, 3] + [byte_type] * 256 + [1] * 5
        if missing is not None:
            tokens[3 + missing] = "<0x>"
        return self.gguf(tokens, types, *keys, scores=[-float(i) for i in range(len(tokens))])

    def test_gguf_byte_pieces_are_found_by_their_texts(self):
        texts = ("a\nb", "\u00e9", "\U0001f999")
        expected = self.encode(self.sentencepiece(tokenizers.BYTE), *texts)
        self.assertEqual(expected[0], [262, 3 + ord("\n"), 261])
        for kind in (tokenizers.NORMAL, tokenizers.CONTROL, tokenizers.USER_DEFINED, tokenizers.UNUSED):
            with self.subTest(kind=kind):
                self.assertEqual(self.encode(self.sentencepiece(kind), *texts), expected)
        # Without one of them the others are texts like any other.
        unknown = self.encode(self.sentencepiece(tokenizers.NORMAL, missing=10), *texts)
        self.assertEqual(unknown[0], [262, 0, 261])

    def test_gguf_sentencepiece_ignores_merges(self):
        """As llama.cpp does; by its scores "\u2581a" comes before "ab"."""
        for merges in ([], ["a b"], [tokenizers.SPACE + " a", "a b"]):
            path = self.sentencepiece(tokenizers.BYTE, ("tokenizer.ggml.merges", 9, (8, merges)))
            self.assertEqual(self.encode(path, "ab"), [[262, 261]])
        path = self.sentencepiece(tokenizers.BYTE, ("tokenizer.ggml.merges", 8, "a b"))
        self.bad(self.make("llama"), "'tokenizer.ggml.merges' expects an array of strings, but got 'a b'",
                 "--tokenizer", path)

    def test_gguf_model_with_merges_beside_scores(self):
        """The whole way: the key is understood beside a model's own, too."""
        config = models.FAMILIES["llama"]
        tokens = ["<unk>", "<s>", "</s>", *(f"p{i}" for i in range(125))]
        keys = [key for key in models.gguf_keys("llama", config) if key[0] != "tokenizer.ggml.model"]
        keys += [("tokenizer.ggml.model", 8, "llama"), ("tokenizer.ggml.tokens", 9, (8, tokens)),
                 ("tokenizer.ggml.scores", 9, (6, [0.0] * 128)), ("tokenizer.ggml.merges", 9, (8, ["p 0"])),
                 ("tokenizer.ggml.token_type", 9, (5, [2, 3, 3] + [1] * 125))]
        path = self.path("model.gguf")
        with open(path, "wb") as file:
            file.write(models.gguf_bytes(3, keys, models.gguf_tensors(config, models.make_weights(config, "x"), "f32")))
        self.assertIn("bosId = 1, addBos = true, eosIds = [2]", self.good(path))


if __name__ == "__main__":
    run_tests("cria", "driver")
