#!/usr/bin/env python3
"""Checks cria-reference on whole models.

    models_test.py CRIA_REFERENCE FOLDER SHARED_DATA

Every family, as a tiny random Hugging Face folder, against the forward pass below,
which is written after the papers from config.json alone; the prompt fed in one
chunk, in chunks of 7 and token by token, to the same bits; and, where the shared
data is present, greedy text of trained models against what llama2.c computed.
"""
import math
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
import make_model  # noqa: E402
import rope_frequencies  # noqa: E402


# --- the forward pass, one vector at a time --------------------------------------------------
def multiply(rows, x, bias):
    return [sum(map(float.__mul__, row, x)) + b for row, b in zip(rows, bias)]


def normalize(x, weight, epsilon):
    root = math.sqrt(sum(a * a for a in x) / len(x) + epsilon)
    return [a * w / root for a, w in zip(x, weight)]


def rotate(head, angles, scale):
    half = len(head) // 2
    first, second = head[:half], head[half:]
    return [scale * (a * math.cos(t) - b * math.sin(t))
            for a, b, t in zip(first, second, angles)] + \
           [scale * (b * math.cos(t) + a * math.sin(t))
            for a, b, t in zip(first, second, angles)]


def attend(query, keys, values):
    scores = [sum(map(float.__mul__, query, key)) / math.sqrt(len(query)) for key in keys]
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights)
    return [sum(w * v[d] for w, v in zip(weights, values)) / total for d in range(len(query))]


def window_of(config, layer):
    """How far a layer looks back; None: without end."""
    if config["model_type"] == "qwen2":
        used = config["use_sliding_window"] and layer >= config["max_window_layers"]
        return config["sliding_window"] if used else None
    return config.get("sliding_window")


