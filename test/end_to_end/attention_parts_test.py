#!/usr/bin/env python3
"""A single token that attends in parts of several steps, against chunks, which attend in
one piece and are compared with the reference interpreter elsewhere (attention_test.py):
1000 positions are 16 steps for the 8 parts of 4 key/value heads, a window of 700 is 11 or
12 of them.

The logits differ by at most 1e-5 of the largest at F32, as from the reference. With a KV
cache of q8 a number between two codes may become one or the other, since keys of a chunk
and of a single token differ in their last bits: 2^-7 then (cache_test.py). At 2, 3, 5
and 16 threads the bits are those of one.

usage: attention_parts_test.py CRIA FAMILY
"""
import os
import sys
import tempfile

from support import check, check_equal, compile_model, floats, largest_difference, logits, prompt, run, targets

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

LENGTH, CHUNK = 1000, 40
BOUNDS = {"f32": 1e-5, "q8": 2.0 ** -7}


def main():
    cria, family = sys.argv[1:]
    config = dict(make_model.FAMILIES[family], max_position_embeddings=1024, num_attention_heads=8, head_dim=32,
                  num_key_value_heads=4)
    if config.get("sliding_window"):
        config["sliding_window"] = 700
    make_model.FAMILIES[family] = config
    ids = prompt(config["vocab_size"], LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        model = make_model.make_model(family, os.path.join(folder, "model"), format="hf", dtype="f32")
        schedule = run([cria, "compile", model, "--stop-after", "schedule", "--chunk", CHUNK])
        check(b" of 8 into" in schedule, f"{family}: expected attention in 8 parts")
        for type, bound in BOUNDS.items():
            for target in targets(cria, "x86-64-v2", "x86-64-v3"):
                options = ["--target", target, "--chunk", CHUNK, "--kv", type]
                program = compile_model(cria, model, os.path.join(folder, "program"), *options)
                whole = floats(logits(program, ids, folder, "--chunk", CHUNK, "--threads", 1))
                data = logits(program, ids, folder, "--chunk", 1, "--threads", 1)
                what = f"{family} --kv {type} {target}"
                off = largest_difference(whole, floats(data), what) / max(map(abs, whole))
                print(f"{what}: {off:.2e}")
                check(off <= bound,
                      f"{what}: parts are {off:.3g} of the largest logit off, expected at most {bound:.3g}")
                for threads in (2, 3, 5, 16):
                    check_equal(data, logits(program, ids, folder, "--chunk", 1, "--threads", threads),
                                f"{what} at {threads} threads")


if __name__ == "__main__":
    main()
