#!/usr/bin/env python3
"""KV caches of few bits, compiled, against the reference interpreter, which rounds what
it writes into them as the artifact does.

Where a number lies between two that the cache can hold, the artifact's F32 and the
interpreter's F64 may round to different ones. With numbers 1e-6 apart that befalls one
in 500 of F16 (a relative step of 2^-10), one in 4000 of BF16 (2^-7), one in several
thousand codes of q8, whose step is 1/127 of the largest of 32 numbers: 2.2 deviations, so
2^-6 of one. A step of one of Dh products changes a score, or a step of one of many values
an output, by less than 2^-10 / sqrt(Dh) (2^-7, 2^-6) of its deviation, for q8 with Dh of
8 and more by less than 2^-7; seldom as that is, 2^-10 (2^-7, 2^-7) of the largest logit is
never reached. Were nothing rounded, or something else, all elements would be off:
so the artifact must also be four times nearer to the rounding reference than that is
to the exact one.

The state that an artifact reserves shrinks by what the caches do. Of q8 are shown heads that
are one short group (their family's own) or one whole one, two groups that the halves of a
rotation are, three that they cut, and whole groups with a short one behind.

usage: cache_test.py CRIA CRIA_OPT CRIA_REFERENCE FAMILY
"""
import os
import re
import sys
import tempfile

from support import (check, check_equal, compile_model, floats, largest_difference, logits, prompt, reference_logits,
                     run, targets)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

LENGTH = 100
BOUNDS = {"f16": 2.0 ** -10, "bf16": 2.0 ** -7, "q8": 2.0 ** -7}
HEADS = {"llama-gqa": [64, 80], "mistral": [96, 100]}  # head sizes for q8 besides the family's own


def state_bytes(program):
    return int(re.search(rb"memory: +(\d+) bytes of state", run([program, "--info"])).group(1))


def shown_cache(program):
    """What --info says of the cache: its type, and its bytes."""
    type, size = re.search(rb"kv cache: +(\w+), (\d+) bytes", run([program, "--info"])).groups()
    return type.decode(), int(size)


def head_bytes(type, size):
    """A head's `size` numbers in a cache: those of q8 have a scale of two bytes for 32 or what is left."""
    return size + 2 * -(-size // 32) if type == "q8" else size * {"f32": 4, "f16": 2, "bf16": 2}[type]


class Family:
    """A model of a family, and what the interpreter makes of it."""

    def __init__(self, tools, family, folder):
        self.cria, self.opt, self.reference = tools
        self.folder, self.config = folder, make_model.FAMILIES[family]
        self.ids = prompt(self.config["vocab_size"], LENGTH)
        self.model = make_model.make_model(family, os.path.join(folder, "model"), format="hf", dtype="f32")
        self.name = f"{family} (heads of {make_model.head_size(self.config)})"
        self.imported = os.path.join(folder, "import.mlir")
        run([self.cria, "compile", self.model, "--stop-after", "import", "-o", self.imported])
        self.exact = self.expect(self.imported)
        self.scale = max(map(abs, self.exact))
        self.whole = state_bytes(self.compile("f32", "native"))

    def expect(self, module):
        return reference_logits(self.reference, module, self.ids, self.folder)

    def compile(self, type, target):
        return compile_model(self.cria, self.model, os.path.join(self.folder, "program"), "--target", target,
                             "--kv", type, "--chunk", 32)

    def positions(self):
        return -(-(self.config["max_position_embeddings"] + 32) // 64) * 64

    def cache_bytes(self, type):
        heads = 2 * self.config["num_hidden_layers"] * self.config["num_key_value_heads"] * self.positions()
        return heads * head_bytes(type, make_model.head_size(self.config))

    def padding(self, type):
        """Bytes, at most: between blocks of positions lie less than two blocks of a head (at F32), and
        behind the few bytes of a cache's scales less than 64 for a block, of 4 positions or more."""
        scales = 2 * self.config["num_hidden_layers"] if type == "q8" else 0
        return self.positions() * (2 * 4 * make_model.head_size(self.config) + scales * 64 // 4)

    def check(self, type, levels=("x86-64-v2", "x86-64-v3")):
        rounded = os.path.join(self.folder, type + ".mlir")
        run([self.opt, self.imported, f"--llama-cast-caches=type={type}", "-o", rounded])
        expected = self.expect(rounded)
        cost = largest_difference(self.exact, expected, f"{self.name} rounded to {type}")
        bound = BOUNDS[type] * self.scale
        for target in targets(self.cria, *levels):
            program = self.compile(type, target)
            saved, less = self.whole - state_bytes(program), self.cache_bytes("f32") - self.cache_bytes(type)
            check(abs(saved - less) < self.padding(type),
                  f"{type}: expected {less} bytes of state less, within {self.padding(type)}, found {saved}")
            shown, size = shown_cache(program)
            check(shown == type and 0 <= size - self.cache_bytes(type) < self.padding(type),
                  f"{type}: expected --info to say so, and {self.cache_bytes(type)} bytes, found {shown} and {size}")
            for feed in (1, 32):
                what = f"{self.name} --kv {type} {target} in chunks of {feed}"
                data = logits(program, self.ids, self.folder, "--chunk", feed, "--threads", 1)
                off = largest_difference(expected, floats(data), what)
                print(f"{what}: {off / self.scale:.2e}, rounding itself {cost / self.scale:.2e}")
                check(off <= bound, f"{what}: |difference| {off:.3g}, expected at most {bound:.3g}")
                check(4 * off <= cost, f"{what}: |difference| {off:.3g}, expected at most a quarter of {cost:.3g}")
                for threads in (2, 3):
                    check_equal(data, logits(program, self.ids, self.folder, "--chunk", feed, "--threads", threads),
                                f"{what} at {threads} threads")


def main():
    *tools, family = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        model = Family(tools, family, folder)
        model.check("f16")
        model.check("bf16")
        model.check("q8")
        for size in HEADS.get(family, []):
            make_model.FAMILIES[family] = {**model.config, "head_dim": size}
            Family(tools, family, folder).check("q8", ("x86-64-v2",))


if __name__ == "__main__":
    main()
