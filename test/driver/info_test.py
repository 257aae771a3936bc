#!/usr/bin/env python3
"""What --info of an artifact says, line by line, against the model that it was compiled from. No two numbers of that
are the same.

usage: info_test.py CRIA
"""
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "models"))
import make_model as models  # noqa: E402

CRIA = ""
SIZES = {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 105,
         "max_position_embeddings": 80}
# What the psABI asks of x86-64-v2, but LAHF, which the runtime has no need to look for.
FEATURES = {"cx16", "popcnt", "ssse3", "sse4.1", "sse4.2"}


class Info(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def output_of(self, *words):
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def check_info(self, model, config, tensors, expected, *options):
        """The lines that --info prints, of which `expected` holds those that the command line has a say in."""
        story = self.path("story")
        self.output_of(CRIA, "compile", model, "-o", story, "--target", "x86-64-v2", *options)
        lines = [line.split(":", 1) for line in self.output_of(story, "--info").splitlines()]
        found = {name: value.strip() for name, value in lines}
        self.assertEqual(len(found), len(lines))
        imported = self.output_of(CRIA, "compile", model, "--stop-after", "import", *options)
        eos = config["eos_token_id"]
        with open(story, "rb") as file:
            file.seek(-64, os.SEEK_END)
            _, weights, _, _, size, *_ = struct.unpack("<5Q2I16s", file.read())
        wanted = {
            "parameters": sum(math.prod(tensor.shape) for tensor in tensors), "target": "x86-64-v2",
            "vocabulary": config["vocab_size"], "layers": config["num_hidden_layers"],
            "width": config["hidden_size"], "ffn": config["intermediate_size"],
            "heads": config["num_attention_heads"], "kv heads": config["num_key_value_heads"],
            "head size": models.head_size(config), "tokenizer": "none", "file": f"{size} bytes",
            "eos": " ".join(map(str, eos if isinstance(eos, list) else [eos])),
            "input hash": re.search('inputHash = "([0-9a-f]{32})"', imported).group(1),
            "compiled by": self.output_of(CRIA, "--version").strip(),
            **expected, "weights": f"{expected['weights']}, {weights} bytes"}
        self.assertEqual(os.path.getsize(story), size)
        self.assertEqual(set(found.pop("cpu features").split()), FEATURES)
        self.assertRegex(found.pop("memory"), r"^[1-9]\d* bytes of state, [1-9]\d* of workspace, [1-9]\d* per thread$")
        # The cache has room for more positions than the context, which is not told.
        kind, bytes_ = found.pop("kv cache").split(", ")
        element = {"f32": 4, "f16": 2}[kind]
        self.assertEqual(kind, wanted.pop("kv cache"))
        least = 2 * math.prod(wanted[what] for what in ("layers", "kv heads", "head size", "context")) * element
        self.assertGreaterEqual(int(bytes_.split()[0]), least)
        self.assertEqual(found, {name: str(value) for name, value in wanted.items()})
        numbers = [value for name, value in found.items() if name in (
            "parameters", "context", "chunk", "vocabulary", "layers", "width", "ffn", "heads", "kv heads", "head size")]
        self.assertEqual(len(set(numbers)), 10)

    def test_folder(self):
        config = {**models.FAMILIES["qwen3"], **SIZES, "bos_token_id": 1, "eos_token_id": [2, 5]}
        tensors = models.make_weights(config, "info")
        os.makedirs(self.path("tiny"))
        model = models.write_hf(config, tensors, self.path("tiny"), "f16")
        told = {"model": "tiny", "architecture": "qwen3", "weights": "as stored (f16)", "kv cache": "f32",
                "context": 80, "chunk": 128, "bos": "1"}
        self.check_info(model, config, tensors, told)
        self.check_info(model, config, tensors,
                        {**told, "weights": "q4,lm_head=q6, others bf16", "kv cache": "f16", "context": 50, "chunk": 7},
                        "--quantize", "q4,lm_head=q6", "--dtype", "bf16", "--kv", "f16", "--context", "50",
                        "--chunk", "7")

    def test_gguf(self):
        config = {**models.FAMILIES["llama"], **SIZES, "bos_token_id": 3, "eos_token_id": 9}
        tensors = models.make_weights(config, "info")
        model = self.path("tiny.gguf")
        with open(model, "wb") as file:
            file.write(models.gguf_bytes(3, models.gguf_keys("little", config),
                                         models.gguf_tensors(config, tensors, "q8_0")))
        self.check_info(model, config, tensors,
                        {"model": "little", "architecture": "llama", "weights": "as stored (q8_0)", "kv cache": "f32",
                         "context": 80, "chunk": 8, "bos": "3, added"}, "--chunk", "8")


if __name__ == "__main__":
    CRIA = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1], verbosity=2)
