#!/usr/bin/env python3
"""A step of many tokens that has fewer than it could have: at levels with tiles of their own that this
machine runs, a prompt of 40 tokens in steps of 2 to 38 of 40 rows gives the bits of one step of 40, and
so do the tokens that are decoded behind it. What is not computed holds what the step before left
there, which must get neither into a result nor into the caches. So it is where a step has room for as many
rows as there are heads, or key/value heads, whose loops are not those over rows.

usage: rows_test.py CRIA
"""
import os
import sys
import tempfile

from support import check, check_equal, compile_model, floats, prompt, run, targets, with_tiles

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

ROWS, NEW = 40, 4
STEPS = (2, 4, 5, 6, 7, 12, 14, 18, 31, 37, 38)  # none leaves a rest of one token, which is no step of many
FLOATS = (["--dtype", "f32"], ["--dtype", "f16", "--kv", "f16"])
IN_TILES = (["--dtype", "bf16"],
            ["--quantize", "q4,q_proj=q4z,v_proj=q6,up_proj=q3,down_proj=q8,lm_head=nf4", "--kv", "q8"])
AS_HEADS = (("llama-gqa", "num_attention_heads"), ("llama", "num_key_value_heads"))  # both 4


def main():
    (cria,) = sys.argv[1:]
    vocabulary = make_model.FAMILIES["llama-gqa"]["vocab_size"]
    ids = prompt(vocabulary, ROWS)
    with tempfile.TemporaryDirectory() as folder:
        def made(family):
            return make_model.make_model(family, os.path.join(folder, family), format="hf", dtype="f32")

        def compiled(model, target, chunk, *options):
            return compile_model(cria, model, os.path.join(folder, "program"), "--target", target, "--chunk", chunk,
                                 *options)

        def logits(program, step, threads):
            path = os.path.join(folder, "logits.bin")
            run([program, "--ids", ",".join(map(str, ids)), "-n", NEW, "--temperature", "0", "--ignore-eos",
                 "--logits", path, "--chunk", step, "--threads", threads])
            with open(path, "rb") as file:
                return file.read()

        levels = targets(cria, "x86-64-v2", "x86-64-v3", "x86-64-v4")
        model = made("llama-gqa")
        for options in FLOATS + IN_TILES:
            for target in with_tiles(levels) if options in IN_TILES else levels:
                program = compiled(model, target, ROWS, *options)
                whole = logits(program, ROWS, 1)
                check(len(floats(whole)) == (ROWS + NEW) * vocabulary, f"{len(floats(whole))} logits")
                for step in STEPS:
                    check_equal(whole, logits(program, step, 1 + step % 3), f"{options} {target} in steps of {step}")
        for family, heads in AS_HEADS:
            chunk = make_model.FAMILIES[family][heads]
            program = compiled(made(family), levels[-1], chunk)
            check_equal(logits(program, chunk, 1), logits(program, chunk // 2, 1),
                        f"{family} in steps of {chunk // 2} of {chunk} rows")
        print(f"ran: {with_tiles(levels)}")


if __name__ == "__main__":
    main()
