#!/usr/bin/env python3
"""Quantized artifacts against the reference interpreter, which rounds weights and
activations to the same codes.

Sums of codes are exact, so an artifact is as close to the reference as at F32: 1e-4
of the largest logit. One thing can come between: a number so near the middle between
two codes that F32 and F64 round it differently. With values 1e-6 apart and 64 to 127 codes
to a value's magnitude that befalls one in several thousand, and then the code is one
off: at most 1/64 of the largest of 32 numbers, in one of K products. For the smallest K here,
64, and a largest number of 2.2 deviations, that is 2.2 / 64 / sqrt(64) = 0.4 % of an
output's deviation. A handful of them, at later positions through the cache as well,
stay below 2 % of the largest logit. At the first position, where there are few numbers,
it befalls one token in fifty. Then two others that come first must be within 1e-4: what is
wrong with a kernel is so for every token.

usage: quantized_test.py CRIA CRIA_OPT CRIA_REFERENCE FAMILY CASES
CASES, between spaces: what --quantize takes, or gguf: and a type whose codes cria keeps
"""
import os
import sys
import tempfile

from support import check, check_equal, compile_model, floats, largest_difference, logits, run, targets

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

LENGTH = 40
CHUNK = 10  # two tiles of five rows with AVX-512, which take scales of rows from a table; AVX2's last one is lower
OTHER_FIRST = (2, 3)


def differences(expected, found, vocabulary, what):
    """|difference| at the first position, and anywhere, as shares of the largest logit."""
    worst = largest_difference(expected, found, what)
    first = largest_difference(expected[:vocabulary], found[:vocabulary], what)
    largest = max(map(abs, expected))
    return first / largest, worst / largest


def main():
    cria, opt, reference, family, cases = sys.argv[1:]
    config = make_model.FAMILIES[family]
    with tempfile.TemporaryDirectory() as folder:
        ids = [1] + [(i * 7919 + 13) % config["vocab_size"] for i in range(1, LENGTH)]
        levels = targets(cria, "x86-64-v2", "x86-64-v3", "x86-64-v4")
        for number, case in enumerate(cases.split()):
            stored = case.removeprefix("gguf:") if case.startswith("gguf:") else None
            model = make_model.make_model(family, os.path.join(folder, "model"), format="gguf" if stored else "hf",
                                          dtype=stored or "f32")
            imported = os.path.join(folder, "import.mlir")
            run([cria, "compile", model, "--stop-after", "import", "-o", imported])
            quantized = os.path.join(folder, "quantized.mlir")
            option = "keep-stored=true" if stored else f"format={case}"
            run([opt, imported, f"--llama-quantize-weights={option}", "-o", quantized])
            options = ["--chunk", str(CHUNK)] + ([] if stored else ["--quantize", case])

            def oracle(ids):
                """The reference's logits, [len(ids), V]."""
                path = os.path.join(folder, "oracle.bin")
                run([reference, quantized, "--ids", ",".join(map(str, ids)), "--logits", path])
                with open(path, "rb") as file:
                    return floats(file.read())

            def difference(program, first):
                """|difference| of the logits behind the token `first` alone."""
                what = f"{family} {case} behind token {first} alone"
                found = floats(logits(program, [first], folder))
                return differences(oracle([first]), found, config["vocab_size"], what)[0]

            expected = oracle(ids)
            for target in levels[number > 0:]:  # the oldest once
                program = compile_model(cria, model, os.path.join(folder, "program"), "--target", target, *options)
                for feed in (1, CHUNK):
                    data = logits(program, ids, folder, "--chunk", feed, "--threads", "1")
                    what = f"{family} {case} {target} in chunks of {feed}"
                    first, worst = differences(expected, floats(data), config["vocab_size"], what)
                    print(f"{what}: {first:.2e} at the first position, {worst:.2e} at any")
                    close = first <= 1e-4 or all(difference(program, other) <= 1e-4 for other in OTHER_FIRST)
                    check(close and worst <= 2e-2, f"{what}: too far from the reference")
                    check_equal(data, logits(program, ids, folder, "--chunk", feed, "--threads", 3),
                                f"{what} at 3 threads")


if __name__ == "__main__":
    main()
