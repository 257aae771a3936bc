"""A llama2.c checkpoint (version 0) and its tokenizer as one GGUF file: F32, or with the
layers' matrices in blocks of 32 numbers."""
import array
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "models"))
import make_model  # noqa: E402


def _tokenizer(path, count):
    """Pieces, scores and GGUF token types (1 normal, 2 unknown, 3 control, 6 byte)."""
    with open(path, "rb") as file:
        data = file.read()
    at, pieces, scores, types = 4, [], [], []
    for number in range(count):
        score, length = struct.unpack_from("<fi", data, at)
        piece = data[at + 8:at + 8 + length].decode()
        at += 8 + length
        if number < 3:
            piece = ("<unk>", "<s>", "</s>")[number]
        byte = piece.startswith("<0x") and len(piece) == 6
        kind = (2, 3, 3)[number] if number < 3 else 6 if byte else 1
        pieces.append(piece if kind != 1 else piece.replace(" ", "\u2581"))
        scores.append(score)
        types.append(kind)
    return pieces, scores, types


def convert(checkpoint, tokenizer, output, number=0, encode=None):
    """`encode` makes the bytes of a block of GGUF's tensor type `number`."""
    with open(checkpoint, "rb") as file:
        dim, ffn, layers, heads, kv_heads, vocabulary, context = struct.unpack("<7i", file.read(28))
        numbers = array.array("f")
        numbers.frombytes(file.read())
    at = 0

    def take(*shape):
        nonlocal at
        count = 1
        for size in shape:
            count *= size
        at += count
        return numbers[at - count:at]

    shared, vocabulary, head = vocabulary > 0, abs(vocabulary), dim // heads
    kv = kv_heads * head
    stacks = {"token_embd.weight": (take(vocabulary, dim), [vocabulary, dim])}
    for name, shape in (("attn_norm", [dim]), ("attn_q", [dim, dim]), ("attn_k", [kv, dim]), ("attn_v", [kv, dim]),
                        ("attn_output", [dim, dim]), ("ffn_norm", [dim]), ("ffn_gate", [ffn, dim]),
                        ("ffn_down", [dim, ffn]), ("ffn_up", [ffn, dim])):
        for layer in range(layers):
            stacks[f"blk.{layer}.{name}.weight"] = (take(*shape), shape)
    stacks["output_norm.weight"] = (take(dim), [dim])
    take(context * (head // 2) * 2)  # llama2.c's own rotary tables
    if not shared:
        stacks["output.weight"] = (take(vocabulary, dim), [vocabulary, dim])

    pieces, scores, types = _tokenizer(tokenizer, vocabulary)
    u32, f32, string, array_of, i32 = 4, 6, 8, 9, 5
    keys = [
        ("general.architecture", string, "llama"), ("general.name", string, "converted"),
        ("llama.context_length", u32, context), ("llama.embedding_length", u32, dim),
        ("llama.feed_forward_length", u32, ffn), ("llama.block_count", u32, layers),
        ("llama.attention.head_count", u32, heads), ("llama.attention.head_count_kv", u32, kv_heads),
        ("llama.attention.layer_norm_rms_epsilon", f32, 1e-5), ("llama.rope.dimension_count", u32, head),
        ("tokenizer.ggml.model", string, "llama"), ("tokenizer.ggml.tokens", array_of, (string, pieces)),
        ("tokenizer.ggml.scores", array_of, (f32, scores)), ("tokenizer.ggml.token_type", array_of, (i32, types)),
        ("tokenizer.ggml.bos_token_id", u32, 1), ("tokenizer.ggml.eos_token_id", u32, 2),
    ]

    def stored(name, values, shape):
        if not encode or not name.startswith("blk.") or len(shape) == 1:
            return name, shape, 0, values.tobytes()
        return name, shape, number, b"".join(encode(values[at:at + 32]) for at in range(0, len(values), 32))

    tensors = [stored(name, *stack) for name, stack in stacks.items()]
    with open(output, "wb") as file:
        file.write(make_model.gguf_bytes(3, keys, tensors))
