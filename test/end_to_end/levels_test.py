#!/usr/bin/env python3
"""One artifact for several levels: at each it computes what an artifact for that level
alone does, to the bit; it picks the best by itself, and holds the weights once. And chips whose
kernels other tests take for those of a level (`support.NEXT`) have the same.

usage: levels_test.py CRIA
"""
import os
import re
import subprocess
import sys
import tempfile

from support import NEXT, check, check_equal, compile_model, logits, prompt, run

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402


def check_shared_kernels(cria, model):
    """Each level and the chips behind it, up to the next with other kernels, from what `cria targets` lists."""
    chips = [line.split()[0] for line in run([cria, "targets"]).decode().splitlines()]

    def kernels(chip):
        code = run([cria, "compile", model, "--target", chip, "--quantize", "q4,v_proj=q8,o_proj=none",
                    "--stop-after", "vector"])
        return code.replace(f'kernel.target = "{chip}"'.encode(), b"")

    for level, following in NEXT.items():
        expected = kernels(level)
        for chip in chips[chips.index(level) + 1:chips.index(following)]:
            check_equal(expected, kernels(chip), f"kernels of {level} and {chip}")
        check(expected != kernels(following), f"{following} has the kernels of {level}")


def main():
    (cria,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        model = make_model.make_model("llama", os.path.join(folder, "model"), format="hf", dtype="bf16")
        check_shared_kernels(cria, model)
        vocabulary = min(make_model.FAMILIES[family]["vocab_size"] for family in ("llama", "llama-wide"))
        ids = prompt(vocabulary, 40)
        stored = make_model.make_model("llama-wide", os.path.join(folder, "stored"), format="gguf", dtype="q4_k_m")
        # Blocks of many shapes, each in another role; values, outputs and `down` stay the file's Q4_K and Q6_K.
        formats = "q_proj=nf4,k_proj=q5z,gate_proj=mxfp4,up_proj=q3,lm_head=ternary,embed=q4_64"
        refused = set()  # levels that this machine cannot run
        for model, options in ((model, ["--dtype", "bf16"]), (model, ["--quantize", "q4"]),
                               (stored, ["--quantize", formats])):
            several = compile_model(cria, model, os.path.join(folder, "several"), "--target", "x86-64", "--chunk", "2",
                                    *options)
            info = run([several, "--info"]).decode()
            chosen, names = re.search(r"target: +(\S+) \(of (.*)\)\n", info).groups()
            names = names.split(", ")
            check(len(names) >= 4 and chosen in names, f"levels {names}, chosen {chosen}")
            weights = int(re.search(r"weights: .*, (\d+) bytes", info).group(1))
            check(os.path.getsize(several) < weights + (1 << 20),
                  f"{os.path.getsize(several)} bytes of file for {weights} of weights")
            ran = []
            for level in [name for name in names if name not in refused]:
                alone = compile_model(cria, model, os.path.join(folder, "alone"), "--target", level, "--chunk", "2",
                                      *options)
                probe = subprocess.run([alone, "--ids", "1", "-n", "1"], capture_output=True)
                if probe.returncode != 0:
                    refusal = subprocess.run([several, "--ids", "1", "-n", "1", "--level", level], capture_output=True)
                    check(refusal.returncode == 1 and b"this CPU lacks" in refusal.stderr,
                          f"{level}: exit code {refusal.returncode}, {refusal.stderr!r}")
                    refused.add(level)
                    continue
                ran.append(level)
                for feed in (1, 2):
                    check_equal(logits(alone, ids, folder, "--chunk", feed),
                                logits(several, ids, folder, "--chunk", feed, "--level", level),
                                f"{options} {level} in chunks of {feed}, next to an artifact for it alone,")
            check(ran and chosen == ran[-1], f"expected the last of {ran} to be chosen, found {chosen}")
            check_equal(logits(several, ids, folder, "--level", chosen), logits(several, ids, folder), "the choice")
            print(f"{options}: {ran} of {names}")


if __name__ == "__main__":
    main()
