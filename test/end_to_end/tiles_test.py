#!/usr/bin/env python3
"""Quantized models on chips that multiply tiles. What tiles add up are integers, and the
rest is done as on vectors, so x86-64-v3-tiles, which computes as AMX does, gives the bits
of x86-64-v3, which other tests compare with the reference; at any number of threads.

Where this machine has AMX, artifacts for it give the bits of others with AVX-512. Where matrices of
several formats, in one layer, want tiles of many shapes, they compile, on every machine.

usage: tiles_test.py CRIA
"""
import os
import re
import sys
import tempfile

from support import check, check_equal, compile_model, logits, native_multiplies_tiles, prompt, run

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

# By how their blocks are read: whole bytes, nibbles, codes cut up and minimums, tables; two
# levels, groups of 16 and of 32 at once; several formats; rows that end within a block.
CASES = ["q8", "q4", "q5z", "nf4", "gguf:q4_k_m", "q4_128,v_proj=q8", "llama-gqa:q4_128"]
CHUNKS = (32, 24, 5)  # two tiles of 16 rows, two of 12, one of 5


def compare(cria, folder, case, chunk):
    family, case = case.split(":") if case.startswith("llama") else ("llama-wide", case)
    stored = case.removeprefix("gguf:") if case.startswith("gguf:") else None
    model = make_model.make_model(family, os.path.join(folder, "model"), format="gguf" if stored else "hf",
                                  dtype=stored or "f32")
    options = ["--chunk", chunk] + ([] if stored else ["--quantize", case])
    ids = prompt(make_model.FAMILIES[family]["vocab_size"], 40)
    vectors, tiles = (compile_model(cria, model, os.path.join(folder, target), "--target", target, *options)
                      for target in ("x86-64-v3", "x86-64-v3-tiles"))
    has_amx = native_multiplies_tiles(cria)
    amx = has_amx and compile_model(cria, model, os.path.join(folder, "amx"), "--target", "sapphirerapids", *options)
    beside = has_amx and compile_model(cria, model, os.path.join(folder, "beside"), "--target", "znver4", *options)
    shown = os.path.join(folder, "vector.mlir")
    run([cria, "compile", model, "--target", "x86-64-v3-tiles", "--stop-after", "vector", "-o", shown, *options])
    with open(shown) as file:
        shapes = set(re.findall(r"kernel\.tile_matmul .* tensor<(\d+)x\d+xi8>", file.read()))
    check(shapes == {str(max(n for n in range(1, 17) if chunk % n == 0))}, f"{case}: tiles of {shapes} rows")
    for feed in (1, chunk):
        expected = logits(vectors, ids, folder, "--chunk", feed)
        check_equal(expected, logits(tiles, ids, folder, "--chunk", feed, "--threads", 3), f"{case} in chunks of {feed}")
        if has_amx:
            check_equal(logits(beside, ids, folder, "--chunk", feed),
                        logits(amx, ids, folder, "--chunk", feed, "--threads", 3), f"{case} in chunks of {feed} by AMX")
    print(f"{case} in chunks of {chunk}" + (", by AMX too" if has_amx else ""))


def main():
    (cria,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            compare(cria, folder, case, CHUNKS[number % len(CHUNKS)])
        # Tiles of bytes in three shapes, groups of 16 among them, beside those of BF16.
        model = make_model.make_model("llama-wide", os.path.join(folder, "mixed"), format="hf", dtype="bf16")
        for case in ("q4,v_proj=none", "q4,v_proj=none,gate_proj=none,o_proj=q8",
                     "q5z,k_proj=nf4,o_proj=q8,lm_head=q4_128,gate_proj=q3,v_proj=none"):
            for chunk in (64, 24):
                compile_model(cria, model, os.path.join(folder, "amx"), "--target", "sapphirerapids", "--quantize", case,
                              "--chunk", chunk)
                print(f"{case} of BF16 in chunks of {chunk}, for AMX")


if __name__ == "__main__":
    main()
