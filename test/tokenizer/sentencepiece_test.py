"""Our ids against the sentencepiece library's, for a model and for variations of it, and
for the same tokenizer written as tokenizer.json and as llama2.c's tokenizer.bin.

sentencepiece_test.py ORACLE DRIVER MODEL SCRATCH TEXTS [--only]
With --only the model is compared as it is, and nothing else.
"""
import os
import random
import subprocess
import sys

import tokenizer_files as files


def compare(oracle, driver, model, vocabulary, texts):
    with subprocess.Popen([oracle, model, texts], stdout=subprocess.PIPE) as source:
        run = subprocess.run([driver, "compare", vocabulary, texts], stdin=source.stdout)
    if source.returncode != 0 or run.returncode != 0:
        sys.exit(f"{vocabulary}: the oracle ended with {source.returncode}, "
                 f"the driver with {run.returncode}")


def with_types(pieces, kinds, seed):
    """`pieces` with some of the longer ones turned into other types."""
    rng = random.Random(seed)
    return [(text, score, rng.choice(kinds) if kind == files.NORMAL and len(text) > 1 else kind)
            for text, score, kind in pieces]


def main():
    oracle, driver, model, scratch, texts = sys.argv[1:6]
    compare(oracle, driver, model, model, texts)
    if sys.argv[6:] == ["--only"]:
        return
    os.makedirs(scratch, exist_ok=True)
    pieces, rest = files.read_model(model)
    normal, unused, user = files.NORMAL, files.UNUSED, files.USER_DEFINED
    without_bytes = [p for p in pieces if p[2] != files.BYTE]
    variations = {
        "unused": (with_types(pieces, [normal, unused], 1), rest),
        "user-defined": (with_types(pieces, [normal, normal, normal, user], 2), rest),
        "all-types": (with_types(pieces, [normal, unused, unused, user], 3), rest),
        "trimmed": (pieces, files.change_spec(rest, 3, 4, 0, 1)),
        "no-prefix": (pieces, files.change_spec(rest, 3, 3, 0, 0)),
        "equal-scores": ([(t, float(int(s) // 50), k) for t, s, k in pieces], rest),
        "no-bytes": (without_bytes, files.change_spec(rest, 2, 35, 0, 0)),
    }
    for name, (varied, fields) in variations.items():
        path = os.path.join(scratch, f"{name}.model")
        files.write_model(path, varied, fields)
        print(name, flush=True)
        compare(oracle, driver, path, path, texts)

    print("tokenizer.json", flush=True)
    path = os.path.join(scratch, "tokenizer.json")
    files.write_json(path, files.sentencepiece_as_json(pieces))
    compare(oracle, driver, model, path, texts)
    print("llama2.c", flush=True)
    path = os.path.join(scratch, "tokenizer.bin")
    files.write_llama2c(path, pieces)
    compare(oracle, driver, model, f"{path}:{len(pieces)}", texts)


main()
