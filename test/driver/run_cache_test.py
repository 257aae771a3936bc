#!/usr/bin/env python3
"""Where `cria run` keeps what it compiled: all that the artifact depends on changes the file's name, and nothing
else does.

The names are asked for without compiling anything: the cache is a folder in which no file can be made, and the
error, which comes before the first phase, says which file it would have been.

usage: run_cache_test.py CRIA STORYTELLER_MODEL
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tokenizer"))
import tokenizer_files  # noqa: E402

CRIA = MODEL = ""


class Name(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        os.symlink("/proc", self.path("cria"))
        self.model = shutil.copytree(MODEL, self.path("model"))
        self.text = self.path("text")
        self.write(self.text, b"Once upon a time")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, path, data):
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (1, 1))  # what is in a file counts, not when it was written

    def change(self, path, at):
        """One bit of the byte `at`."""
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[at] ^= 1
        self.write(path, data)

    def name(self, *words, cria=None, program=()):
        done = subprocess.run([cria or CRIA, "run", *words, "--", *program], capture_output=True, text=True,
                              env={**os.environ, "XDG_CACHE_HOME": self.folder})
        found = re.fullmatch(r"cria: error: .*/cria/(.*-[0-9a-f]+): cannot be written: .*\n", done.stderr)
        self.assertTrue(found, done.stderr)
        return found.group(1)

    def differ(self, names):
        """`names`, by what they are names for, are all different."""
        for what, name in names.items():
            self.assertEqual([other for other in names if names[other] == name], [what])

    def test_options(self):
        cases = [[], ["--target", "x86-64-v2"], ["--target", "x86-64-v4"], ["--target", "x86-64"], ["--dtype", "f32"],
                 ["--dtype", "bf16"], ["--kv", "f16"], ["--kv", "q8"], ["--quantize", "q4"], ["--quantize", "q8"],
                 ["--quantize", "q4,lm_head=q6"], ["--quantize", "q4", "--calibrate", self.text], ["--no-screen"],
                 ["--context", "64"], ["--context", "65"], ["--chunk", "8"], ["--chunk", "9"]]
        names = {" ".join(words): self.name(self.model, *words) for words in cases}
        self.differ(names)
        for words in cases:
            self.assertEqual(self.name(self.model, *words, program=["-n", "1"]), names[" ".join(words)], words)
        helped = subprocess.run([CRIA, "run", "--help"], capture_output=True, text=True).stdout
        tried = {word for words in cases for word in words if word.startswith("--")}
        self.assertEqual(set(re.findall(r"--[a-z-]+", re.sub(r"(?s)What follows.*", "", helped))),
                         tried | {"--help", "--tokenizer"})

    def test_model(self):
        names = {"as it is": self.name(self.model)}
        weights = os.path.join(self.model, "model.safetensors")
        middle = os.path.getsize(weights) // 2
        for at in (middle, -1):
            self.change(weights, at)
            names[f"another weight at {at}"] = self.name(self.model)
            self.change(weights, at)
        self.assertEqual(self.name(self.model), names["as it is"])
        with open(os.path.join(self.model, "config.json"), "rb") as file:
            config = file.read()
        self.assertIn(b"1e-05", config)
        self.write(os.path.join(self.model, "config.json"), config.replace(b"1e-05", b"2e-05"))
        names["another config"] = self.name(self.model)
        self.write(os.path.join(self.model, "config.json"), config)
        self.assertEqual(self.name(self.model), names["as it is"])
        names["called otherwise"] = self.name(shutil.copytree(self.model, self.path("other")))
        self.differ(names)

    def test_tokenizer(self):
        own, other = os.path.join(self.model, "tokenizer.model"), self.path("tokenizer.model")
        pieces, rest = tokenizer_files.read_model(own)
        pieces[-1] = ("never", *pieces[-1][1:])
        tokenizer_files.write_model(other, pieces, rest)
        names = {"its own": self.name(self.model), "another": self.name(self.model, "--tokenizer", other)}
        shutil.copy(other, own)
        names["changed"] = self.name(self.model)
        self.assertNotEqual(names["its own"], names["another"])
        self.assertNotEqual(names["its own"], names["changed"])

    def test_text(self):
        words = [self.model, "--quantize", "q4", "--calibrate"]
        names = {"first": self.name(*words, self.text)}
        self.change(self.text, 0)
        names["changed"] = self.name(*words, self.text)
        self.differ(names)
        self.change(self.text, 0)
        self.assertEqual(self.name(*words, self.text), names["first"])

    def test_installation(self):
        """Another build of cria or of the runtime, even where both have the same version."""
        for folder in ("bin", "lib"):
            os.makedirs(self.path("installed", folder))
        cria = shutil.copy2(CRIA, self.path("installed", "bin"))
        runtime = os.path.join(os.path.dirname(os.path.dirname(CRIA)), "lib", "cria")
        runtime = shutil.copytree(runtime, self.path("installed", "lib", "cria"))
        names = {"as it is": self.name(self.model, cria=cria)}
        self.assertEqual(names["as it is"], self.name(self.model))
        os.utime(os.path.join(runtime, "x86_64", "libcria_runtime.a"), (1, 1))
        names["another runtime"] = self.name(self.model, cria=cria)
        os.utime(cria, (1, 1))
        names["another cria"] = self.name(self.model, cria=cria)
        self.differ(names)


if __name__ == "__main__":
    CRIA, MODEL = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
