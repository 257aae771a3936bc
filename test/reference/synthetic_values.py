#!/usr/bin/env python3
"""Prints n of llama.synthetic (dialects/llama/Synthetic.h) for SEED INDEX pairs.

Where WeightsTest.cpp takes its pinned numbers from: the same formula, in integers
without limits and with every wrap spelled out.

    synthetic_values.py SEED INDEX [SEED INDEX ...]
"""
import sys

M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def value(seed, index):
    block, low = index >> 32, index & M32
    z = (seed + 0x9E3779B97F4A7C15 * (1 + block)) & M64
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & M64
    key = z ^ z >> 31
    x = (low + (key & M32)) & M32
    x = ((x ^ x >> 16) * 0x7FEB352D) & M32
    x = (((x ^ x >> 15) + (key >> 32)) * 0x846CA68B) & M32
    x ^= x >> 16
    return (x >> 8) - (1 << 23)


if __name__ == "__main__":
    numbers = [int(argument, 0) for argument in sys.argv[1:]]
    for seed, index in zip(numbers[::2], numbers[1::2]):
        print(value(seed, index))
