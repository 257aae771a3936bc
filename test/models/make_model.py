#!/usr/bin/env python3
"""Writes tiny random models, one per family and format, for tests.

    make_model.py FAMILY OUTDIR [--format hf|gguf|llama2c] [--dtype f32|f16|bf16|q4_0|…|q6_k|mxfp4|q4_k_m]
                  [--seed N] [--shards N] [--gguf-version 1|2|3]

The weights depend on family and seed alone: every format holds the same model, up
to the rounding of its type. `make_model` is the same as a function and returns the
path to give to cria. Without a tokenizer: prompts are token ids.

Weights are scaled so that logits are of order 1 to 10; norm weights scatter around
1 and biases are not zero, so that one left out or mixed up shows in the logits.
"""
import argparse
import functools
import json
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(__file__))
from gguf_encodings import ENCODINGS, encode_blocks  # noqa: E402

BASE = {
    "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 128,
    "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
}


def _family(architecture, model_type, **config):
    return {**BASE, "architectures": [architecture], "model_type": model_type, **config}


def _llama(**config):
    return _family("LlamaForCausalLM", "llama", **config)


# Small originals, so that the stretched frequencies differ within 40 positions.
_LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 64}
_YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}

FAMILIES = {
    "llama": _llama(),
    # Rows that blocks of 256 fit, and groups of 128.
    "llama-wide": _llama(hidden_size=256, intermediate_size=512, num_hidden_layers=1, num_key_value_heads=2,
                         vocab_size=105),
    "llama-gqa": _llama(num_hidden_layers=3, intermediate_size=172, num_key_value_heads=2,
                        vocab_size=105, tie_word_embeddings=True),
    "llama-bias": _llama(attention_bias=True, mlp_bias=True, num_key_value_heads=2),
    "llama-linear": _llama(rope_scaling={"type": "linear", "factor": 2.5}),
    "llama3": _llama(rope_scaling=_LLAMA3, rope_theta=500000.0, num_key_value_heads=1,
                     eos_token_id=[2, 5]),
    "llama-yarn": _llama(rope_scaling=_YARN, max_position_embeddings=32),
    "mistral": _family("MistralForCausalLM", "mistral", num_key_value_heads=2, sliding_window=16,
                       num_hidden_layers=3),
    "qwen2": _family("Qwen2ForCausalLM", "qwen2", num_key_value_heads=2, use_sliding_window=False,
                     sliding_window=16, max_window_layers=1, rms_norm_eps=1e-6,
                     tie_word_embeddings=True, rope_theta=1000000.0),
    "qwen2-window": _family("Qwen2ForCausalLM", "qwen2", num_key_value_heads=2,
                            use_sliding_window=True, sliding_window=16, max_window_layers=1),
    # Heads wider than hidden_size / num_attention_heads, and the keys of transformers 5.
    "qwen3": _family("Qwen3ForCausalLM", "qwen3", num_key_value_heads=2, head_dim=32,
                     use_sliding_window=False, sliding_window=None, max_window_layers=2,
                     attention_bias=False, rope_theta=None,
                     rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
    "smollm2": _llama(hidden_size=48, num_attention_heads=3, num_key_value_heads=1,
                      intermediate_size=172, tie_word_embeddings=True, rope_theta=100000,
                      rope_interleaved=False, is_llama_config=True, bos_token_id=0,
                      eos_token_id=0),
}
# What GGUF calls them; the others are llama.
_GGUF_ARCHITECTURES = {"qwen2": "qwen2", "qwen3": "qwen3"}

_HF_NAMES = {
    "embed": "model.embed_tokens.weight", "norm": "model.norm.weight", "output": "lm_head.weight",
    "attn_norm": "input_layernorm.weight", "ffn_norm": "post_attention_layernorm.weight",
    "q": "self_attn.q_proj.weight", "k": "self_attn.k_proj.weight",
    "v": "self_attn.v_proj.weight", "o": "self_attn.o_proj.weight",
    "q_bias": "self_attn.q_proj.bias", "k_bias": "self_attn.k_proj.bias",
    "v_bias": "self_attn.v_proj.bias", "o_bias": "self_attn.o_proj.bias",
    "q_norm": "self_attn.q_norm.weight", "k_norm": "self_attn.k_norm.weight",
    "gate": "mlp.gate_proj.weight", "up": "mlp.up_proj.weight", "down": "mlp.down_proj.weight",
    "gate_bias": "mlp.gate_proj.bias", "up_bias": "mlp.up_proj.bias",
    "down_bias": "mlp.down_proj.bias",
}
_GGUF_NAMES = {
    "embed": "token_embd.weight", "norm": "output_norm.weight", "output": "output.weight",
    "attn_norm": "attn_norm.weight", "ffn_norm": "ffn_norm.weight",
    "q": "attn_q.weight", "k": "attn_k.weight", "v": "attn_v.weight", "o": "attn_output.weight",
    "q_bias": "attn_q.bias", "k_bias": "attn_k.bias", "v_bias": "attn_v.bias",
    "o_bias": "attn_output.bias", "q_norm": "attn_q_norm.weight", "k_norm": "attn_k_norm.weight",
    "gate": "ffn_gate.weight", "up": "ffn_up.weight", "down": "ffn_down.weight",
    "gate_bias": "ffn_gate.bias", "up_bias": "ffn_up.bias", "down_bias": "ffn_down.bias",
}


class Tensor:
    def __init__(self, role, layer, shape, values):
        self.role, self.layer, self.shape, self.values = role, layer, shape, values

    def name(self, names, layer_prefix):
        return names[self.role] if self.layer is None else \
            f"{layer_prefix}{self.layer}.{names[self.role]}"


def head_size(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def make_weights(config, seed):
    """All tensors, rows of q and k in Hugging Face's order (halves rotate together). Not to be changed: tests
    that damage many models of one family make their numbers once."""
    return _make_weights(json.dumps(config), seed)


@functools.lru_cache(maxsize=8)
def _make_weights(config, seed):
    config = json.loads(config)
    rng = random.Random(seed)
    width, ffn = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * head_size(config)
    keys = config["num_key_value_heads"] * head_size(config)
    qwen2, qwen3 = config["model_type"] == "qwen2", config["model_type"] == "qwen3"
    attention_bias, mlp_bias = config.get("attention_bias"), config.get("mlp_bias")
    tied = config["tie_word_embeddings"]
    tensors = []

    def add(role, layer, *shape, deviation=None, mean=0.0):
        if deviation is None:
            deviation = 1.5 / math.sqrt(shape[-1])
        values = [rng.gauss(mean, deviation) for _ in range(math.prod(shape))]
        tensors.append(Tensor(role, layer, list(shape), values))

    add("embed", None, config["vocab_size"], width, deviation=0.4 if tied else 1.0)
    for layer in range(config["num_hidden_layers"]):
        add("attn_norm", layer, width, mean=1.0, deviation=0.2)
        for role, rows in (("q", queries), ("k", keys), ("v", keys)):
            add(role, layer, rows, width)
            if qwen2 or attention_bias:
                add(role + "_bias", layer, rows, deviation=0.5)
        if qwen3:
            add("q_norm", layer, head_size(config), mean=1.0, deviation=0.2)
            add("k_norm", layer, head_size(config), mean=1.0, deviation=0.2)
        add("o", layer, width, queries)
        if attention_bias:
            add("o_bias", layer, width, deviation=0.5)
        add("ffn_norm", layer, width, mean=1.0, deviation=0.2)
        for role, rows, columns in (("gate", ffn, width), ("up", ffn, width), ("down", width, ffn)):
            add(role, layer, rows, columns)
            if mlp_bias:
                add(role + "_bias", layer, rows, deviation=0.5)
    add("norm", None, width, mean=1.0, deviation=0.2)
    if not tied:
        add("output", None, config["vocab_size"], width, deviation=3 / math.sqrt(width))
    return tensors


def interleave(tensor, heads):
    """Rows i and i + Dh/2 of each head become rows 2i and 2i + 1: GGUF's and llama2.c's order."""
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    size = rows // heads
    values = []
    for head in range(heads):
        for i in range(size):
            row = head * size + i // 2 + (size // 2 if i % 2 else 0)
            values += tensor.values[row * columns:(row + 1) * columns]
    return Tensor(tensor.role, tensor.layer, tensor.shape, values)


# --- types -----------------------------------------------------------------------------------

def _bf16(value):
    bits, = struct.unpack("<I", struct.pack("<f", value))
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF


def encode(values, dtype):
    if dtype == "f32":
        return struct.pack(f"<{len(values)}f", *values)
    if dtype == "f16":
        return struct.pack(f"<{len(values)}e", *values)
    if dtype == "bf16":
        return struct.pack(f"<{len(values)}H", *map(_bf16, values))
    return encode_blocks(values, dtype)


# --- Hugging Face ----------------------------------------------------------------------------

def write_safetensors(path, entries):
    """`entries`: (name, dtype, shape, bytes)."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, shape, data in entries:
        end = offset + len(data)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(e[3] for e in entries))


# What a folder can be written in, and what config.json calls it.
_HF_DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}


def write_hf(config, tensors, folder, dtype, shards=1):
    entries = [(t.name(_HF_NAMES, "model.layers."), dtype.upper(), t.shape, encode(t.values, dtype))
               for t in tensors]
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({**config, "torch_dtype": _HF_DTYPES[dtype]}, file, indent=2)
    if shards == 1:
        write_safetensors(os.path.join(folder, "model.safetensors"), entries)
        return folder
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = entries[shard::shards]
        write_safetensors(os.path.join(folder, name), part)
        weight_map.update({entry[0]: name for entry in part})
    index = {"metadata": {"total_size": sum(len(e[3]) for e in entries)}, "weight_map": weight_map}
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump(index, file, indent=2)
    return folder


# --- GGUF ------------------------------------------------------------------------------------

_GGUF_TYPES = {"f32": 0, "f16": 1, "bf16": 30, **{name: row[0] for name, row in ENCODINGS.items()}}
# What a GGUF file can be written in; q4_k_m mixes types as llama.cpp does.
GGUF_DTYPES = [*_GGUF_TYPES, "q4_k_m"]
_U32, _F32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9


def gguf_bytes(version, keys, tensors, alignment=32):
    """`keys`: (name, type, value); `tensors`: (name, shape, type number, bytes)."""
    length = "<I" if version == 1 else "<Q"

    def text(string):
        raw = string if isinstance(string, bytes) else string.encode()
        return struct.pack(length, len(raw)) + raw

    def number(kind, value):
        if kind == _STRING:
            return text(value)
        return struct.pack({4: "<I", 5: "<i", 6: "<f", 7: "<?"}[kind], value)

    out = b"GGUF" + struct.pack("<I", version)
    out += struct.pack(length, len(tensors)) + struct.pack(length, len(keys))
    for name, kind, value in keys:
        out += text(name) + struct.pack("<I", kind)
        if kind == _ARRAY:
            element, items = value
            out += struct.pack("<I", element) + struct.pack(length, len(items))
            out += b"".join(number(element, item) for item in items)
        else:
            out += number(kind, value)
    data = b""
    for name, shape, kind, raw in tensors:
        data += b"\0" * (-len(data) % alignment)
        out += text(name) + struct.pack("<I", len(shape))
        out += b"".join(struct.pack(length, size) for size in reversed(shape))
        out += struct.pack("<IQ", kind, len(data))
        data += raw
    return out + b"\0" * (-len(out) % alignment) + data


def _llama3_divisors(config):
    scaling, size = config["rope_scaling"], head_size(config)
    original, factor = scaling["original_max_position_embeddings"], scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    divisors = []
    for i in range(size // 2):
        wavelength = 2 * math.pi * config["rope_theta"] ** (2 * i / size)
        if wavelength < original / high:
            divisors.append(1.0)
        elif wavelength > original / low:
            divisors.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            divisors.append(1 / ((1 - smooth) / factor + smooth))
    return divisors


def gguf_keys(family, config):
    architecture = _GGUF_ARCHITECTURES.get(config["model_type"], "llama")
    keys = [("general.architecture", _STRING, architecture), ("general.name", _STRING, family)]

    def own(name, kind, value):
        keys.append((f"{architecture}.{name}", kind, value))

    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    own("context_length", _U32, config["max_position_embeddings"])
    own("embedding_length", _U32, config["hidden_size"])
    own("block_count", _U32, config["num_hidden_layers"])
    own("feed_forward_length", _U32, config["intermediate_size"])
    own("attention.head_count", _U32, config["num_attention_heads"])
    own("attention.head_count_kv", _U32, config["num_key_value_heads"])
    own("attention.layer_norm_rms_epsilon", _F32, config["rms_norm_eps"])
    own("attention.key_length", _U32, head_size(config))
    own("attention.value_length", _U32, head_size(config))
    own("rope.dimension_count", _U32, head_size(config))
    own("rope.freq_base", _F32, rope.get("rope_theta") or config["rope_theta"])
    kind = rope.get("rope_type", rope.get("type"))
    if kind in ("linear", "yarn"):
        own("rope.scaling.type", _STRING, kind)
        own("rope.scaling.factor", _F32, rope["factor"])
    if kind == "yarn":
        own("rope.scaling.original_context_length", _U32, rope["original_max_position_embeddings"])
    if config["model_type"] == "mistral":
        own("attention.sliding_window", _U32, config["sliding_window"])
    eos = config["eos_token_id"]
    keys.append(("tokenizer.ggml.model", _STRING, "none"))
    keys.append(("tokenizer.ggml.bos_token_id", _U32, config["bos_token_id"]))
    keys.append(("tokenizer.ggml.eos_token_id", _U32, eos[0] if isinstance(eos, list) else eos))
    return keys


def gguf_tensors(config, tensors, dtype):
    entries = []
    if (config.get("rope_scaling") or {}).get("rope_type") == "llama3":
        divisors = _llama3_divisors(config)
        entries.append(("rope_freqs.weight", [len(divisors)], 0, encode(divisors, "f32")))
    llama = config["model_type"] not in _GGUF_ARCHITECTURES
    heads = {"q": config["num_attention_heads"], "k": config["num_key_value_heads"]}
    for tensor in tensors:
        if llama and tensor.role[0] in heads and tensor.role in ("q", "k", "q_bias", "k_bias"):
            tensor = interleave(tensor, heads[tensor.role[0]])
        kind = dtype
        if dtype == "q4_k_m":
            kind = "q6_k" if tensor.role in ("v", "down", "output") else "q4_k"
        # As llama.cpp has it: vectors, and rows that no block fits, stay F32.
        if len(tensor.shape) == 1 or (kind in ENCODINGS and tensor.shape[-1] % ENCODINGS[kind][1]):
            kind = "f32"
        entries.append((tensor.name(_GGUF_NAMES, "blk."), tensor.shape, _GGUF_TYPES[kind],
                        encode(tensor.values, kind)))
    return entries


# --- llama2.c --------------------------------------------------------------------------------

def llama2c_bytes(config, tensors):
    """A version 0 checkpoint; only for plain llama with heads of hidden_size / heads."""
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    vocabulary, context = config["vocab_size"], config["max_position_embeddings"]
    tied = config["tie_word_embeddings"]
    out = struct.pack("<7i", config["hidden_size"], config["intermediate_size"],
                      config["num_hidden_layers"], heads, kv_heads,
                      vocabulary if tied else -vocabulary, context)
    for role in ("embed", "attn_norm", "q", "k", "v", "o", "ffn_norm", "gate", "down", "up", "norm",
                 "output"):
        if role == "output":
            out += b"\0" * (context * head_size(config) * 4)  # the rotary tables
        for tensor in tensors:
            if tensor.role == role:
                if role in ("q", "k"):
                    tensor = interleave(tensor, heads if role == "q" else kv_heads)
                out += encode(tensor.values, "f32")
    return out


# --- all -------------------------------------------------------------------------------------

def can_hold(family, format, dtype):
    """Whether `format` can say what `family` is and hold its weights in `dtype`."""
    config = FAMILIES[family]
    if format == "hf":
        return dtype in _HF_DTYPES
    if format == "gguf":  # without a key for windows of some layers only
        return dtype in GGUF_DTYPES and not config.get("use_sliding_window")
    plain = not any(config.get(k) for k in ("rope_scaling", "attention_bias", "mlp_bias"))
    return config["model_type"] == "llama" and plain and dtype == "f32"


def make_model(family, folder, format="hf", dtype="f32", seed=1, shards=1, gguf_version=3):
    """Writes the model into `folder` and returns the path to give to cria."""
    if not can_hold(family, format, dtype):
        raise ValueError(f"{format} cannot hold {family} in {dtype}")
    os.makedirs(folder, exist_ok=True)
    config = FAMILIES[family]
    tensors = make_weights(config, f"{family}/{seed}")
    if format == "hf":
        return write_hf(config, tensors, folder, dtype, shards)
    if format == "gguf":
        path = os.path.join(folder, "model.gguf")
        data = gguf_bytes(gguf_version, gguf_keys(family, config),
                          gguf_tensors(config, tensors, dtype))
    else:
        path = os.path.join(folder, "model.bin")
        data = llama2c_bytes(config, tensors)
    with open(path, "wb") as file:
        file.write(data)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("outdir")
    parser.add_argument("--format", choices=("hf", "gguf", "llama2c"), default="hf")
    parser.add_argument("--dtype", choices=GGUF_DTYPES, default="f32")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--gguf-version", type=int, choices=(1, 2, 3), default=3)
    args = parser.parse_args()
    try:
        print(make_model(args.family, args.outdir, args.format, args.dtype, args.seed, args.shards,
                         args.gguf_version))
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
