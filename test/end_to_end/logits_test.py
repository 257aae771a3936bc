#!/usr/bin/env python3
"""Every family, compiled, against the reference interpreter: max |difference| of the
logits at most 1e-5 x max |logit| at every position of a 40-token prompt, fed token by
token, in one chunk and in pieces of 7. A sum of K = 64 products, rounded at random at every
addition, is off by sqrt(K) u = 5e-7 of its size, u = 2^-24; with some layers of such sums
models were off by up to 2.4e-6.

Kernels do not know what file their weights came from, so the first format of a family is
compiled for every level of this machine (without AVX, with it, with AVX-512, and for its own
chip if that has kernels of its own), and for the newest one in chunks of 7, too; each other
format for one of them, in turn. F16 weights stay F16 and are other kernels: every level. All
others become F32. F16 numbers are exact in F32, so one bound serves both.

usage: logits_test.py CRIA CRIA_REFERENCE FAMILY
"""
import os
import sys
import tempfile

from support import check, compile_model, floats, largest_difference, logits, prompt, reference_logits, targets

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

BOUND = 1e-5
LENGTH = 40
PIECE = 7  # neither a divisor of the prompt nor a multiple of any tile


def difference(expected, found, what):
    worst = largest_difference(expected, found, what)
    largest = max(map(abs, expected))
    check(worst <= BOUND * largest, f"{what}: |difference| {worst:.3g}, expected at most {BOUND} x {largest:.3g}")
    return worst / largest


def variants(number, dtype, levels):
    """What the format of that number in a family is compiled as: [(level, weights, chunk)]."""
    if dtype == "f16":
        return [(level, "f16", LENGTH) for level in levels]
    if number == 0:
        return [(level, "f32", LENGTH) for level in levels] + [(levels[-1], "f32", PIECE)]
    return [(levels[number % len(levels)], "f32", LENGTH)]


def main():
    cria, reference, family = sys.argv[1:]
    formats = [("hf", "f32"), ("hf", "bf16"), ("gguf", "f16"), ("gguf", "q8_0"), ("gguf", "q4_0"), ("llama2c", "f32")]
    if family == "llama-wide":  # blocks of 256 columns, dequantized
        formats = [("gguf", name) for name in ("q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k_m", "q5_k")]
    formats = [pair for pair in formats if make_model.can_hold(family, *pair)]
    check(formats, f"no format can hold {family}")
    levels = targets(cria, "x86-64-v2", "x86-64-v3", "x86-64-v4")
    ids = prompt(make_model.FAMILIES[family]["vocab_size"], LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        for number, (format, dtype) in enumerate(formats):
            place = os.path.join(folder, str(number))
            os.mkdir(place)
            model = make_model.make_model(family, place, format=format, dtype=dtype)
            expected = reference_logits(reference, model, ids, place)
            for level, weights, chunk in variants(number, dtype, levels):
                program = compile_model(cria, model, os.path.join(place, "program"), "--target", level, "--dtype",
                                        weights, "--chunk", chunk)
                for feed in sorted({1, PIECE, chunk}):
                    found = floats(logits(program, ids, place, "--chunk", feed))
                    what = f"{family} {format} {dtype} as {weights} {level}, chunks of {chunk}, fed in pieces of {feed}"
                    print(f"{what}: {difference(expected, found, what):.2e}")


if __name__ == "__main__":
    main()
