#!/usr/bin/env python3
"""The instructions of compiled kernels, chip by chip: those that the chip was bought
for are there, those that it lacks are not. Reads the artifact's machine code, so it
needs no machine that could run it.

usage: instructions_test.py CRIA LLVM_OBJDUMP MODEL
"""
import os
import re
import subprocess
import sys
import tempfile

# Mnemonic and widest register (x, y, z) that products of bytes and small weights use, by chip.
BYTES = {
    "x86-64-v2": ("pmaddubsw", "x"),
    "x86-64-v3-tiles": ("vpmaddubsw", "y"),
    "x86-64-v3": ("vpmaddubsw", "y"),
    "znver3": ("vpmaddubsw", "y"),
    "alderlake": ("vpdpbusd", "y"),
    "sierraforest": ("vpdpbusd", "y"),
    "x86-64-v4": ("vpmaddubsw", "z"),
    "skylake-avx512": ("vpmaddubsw", "z"),
    "cascadelake": ("vpdpbusd", "z"),
    "icelake-server": ("vpdpbusd", "z"),
    "znver4": ("vpdpbusd", "z"),
    "sapphirerapids": ("vpdpbusd", "z"),
    "graniterapids": ("vpdpbusd", "z"),
    "znver5": ("vpdpbusd", "z"),
}
TILES = ("sapphirerapids", "graniterapids")


def instructions(cria, objdump, model, folder, chip, *options):
    """{(mnemonic, widest register): count} of the program, and {("to stack", register): count} of vectors
    that are put there; the runtime in it is baseline code."""
    program = os.path.join(folder, "program")
    subprocess.run([cria, "compile", model, "-o", program, "--target", chip, *options], check=True)
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", "--no-leading-addr", program], check=True,
                          capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        words = re.sub(r"^\s*\{e?vex\}", "", line).split(None, 1)  # which encoding was chosen
        if not words:
            continue
        operands = words[1] if len(words) > 1 else ""
        widest = next((kind for kind, name in (("z", "%zmm"), ("y", "%ymm"), ("x", "%xmm"))
                       if name in operands), "")
        keys = [(words[0], widest)]
        if widest and operands.endswith("(%rsp)"):
            keys.append(("to stack", widest))
        for key in keys:
            found[key] = found.get(key, 0) + 1
    return found


def check(condition, message):
    if not condition:
        sys.exit("error: " + message)


def check_tiles(chip, found, product):
    """Whole kernels on tiles where the chip has them: configured, filled, stored, released."""
    for name in ("ldtilecfg", "tileloadd", product, "tilestored", "tilerelease"):
        count = found.get((name, ""), 0)
        check((count > 0) == (chip in TILES), f"{chip}: found {count} {name}")


def main():
    cria, objdump, model = sys.argv[1:]
    listed = [line.split()[0] for line in
              subprocess.run([cria, "targets"], check=True, capture_output=True, text=True).stdout.splitlines()]
    listed.remove("x86-64")  # several of the others
    check(set(listed) == set(BYTES), f"expected the chips {sorted(BYTES)}, found {sorted(listed)}")
    with tempfile.TemporaryDirectory() as folder:
        for chip, wanted in BYTES.items():
            found = instructions(cria, objdump, model, folder, chip, "--quantize", "q4")
            check(found.get(wanted, 0) >= 32, f"{chip}: expected at least 32 {wanted}, found {found.get(wanted, 0)}")
            order = " xyz"
            widest = max((kind for _, kind in found), key=lambda kind: order.index(kind or " "))
            check(widest == wanted[1], f"{chip}: expected registers up to {wanted[1]}mm, found {widest}mm")
            # F16 scales, sums of floats.
            names = {name for name, _ in found}
            if chip == "x86-64-v2":
                beyond = sorted(name for name in names if re.match(r"v[a-z]", name) and not re.match(r"ver[rw]", name))
                check(not beyond, f"{chip}: expected no instruction of AVX's, found {beyond}")
            else:
                check(any(found.get((name, wanted[1]), 0) for name in ("vcvtph2ps", "vcvtph2psx")),
                      f"{chip}: expected vcvtph2ps on {wanted[1]}mm")
                fused = sum(count for (name, kind), count in found.items()
                            if name.startswith("vfmadd") and kind == wanted[1])
                check(fused >= 32, f"{chip}: expected at least 32 multiply-adds on {wanted[1]}mm, found {fused}")
            if chip == "x86-64-v3":
                # Loops stay loops: where LLVM unrolls them there are 1,014 for 202.
                products = found[("vmulps", "y")]
                check(products <= 500, f"{chip}: expected at most 500 vmulps, found {products}")
                # Straight products stay in order: else there are 638 for 369, and 403 where LLVM inlines a layer.
                stored = found[("to stack", "y")]
                check(stored <= 390, f"{chip}: expected at most 390 vectors to be put on the stack, found {stored}")
            check_tiles(chip, found, "tdpbssd")
            if "vpdpbusd" not in wanted:
                check("vpdpbusd" not in names, f"{chip}: expected no vpdpbusd, which it lacks")
            # Of BF16 models, where the chip has them.
            if chip in ("x86-64-v4", "znver4", "sapphirerapids", "graniterapids", "znver5"):
                narrow = instructions(cria, objdump, model, folder, chip, "--dtype", "bf16")
                pairs = narrow.get(("vdpbf16ps", "z"), 0)
                check((pairs >= 16) == (chip != "x86-64-v4"), f"{chip}: found {pairs} vdpbf16ps")
                check_tiles(chip, narrow, "tdpbf16ps")
            print(f"{chip}: {found[wanted]} {wanted[0]} on {wanted[1]}mm")


if __name__ == "__main__":
    main()
