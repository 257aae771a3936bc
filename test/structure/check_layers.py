#!/usr/bin/env python3
"""Checks who includes whom, which folders name a chip or a target, how deep folders go, and how long files are. The
rules are stated here, in RULES and below; the README has a table of them ("Where to find it").

usage: check_layers.py ROOT
"""
import pathlib
import re
import sys

# folder -> what it may include of ours, as prefixes; the first folder that fits counts.
RULES = [
    ("runtime", ["runtime/"]),
    ("dialects", ["dialects/"]),
    ("frontends", ["frontends/", "dialects/"]),
    ("compiler/tools", ["compiler/", "frontends/", "dialects/", "targets/", "runtime/Abi.h"]),
    ("compiler", ["compiler/", "dialects/", "targets/Target.h", "runtime/Abi.h", "runtime/TokenizerTables.h"]),
    ("targets/cpu", ["targets/cpu/", "targets/Target.h", "dialects/", "compiler/transforms/Passes.h", "runtime/Abi.h"]),
    ("targets/x86_64", ["targets/x86_64/", "targets/cpu/", "targets/Target.h", "dialects/",
                        "compiler/transforms/Passes.h", "runtime/Abi.h"]),
    ("targets", ["targets/Target.h", "dialects/"]),
]
# Only a target itself, the tools, which know every target, and the runtime, whose Cpu_<architecture>.c finds features,
# name one or what it has.
TARGET_NAMES = re.compile(r"\b(x86|sse|avx|amx|vnni|zen|znver|aarch64|neon|cuda|vulkan)", re.IGNORECASE)
NAMELESS = ("dialects/", "frontends/", "targets/cpu/", "targets/Target.", "compiler/")
NAMING = ("compiler/tools/",)
# A .td file has no # before it.
OURS = re.compile(r'^\s*#?\s*include\s+"((?:runtime|dialects|frontends|compiler|targets)/[^"]+)"', re.MULTILINE)
ANY = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)
LONGEST = 800
FOLDERS = ["runtime", "dialects", "frontends", "compiler", "targets", "test", "benchmarks"]


def problems(root):
    counts = {folder: [0, 0] for folder, _ in RULES}  # files, and what they include of ours
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in (".h", ".cpp", ".c", ".td") or not name.startswith(
                ("runtime/", "dialects/", "frontends/", "compiler/", "targets/")):
            continue
        text = path.read_text()
        folder, allowed = next(rule for rule in RULES if name.startswith(rule[0] + "/"))
        counts[folder][0] += 1
        counts[folder][1] += len(OURS.findall(text))
        for included in OURS.findall(text):
            generated = included.endswith(".inc") and included.rpartition("/")[0] == name.rpartition("/")[0]
            if not generated and not included.startswith(tuple(allowed)):
                yield f"{name}: {folder} may not include {included}"
        if name.startswith("runtime/"):
            for included in ANY.findall(text):
                if included.startswith(("llvm", "mlir")):
                    yield f"{name}: the runtime may not include {included}"
        if name.startswith(NAMELESS) and not name.startswith(NAMING):
            for number, line in enumerate(text.splitlines(), 1):
                if TARGET_NAMES.search(line):
                    yield f"{name}:{number}: names a target: {line.strip()}"
        if name.count("/") > 3:
            yield f"{name}: expected at most two folders below a top-level one"
    for folder, (files, includes) in counts.items():
        if not files or not includes:
            yield f"{folder}: expected files that include ours, found {files} files and {includes} includes"


def long_files(root):
    missing = set(FOLDERS)
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*")):
        if path.suffix not in (".h", ".cpp", ".c", ".td", ".py"):
            continue
        missing.discard(path.relative_to(root).parts[0])
        text = path.read_text()
        if text.count("\n") > LONGEST and "lines because" not in text[:1000]:
            yield (f"{path.relative_to(root)}: {text.count(chr(10))} lines, expected at most {LONGEST} or a reason at "
                   "its top")
    yield from (f"{folder}: expected files, found none" for folder in sorted(missing))


def main():
    root = pathlib.Path(sys.argv[1])
    found = [*problems(root), *long_files(root)]
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
