#!/usr/bin/env python3
"""Quantization of a real checkpoint, on text that it tells itself. q4 is no worse than the
codes of the same size that llama.cpp chooses (Q4_0; benchmarks/quality runs them in
llama.cpp too). Calibrated on other text, at least a quarter of what q4 loses of F32's
perplexity comes back; the report; what is refused, and that nothing is left behind.

usage: calibrate_test.py CRIA SHARED
"""
import os
import re
import subprocess
import sys
import tempfile

import to_gguf
from gguf_encodings import ggml_q4_0  # to_gguf knows where it is
from support import check, compile_model, need, run, sample


def refused(words, *parts, code=1, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    check(done.returncode == code and all(part in done.stderr for part in parts),
          f"{' '.join(map(str, words))}: expected exit code {code} and {parts}, found {done.returncode}: {done.stderr}")


def check_report(text, before, after):
    lines = text.splitlines()
    check(lines[0].split() == ["matrix", "shape", "format", "bits", "MB", "error"], f"found the header {lines[0]!r}")
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:] if re.search(r"\d+x\d+", line)}
    check("layers.0.q" in rows, f"expected a line for layers.0.q, found {sorted(rows)}")
    shape, form, bits, _, error = rows["layers.0.q"]
    # 4 bits and a 16-bit scale for 32; a uniform error of half a step of 16 at most.
    check(form == "q4" and bits == "4.50" and 0.02 < float(error) < 0.2, f"layers.0.q: found {rows['layers.0.q']}")
    found = re.search(r"perplexity .*: ([\d.]+) before, ([\d.]+) after", lines[-1])
    check(found, f"expected perplexities, found {lines[-1]!r}")
    check(abs(float(found[1]) - before) < 1e-3 and abs(float(found[2]) - after) < 1e-3,
          f"expected {before} and {after}, found {lines[-1]!r}")


def main():
    cria, shared = sys.argv[1:]
    model = os.path.join(shared, "models", "babyllama-tok105")
    checkpoint, tokenizer = os.path.join(model, "model.bin"), os.path.join(model, "tokenizer.model")
    need(checkpoint)
    with tempfile.TemporaryDirectory() as temporary:
        def path(name):
            return os.path.join(temporary, name)

        def compiled(name, *options):
            return compile_model(cria, checkpoint, path(name), "--tokenizer", tokenizer, "--target", "native", *options)

        exact = compiled("exact", "--dtype", "f32")
        seen, unseen = sample(exact, range(101, 117), path("seen")), sample(exact, range(1, 17), path("unseen"))
        scratch = path("scratch")
        os.mkdir(scratch)
        environment = dict(os.environ, TMPDIR=scratch)
        words = [cria, "compile", checkpoint, "--tokenizer", tokenizer, "--target", "native", "--quantize", "q4",
                 "--calibrate", seen]
        report = run([*words, "--report", "-o", path("calibrated")], env=environment).decode()
        run([*words, "-o", path("again")], env=environment)
        with open(path("calibrated"), "rb") as one, open(path("again"), "rb") as two:
            check(one.read() == two.read(), "expected the same artifact from run to run")

        def perplexity(program, text):
            return float(run([program, "--perplexity", text]))

        gguf = path("q4_0.gguf")
        to_gguf.convert(checkpoint, os.path.join(model, "tokenizer.bin"), gguf, 2, ggml_q4_0)
        theirs = perplexity(compile_model(cria, gguf, path("theirs"), "--target", "native"), unseen)
        ours = perplexity(compiled("ours", "--quantize", "q4,lm_head=none"), unseen)
        print(f"perplexity with the head at F32: {theirs:.4f} by llama.cpp's Q4_0, {ours:.4f} by q4")
        check(ours <= theirs, f"expected q4 no worse than Q4_0, found {ours} and {theirs}")

        plain = compiled("plain", "--quantize", "q4")
        base, lost, found = (perplexity(program, unseen) for program in (exact, plain, path("calibrated")))
        share = (lost - found) / (lost - base)
        print(f"perplexity: {base:.4f} at F32, {lost:.4f} at q4, {found:.4f} calibrated: {share:.0%} of the gap closed")
        check(share >= 0.25, f"expected at least a quarter of the gap closed, found {share:.3f}")
        check_report(report, perplexity(exact, seen), perplexity(path("calibrated"), seen))

        refused([*words[:-1], path("none"), "-o", path("out")], "none: no such file or directory", env=environment)
        with open(path("short"), "w") as file:
            file.write("Once upon a time")
        refused([*words[:-1], path("short"), "-o", path("out")], "expects at least 128 tokens", env=environment)
        refused([cria, "compile", "synthetic:stories-15m", "--quantize", "q4", "--calibrate", seen, "-o", path("out")],
                "--calibrate expects a model with a tokenizer", env=environment)
        refused([cria, "compile", checkpoint, "--calibrate", seen, "-o", path("out")], "--quantize", code=2)
        check(os.listdir(scratch) == [], f"expected no temporary files, found {os.listdir(scratch)}")
        check(not os.path.exists(path("out")), "expected no artifact of a failed compilation")


if __name__ == "__main__":
    main()
