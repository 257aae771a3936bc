"""Compiles a model with cria and runs what comes out."""
import array
import math
import os
import random
import subprocess
import sys

SKIP = 77  # ctest's SKIP_RETURN_CODE


def need(path):
    """Skips the whole test, with a message, where `path` is missing."""
    if not os.path.exists(path):
        print(f"skipped: {path} is not there")
        sys.exit(SKIP)


def run(command, **options):
    """Standard output as bytes; a failure ends the test with what the program said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}\nexit code {done.returncode}\n"
                 f"{done.stderr.decode(errors='replace')}")
    return done.stdout


def compile_model(cria, model, output, *options):
    run([cria, "compile", model, "-o", output, *options])
    return output


def native_multiplies_tiles(cria):
    """Whether this machine has AMX."""
    return any("AMX" in line for line in run([cria, "targets"]).decode().splitlines() if line.endswith("[native]"))


def native_is_older(cria, than):
    """Whether this machine's chip comes before `than` in what `cria targets` lists."""
    lines = run([cria, "targets"]).decode().splitlines()
    names = [line.split()[0] for line in lines]
    native = next(line.split()[0] for line in lines if "[native]" in line)
    return names.index(native) < names.index(than)


# Behind a level, the first chip in that list whose kernels are cut in another way (levels_test.py checks it).
NEXT = {"x86-64-v2": "x86-64-v3-tiles", "x86-64-v3": "alderlake", "x86-64-v4": "cascadelake"}


def targets(cria, *levels):
    """Those of `levels`, from old to new, that this machine can run, and `native` unless that is the last one over
    again, tuned: each is a compilation, and most of what a test takes."""
    known = [level for level in levels if not native_is_older(cria, level)]
    return known if known and native_is_older(cria, NEXT[known[-1]]) else known + ["native"]


def with_tiles(levels):
    """`levels`, and behind x86-64-v3 the one that multiplies tiles on its vectors."""
    return [name for level in levels for name in ((level, "x86-64-v3-tiles") if level == "x86-64-v3" else (level,))]


def prompt(vocabulary, length):
    """Token 1, BOS of most families, and `length` - 1 ids that go through the whole vocabulary: 7919 is a prime, so none
    comes again before all others have come, and neighbours are far apart. A row that is gathered, cached or masked
    wrongly is then that of another token."""
    return [1] + [(i * 7919 + 13) % vocabulary for i in range(1, length)]


def reference_logits(reference, model, ids, folder):
    """The interpreter's logits, [len(ids), V], for the prompt `ids` of a model or an .mlir file."""
    path = os.path.join(folder, "reference.bin")
    run([reference, model, "--ids", ",".join(map(str, ids)), "--logits", path])
    with open(path, "rb") as file:
        return floats(file.read())


def sample(program, seeds, path):
    """Writes what the model itself tells, one text per seed."""
    with open(path, "wb") as file:
        for seed in seeds:
            file.write(run([program, "--temperature", "1", "--seed", seed, "-n", "250"]) + b"\n")
    return path


def tell(storyteller, seed, stories, path):
    """Writes stories of the storyteller's grammar. Those of seed 11 are held back: it was not trained on them."""
    sys.path.insert(0, storyteller)
    from stories import story
    generator = random.Random(seed)
    with open(path, "w") as file:
        file.write(" ".join(story(generator) for _ in range(stories)))
    return path


def logits(program, ids, folder, *options):
    """The bytes of --logits for the prompt `ids` without any new token."""
    path = os.path.join(folder, "logits.bin")
    run([program, "--ids", ",".join(map(str, ids)), "-n", "0", "--logits", path, *options])
    with open(path, "rb") as file:
        return file.read()


def floats(data):
    numbers = array.array("f")
    numbers.frombytes(data)
    return numbers


def check(condition, message):
    if not condition:
        sys.exit("error: " + message)


def largest_difference(expected, found, what):
    """max |difference| of two lists of finite numbers: max() alone passes over a NaN."""
    check(len(expected) == len(found), f"{what}: expected {len(expected)} numbers, found {len(found)}")
    gaps = [abs(a - b) for a, b in zip(expected, found)]
    for at, gap in enumerate(gaps):
        if not math.isfinite(gap):
            sys.exit(f"error: {what} at {at} of {len(gaps)}: expected {expected[at]}, found {found[at]}")
    return max(gaps)


def check_equal(expected, found, what):
    if expected != found:
        at = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), min(len(expected), len(found)))
        sys.exit(f"error: {what} differs at byte {at} of {len(expected)} expected, {len(found)} found: "
                 f"expected …{expected[max(0, at - 20):at + 20]!r}, found …{found[max(0, at - 20):at + 20]!r}")
