"""The published formulas of rotary frequencies and their scalings.

Written after Hugging Face's modeling_rope_utils: a path of their own, with which
the interpreter's is compared. Each takes the size of a head (`size`) and returns
size / 2 frequencies.
"""
import math


def plain(size, theta):
    return [1 / theta ** (2 * i / size) for i in range(size // 2)]


def linear(size, theta, factor):
    return [frequency / factor for frequency in plain(size, theta)]


def llama3(size, theta, factor, low, high, original):
    result = []
    for frequency in plain(size, theta):
        length = 2 * math.pi / frequency
        if length < original / high:
            result.append(frequency)
        elif length > original / low:
            result.append(frequency / factor)
        else:
            smooth = (original / length - low) / (high - low)
            result.append((1 - smooth) * frequency / factor + smooth * frequency)
    return result


def yarn(size, theta, factor, fast, slow, original):
    def correction(rotations):
        return size * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(theta))
    first, last = max(math.floor(correction(fast)), 0), min(math.ceil(correction(slow)), size - 1)
    if first == last:
        last += 0.001
    result = []
    for i, frequency in enumerate(plain(size, theta)):
        keep = 1 - min(max((i - first) / (last - first), 0), 1)
        result.append(frequency / factor * (1 - keep) + frequency * keep)
    return result


def of_config(config, size):
    """(frequencies, factor of cosines and sines) of a config.json."""
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    theta = rope.get("rope_theta") or config["rope_theta"]
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return plain(size, theta), 1.0
    factor, original = rope["factor"], rope.get("original_max_position_embeddings")
    if kind == "linear":
        return linear(size, theta, factor), 1.0
    if kind == "llama3":
        return llama3(size, theta, factor, rope["low_freq_factor"], rope["high_freq_factor"],
                      original), 1.0
    assert kind == "yarn", kind
    return yarn(size, theta, factor, rope.get("beta_fast", 32), rope.get("beta_slow", 1),
                original), 0.1 * math.log(factor) + 1
