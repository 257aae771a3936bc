"""Numbers as the blocks of GGUF's tensor types, written from the description at the
Encoding attribute in dialects/llama/LlamaAttributes.td, with its letters: codes c, F16
numbers d, e, m, factors a and b. The choice of codes is a plain one: scales by the
range of a group, nothing searched."""
import math
import struct


def _half(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


def _clamp(value, low, high):
    return max(low, min(high, round(value)))


def _codes(values, scale, minimum, low, high):
    """The nearest integers in [low, high], for scale * integer - minimum."""
    if not scale:
        return [_clamp(0, low, high)] * len(values)
    return [_clamp((v + minimum) / scale, low, high) for v in values]


def _signed_scale(values, lowest):
    """The scale that puts the number of largest magnitude at `lowest`."""
    return max(values, key=abs) / lowest


def _nibbles(codes):
    """16 bytes: column i low, i + 16 high."""
    return bytes(codes[i] & 15 | (codes[i + 16] & 15) << 4 for i in range(16))


def _fifths(codes):
    return struct.pack("<I", sum((c >> 4) << i for i, c in enumerate(codes)))


def q8_0(x):
    d = _half(max(map(abs, x)) / 127)
    return struct.pack("<e32b", d, *_codes(x, d, 0, -127, 127))


def ggml_q8_0(x):
    """As llama.cpp chooses: d unrounded divides, and halves go away from zero."""
    d = max(map(abs, x)) / 127
    codes = [int(v / d + math.copysign(0.5, v)) for v in x] if d else [0] * 32
    return struct.pack("<e32b", _half(d), *codes)


def q4_0(x):
    d = _half(_signed_scale(x, -8))
    return struct.pack("<e", d) + _nibbles([c + 8 for c in _codes(x, d, 0, -8, 7)])


def ggml_q4_0(x):
    """As llama.cpp chooses: d unrounded divides, and halves go up."""
    d = _signed_scale(x, -8)
    codes = [min(15, int(v / d + 8.5)) for v in x] if d else [8] * 32
    return struct.pack("<e", d) + _nibbles(codes)


def q5_0(x):
    d = _half(_signed_scale(x, -16))
    c = [code + 16 for code in _codes(x, d, 0, -16, 15)]
    return struct.pack("<e", d) + _fifths(c) + _nibbles(c)


def q4_1(x):
    d, m = _half((max(x) - min(x)) / 15), _half(min(x))
    return struct.pack("<ee", d, m) + _nibbles(_codes(x, d, -m, 0, 15))


def q5_1(x):
    d, m = _half((max(x) - min(x)) / 31), _half(min(x))
    c = _codes(x, d, -m, 0, 31)
    return struct.pack("<ee", d, m) + _fifths(c) + _nibbles(c)


def _with_minimums(x, group, highest, most):
    """Codes in [0, highest], factors in [0, most]: d, e, a and b of every group, c."""
    parts = [x[i:i + group] for i in range(0, 256, group)]
    lows = [max(0.0, -min(part)) for part in parts]
    scales = [(max(part) + low) / highest for part, low in zip(parts, lows)]
    d, e = _half(max(max(scales), 0) / most), _half(max(lows) / most)
    a = [_clamp(s / d, 0, most) if d else 0 for s in scales]
    b = [_clamp(low / e, 0, most) if e else 0 for low in lows]
    c = []
    for part, scale, minimum in zip(parts, a, b):
        c += _codes(part, d * scale, e * minimum, 0, highest)
    return d, e, a, b, c


def _without_minimums(x, lowest, least, most):
    """Groups of 16; signed factors in [least, most]: d, a, and c from 0 on."""
    parts = [x[i:i + 16] for i in range(0, 256, 16)]
    scales = [_signed_scale(part, lowest) for part in parts]
    d = _half(max(map(abs, scales)) / most)
    a = [_clamp(s / d, least, most) if d else 0 for s in scales]
    c = []
    for part, scale in zip(parts, a):
        c += [code - lowest for code in _codes(part, d * scale, 0, lowest, -lowest - 1)]
    return d, a, c


def _two_bits(c):
    return bytes(sum((c[128 * n + 32 * j + l] & 3) << 2 * j for j in range(4)) for n in range(2) for l in range(32))


def _six_bits(a, b):
    """12 bytes: factors of eight groups."""
    out = [a[g] | (a[4 + g] >> 4) << 6 for g in range(4)]
    out += [b[g] | (b[4 + g] >> 4) << 6 for g in range(4)]
    return bytes(out + [a[4 + g] & 15 | (b[4 + g] & 15) << 4 for g in range(4)])


def _four_bits(c):
    return bytes(c[64 * n + l] & 15 | (c[64 * n + 32 + l] & 15) << 4 for n in range(4) for l in range(32))


def q2_k(x):
    d, e, a, b, c = _with_minimums(x, 16, 3, 15)
    return bytes(low | high << 4 for low, high in zip(a, b)) + _two_bits(c) + struct.pack("<ee", d, e)


def q3_k(x):
    d, a, c = _without_minimums(x, -4, -32, 31)
    a = [factor + 32 for factor in a]
    thirds = bytes(sum((c[32 * part + l] >> 2) << part for part in range(8)) for l in range(32))
    low = bytes(a[g] & 15 | (a[8 + g] & 15) << 4 for g in range(8))
    high = bytes(sum((a[4 * i + g] >> 4) << 2 * i for i in range(4)) for g in range(4))
    return thirds + _two_bits(c) + low + high + struct.pack("<e", d)


def q4_k(x):
    d, e, a, b, c = _with_minimums(x, 32, 15, 63)
    return struct.pack("<ee", d, e) + _six_bits(a, b) + _four_bits(c)


def q5_k(x):
    d, e, a, b, c = _with_minimums(x, 32, 31, 63)
    fifths = bytes(sum((c[32 * g + l] >> 4) << g for g in range(8)) for l in range(32))
    return struct.pack("<ee", d, e) + _six_bits(a, b) + fifths + _four_bits(c)


def q6_k(x):
    d, a, c = _without_minimums(x, -32, -128, 127)
    low = bytes(c[128 * n + l] & 15 | (c[128 * n + 64 + l] & 15) << 4 for n in range(2) for l in range(64))
    high = bytes(sum((c[128 * n + 32 * j + l] >> 4) << 2 * j for j in range(4)) for n in range(2) for l in range(32))
    return low + high + struct.pack("<16be", *a, d)


_E2M1 = (0, 0.5, 1, 1.5, 2, 3, 4, 6)


def mxfp4(x):
    most = max(map(abs, x))
    e = max(0, math.frexp(most)[1] - 1 - 2 + 127) if most else 0  # 6 = 1.5 * 2^2 is the largest
    c = [min(range(8), key=lambda i: abs(abs(v) - _E2M1[i] * 2.0 ** (e - 127))) | (8 if v < 0 else 0) for v in x]
    return bytes([e]) + _nibbles(c)


# Name: GGUF's number of the type, columns of a block, encoder of a block.
ENCODINGS = {
    "q4_0": (2, 32, q4_0), "q4_1": (3, 32, q4_1), "q5_0": (6, 32, q5_0), "q5_1": (7, 32, q5_1),
    "q8_0": (8, 32, q8_0), "q2_k": (10, 256, q2_k), "q3_k": (11, 256, q3_k), "q4_k": (12, 256, q4_k),
    "q5_k": (13, 256, q5_k), "q6_k": (14, 256, q6_k),
    "mxfp4": (39, 32, mxfp4),
}


def encode_blocks(values, name):
    _, columns, encoder = ENCODINGS[name]
    return b"".join(encoder(values[at:at + columns]) for at in range(0, len(values), columns))
