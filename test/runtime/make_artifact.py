#!/usr/bin/python3
"""Makes an artifact from a linked executable, as cria does: segments, then a trailer.

usage: make_artifact.py ELF WEIGHTS TOKENIZER|- OUTPUT
"""
import os
import re
import struct
import sys

ABI_H = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "runtime", "Abi.h")
PAGE = 4096
with open(ABI_H) as header:
    ABI_VERSION = int(re.search(r"#define CRIA_ABI_VERSION (\d+)u", header.read()).group(1))
MAGIC = b"cria artifact 1\0"


def trailer(weights_offset, weights_bytes, tokenizer_offset, tokenizer_bytes, file_bytes,
            abi_version=ABI_VERSION, magic=MAGIC):
    """The 64 bytes of a CriaTrailer (runtime/Abi.h)."""
    return struct.pack("<QQQQQII16s", weights_offset, weights_bytes, tokenizer_offset,
                       tokenizer_bytes, file_bytes, abi_version, 0, magic)


def artifact(elf, weights, tokenizer, **changes):
    """All bytes of an artifact; `changes` overrides fields of its trailer."""
    def pad(data):
        return data + bytes(-len(data) % PAGE)

    data = pad(elf)
    fields = {"weights_offset": len(data), "weights_bytes": len(weights)}
    data = pad(data + weights)
    fields.update(tokenizer_offset=len(data), tokenizer_bytes=len(tokenizer))
    data += tokenizer
    fields["file_bytes"] = len(data) + 64
    fields.update(changes)
    return data + trailer(**fields)


def write(path, data):
    """Writes an executable file."""
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    elf_path, weights_path, tokenizer_path, output = sys.argv[1:]
    tables = b"" if tokenizer_path == "-" else read(tokenizer_path)
    write(output, artifact(read(elf_path), read(weights_path), tables))
