#!/usr/bin/env python3
"""A model is never in memory: to compile one whose weights are 430 MB takes less than 300 MB
at its peak, of which most is the compiler itself (MLIR and LLVM as libraries).

usage: memory_test.py CRIA
"""
import os
import sys
import tempfile

from support import check

MODEL, WEIGHTS, MOST = "synthetic:stories-110m", 430e6, 300e6


def main():
    (cria,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "story")
        words = [cria, "compile", MODEL, "--dtype", "f32", "-o", output]
        _, status, usage = os.wait4(os.posix_spawn(cria, words, os.environ), 0)
        check(status == 0, f"{' '.join(words)}: status {status}")
        size, peak = os.path.getsize(output), usage.ru_maxrss * 1024
        print(f"{size / 1e6:.0f} MB in {peak / 1e6:.0f} MB")
        check(size >= WEIGHTS, f"expected an artifact of at least {WEIGHTS:.0f} bytes, found {size}")
        check(peak <= MOST, f"expected at most {MOST:.0f} bytes of memory, found {peak}")


if __name__ == "__main__":
    main()
