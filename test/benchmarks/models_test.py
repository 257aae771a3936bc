#!/usr/bin/env python3
"""The models that the benchmarks write: cria imports each, and their numbers are of
the size that the formats' own definitions, written out below, give them.

usage: models_test.py CRIA CRIA_BENCH_MODEL
"""
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import unittest

CRIA, WRITER = sys.argv[1:3]
DEVIATION = (0.017, 0.026)


def f16(data, at):
    return struct.unpack_from("<e", data, at)[0]


def q8_0(block):
    return [f16(block, 0) * code for code in struct.unpack("<32b", block[2:])]


def q4_0(block):
    codes = [byte & 15 for byte in block[2:]] + [byte >> 4 for byte in block[2:]]
    return [f16(block, 0) * (code - 8) for code in codes]


def q4_k(block):
    scale, minimum, packed, weights = f16(block, 0), f16(block, 2), block[4:16], []
    for j in range(8):
        if j < 4:
            factor, offset = packed[j] & 63, packed[j + 4] & 63
        else:
            factor = packed[j + 4] & 15 | packed[j - 4] >> 6 << 4
            offset = packed[j + 4] >> 4 | packed[j] >> 6 << 4
        codes = block[16 + j // 2 * 32:][:32]
        weights += [scale * factor * (code >> j % 2 * 4 & 15) - minimum * offset for code in codes]
    return weights


def q6_k(block):
    low, high, factors, scale, weights = block[:128], block[128:192], block[192:208], f16(block, 208), []
    for i in range(256):
        half, quarter, column = i // 128, i % 128 // 32, i % 32
        code = low[64 * half + 32 * (quarter % 2) + column] >> quarter // 2 * 4 & 15
        code |= (high[32 * half + column] >> 2 * quarter & 3) << 4
        weights.append(scale * factors[i // 16] * (code - 32))
    return weights


# ggml's number of a type -> (bytes of a block, its weights)
TYPES = {
    0: (4, lambda block: struct.unpack("<f", block)),
    1: (2, lambda block: struct.unpack("<e", block)),
    30: (2, lambda block: struct.unpack("<f", b"\0\0" + block)),
    8: (34, q8_0), 2: (18, q4_0), 12: (144, q4_k), 14: (210, q6_k),
}


def read_gguf(path):
    """Tensors by name, as (type, shape, offset into the file); and the file's bytes."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def string():
        nonlocal at
        length = take("Q")
        at += length
        return data[at - length:at].decode()

    def value(kind):
        if kind == 9:
            element, count = take("IQ")
            return [value(element) for _ in range(count)]
        return string() if kind == 8 else take({4: "I", 5: "i", 6: "f"}[kind])

    magic, version, tensor_count, key_count = take("4sIQQ")
    assert (magic, version) == (b"GGUF", 3)
    keys = {}
    for _ in range(key_count):
        name = string()
        keys[name] = value(take("I"))
    places = {}
    for _ in range(tensor_count):
        name = string()
        shape = [take("Q") for _ in range(take("I"))][::-1]
        places[name] = (take("I"), shape, take("Q"))
    start = -(-at // 32) * 32
    return {name: (kind, shape, start + offset) for name, (kind, shape, offset) in places.items()}, keys, data


class ModelsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "model")

    def write(self, shape, form):
        """What the writer says of the model that is then at `self.path`."""
        return json.loads(subprocess.run([WRITER, shape, form, self.path], check=True, capture_output=True).stdout)

    def imported(self):
        """The IR of the model at `self.path`."""
        return subprocess.run([CRIA, "compile", self.path, "--stop-after", "import"], check=True,
                              capture_output=True, text=True).stdout

    def check_numbers(self, data, kind, offset, what):
        size, decode = TYPES[kind]
        numbers = []
        while len(numbers) < 4096:
            numbers += decode(data[offset:offset + size])
            offset += size
        self.assertLess(abs(statistics.fmean(numbers)), 0.003, what)
        self.assertGreater(statistics.pstdev(numbers), DEVIATION[0], what)
        self.assertLess(statistics.pstdev(numbers), DEVIATION[1], what)

    def test_gguf_of_one_type(self):
        for form, kind, step_bytes in (("f32", 0, 4), ("f16", 1, 2), ("bf16", 30, 2), ("q8_0", 8, 34 / 32),
                                       ("q4_0", 2, 18 / 32)):
            with self.subTest(form):
                cost = self.write("stories-15m", form)
                self.assertIn("llama.source @layers.5.down", self.imported())
                tensors, keys, data = read_gguf(self.path)
                self.assertEqual(len(keys["tokenizer.ggml.tokens"]), 32000)
                self.assertEqual(len(set(keys["tokenizer.ggml.tokens"])), 32000)
                self.assertEqual(len(tensors), 6 * 9 + 2)
                for name in ("token_embd.weight", "blk.0.attn_q.weight", "blk.5.ffn_down.weight"):
                    self.assertEqual(tensors[name][0], kind)
                    self.check_numbers(data, kind, tensors[name][2], f"{form} {name}")
                self.assertEqual(tensors["blk.0.attn_norm.weight"][0], 0)
                layers = 6 * 288 * (4 * 288 + 3 * 768)
                norms = (2 * 6 + 1) * 288 * 4
                needed = 5 * layers // 6 + 2 * 288 * 288  # of the last layer, keys and values
                self.assertEqual(cost["prefill_operations"], 2 * needed)
                self.assertEqual(cost["decode_bytes"], (layers + 288 * 32000) * step_bytes + norms)
                self.assertEqual(cost["head_bytes"], 288 * 32000 * step_bytes)

    def test_q4_k_m_mixes_as_llama_quantize(self):
        self.write("stories-110m", "q4_k_m")
        tensors, _, data = read_gguf(self.path)
        more = [layer for layer in range(12) if layer in (0, 3, 6, 9, 10, 11)]
        for name, (kind, shape, offset) in tensors.items():
            wide = name == "token_embd.weight" or name in [
                f"blk.{layer}.{role}.weight" for layer in more for role in ("attn_v", "ffn_down")]
            self.assertEqual(kind, 0 if len(shape) == 1 else 14 if wide else 12, name)
            if name in ("token_embd.weight", "blk.1.attn_v.weight", "blk.11.ffn_down.weight"):
                self.check_numbers(data, kind, offset, name)

    def test_llama2c_holds_the_same_weights(self):
        self.write("stories-15m", "f32")
        tensors, _, gguf = read_gguf(self.path)
        self.write("stories-15m", "llama2c")
        self.assertIn("llama.source @layers.5.down", self.imported())
        with open(self.path, "rb") as file:
            data = file.read()
        self.assertEqual(struct.unpack_from("<7i", data), (288, 768, 6, 6, 6, 32000, 256))
        at = 28
        roles = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_down", "ffn_up")
        names = [f"blk.{layer}.{role}" for role in roles for layer in range(6)]
        for name in ("token_embd", *names, "output_norm"):
            _, shape, offset = tensors[name + ".weight"]
            size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
            self.assertEqual(data[at:at + size], gguf[offset:offset + size], name)
            at += size
        self.assertEqual(len(data) - at, 2 * 256 * 24 * 4)

    def test_scaled_rope(self):
        self.write("llama-3.2-1b", "q4_0")
        self.assertIn("llama3 {factor = 3.200000e+01 : f64, originalContext = 8.192000e+03 : f64}", self.imported())

    def test_refuses_what_does_not_fit(self):
        for words, message in ((("stories-15m", "q4_k_m"), "expects rows of a multiple of 256, but got 288"),
                               (("stories-15m", "q3"), "expects a format of"), (("nobody", "f16"), "expects one of")):
            done = subprocess.run([WRITER, *words, self.path], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)
            self.assertFalse(os.path.exists(self.path))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
