#!/usr/bin/env python3
"""Models of BF16 weights against the reference interpreter, which rounds what meets
them to BF16 as the compiled code does.

Products of BF16 are exact and sums are F32's, so an artifact is as close to the
reference as at F32, but where F32 and F64 round an activation to different neighbours:
then it is 2^-8 of itself off, in one of K products; for the smallest K here, 64, that
is 2^-8 / sqrt(64) = 0.05 % of an output's deviation. A few of them, and what follows
from them at later positions, stay below 1 %. Rounding itself costs not much more, so were
inputs not rounded, or others, that would not show. But then every position would be off, and
with the rounding right only those at and behind such a number are: so at three of four
positions the artifact must be a hundred times nearer to the rounding reference than that is
to the exact one, by root mean square over the position's logits (measured: 70,000 times but
at 5 of 40 positions at most).

Chips with instructions for BF16 compute what the others do, to the bit (denormals
apart, which these models have none of), those with tiles excepted: in chunks they add up
in another order. x86-64-v3-tiles computes as they do.

usage: bf16_test.py CRIA CRIA_OPT CRIA_REFERENCE FAMILY
"""
import math
import os
import sys
import tempfile

from quantized_test import differences
from support import (check, check_equal, compile_model, floats, logits, native_multiplies_tiles, prompt,
                     reference_logits, run, targets, with_tiles)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

LENGTH = 40


def distances(first, second, vocabulary):
    """The root mean square of the differences at each position."""
    squares = [(a - b) ** 2 for a, b in zip(first, second)]
    return [math.sqrt(sum(squares[at:at + vocabulary]) / vocabulary) for at in range(0, len(squares), vocabulary)]


def main():
    cria, opt, reference, family = sys.argv[1:]
    config = make_model.FAMILIES[family]
    with tempfile.TemporaryDirectory() as folder:
        ids = prompt(config["vocab_size"], LENGTH)
        model = make_model.make_model(family, os.path.join(folder, "model"), format="hf", dtype="bf16")
        imported = os.path.join(folder, "import.mlir")
        rounded = os.path.join(folder, "rounded.mlir")
        run([cria, "compile", model, "--stop-after", "import", "-o", imported])
        run([opt, imported, "--pass-pipeline=builtin.module(func.func(llama-round-inputs))", "-o", rounded])
        expected, exact = (reference_logits(reference, module, ids, folder) for module in (rounded, imported))
        cost = distances(expected, exact, config["vocab_size"])
        found = {}
        for target in with_tiles(targets(cria, "x86-64-v2", "x86-64-v3", "x86-64-v4")):
            tiles = target.endswith("tiles") or (target == "native" and native_multiplies_tiles(cria))
            chunk = 32 if tiles else 8
            program = compile_model(cria, model, os.path.join(folder, "program"), "--target", target, "--chunk", chunk)
            for feed in (1, chunk):
                data = found[target, feed] = logits(program, ids, folder, "--chunk", feed, "--threads", "1")
                what = f"{family} {target} in chunks of {feed}"
                first, *others = differences(expected, floats(data), config["vocab_size"], what)
                worst = max(first, *others)
                print(f"{what}: {first:.2e} at the first position, {worst:.2e} at any")
                check(first <= 1e-3 and worst <= 1e-2, f"{what}: too far from the reference")
                off = distances(expected, floats(data), config["vocab_size"])
                nearer = sum(a >= 100 * b for a, b in zip(cost, off))
                check(nearer >= 3 * LENGTH // 4, f"{what}: only {nearer} of {LENGTH} positions are rounded as expected")
                check_equal(data, logits(program, ids, folder, "--chunk", feed, "--threads", 3), f"{what} at 3 threads")
                if ("x86-64-v4", feed) in found:
                    check_equal(found["x86-64-v4", feed], data, f"{what}, next to x86-64-v4,")
            if target == "x86-64-v3-tiles":
                check_equal(found["x86-64-v3", 1], found[target, 1], f"{family} {target} token by token")
                whole = config["hidden_size"] % 32 == 0  # else products stay with vectors
                check((found["x86-64-v3", 8] != found[target, chunk]) == whole,
                      f"{family} {target}: sums of {'vectors' if whole else 'tiles'}")


if __name__ == "__main__":
    main()
