#!/usr/bin/env python3
"""Compares llama.rope_table with the published formulas of each scaling.

    rope_table_test.py CRIA_REFERENCE FOLDER

The formulas are those of rope_frequencies.py, a path of their own. Each head of the
module below is (1, ..., 1, 0, ..., 0), which the rotation turns into the cosines and
sines of its position; the output matrix is the identity.
"""
import math
import os
import struct
import subprocess
import sys

from rope_frequencies import linear, llama3, plain, yarn

SIZE, POSITIONS = 32, 40


def attributes(**values):
    return "{" + ", ".join(f"{key} = {value!r} : f64" for key, value in values.items()) + "}"


CASES = [
    # name, theta, scaling, attributes, frequencies, factor of both cosines and sines
    ("none", 1e4, "none", "", plain(SIZE, 1e4), 1),
    ("linear", 1e4, "linear", attributes(factor=2.5), linear(SIZE, 1e4, 2.5), 1),
    ("llama3", 5e5, "llama3", attributes(factor=8.0, originalContext=64.0),
     llama3(SIZE, 5e5, 8.0, 1.0, 4.0, 64.0), 1),
    ("llama3-factors", 1e4, "llama3",
     attributes(factor=32.0, originalContext=8192.0, lowFrequencyFactor=2.0,
                highFrequencyFactor=6.0), llama3(SIZE, 1e4, 32.0, 2.0, 6.0, 8192.0), 1),
    ("yarn", 1e4, "yarn",
     attributes(factor=4.0, originalContext=32.0, attentionFactor=0.1 * math.log(4) + 1),
     yarn(SIZE, 1e4, 4.0, 32.0, 1.0, 32.0), 0.1 * math.log(4) + 1),
    ("yarn-betas", 1e6, "yarn",
     attributes(factor=16.0, originalContext=4096.0, betaFast=16.0, betaSlow=2.0),
     yarn(SIZE, 1e6, 16.0, 16.0, 2.0, 4096.0), 1),
    # Both ends of the ramp fall together: a step.
    ("yarn-step", 1e4, "yarn",
     attributes(factor=4.0, originalContext=6.0, betaFast=2.0, betaSlow=1.0),
     yarn(SIZE, 1e4, 4.0, 2.0, 1.0, 6.0), 1),
    # The end of the ramp before its beginning: beyond a small head, and before its first number.
    ("yarn-beyond", 2.0, "yarn", attributes(factor=4.0, originalContext=4096.0),
     yarn(16, 2.0, 4.0, 32.0, 1.0, 4096.0), 1),
    ("yarn-before", 1e4, "yarn", attributes(factor=4.0, originalContext=2.0),
     yarn(SIZE, 1e4, 4.0, 32.0, 1.0, 2.0), 1),
]

MODULE = """\
llama.source @embed in "{weights}" at 0 : tensor<1x{size}xf32>
llama.source @identity in "{weights}" at {offset} : tensor<{size}x{size}xf32>
func.func @forward(%tokens: tensor<?xi32>, %position: index) -> tensor<?x{size}xf32> {{
  %w = llama.weight @embed : tensor<1x{size}xf32>
  %x = llama.embed %tokens, %w : (tensor<?xi32>, tensor<1x{size}xf32>) -> tensor<?x{size}xf32>
  %t = llama.rope_table theta {theta!r} scaling {scaling} {attributes}
    : tensor<{positions}x2x{half}xf32>
  %r = llama.rope %x, %t at %position layout half
    : (tensor<?x{size}xf32>, tensor<{positions}x2x{half}xf32>, index) -> tensor<?x{size}xf32>
  return %r : tensor<?x{size}xf32>
}}
func.func @logits(%hidden: tensor<?x{size}xf32>) -> tensor<?x{size}xf32> {{
  %w = llama.weight @identity : tensor<{size}x{size}xf32>
  %l = llama.linear %hidden, %w
    : (tensor<?x{size}xf32>, tensor<{size}x{size}xf32>) -> tensor<?x{size}xf32>
  return %l : tensor<?x{size}xf32>
}}
"""


def main():
    tool, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    weights, logits = os.path.join(folder, "weights.bin"), os.path.join(folder, "logits.bin")

    failures = 0
    for name, theta, scaling, text, expected, scale in CASES:
        half = len(expected)
        size = 2 * half
        with open(weights, "wb") as file:
            numbers = [1.0] * half + [0.0] * half
            for row in range(size):
                numbers += [float(row == column) for column in range(size)]
            file.write(struct.pack(f"<{len(numbers)}f", *numbers))
        path = os.path.join(folder, name + ".mlir")
        with open(path, "w") as file:
            file.write(MODULE.format(weights=weights, size=size, offset=4 * size, theta=theta,
                                     scaling=scaling, attributes=text, positions=POSITIONS,
                                     half=half))
        subprocess.run([tool, path, "--ids", ",".join("0" * POSITIONS), "--logits", logits],
                       check=True)
        with open(logits, "rb") as file:
            found = struct.unpack(f"<{POSITIONS * size}f", file.read())
        # F32 rounds to 2^-24 of numbers below 2; F64 along two paths differs far less.
        worst = max(abs(found[p * size + part * half + i] - scale * function(p * expected[i]))
                    for p in range(POSITIONS) for i in range(half)
                    for part, function in enumerate((math.cos, math.sin)))
        print(f"{name}: off by {worst:.1e}")
        if not worst <= 2 ** -24 + 1e-12:
            failures += 1
            print(f"error: {name}: expected at most 2^-24")
    return 1 if failures else 0


sys.exit(main())
