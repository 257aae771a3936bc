#!/usr/bin/env python3
"""A model is never in memory: to compile one whose weights are 430 MB takes less than 300 MB
at its peak, of which most is the compiler itself (MLIR and LLVM as libraries). Where the weights
are in a file, what is read of it leaves memory again: little is to come on top, at any size.

usage: memory_test.py CRIA
"""
import os
import struct
import sys
import tempfile

from support import check

WEIGHTS, MOST = 430e6, 300e6
MOST_OF_FILE = 80e6  # the piece of 64 MiB that is hashed at once, and what is on its way to codes
DIM, HIDDEN, LAYERS, HEADS, WORDS, CONTEXT = 768, 2048, 12, 12, 32000, 1024  # of synthetic:stories-110m


def checkpoint(folder):
    """The same shapes in a llama2.c checkpoint, all zeros and a hole on the disk."""
    path = os.path.join(folder, "model.bin")
    numbers = WORDS * DIM + DIM + LAYERS * (4 * DIM * DIM + 3 * DIM * HIDDEN + 2 * DIM) + CONTEXT * DIM // HEADS
    with open(path, "wb") as file:
        file.write(struct.pack("<7i", DIM, HIDDEN, LAYERS, HEADS, HEADS, WORDS, CONTEXT))
        file.truncate(28 + 4 * numbers)
    return path


def peak_of(cria, model, folder, *options):
    """The most memory that a compilation takes, and the size of what it writes."""
    output = os.path.join(folder, "story")
    words = [cria, "compile", model, *options, "-o", output]
    _, status, usage = os.wait4(os.posix_spawn(cria, words, os.environ), 0)
    check(status == 0, f"{' '.join(words)}: status {status}")
    size, peak = os.path.getsize(output), usage.ru_maxrss * 1024
    print(f"{' '.join([os.path.basename(model), *options])}: {size / 1e6:.0f} MB in {peak / 1e6:.0f} MB")
    return peak, size


def main():
    (cria,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        peak, size = peak_of(cria, "synthetic:stories-110m", folder, "--dtype", "f32")
        check(size >= WEIGHTS, f"expected an artifact of at least {WEIGHTS:.0f} bytes, found {size}")
        check(peak <= MOST, f"expected at most {MOST:.0f} bytes of memory, found {peak}")
        model = checkpoint(folder)
        for options in (["--dtype", "f32"], ["--quantize", "q4"]):
            most = peak_of(cria, "synthetic:stories-110m", folder, *options)[0] + MOST_OF_FILE
            found = peak_of(cria, model, folder, *options)[0]
            check(found <= most, f"{' '.join(options)}: expected at most {most:.0f} bytes of memory, found {found}")


if __name__ == "__main__":
    main()
