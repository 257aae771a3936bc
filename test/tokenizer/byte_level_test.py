"""Byte-level tokenizers against a plain restatement: Python's `re` runs the published
expressions, `unicodedata` normalizes, and merges are looked for one at a time.

byte_level_test.py DRIVER SCRATCH
"""
import collections
import os
import random
import re
import struct
import subprocess
import sys
import unicodedata

import tokenizer_files as files

BYTES = files.byte_alphabet()


def character_class(keep):
    """The inside of a [...] of all characters that `keep` takes."""
    ranges, start = [], None
    for c in range(0x110001):
        wanted = c < 0x110000 and keep(chr(c))
        if wanted and start is None:
            start = c
        if not wanted and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{c - 1:08x}")
            start = None
    return "".join(ranges)


LETTER = character_class(lambda c: unicodedata.category(c)[0] == "L")
NUMBER = character_class(lambda c: unicodedata.category(c)[0] == "N")
SPACES = character_class(lambda c: unicodedata.category(c)[0] == "Z" or c in "\t\n\v\f\r\x85")


def compile_expression(text):
    # Python's own \s also has U+001C to U+001F, which Unicode's White_Space lacks.
    for name, inside in ((r"\p{L}", LETTER), (r"\p{N}", NUMBER), (r"\s", SPACES)):
        text = re.sub(r"(\[[^]]*?)" + re.escape(name), lambda m: m.group(1) + inside, text)
        text = re.sub(r"(\[[^]]*?)" + re.escape(name), lambda m: m.group(1) + inside, text)
        text = text.replace(name, f"[{inside}]")
    return re.compile(text.replace(r"\S", f"[^{SPACES}]"))


EXPRESSIONS = {"gpt2": compile_expression(files.GPT2), "smollm": compile_expression(files.GPT2),
               "llama3": compile_expression(files.LLAMA3),
               "qwen2": compile_expression(files.QWEN2)}
DIGIT = re.compile(f"([{NUMBER}])")


def words(name, text):
    stretches = DIGIT.split(text) if name == "smollm" else [text]
    found = [m for stretch in stretches for m in EXPRESSIONS[name].findall(stretch)]
    assert "".join(found) == text
    return found


def encode(name, text, vocab, ranks):
    ids = []
    for index, stretch in enumerate(text.split("<tool>")):
        if index:
            ids.append(len(vocab) + 1)
        if name == "qwen2":
            stretch = unicodedata.normalize("NFC", stretch)
        for word in words(name, stretch):
            parts = [BYTES[b] for b in word.encode()]
            if name == "llama3" and "".join(parts) in vocab:
                parts = ["".join(parts)]
            while True:
                best = min((ranks.get(pair, len(ranks)), i)
                           for i, pair in enumerate(zip(parts, parts[1:] + [""])))
                if best[0] == len(ranks):
                    break
                parts[best[1]:best[1] + 2] = ["".join(parts[best[1]:best[1] + 2])]
            ids += [vocab[p] for p in parts]
    return ids


def random_texts(count):
    rng = random.Random(3)
    assigned = [chr(c) for c in range(0x110000)
                if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    marks = [c for c in assigned if unicodedata.combining(c)]
    composed = [c for c in assigned if unicodedata.decomposition(c)[:1] not in ("", "<")]
    pools = [["'s", "'T", "'rE", "'ve", "'m", "'LL", "'d", "'\u017f", "'x", "'", "'\u017fa"],
             list("aeionrst"), ["the", " and", "Once", "'tis"], list("0123456789"),
             ["\u00bd", "\u0663", "\u2167", "\u00b2", "\U0001d7d8"], [" "], [" ", "  ", "   "],
             ["\n", "\r\n", "\r", "\t", "\u00a0", "\u3000", "\x85", "\u2028", "\x1c", "\v"],
             list("!?.,;-=()[]{}#$\"`"), ["<tool>", "<|begin_of_text|>", "<tool"],
             ["\U0001f999", "\U0001f636\u200d\U0001f32b\ufe0f"], marks, composed,
             ["\u1100", "\u1161", "\u11a8", "\uac00", "\ud7a3", "\u11a7"], assigned]
    for _ in range(count):
        chosen = rng.sample(pools, rng.randint(1, 6))
        yield "".join(rng.choice(rng.choice(chosen)) for _ in range(rng.randint(0, 40)))
    yield "a" + "\u0301\u0323" * 3000  # one long run of marks to sort


def train(name, texts, count):
    """Merges of a corpus: the most frequent pair first, as byte pair encoding is trained."""
    counts = collections.Counter(w for t in texts for w in words(name, t))
    corpus = [([BYTES[b] for b in w.encode()], n) for w, n in counts.items() if len(w) < 60]
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for parts, n in corpus:
            for pair in zip(parts, parts[1:]):
                pairs[pair] += n
        pair = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(pair)
        for parts, _ in corpus:
            i = 0
            while i + 1 < len(parts):
                if (parts[i], parts[i + 1]) == pair:
                    parts[i:i + 2] = [pair[0] + pair[1]]
                i += 1
    return merges


def main():
    driver, scratch = sys.argv[1:]
    os.makedirs(scratch, exist_ok=True)
    texts = list(random_texts(3000))
    for name in EXPRESSIONS:
        merges = train(name, texts[:400], 120)
        # Shows where a contraction ends: 's may be written with U+017F, ignoring case.
        long_s = BYTES[0xc5], BYTES[0xbf]
        first = [long_s, ("".join(long_s), "a")]
        merges = first + [m for m in merges if m not in first]
        vocab = {c: i for i, c in enumerate(BYTES)}
        for left, right in merges:
            vocab.setdefault(left + right, len(vocab))
        vocab.setdefault("Once", len(vocab))  # by no merge: only a whole word may be it
        path = os.path.join(scratch, f"{name}.json")
        files.write_json(path, files.byte_level_json(name, vocab, merges))
        data = b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in texts)
        # Bytes that are not UTF-8 only have to come back, which the driver checks.
        data += struct.pack("<I", 4) + b"a\xff\xc3\xcc"
        run = subprocess.run([driver, "encode", path], input=data, stdout=subprocess.PIPE)
        if run.returncode != 0:
            sys.exit(f"{name}: the driver ended with {run.returncode}")
        lines = run.stdout.decode().splitlines()
        ranks = {pair: rank for rank, pair in enumerate(merges)}
        assert len(lines) == len(texts) + 1
        for text, line in zip(texts, lines):
            expected = " ".join(map(str, encode(name, text, vocab, ranks)))
            if line != expected:
                sys.exit(f"{name}: {text!r} expects {expected}, but got {line}")
        print(f"{name}: {len(texts)} texts agree")


main()
