#!/usr/bin/env python3
"""Bad input on its whole way to an artifact: hostile_test.py CRIA STORYTELLER_MODEL

../frontends/import_test.py damages every field of every format and stops after the
import. Here each kind of damage is compiled to the end, over a file that is already
there: one error that names file, tensor or key, expected and found; exit code 1; the
old file as it was, and nothing beside it. What damage at random does not make an
error must make a program that runs.
"""
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
import make_model as models  # noqa: E402

CRIA = STORYTELLER = ""
PRECIOUS = b"what was there before"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def header_of(safetensors):
    """The parsed header, and the data behind it."""
    size, = struct.unpack_from("<Q", safetensors)
    return json.loads(safetensors[8:8 + size]), safetensors[8 + size:]


def with_header(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class HostileCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cria-hostile-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("out", "tmp"):
            os.mkdir(self.path(name))
        self.output = self.path("out", "story")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make(self, form="hf", **options):
        return models.make_model("llama", self.path("model"), format=form, **options)

    def compile(self, model, *options, **process):
        """cria's exit code and error; an old output is kept, or a new one is whole."""
        write(self.output, PRECIOUS)
        done = subprocess.run([CRIA, "compile", model, "-o", self.output, *options], capture_output=True, timeout=120,
                              env={**os.environ, "TMPDIR": self.path("tmp")}, **process)
        error = done.stderr.decode(errors="replace")
        # In a build with sanitizers, their reports may come with exit code 1, too.
        self.assertNotRegex(error, "Sanitizer|runtime error")
        self.assertIn(done.returncode, (0, 1), error)
        self.assertEqual(done.stdout, b"")
        self.assertEqual((os.listdir(self.path("out")), os.listdir(self.path("tmp"))), (["story"], []))
        self.assertEqual(read(self.output) == PRECIOUS, done.returncode == 1)
        return done.returncode, error

    def refused(self, model, says, *options, **process):
        code, error = self.compile(model, *options, **process)
        self.assertEqual(code, 1)
        self.assertRegex(error, r"\Acria: error: [^\n]*\n\Z")
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, error)

    def refused_or_runs(self, model, *arguments):
        code, error = self.compile(model)
        if code == 1:
            self.assertTrue(error.startswith("cria: error: "), error)
            return False
        done = subprocess.run([self.output, *arguments, "-n", "3", "--temperature", "0", "--threads", "1"],
                              capture_output=True, timeout=60)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return True


