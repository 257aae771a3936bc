#!/usr/bin/env python3
"""Greedy text of the real checkpoints equals the reference's to the byte, from
llama2.c and GGUF files alike, at 1 and 2 threads; logits are the same bits at 1, 2
and 3 threads.

usage: greedy_test.py CRIA SHARED_DATA
"""
import os
import sys
import tempfile

import to_gguf
from support import check_equal, compile_model, logits, need, run


def check_model(cria, model, expected, folder, *options):
    for target in ("x86-64-v3", "native"):
        program = compile_model(cria, model, os.path.join(folder, "program"), "--target", target, *options)
        for threads in (1, 2):
            text = run([program, "--temperature", "0", "-n", "256", "--threads", threads])
            check_equal(expected, text, f"greedy text of {model} for {target} at {threads} threads")
        ids = [1 + i * 37 % 100 for i in range(40)]
        one, two, three = (logits(program, ids, folder, "--threads", n) for n in (1, 2, 3))
        check_equal(one, two, f"logits of {model} at 2 threads")
        check_equal(one, three, f"logits of {model} at 3 threads")


def main():
    cria, data = sys.argv[1:]
    models = os.path.join(data, "models")
    need(models)
    with tempfile.TemporaryDirectory() as folder:
        def expected(name):
            with open(os.path.join(models, name, "greedy-256.txt"), "rb") as file:
                return file.read()

        stories = os.path.join(models, "stories260K")
        check_model(cria, os.path.join(stories, "stories260K.bin"), expected("stories260K"), folder)
        check_model(cria, os.path.join(models, "gguf", "tinyllamas-stories-260k-f32.gguf"), expected("stories260K"),
                    folder)

        baby = os.path.join(models, "babyllama-tok105")
        for tokenizer in ("tokenizer.bin", "tokenizer.model"):
            check_model(cria, os.path.join(baby, "model.bin"), expected("babyllama-tok105"), folder, "--tokenizer",
                        os.path.join(baby, tokenizer))
        gguf = os.path.join(folder, "baby.gguf")
        to_gguf.convert(os.path.join(baby, "model.bin"), os.path.join(baby, "tokenizer.bin"), gguf)
        check_model(cria, gguf, expected("babyllama-tok105"), folder)


if __name__ == "__main__":
    main()
