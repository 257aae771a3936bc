#!/usr/bin/python3
"""What the options of an artifact default to, which go together, and how a level is chosen, tried with the model of
FakeModel.c.

usage: options_test.py FAKE_ELF [SUITE[.test]] ...
"""
import re
import sys
import tempfile
import unittest

import make_artifact
from runtime_case import Case


class Options(Case):
    def draws(self, *arguments):
        return self.expect("-p", "a", "-n", "60", "--ignore-eos", "--print-ids", *arguments).stdout

    def test_defaults_are_those_of_help(self):
        told = self.expect("--help").stdout.decode()
        defaults = re.findall(r"--([a-z-]+) [FN] [^-]*\(default ([0-9.]+)[;)]", told)
        self.assertEqual([name for name, _ in defaults], ["temperature", "top-k", "top-p", "min-p"])
        others = {"temperature": ("0.81", "1"), "top-k": ("39", "41", "0"), "top-p": ("0.94", "0.96", "1"),
                  "min-p": ("0.04", "0.06", "0")}
        for name, value in defaults:
            # Where the others leave all tokens, --min-p has some to leave out.
            words = ["--top-k", "0", "--top-p", "1"] if name == "min-p" else []
            silent = [self.draws("--seed", seed, *words) for seed in "123456"]

            def draws_with(value):
                return [self.draws("--seed", seed, *words, "--" + name, value) for seed in "123456"]

            self.assertEqual(draws_with(value), silent, name)
            for other in others[name]:
                self.assertNotEqual(draws_with(other), silent, (name, other))

    def test_every_bit_of_a_seed(self):
        seeds = [1, *(1 + 2**bit for bit in (4, 8, 16, 31, 32, 52, 53, 63))]
        self.assertEqual(len({self.draws("--seed", str(seed)) for seed in seeds}), len(seeds))

    def test_what_goes_together(self):
        """All pairs of a source of the prompt or a thing to do with another option."""
        prompt, written = self.path("prompt"), self.path("written")
        make_artifact.write(prompt, b"abc")
        values = {"prompt": "a", "file": prompt, "ids": "1", "max-tokens": "0", "temperature": "0", "top-k": "1",
                  "top-p": "1", "min-p": "0", "seed": "1", "threads": "1", "chunk": "1", "level": "x86-64-v4",
                  "logits": written, "perplexity": prompt, "record": written}
        told = self.expect("--help").stdout.decode()
        names = [name for name in re.findall("^  (?:-.,|   ) --([a-z-]+)", told, re.MULTILINE) if name != "help"]
        self.assertEqual(set(values) - set(names), set())
        heeded = {"perplexity": {"threads", "chunk", "level", "record"}, "tokenize": {"prompt", "file", "level"},
                  "info": {"level"}, "version": {"level"}}
        sources = ["prompt", "file", "ids"]

        def go_together(a, b):
            if a in heeded or b in heeded:
                return b in heeded.get(a, ()) or a in heeded.get(b, ())
            return not (a in sources and b in sources) and {a, b} != {"logits", "record"}

        for a in [*heeded, *sources, "logits"]:
            for b in names:
                if a == b:
                    continue
                words = [f"--{name}={values[name]}" if name in values else "--" + name for name in (a, b)]
                code = 0 if go_together(a, b) else 2
                done = self.run_story(*words, env={"CRIA_FAKE": "observed"})
                self.assertEqual(done.returncode, code, done)
                if code:
                    self.assertRegex(done.stderr, rb"^story: --(%b and --%b|%b and --%b) cannot be used together\n"
                                     % (a.encode(), b.encode(), b.encode(), a.encode()))

    def test_options_that_are_heeded(self):
        path, levels = self.path("text"), {"CRIA_FAKE": "levels"}
        make_artifact.write(path, b"Az\n")
        self.expect("--tokenize", "-f", path, out=b"65,122,10\n")
        self.expect("--version", "--level", "x86-64-v4", env=levels, out=b"cria 0.1.0 (fake, f32, x86-64-v4)\n")
        self.expect("--perplexity", path, "--level", "x86-64-v4", env=levels,
                    out=self.expect("--perplexity", path, err=None).stdout, err=None)
        self.expect("--perplexity", path, "--level", "x86-64-v6", env=levels, out=b"", code=1,
                    err="this CPU lacks avx512f")


class Levels(Case):
    FOUND = {"CRIA_FAKE": "levels"}
    TEXT = ["-p", "ab", "-n", "4", "--temperature", "0"]

    def test_the_last_that_runs_here(self):
        """The third runs nowhere."""
        self.expect("--version", out=b"cria 0.1.0 (fake, f32, x86-64-v5)\n", env=self.FOUND)
        self.expect("--info", out=r"\ntarget:        x86-64-v5 \(of x86-64-v4, x86-64-v5, x86-64-v6\)\n",
                    env=self.FOUND)
        self.expect(*self.TEXT, "--stats", env=self.FOUND, out=self.expect(*self.TEXT).stdout,
                    err='"level":"x86-64-v5"')
        self.expect(out=b"", code=1, env={"CRIA_FAKE": "levels-none"},  # the first says why
                    err=b"story: this CPU lacks avx512f, which this file was compiled for (target x86-64-v4)\n")

    def test_named(self):
        self.expect(*self.TEXT, "--stats", "--level", "x86-64-v4", env=self.FOUND,
                    out=self.expect(*self.TEXT).stdout, err='"level":"x86-64-v4"')
        self.expect(*self.TEXT, "--level", "x86-64-v6", env=self.FOUND, out=b"", code=1,
                    err=b"story: this CPU lacks avx512f, which this file was compiled for (target x86-64-v6)\n")
        self.expect("--level", "z80", out=b"", code=2, env=self.FOUND,
                    err="--level expects one of x86-64-v4, x86-64-v5, x86-64-v6, as this file was compiled, but got "
                        "'z80'")

    def test_of_one_model(self):
        for field, first, other in (("weights_bytes", 1200, 1199), ("vocabulary", 300, 299), ("context", 64, 63),
                                    ("chunk", 8, 7)):
            self.expect(out=b"", code=1, env={"CRIA_FAKE": "levels-" + field},
                        err=f"^story: the model table of the generated code for x86-64-v5 expects the {field} of that "
                            f"for x86-64-v4, {first}, but got {other}\n$")


if __name__ == "__main__":
    Case.elf = make_artifact.read(sys.argv[1])
    with tempfile.TemporaryDirectory() as Case.folder:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
