#!/usr/bin/env python3
"""Puts tiles of AMX through vectors of 256 words, in LLVM IR from standard input to
standard output. LLVM's --enable-x86-scalar-amx, which takes AMX apart into scalar
instructions, wants tiles to come from such vectors and to become them again.
"""
import re
import sys

TILE = re.compile(r"x86_amx (%[\w.]+)")


def main():
    casts = 0
    for line in sys.stdin:
        if " phi x86_amx " in line:
            line = line.replace("x86_amx", "<256 x i32>")
        elif " call " in line:
            for value in TILE.findall(line):
                print(f"  %vector.{casts} = bitcast <256 x i32> {value} to x86_amx")
                line = line.replace(f"x86_amx {value}", f"x86_amx %vector.{casts}", 1)
                casts += 1
            made = re.match(r"\s*(%\d+) = (?:tail )?call x86_amx ", line)
            if made:
                name = made.group(1)
                print(line.replace(f"{name} =", f"%tile.{name[1:]} =", 1), end="")
                line = f"  {name} = bitcast x86_amx %tile.{name[1:]} to <256 x i32>\n"
        print(line, end="")


if __name__ == "__main__":
    main()