class Model:
    def __init__(self, config, tensors):
        self.config, self.weights = config, {}
        for tensor in tensors:
            values = struct.unpack(f"{len(tensor.values)}f",
                                   struct.pack(f"{len(tensor.values)}f", *tensor.values))
            columns = tensor.shape[-1]
            self.weights[tensor.role, tensor.layer] = list(values) if len(tensor.shape) == 1 else \
                [list(values[i:i + columns]) for i in range(0, len(values), columns)]
        self.size = make_model.head_size(config)
        self.frequencies, self.scale = rope_frequencies.of_config(config, self.size)

    def linear(self, role, layer, x):
        rows = self.weights[role, layer]
        return multiply(rows, x, self.weights.get((role + "_bias", layer), [0.0] * len(rows)))

    def heads(self, role, layer, x, position):
        """The heads of a projection, normalized where the family does and rotated."""
        flat = self.linear(role, layer, x)
        heads = [flat[i:i + self.size] for i in range(0, len(flat), self.size)]
        if (role + "_norm", layer) in self.weights:
            norm, epsilon = self.weights[role + "_norm", layer], self.config["rms_norm_eps"]
            heads = [normalize(head, norm, epsilon) for head in heads]
        if role == "v":
            return heads
        angles = [position * frequency for frequency in self.frequencies]
        return [rotate(head, angles, self.scale) for head in heads]

    def logits(self, tokens):
        config, weights = self.config, self.weights
        epsilon = config["rms_norm_eps"]
        group = config["num_attention_heads"] // config["num_key_value_heads"]
        caches = [([], []) for _ in range(config["num_hidden_layers"])]
        result = []
        for position, token in enumerate(tokens):
            x = weights["embed", None][token]
            for layer, (keys, values) in enumerate(caches):
                h = normalize(x, weights["attn_norm", layer], epsilon)
                keys.append(self.heads("k", layer, h, position))
                values.append(self.heads("v", layer, h, position))
                window = window_of(config, layer)
                first = max(0, position - window + 1) if window else 0
                mixed = []
                for number, query in enumerate(self.heads("q", layer, h, position)):
                    mixed += attend(query, [key[number // group] for key in keys[first:]],
                                    [value[number // group] for value in values[first:]])
                x = [a + b for a, b in zip(x, self.linear("o", layer, mixed))]
                h = normalize(x, weights["ffn_norm", layer], epsilon)
                gated = [g / (1 + math.exp(-g)) * u for g, u in zip(
                    self.linear("gate", layer, h), self.linear("up", layer, h))]
                x = [a + b for a, b in zip(x, self.linear("down", layer, gated))]
            role = "embed" if config["tie_word_embeddings"] else "output"
            result += self.linear(role, None, normalize(x, weights["norm", None], epsilon))
        return result


# --- the checks ------------------------------------------------------------------------------
def run(tool, model, ids, *options):
    command = [tool, model, "--ids", ",".join(map(str, ids)), *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def check_family(tool, folder, family):
    config = make_model.FAMILIES[family]
    path = make_model.make_model(family, os.path.join(folder, family))
    prompt = [(7 * i * i + 3 * i + 1) % config["vocab_size"] for i in range(40)]
    fed = []
    for chunk in ("40", "7", "1"):
        file = os.path.join(folder, "logits.bin")
        run(tool, path, prompt, "--chunk", chunk, "--logits", file, "--context", "64")
        with open(file, "rb") as stream:
            fed.append(stream.read())
    if not fed[0] == fed[1] == fed[2]:
        return f"{family}: the logits depend on how the prompt is fed"
    expected = Model(config, make_model.make_weights(config, f"{family}/1")).logits(prompt)
    found = struct.unpack(f"<{len(expected)}f", fed[0])
    greatest = max(map(abs, expected))
    gaps = [abs(a - b) for a, b in zip(expected, found)]
    if not all(map(math.isfinite, gaps)):  # max() passes over a NaN
        return f"{family}: expected finite logits"
    worst = max(gaps) / greatest
    print(f"{family}: max |logit| {greatest:.2f}, off by {worst:.1e} of it")
    # The interpreter's rotary table is rounded to F32 (2^-24), which a few layers
    # amplify; a wrong formula is off by a tenth and more.
    return None if worst <= 1e-5 else f"{family}: expected at most 1e-5"


def pieces_of(path, count):
    """llama2.c's tokenizer file: a length, then a score, a length and bytes per piece."""
    with open(path, "rb") as stream:
        data = stream.read()
    result, at = [], 4
    for _ in range(count):
        length = struct.unpack_from("<i", data, at + 4)[0]
        result.append(data[at + 8:at + 8 + length])
        at += 8 + length
    return result


def check_greedy(tool, model, tokenizer, vocabulary, expected):
    """256 positions that begin with BOS: 255 of them the model's own."""
    pieces = pieces_of(tokenizer, vocabulary)
    text = b""
    before = 1
    for id in map(int, run(tool, model, [1], "--greedy", "256").split(",")):
        if id in (1, 2):
            break
        piece = pieces[id]
        if piece.startswith(b"<0x") and len(piece) == 6:
            piece = bytes([int(piece[3:5], 16)])
        text += piece[1:] if before == 1 and piece.startswith(b" ") else piece
        before = id
    with open(expected, "rb") as stream:
        wanted = stream.read().rstrip(b"\n")
    text = text.rstrip(b"\n")
    print(f"{os.path.basename(model)}: {len(text)} bytes of greedy text")
    return None if text == wanted else \
        f"{model}: expected {wanted!r}, but got {text!r}"


def main():
    tool, folder, shared = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    problems = [check_family(tool, folder, family) for family in make_model.FAMILIES]
    models = os.path.join(shared, "models")
    if os.path.isdir(models):
        stories = os.path.join(models, "stories260K")
        baby = os.path.join(models, "babyllama-tok105")
        greedy = os.path.join(stories, "greedy-256.txt")
        tokenizer = os.path.join(stories, "tok512.bin")
        problems += [
            check_greedy(tool, os.path.join(stories, "stories260K.bin"), tokenizer, 512, greedy),
            check_greedy(tool, os.path.join(models, "gguf", "tinyllamas-stories-260k-f32.gguf"),
                         tokenizer, 512, greedy),
            check_greedy(tool, os.path.join(baby, "model.bin"), os.path.join(baby, "tokenizer.bin"),
                         105, os.path.join(baby, "greedy-256.txt"))]
    problems = [problem for problem in problems if problem]
    for problem in problems:
        print("error:", problem)
    if problems:
        return 1
    if not os.path.isdir(models):
        print(f"skipped greedy texts: {models} is not here")
        return 77
    return 0


sys.exit(main())
