#!/usr/bin/env python3
"""KV caches of few bits, compiled, against the reference interpreter, which rounds what
it writes into them as the artifact does.

Where a number lies between two that the cache can hold, the artifact's F32 and the
interpreter's F64 may round to different ones. With numbers 1e-6 apart that befalls one
in 500 of F16 (a relative step of 2^-10), one in 4000 of BF16 (2^-7). A step of
one of Dh products changes a score, or a step of one of many values an output, by less
than 2^-10 / sqrt(Dh) (2^-7) of its deviation; seldom as that is, 2^-10 (2^-7) of the
largest logit is never reached. Were nothing rounded, or something else, all elements would be off:
so the artifact must also be four times nearer to the rounding reference than that is
to the exact one.

The state that an artifact reserves shrinks by what the caches do.

usage: cache_test.py CRIA CRIA_OPT CRIA_REFERENCE FAMILY
"""
import os
import re
import sys
import tempfile

from support import check, check_equal, compile_model, floats, logits, run

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

LENGTH = 100
BOUNDS = {"f16": 2.0 ** -10, "bf16": 2.0 ** -7}
SIZES = {"f16": 2, "bf16": 2}  # bytes of an element


def largest_difference(a, b):
    check(len(a) == len(b), f"expected {len(a)} logits, found {len(b)}")
    return max(abs(x - y) for x, y in zip(a, b))


def state_bytes(program):
    return int(re.search(rb"memory: +(\d+) bytes of state", run([program, "--info"])).group(1))


def main():
    cria, opt, reference, family = sys.argv[1:]
    config = make_model.FAMILIES[family]
    ids = [1] + [(i * 7919 + 13) % config["vocab_size"] for i in range(1, LENGTH)]
    with tempfile.TemporaryDirectory() as folder:
        model = make_model.make_model(family, os.path.join(folder, "model"), format="hf", dtype="f32")
        imported = os.path.join(folder, "import.mlir")
        run([cria, "compile", model, "--stop-after", "import", "-o", imported])

        def expect(module):
            oracle = os.path.join(folder, "oracle.bin")
            run([reference, module, "--ids", ",".join(map(str, ids)), "--logits", oracle])
            with open(oracle, "rb") as file:
                return floats(file.read())

        exact = expect(imported)
        scale = max(map(abs, exact))
        whole = compile_model(cria, model, os.path.join(folder, "whole"), "--chunk", 32)
        elements = (2 * config["num_hidden_layers"] * config["num_key_value_heads"] * make_model.head_size(config) *
                    -(-(config["max_position_embeddings"] + 32) // 64) * 64)
        for type, bound in BOUNDS.items():
            rounded = os.path.join(folder, type + ".mlir")
            run([opt, imported, f"--llama-cast-caches=type={type}", "-o", rounded])
            expected = expect(rounded)
            cost = largest_difference(exact, expected)
            for target in ("x86-64-v2", "x86-64-v3", "native"):
                program = compile_model(cria, model, os.path.join(folder, "program"), "--target", target, "--kv", type,
                                        "--chunk", 32)
                saved = state_bytes(whole) - state_bytes(program)
                check(saved == (4 - SIZES[type]) * elements,
                      f"{type}: expected {(4 - SIZES[type]) * elements} bytes of state less, found {saved}")
                for feed in (1, 32):
                    what = f"{family} --kv {type} {target} in chunks of {feed}"
                    data = logits(program, ids, folder, "--chunk", feed, "--threads", 1)
                    off = largest_difference(expected, floats(data))
                    print(f"{what}: {off / scale:.2e}, rounding itself {cost / scale:.2e}")
                    check(off <= bound * scale, f"{what}: |difference| {off:.3g}, expected at most {bound} x {scale:.3g}")
                    check(4 * off <= cost, f"{what}: |difference| {off:.3g}, expected at most a quarter of {cost:.3g}")
                    for threads in (2, 3):
                        check_equal(data, logits(program, ids, folder, "--chunk", feed, "--threads", threads),
                                    f"{what} at {threads} threads")


if __name__ == "__main__":
    main()
