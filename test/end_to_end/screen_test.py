#!/usr/bin/env python3
"""A head that is screened draws what the whole one draws (with --logits): the same tokens, greedy and by seed, at
every level that this machine runs and any number of threads, from weights of every float type, and from codes of a file
that become floats.

usage: screen_test.py CRIA
"""
import os
import re
import subprocess
import sys
import tempfile

from support import check, check_equal, compile_model, run

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402

MODEL = "synthetic:stories-15m"  # three fifths of a step are its head
DRAWS = (["--temperature", "0"], ["--seed", "1"], ["--seed", "2", "--temperature", "0.3"], ["--seed", "3", "--min-p", "0.5"],
         ["--seed", "4", "--min-p", "0"])
# Of a GGUF file: a head that a screen is worth, and little else.
make_model.FAMILIES["llama-head"] = {**make_model.FAMILIES["llama"], "vocab_size": 16400, "num_hidden_layers": 1,
                                     "tie_word_embeddings": True}


def rough_bytes(program):
    found = re.search(rb"^rough head: +(\d+) bytes", run([program, "--info"]), re.MULTILINE)
    return int(found[1]) if found else 0


def levels(program):
    """Those that run here."""
    target = re.search(r"^target: +(.*)$", run([program, "--info"]).decode(), re.MULTILINE)[1]
    names = re.search(r"\(of (.*)\)", target)
    for name in names[1].split(", ") if names else [target]:
        probe = subprocess.run([program, "--level", name, "--ids", "1", "-n", "1"], capture_output=True)
        if probe.returncode == 0:
            yield name
        else:
            check(b"this CPU lacks" in probe.stderr, f"{name}: {probe.stderr!r}")


def check_stored_codes(cria, folder):
    """Codes of a file are a head of floats with --dtype f32, and without it none."""
    model = make_model.make_model("llama-head", folder, "gguf", "q8_0")
    for options, panels in (([], 0), (["--dtype", "f32"], 1025)):
        program = compile_model(cria, model, os.path.join(folder, "program"), "--target", "native", *options)
        expected, found = panels * 2 * (32 + 16 * 32 * 6 // 8), rough_bytes(program)
        check(found == expected, f"Q8_0 with {options}: expected {expected} bytes, found {found}")
        for draw in DRAWS:
            words = ["--ids", "1,5,77", "-n", "40", "--print-ids", "--ignore-eos", *draw]
            check_equal(run([program, *words, "--logits", os.path.join(folder, "logits")]), run([program, *words]),
                        f"Q8_0 with {options}, {draw}")


def main():
    (cria,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        def compiled(name, *options):
            return compile_model(cria, MODEL, os.path.join(folder, name), *options)

        for dtype, target in (("f32", "x86-64"), ("f16", "native"), ("bf16", "native")):
            options = ["--dtype", dtype, "--target", target]
            program = compiled("program", *options)
            # 2000 panels, of 9 blocks of 16 scales and 16 times 32 codes of 6 bits
            check(rough_bytes(program) == 2000 * 9 * (32 + 16 * 32 * 6 // 8), f"{dtype}: {rough_bytes(program)} bytes")
            ran = list(levels(program))
            check(ran, f"no level of {dtype} runs")
            print(f"{dtype}: {ran}")
            for draw in DRAWS:
                for number, level in enumerate(ran):
                    words = ["--ids", "1,5,77", "-n", "40", "--print-ids", "--ignore-eos", "--level", level, *draw]
                    expected = run([program, *words, "--logits", os.path.join(folder, "logits")])
                    for threads in (1, 2 + number % 2):
                        check_equal(expected, run([program, *words, "--threads", threads]),
                                    f"{dtype}, {level}, {draw} at {threads} threads")
        for options in (["--no-screen"], ["--quantize", "lm_head=q8"]):
            check(rough_bytes(compiled("whole", "--target", "native", *options)) == 0, f"a rough head with {options}")
        check_stored_codes(cria, folder)


if __name__ == "__main__":
    main()
