#!/usr/bin/env python3
"""Imports the real models of ../shared/data: shared_models_test.py --cria COMMAND --data DIR.

Skipped (exit code 77) where DIR is absent.
"""
import argparse
import os
import re
import subprocess
import sys


def run(cria, model, *options):
    result = subprocess.run([cria, "compile", model, "--stop-after=import", "-o", "-", *options],
                            capture_output=True, text=True, timeout=120)
    if result.returncode:
        sys.exit(f"FAIL: {model}: {result.stderr}")
    return re.sub(" +", " ", result.stdout)


def sources(ir):
    """{symbol: the bytes of a plain F32 or F16 source}."""
    found = {}
    for symbol, path, offset, shape, kind in re.findall(
            r'llama.source @(\S+) in "(.*?)" at (\d+) : tensor<([\dx]+)x(f32|f16)>', ir):
        count = 4 if kind == "f32" else 2
        for size in shape.split("x"):
            count *= int(size)
        with open(path, "rb") as file:
            file.seek(int(offset))
            found[symbol] = file.read(count)
        assert len(found[symbol]) == count, f"{symbol} ends beyond {path}"
    return found


def computation(ir):
    """The functions without what says where the weights come from."""
    return re.sub(r"llama.weight @output", "llama.weight @embed", ir[ir.index("func.func"):])


def check(condition, what):
    if not condition:
        sys.exit(f"FAIL: {what}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cria", required=True)
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    models = os.path.join(args.data, "models")
    if not os.path.isdir(models):
        print(f"skipped: no {models}")
        sys.exit(77)

    # The same weights as a llama2.c checkpoint and as GGUF version 1.
    checkpoint = run(args.cria, os.path.join(models, "stories260K", "stories260K.bin"))
    gguf = run(args.cria, os.path.join(models, "gguf", "tinyllamas-stories-260k-f32.gguf"))
    for ir in (checkpoint, gguf):
        check("vocabulary = 512, width = 64, ffn = 172, layers = 5, heads = 8, kvHeads = 4, "
              "headSize = 8, contextSize = 512" in ir, "the hyperparameters of stories260K")
    expected, found = sources(checkpoint), sources(gguf)
    check(len(expected) == 47, f"47 sources of stories260K, but got {len(expected)}")
    check(found.pop("output") == expected["embed"], "the output matrix of GGUF is the embedding")
    check(found == expected, "the same weights from llama2.c and GGUF")
    # GGUF's epsilon is the F32 next to 1e-5.
    check(computation(checkpoint).replace("1.000000e-05", "9.9999997473787516E-6") ==
          computation(gguf), "the same computation from llama2.c and GGUF")

    ir = run(args.cria, os.path.join(models, "babyllama-tok105", "model.bin"))
    check("vocabulary = 105, width = 128, ffn = 352" in ir, "the hyperparameters of babyllama")
    ir = run(args.cria, os.path.join(models, "babyllama-tok105", "model.bin"), "--tokenizer",
             os.path.join(models, "babyllama-tok105", "tokenizer.model"))
    check("bosId = 1, addBos = true" in ir, "BOS of babyllama's SentencePiece model")

    ir = run(args.cria, os.path.join(models, "gguf", "llama-2-tiny-random.gguf"))
    check("llama.source @output in" in ir and "tensor<32000x8xf16>" in ir, "F16 of llama-2-tiny")
    check("contextSize = 4096" in ir and "bosId = 1" in ir, "the context of llama-2-tiny")
    print("passed")


if __name__ == "__main__":
    main()