class Models(HostileCase):
    def test_truncated(self):
        for form, name in (("hf", "model.safetensors"), ("gguf", "model.gguf"), ("llama2c", "model.bin")):
            model = self.make(form)
            file = self.path("model", name)
            data = read(file)
            for length in (0, 5, 100, len(data) // 2, len(data) - 1):
                with self.subTest(form=form, length=length):
                    write(file, data[:length])
                    # An empty or tiny file may not be recognised as a model at all.
                    self.refused(model, [name, "expects"] if length > 5 else name)

    def test_safetensors(self):
        model = self.make()
        file = os.path.join(model, "model.safetensors")
        header, data = header_of(read(file))
        norm = "model.norm.weight"
        begin, end = header[norm]["data_offsets"]
        cases = [
            ("offsets beyond the end", {"data_offsets": [len(data), len(data) + 256]}, [str(len(data)), "bytes"]),
            ("overlapping", {"data_offsets": [begin - 128, end - 128]}, ["bytes of their own"]),
            ("overflowing size", {"shape": [2**62, 2**62]}, ["below 2^63 bytes"]),
            ("wrong dtype", {"dtype": "I8"}, ["F32, F16 or BF16", "I8"]),
            ("wrong shape", {"shape": [8, 8]}, ["[64]", "[8, 8]"]),
        ]
        for what, changes, says in cases:
            with self.subTest(what):
                write(file, with_header({**header, norm: {**header[norm], **changes}}, data))
                self.refused(model, ["model.safetensors: ", f"'{norm}'", *says])
        missing = [(name, entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
                   for name, entry in header.items() if name not in (norm, "__metadata__")]
        models.write_safetensors(file, missing)
        self.refused(model, [f"'{norm}'", "[64]", "missing"])

    def test_gguf(self):
        config = models.FAMILIES["llama"]
        tensors = models.gguf_tensors(config, models.make_weights(config, "x"), "f32")
        keys = models.gguf_keys("llama", config)
        name, shape, kind, data = tensors[1]
        eps = "llama.attention.layer_norm_rms_epsilon"
        file = self.path("model.gguf")
        for what, some_keys, entry, says in (
                ("overflowing size", keys, (name, [2**40, 2**40], kind, data), [name, "below 2^63 bytes"]),
                ("wrong type", keys, (name, shape, 16, data), [name, "IQ2_XXS (16)"]),
                ("wrong shape", keys, (name, [32], kind, data), [name, "[64]", "[32]"]),
                ("missing", keys, None, [name, "missing"]),
                ("NaN", [k if k[0] != eps else (eps, 6, float("nan")) for k in keys], tensors[1],
                 [eps, "a number above 0", "nan"])):
            with self.subTest(what):
                changed = [entry if i == 1 else t for i, t in enumerate(tensors) if i != 1 or entry]
                write(file, models.gguf_bytes(3, some_keys, changed))
                self.refused(file, ["model.gguf: ", *says])

    def test_names_are_no_paths(self):
        """`cria run` keeps what it compiled under the model's name, whatever that is."""
        config = models.FAMILIES["llama"]
        keys = [(key, kind, "../../up/" + "long" * 100 if key == "general.name" else value)
                for key, kind, value in models.gguf_keys("llama", config)]
        file = self.path("model.gguf")
        write(file, models.gguf_bytes(3, keys, models.gguf_tensors(config, models.make_weights(config, "x"), "f32")))
        done = subprocess.run([CRIA, "run", file, "--", "--ids", "1", "-n", "0", "--print-ids"], capture_output=True,
                              text=True, env={**os.environ, "XDG_CACHE_HOME": self.path("cache")})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(os.listdir(self.path("cache/cria"))), 1)

    def test_configuration(self):
        model = self.make()
        file = os.path.join(model, "config.json")
        config = json.loads(read(file))
        for key, value, says in (("rms_norm_eps", float("nan"), ["JSON", "NaN"]),
                                 ("rope_theta", float("inf"), ["JSON", "Infinity"]),
                                 ("vocab_size", 2**63, ["an integer from 1 to", str(2**63)]),
                                 ("intermediate_size", 97, ["[97, 64]", "[96, 64]"])):
            with self.subTest(key):
                write(file, json.dumps({**config, key: value}).encode())
                self.refused(model, says if key == "intermediate_size" else ["config.json: ", f"'{key}'", *says])

    def test_sizes_that_overflow_in_products(self):
        """Heads times head size is refused before it is multiplied by the positions."""
        model = self.make()
        config = json.loads(read(os.path.join(model, "config.json")))
        config.update(num_attention_heads=65536, num_key_value_heads=65536, head_dim=2**10,
                      max_position_embeddings=2**24)
        write(os.path.join(model, "config.json"), json.dumps(config).encode())
        self.refused(model, ["config.json: ", "heads times head size", str(2**26)], "--context", str(2**24))


class Tokenizers(HostileCase):
    def test_too_few_pieces(self):
        model = self.path("model")
        shutil.copytree(STORYTELLER, model)
        file = os.path.join(model, "tokenizer.model")
        data = read(file)
        ends, at = [], 0
        while data[at] == 0x0A:  # a piece is field 1: a tag, a length of one byte, and that many bytes
            at += 2 + data[at + 1]
            ends.append(at)
        write(file, data[:ends[999]] + data[at:])
        self.refused(model, ["model: the tokenizer expects the model's 1024 pieces, but got 1000"])

    def test_damaged_pieces(self):
        """Bytes of a tokenizer reach the artifact's own reader: it must run, or cria must refuse."""
        model = self.path("model")
        shutil.copytree(STORYTELLER, model)
        file = os.path.join(model, "tokenizer.model")
        data, rng, ran = read(file), random.Random(5), 0
        for _ in range(12):
            damaged = bytearray(data)
            for _ in range(rng.choice((1, 8, 64))):
                damaged[rng.randrange(len(data))] = rng.randrange(256)
            write(file, damaged)
            ran += self.refused_or_runs(model, "-p", "Once upon a time \U0001f600 there was a llama")
        self.assertLess(ran, 12)  # some damage was seen

    def test_damaged_weights(self):
        """NaNs and infinities in the tensors are numbers like others."""
        model = self.make(dtype="f16")
        file = os.path.join(model, "model.safetensors")
        header, data = header_of(read(file))
        for pattern in (b"\xff\x7f", b"\xff\xff", b"\x00\x7c", b"\xff\x7b"):
            write(file, with_header(header, pattern * (len(data) // 2)))
            self.assertTrue(self.refused_or_runs(model, "--ids", "1,2,3"))


    def test_numbers_beyond_every_scale(self):
        """Codes have scales of F16, and what is rounded to them must be numbers."""
        model = self.make(dtype="f32")
        file = os.path.join(model, "model.safetensors")
        header, data = header_of(read(file))
        begin = header["model.layers.1.mlp.up_proj.weight"]["data_offsets"][0]
        for number in (1e5, float("nan")):
            write(file, with_header(header, data[:begin] + struct.pack("<f", number) + data[begin + 4:]))
            for rules in ("q8", "q4,lm_head=q6", "mxfp4"):
                self.refused(model, ["layers.1.up: ", "65504"], "--quantize", rules)
            self.assertTrue(self.refused_or_runs(model, "--ids", "1,2,3"))


class Disks(HostileCase):
    """Where there is no room. ../driver/driver_test.py has folders, devices and an old file."""

    def limited(self, size):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    def test_no_room_at_any_step(self):
        model = self.make()
        for size in (0, 1000, 100000, 400000):  # the object, the linked program, the artifact
            with self.subTest(size=size):
                self.refused(model, "File too large", preexec_fn=self.limited(size))

    def test_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        output = os.path.join(disk, "story")
        done = subprocess.run([CRIA, "compile", self.make(), "-o", output], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"\Acria: error: .*/story: cannot be written: \d+ bytes are needed: "
                                      r"No space left on device\n\Z")
        self.assertEqual(os.listdir(disk), [])

    def test_listings(self):
        report = ["compile", self.make(), "--report", "-o", self.path("story")]
        for words in (["targets"], ["phases"], ["--help"], ["--version"], ["compile", "--help"], report):
            with self.subTest(words=words), open("/dev/full", "w") as full:
                done = subprocess.run([CRIA, *words], stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual((done.returncode, done.stderr),
                                 (1, "cria: error: standard output: cannot be written: No space left on device\n"))


if __name__ == "__main__":
    CRIA, STORYTELLER = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
