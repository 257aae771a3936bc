#!/usr/bin/env python3
"""The model that ships: greedy text equal to the one computed in F64, whatever the
number of threads and however the prompt is fed; a static executable that names its
model, less than 1 MB larger than the weights, and the same bytes each time.

usage: storyteller_test.py CRIA STORYTELLER
"""
import os
import subprocess
import sys
import tempfile

from support import check, check_equal, compile_model, run

PROMPT = "Once upon a time"


def header(program, what):
    return subprocess.run(["readelf", what, program], capture_output=True, check=True, text=True).stdout


def check_binary(program):
    """Position-independent, RELRO, no executable stack, no library."""
    check("DYN" in header(program, "-hW"), "expected a position-independent executable")
    segments = header(program, "-lW")
    check("GNU_RELRO" in segments, "expected a RELRO segment")
    stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
    check("RWE" not in stack, f"expected a stack that is not executable, found {stack}")
    check("INTERP" not in segments, "expected no interpreter")
    check("NEEDED" not in header(program, "-dW"), "expected no library to be needed")


def main():
    cria, folder = sys.argv[1:]
    with open(os.path.join(folder, "greedy.txt"), "rb") as file:
        expected = file.read()
    with tempfile.TemporaryDirectory() as temporary:
        program = compile_model(cria, os.path.join(folder, "model"), os.path.join(temporary, "story"))
        # Alone, under another name, in another place.
        moved = os.path.join(temporary, "elsewhere")
        os.rename(program, moved)
        for options in (["--threads", "1"], ["--threads", "2"], ["--threads", "5"], ["--chunk", "1"], ["--chunk", "3"]):
            text = run([moved, "-p", PROMPT, "--temperature", "0", *options], cwd="/", env={})
            check_equal(expected.rstrip(b"\n"), text.rstrip(b"\n"), f"greedy text with {' '.join(options)}")
        check_binary(moved)
        info = run([moved, "--info"]).decode()
        check("model:         model" in info.splitlines(), f"expected --info to name the model, found {info}")
        check("kv cache:      f32, " in info, f"expected --info to say that the cache is of f32, found {info}")
        # Weights are stored as F16, as in the folder; what else is in the file is
        # code, runtime, rotary tables and vocabulary.
        rest = os.path.getsize(moved) - os.path.getsize(os.path.join(folder, "model", "model.safetensors"))
        check(rest < 1_000_000, f"expected less than 1 MB beyond the weights, found {rest} bytes")
        # Deterministic: the same bytes again.
        again = compile_model(cria, os.path.join(folder, "model"), os.path.join(temporary, "again"))
        with open(moved, "rb") as first, open(again, "rb") as second:
            check(first.read() == second.read(), "expected the same artifact from the same inputs")


if __name__ == "__main__":
    main()
