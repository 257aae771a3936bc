#!/usr/bin/env python3
"""Attention over long contexts, compiled, against the reference interpreter: max
|difference| of the logits at most 1e-5 x max |logit| at F32 at every position of a
200-token prompt, fed token by token and in chunks, for every target of this machine;
the same bits at 1, 2 and 3 threads.

With room for 640 positions a single token attends in parts, here of one step each, and of
none for those that a context of 200 leaves without; 5 threads are then more than there are
key/value heads.

200 positions are several steps of 64 without a mask and some with one; a window of 80
begins in the middle of a step and holds a whole one. Chunks of 7 and, for the newest level
alone, of 36 make tiles that are no multiple of anything. Where one head has all keys, seven
heads of queries share them: more than have sums in registers at once.

usage: attention_test.py CRIA CRIA_REFERENCE FAMILY
"""
import os
import sys
import tempfile

from logits_test import difference
from support import check, check_equal, compile_model, floats, logits, prompt, reference_logits, run, targets

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

LENGTH = 200


def long_context(family):
    """Makes `family` one of 640 positions, its window, if any, 80, and one group of heads one of seven."""
    config = dict(make_model.FAMILIES[family], max_position_embeddings=640)
    if config["num_key_value_heads"] == 1:
        config.update(num_attention_heads=7, head_dim=16)
    if config.get("sliding_window"):
        config["sliding_window"] = 80
    make_model.FAMILIES[family] = config
    return config


def main():
    cria, reference, family = sys.argv[1:]
    config = long_context(family)
    ids = prompt(config["vocab_size"], LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        model = make_model.make_model(family, os.path.join(folder, "model"), format="hf", dtype="f32")
        expected = reference_logits(reference, model, ids, folder)
        levels = targets(cria, "x86-64-v2", "x86-64-v3")
        for chunk, context in ((7, 320), (36, 320), (64, 320), (8, 640)):
            is_split = context == 640
            split = b"kernel.merge_parts" in run([cria, "compile", model, "--stop-after", "schedule", "--chunk", chunk,
                                                  "--context", context])
            check(split == is_split, f"{family} of {context} positions: attention in parts: {split}")
            for target in levels if chunk < 10 else levels[-1:]:
                options = ["--target", target, "--chunk", chunk, "--context", context]
                program = compile_model(cria, model, os.path.join(folder, "program"), *options)
                for feed in (1, chunk):
                    what = f"{family} {target} of {context} positions in chunks of {feed}"
                    data = logits(program, ids, folder, "--chunk", feed, "--threads", 1)
                    print(f"{what}: {difference(expected, floats(data), what):.2e}")
                    for threads in (2, 3, 5) if is_split and feed == 1 else (2, 3):
                        check_equal(data, logits(program, ids, folder, "--chunk", feed, "--threads", threads),
                                    f"{what} at {threads} threads")


if __name__ == "__main__":
    main()
