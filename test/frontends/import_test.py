#!/usr/bin/env python3
"""Imports good and hostile models: import_test.py --cria COMMAND --hostile COMMAND [unittest options].

HOSTILE is HostileImport.cpp; what `bad` and `good` ask of CRIA is in import_case.py.
"""
import json
import os
import random
import re
import struct
import subprocess

from import_case import ImportCase, edit_config, models, run_tests

FUZZ_ROUNDS = 300  # per format
NAN, INF = float("nan"), float("inf")


class GoodModels(ImportCase):
    def test_every_family_and_format(self):
        for family, config in models.FAMILIES.items():
            for form in ("hf", "gguf", "llama2c"):
                if not models.can_hold(family, form, "f32"):
                    continue
                with self.subTest(family=family, format=form):
                    ir = self.good(self.make(family, name=f"{family}-{form}", format=form))
                    rope = "half" if form == "hf" or family.startswith("qwen") else "interleaved"
                    self.assertIn(f"layout {rope}", ir)
                    self.assertEqual(ir.count("llama.layer "), config["num_hidden_layers"])
                    self.assertIn(f"width = {config['hidden_size']},", ir)
                    self.assertEqual("@output" in ir, not config["tie_word_embeddings"])

    def test_biases(self):
        ir = self.good(self.make("qwen2"))
        self.assertEqual(len(re.findall(r"llama.linear .* bias ", ir)), 6)
        self.assertIn("@layers.1.k_bias", ir)
        ir = self.good(self.make("llama-bias", name="b"))
        self.assertEqual(len(re.findall(r"llama.linear .* bias ", ir)), 14)
        self.assertNotIn(" bias ", self.good(self.make("llama", name="c")))

    def test_windows(self):
        windows = {"mistral": ["16"] * 3, "qwen2": [], "qwen2-window": ["16"], "llama": []}
        for family, expected in windows.items():
            ir = self.good(self.make(family, name=family))
            self.assertEqual(re.findall(r"window (\d+)", ir), expected, family)
        ir = self.good(self.make("mistral", name="g", format="gguf"))
        self.assertEqual(re.findall(r"window (\d+)", ir), ["16"] * 3)

    def test_layer_types_choose_windows(self):
        model = self.make("qwen2-window")
        edit_config(model, layer_types=["sliding_attention", "full_attention"])
        ir = self.good(model)
        self.assertRegex(ir, r'(?s)"layers.0".*window 16.*"layers.1"')
        self.assertEqual(ir.count("window 16"), 1)

    def test_query_norm_comes_before_rope(self):
        ir = self.good(self.make("qwen3"))
        self.assertRegex(ir, r"tensor<32xf32>\) -> tensor<\?x128xf32>")
        self.assertRegex(ir, r"(?s)weight @layers.0.k_norm.*?rms_norm.*?llama.rope ")
        self.assertIn("scale 0.1767766952", ir)

    def test_rope_scalings_agree_between_formats(self):
        for family, expected in (
                ("llama-linear", "scaling linear {factor = 2.500000e"),
                ("llama3", "scaling llama3 {factor = 8.000000e+00 : f64, originalContext = 6.4"),
                ("llama-yarn", r"attentionFactor = 1.138629436")):
            tables = [re.search(r"llama.rope_table .*", self.good(
                self.make(family, name=f"{family}-{form}", format=form))).group()
                for form in ("hf", "gguf")]
            self.assertEqual(tables[0], tables[1])
            self.assertIn(expected, tables[0])

    def test_yarn_mscale(self):
        model = self.make("llama-yarn")
        edit_config(model, rope_scaling={**models.FAMILIES["llama-yarn"]["rope_scaling"],
                                         "mscale": 2.0, "mscale_all_dim": 1.0, "beta_fast": 16})
        # (0.2 ln 4 + 1) / (0.1 ln 4 + 1)
        self.assertRegex(self.good(model), r"attentionFactor = 1.12175\d*.*betaFast = 1.6")

    def test_types(self):
        for dtype in ("f16", "bf16"):
            for form in ("hf", "gguf"):
                ir = self.good(self.make("llama", name=f"{dtype}-{form}", dtype=dtype, format=form))
                self.assertIn(f"tensor<128x64x{dtype}>", ir)
        for dtype in ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "mxfp4"):
            ir = self.good(self.make("llama", name=dtype, dtype=dtype, format="gguf"))
            self.assertRegex(ir, f"@layers.0.q in .* as {dtype} : tensor<64x64xf32>")
        for dtype in ("q2_k", "q3_k", "q4_k", "q5_k", "q6_k"):
            ir = self.good(self.make("llama-wide", name=dtype, dtype=dtype, format="gguf"))
            self.assertRegex(ir, f"@layers.0.down in .* as {dtype} : tensor<256x512xf32>")

    def test_shards(self):
        ir = self.good(self.make("llama", shards=3))
        files = set(re.findall(r'llama.source .* in ".*/(.*?)" at', ir))
        self.assertEqual(len(files), 3)

    def test_context(self):
        model = self.make("llama")
        self.assertIn("tensor<128x4x16xf32>", self.good(model, "--context", "120", "--chunk", "8"))
        self.bad(model, "expects a context of 1 to 128 positions.*got 129", "--context", "129")
        self.bad(model, "expects a chunk of 1 to 4096 tokens, but got 4097", "--chunk", "4097")

    def test_eos_ids(self):
        model = self.make("llama3")
        self.assertIn("eosIds = [2, 5]", self.good(model))
        with open(os.path.join(model, "generation_config.json"), "w") as file:
            json.dump({"eos_token_id": [5, 7], "temperature": 0.6}, file)
        self.assertIn("eosIds = [2, 5, 7]", self.good(model))

    def test_hash_follows_the_seed(self):
        pieces = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % i for i in range(256))]
        pieces += [b"p%d" % i for i in range(32000 - len(pieces))]
        tokenizer = self.path("tokenizer.bin")
        with open(tokenizer, "wb") as file:
            file.write(struct.pack("<i", 8) + b"".join(struct.pack("<fi", 0.0, len(p)) + p for p in pieces))
        hashes = {self.hash_of(f"synthetic:stories-15m{seed}", *options)
                  for seed in ("?seed=1", "?seed=2") for options in ([], ["--tokenizer", tokenizer])}
        self.assertEqual(len(hashes), 4)

    def test_hash_follows_every_file(self):
        first, again = self.make("llama"), self.make("llama", name="again")
        other = self.make("llama", name="other", seed=2)
        self.assertEqual(self.hash_of(first), self.hash_of(again))
        self.assertNotEqual(self.hash_of(first), self.hash_of(other))
        edit_config(again, rms_norm_eps=2e-5)
        self.assertNotEqual(self.hash_of(first), self.hash_of(again))

    def test_harmless_extras(self):
        model = self.make("llama-gqa")
        entries = read_safetensors(model)
        entries.append(("lm_head.weight", "F32", [105, 64], bytes(105 * 64 * 4)))
        entries.append(("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", [8], bytes(32)))
        models.write_safetensors(os.path.join(model, "model.safetensors"), entries)
        edit_config(model, pretraining_tp=2, use_cache=True, attention_dropout=0.1, mlp_bias=False)
        self.assertNotIn("@output", self.good(model))

    def test_synthetic(self):
        ir = self.good("synthetic:stories-15m")
        self.assertRegex(ir, r"llama.synthetic @embed seed .*tensor<32000x288xf32>")
        self.assertIn("parameters = 15191712", ir)
        self.assertEqual(ir, self.good("synthetic:stories-15m"))
        self.assertNotEqual(ir, self.good("synthetic:stories-15m?seed=3"))
        for name, parameters in (("tinyllama-1.1b", 1100048384), ("llama-3.2-1b", 1235814400),
                                 ("llama-2-7b", 6738415616)):
            self.assertIn(f"parameters = {parameters}", self.good("synthetic:" + name))
        self.bad("synthetic:gpt-5", "expects one of tinyllama-1.1b, .*, but got 'gpt-5'")
        self.bad("synthetic:stories-15m?seed=x", "expects '\\?seed=N' after the name, but got '\\?seed=x'")


def read_safetensors(model):
    with open(os.path.join(model, "model.safetensors"), "rb") as file:
        raw = file.read()
    size, = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8:8 + size])
    return [(name, e["dtype"], e["shape"], raw[8 + size:][slice(*e["data_offsets"])])
            for name, e in header.items() if name != "__metadata__"]


class BadConfigs(ImportCase):
    def refused(self, expected, family="llama", remove=(), **changes):
        model = self.make(family)
        edit_config(model, remove, **changes)
        self.bad(model, r"config\.json: .*" + expected)

    def test_values(self):
        for key, value, expected in (
                ("rms_norm_eps", NAN, "key 'rms_norm_eps' expects JSON, but got 'NaN'"),
                ("rms_norm_eps", INF, "key 'rms_norm_eps' expects JSON, but got 'Infinity'"),
                ("rms_norm_eps", 0, "expects a number above 0, but got 0"),
                ("rms_norm_eps", "small", "expects a number above 0, but got \"small\""),
                ("hidden_size", -64, "expects an integer from 1 to 16777216, but got -64"),
                ("hidden_size", 64.5, "expects an integer from 1 to 16777216, but got 64.5"),
                ("hidden_size", 2**63, "but got 9223372036854775808"),
                ("hidden_size", 2**64 * 3, "but got 5.534"),
                ("hidden_size", True, "but got true"),
                ("hidden_size", 66, "a multiple of num_attention_heads 4, but got 66"),
                ("num_hidden_layers", 10**9, "from 1 to 4096, but got 1000000000"),
                ("num_key_value_heads", 3, "multiple of the key/value heads 3, but got 4"),
                ("num_attention_heads", 0, "expects an integer from 1 to 65536, but got 0"),
                ("head_dim", 15, "expects an even head size, but got 15"),
                ("head_dim", 2048, "expects a head size of at most 1024, but got 2048"),
                ("hidden_act", "gelu", "expects 'silu', but got \"gelu\""),
                ("bos_token_id", 128, "'bos_token_id' expects an integer from 0 to 127"),
                ("eos_token_id", [2, 999], "'eos_token_id' expects ids from 0 to 127, but got 999"),
                ("eos_token_id", list(range(9)), "expects at most 8 EOS ids, but got more"),
                ("tie_word_embeddings", "yes", "expects true or false, but got \"yes\""),
                ("rope_interleaved", True, "expects false, but got true"),
                ("partial_rotary_factor", 0.5, "expects 1, but got 0.5"),
                ("model_type", "mistral", "expects 'llama' as its architecture"),
                ("architectures", ["A", "B"], "a list of one name")):
            with self.subTest(key=key, value=value):
                self.refused(expected, **{key: value})

    def test_width_of_one(self):
        self.refused("expects a width \\(hidden size\\) of at least 2, but got 1", hidden_size=1, head_dim=16)

    def test_unknown(self):
        self.refused("architecture 'GPT2LMHeadModel' is not supported; supported are "
                     "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM",
                     architectures=["GPT2LMHeadModel"])
        self.refused("key 'logit_scale' is not understood and may change the result",
                     logit_scale=0.5)
        self.refused("key 'sliding_window' is not understood", sliding_window=8)
        self.refused("key 'attention_bias' expects false", family="mistral", attention_bias=True)
        self.refused("key 'layer_types' expects .*'full_attention'",
                     layer_types=["full_attention", "sliding_attention"])
        for types in (["full_attention"], ["full_attention"] * 3, [], "full_attention"):
            self.refused("key 'layer_types' expects a list of 2 names, but got", layer_types=types)

    def test_missing_keys(self):
        for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size",
                    "num_attention_heads", "max_position_embeddings", "rms_norm_eps",
                    "architectures"):
            with self.subTest(key=key):
                self.refused(f"(key|architecture) '{key}' expects .*but got nothing", remove=[key])

    def test_rope_scaling(self):
        llama3 = models.FAMILIES["llama3"]["rope_scaling"]
        yarn = models.FAMILIES["llama-yarn"]["rope_scaling"]
        for scaling, expected in (
                ({"type": "dynamic", "factor": 2.0},
                 "rope_type' expects one of default, linear, llama3, yarn, but got 'dynamic'"),
                ({"type": "linear"}, "'rope_scaling.factor' expects a number above 0.*nothing"),
                ({"type": "linear", "factor": -1}, "factor' expects a number above 0, but got -1"),
                ({"type": "linear", "factor": 2.0, "beta_fast": 3}, "beta_fast' is not understood"),
                ({"type": "linear", "rope_type": "yarn", "factor": 2.0}, "type' expects what"),
                ({**llama3, "high_freq_factor": 1.0}, "more than low_freq_factor, but got 1.0"),
                ({**yarn, "truncate": False}, "'rope_scaling.truncate' expects true"),
                ({**yarn, "beta_fast": 0.5}, "expects more than beta_slow, but got 0.5"),
                ([1], "'rope_scaling' expects an object")):
            with self.subTest(scaling=scaling):
                self.refused(expected, rope_scaling=scaling)
        self.refused("'rope_theta' expects more than 1 with rope scaling yarn", rope_scaling=yarn,
                     rope_theta=1.0)
        self.refused("'rope_scaling' expects to be absent", rope_scaling=yarn, rope_parameters=yarn)
        self.refused("'rope_parameters.rope_theta' expects", rope_parameters={"rope_theta": 5.0})

    def test_text(self):
        model = self.make("llama")
        with open(os.path.join(model, "config.json"), "rb") as file:
            config = file.read()
        for text, expected in (
                (config + b'\0{"logit_scale": 0.5} garbage', f"expects JSON, but got NUL at byte {len(config)}"),
                (b"\0" + config, "expects JSON, but got NUL at byte 0"),
                (b"", "expects JSON, but got the end"),
                (b"[1]", "expects a JSON object"),
                (b'{"vocab_size": 1, "vocab_size": 2}', "key 'vocab_size' expects to appear once"),
                (b"[" * 100000, "at most 64 levels deep"),
                (b'{"a": "\xff"}', "key 'a' expects JSON"),
                (b'{"rope_theta": 1e999}', "key 'rope_theta' expects JSON, but got '1e999'")):
            with open(os.path.join(model, "config.json"), "wb") as file:
                file.write(text)
            with self.subTest(text=text[:40]):
                self.bad(model, r"config\.json: .*" + expected)

    def test_generation_config(self):
        model = self.make("llama")
        for text, expected in (("{", "expects JSON, but got the end"), ("[2]", "expects a JSON object"),
                               ('{"eos_token_id": [2, 128]}', "'eos_token_id' expects ids from 0 to 127, but got 128"),
                               ('{"eos_token_id": "2"}', "'eos_token_id' expects ids from 0 to 127, but got \"2\"")):
            with open(os.path.join(model, "generation_config.json"), "w") as file:
                file.write(text)
            with self.subTest(text=text):
                self.bad(model, r"generation_config\.json: .*" + expected)

    def test_file_that_is_too_large(self):
        model = self.make("llama")
        for size, expected in ((2**28, "expects JSON, but got NUL at byte 1"),
                               (2**28 + 1, f"expects at most {2**28} bytes, but got {2**28 + 1}")):
            with open(os.path.join(model, "config.json"), "wb") as file:
                file.write(b"{")
                file.truncate(size)  # a sparse file
            self.bad(model, r"config\.json: " + expected)

    def test_many_eos_ids(self):
        """They are counted as they come: to compare two millions with each other would take hours."""
        self.refused("expects at most 8 EOS ids, but got more", vocab_size=2**24, eos_token_id=list(range(2 * 10**6)))
        model = self.make("llama", name="same")
        edit_config(model, eos_token_id=[2] * 1000)
        self.assertIn("eosIds = [2],", self.good(model))


class BadSafetensors(ImportCase):
    def header(self, edit, expected):
        """`edit` changes the parsed header in place or returns another; the data stays."""
        model = self.make("llama")
        path = os.path.join(model, "model.safetensors")
        with open(path, "rb") as file:
            raw = file.read()
        size, = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8:8 + size])
        text = edit(header) or json.dumps(header)
        text = text if isinstance(text, bytes) else text.encode()
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + raw[8 + size:])
        self.bad(model, r"model\.safetensors: .*" + expected)

    def test_headers(self):
        norm, embed = "model.norm.weight", "model.embed_tokens.weight"

        def set_entry(name, **changes):
            return lambda header: header[name].update(changes)
        for edit, expected in (
                (set_entry(norm, dtype="F64"), "tensor 'model.norm.weight' expects dtype F32, F16 "
                                               "or BF16, but got F64"),
                (set_entry(norm, dtype="F16"), "of shape \\[64\\] expects 128 bytes, but got 256"),
                (set_entry(norm, shape=[2**62, 8]), "below 2\\^63 bytes, but got"),
                (set_entry(norm, shape=[2**63]), "'shape' expects a list"),
                (set_entry(norm, shape=[-64]), "'shape' expects a list"),
                (set_entry(norm, shape=[0]), "expects a shape of positive sizes"),
                (set_entry(norm, shape=[1.5]), "'shape' expects a list"),
                (set_entry(norm, data_offsets=[0, 256]), "expect bytes of their own"),
                (set_entry(norm, data_offsets=[256, 0]), "expects data_offsets \\[begin, end\\]"),
                (set_entry(norm, data_offsets=[0, 2**62]), "within the file's \\d+ bytes"),
                (set_entry(norm, data_offsets=[0]), "expects data_offsets"),
                (set_entry(norm, extra=1), "key 'extra' is not understood"),
                (set_entry(norm, shape=[8, 8]),
                 "'model.norm.weight' expects shape \\[64\\], but got \\[8, 8\\]"),
                (set_entry(embed, shape=[64, 128]),
                 "expects shape \\[128, 64\\], but got \\[64, 128\\]"),
                (lambda h: h.update({norm: 3}), "expects an object, but got 3"),
                (lambda h: json.dumps(h) + '\0"junk', "expects JSON, but got NUL at byte"),
                (lambda h: b"[]", "expects a header that is a JSON object"),
                (lambda h: b'{"a": {}, "a": {}}', "key 'a' expects to appear once")):
            with self.subTest(expected=expected):
                self.header(edit, expected)

    def test_sizes(self):
        model = self.make("llama")
        path = os.path.join(model, "model.safetensors")
        with open(path, "rb") as file:
            raw = file.read()
        for data, expected in (
                (b"abc", "expects at least 8 bytes, but got 3"),
                (struct.pack("<Q", 2**64 - 1) + raw[8:], "expects a header of at most"),
                (raw[:-4], "within the file's"),
                (raw + b"xxxx", "expects \\d+ bytes of data, but got")):
            with open(path, "wb") as file:
                file.write(data)
            with self.subTest(expected=expected):
                self.bad(model, r"model\.safetensors: .*" + expected)

    def test_tensors(self):
        model = self.make("llama")
        entries = read_safetensors(model)
        path = os.path.join(model, "model.safetensors")
        models.write_safetensors(path, [e for e in entries if "1.mlp.up" not in e[0]])
        self.bad(model, "'model.layers.1.mlp.up_proj.weight' of shape \\[96, 64\\] is missing")
        models.write_safetensors(path, entries + [("model.layers.0.extra", "F32", [1], bytes(4))])
        self.bad(model, "tensor 'model.layers.0.extra' is not understood")
        os.remove(path)
        self.bad(model, "expects model.safetensors or model.safetensors.index.json")

    def test_index(self):
        model = self.make("llama", shards=2)
        path = os.path.join(model, "model.safetensors.index.json")
        with open(path) as file:
            index = json.load(file)

        def refused(expected, change):
            changed = json.loads(json.dumps(index))
            change(changed)
            with open(path, "w") as file:
                json.dump(changed, file)
            self.bad(model, expected)
        norm, files = "model.norm.weight", sorted(set(index["weight_map"].values()))
        for name in ("../other", "/etc/passwd", "..", "", "sub/x", 7):
            refused("expects the name of a file in this folder",
                    lambda i, name=name: i["weight_map"].update({norm: name}))
        refused("no such file", lambda i: i["weight_map"].update({norm: "gone.safetensors"}))
        other = files[files.index(index["weight_map"][norm]) - 1]
        refused("expects to be in .*, but got it in",
                lambda i: i["weight_map"].update({norm: other}))
        refused("'made.up' expects to be in .*nowhere",
                lambda i: i["weight_map"].update({"made.up": other}))
        refused("expects to be in weight_map", lambda i: i["weight_map"].pop(norm))
        refused("'weight_map' expects an object", lambda i: i.update(weight_map=[]))


class BadGguf(ImportCase):
    def model(self, change_keys=None, change_tensors=None, family="llama", **options):
        config = models.FAMILIES[family]
        keys = models.gguf_keys(family, config)
        tensors = models.gguf_tensors(config, models.make_weights(config, "x"),
                                      options.get("dtype", "f32"))
        keys = change_keys(keys) if change_keys else keys
        tensors = change_tensors(tensors) if change_tensors else tensors
        return self.write(models.gguf_bytes(options.get("version", 3), keys, tensors))

    def write(self, data):
        path = self.path("model.gguf")
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_keys(self):
        def with_key(name, kind, value):
            return lambda keys: [k for k in keys if k[0] != name] + [(name, kind, value)]

        def without(name):
            return lambda keys: [k for k in keys if k[0] != name]
        eps = "llama.attention.layer_norm_rms_epsilon"
        for change, expected in (
                (with_key(eps, 6, NAN), f"key '{eps}' expects a number above 0, but got nan"),
                (with_key(eps, 8, "x"), f"key '{eps}' expects a number above 0, but got 'x'"),
                (lambda keys: without("llama.attention.key_length")(with_key("llama.embedding_length", 4, 66)(keys)),
                 "'llama.embedding_length' expects a multiple of the 4 attention heads, but got 66"),
                (with_key("llama.embedding_length", 4, 1), "a width \\(hidden size\\) of at least 2, but got 1"),
                (without("llama.block_count"), "'llama.block_count' expects an integer .* nothing"),
                (with_key("llama.block_count", 4, 0), "from 1 to 4096, but got 0"),
                (with_key("llama.block_count", 9, (4, [1, 2])), "but got an array of 2"),
                (with_key("llama.rope.dimension_count", 4, 8), "from 16 to 16, but got 8"),
                (with_key("llama.rope.scaling.type", 8, "longrope"), "one of none, linear, yarn"),
                (with_key("llama.expert_count", 4, 8), "from 0 to 0, but got 8"),
                (with_key("llama.logit_scale", 6, 0.5), "'llama.logit_scale' is not understood"),
                (with_key("general.architecture", 8, "gemma"), "one of llama, qwen2, qwen3, but "
                                                               "got 'gemma'"),
                (with_key("general.alignment", 4, 48), "a power of two, but got 48"),
                (with_key("tokenizer.ggml.model", 8, "t5"), "one of llama, gpt2, but got 't5'"),
                (with_key("tokenizer.ggml.model", 8, "gpt2"), "'tokenizer.ggml.pre' expects a str"),
                (with_key("tokenizer.ggml.model", 8, "llama"), "'tokenizer.ggml.tokens' expects"),
                (lambda keys: keys + keys[:1], "expects to appear once, but got it twice"),
                (with_key("x", 9, (9, [])), "expects a type from 0 to 12 that is not an array"),
                (with_key("tokenizer.ggml.eos_token_id", 4, 128), "from 0 to 127, but got 128")):
            with self.subTest(expected=expected):
                self.bad(self.model(change), r"model\.gguf: .*" + expected)

    def test_byte_level_vocabulary(self):
        config = {**models.FAMILIES["llama"], "vocab_size": 260}
        tensors = models.gguf_tensors(config, models.make_weights(config, "x"), "f32")
        plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        others = range(256 - len(plain))
        tokens = [chr(b) for b in plain] + [chr(256 + i) for i in others]
        tokens += ["th", "the", "<|end|>", "<|turn|>"]

        def write(merges, count=260, types=(1, 1, 3, 3), pre="qwen2"):
            keys = [k for k in models.gguf_keys("x", config) if "tokenizer" not in k[0]]
            keys += [("tokenizer.ggml.model", 8, "gpt2"), ("tokenizer.ggml.pre", 8, pre),
                     ("tokenizer.ggml.tokens", 9, (8, tokens[:count])),
                     ("tokenizer.ggml.token_type", 9, (5, ([1] * 256 + list(types))[:count])),
                     ("tokenizer.ggml.merges", 9, (8, merges)),
                     ("tokenizer.ggml.eos_token_id", 4, 258),
                     ("tokenizer.ggml.eot_token_id", 4, 259),
                     ("tokenizer.chat_template", 8, "{{ x }}")]
            return self.write(models.gguf_bytes(3, keys, tensors))
        merges = ["t h", "th e"]
        self.assertIn("addBos = false, eosIds = [258, 259]", self.good(write(merges)))
        self.good(write(merges, pre="llama-bpe"))
        self.good(write(merges, types=(1, 4, 3, 3)))  # a user-defined piece that a merge makes
        self.bad(write(["t h", "th x"]), "merges\\[1\\]' makes 'thx', which is no piece")
        self.bad(write(merges, types=(1, 3, 3, 3)),
                 "merges\\[1\\]' makes 'the', which expects to be a normal piece, but got a control one")
        self.bad(write(["th"]), "merges\\[0\\]' expects two pieces")
        self.bad(write(merges, types=(1, 1, 3, 9)), "types from 1 to 6, but got 9 for token 259")
        self.bad(write(merges, count=259), "expects the model's 260 pieces, but got 259")

    def test_unknown_pre_tokenizer(self):
        keys = [("tokenizer.ggml.model", 8, "gpt2"), ("tokenizer.ggml.pre", 8, "dbrx")]
        model = self.model(lambda old: [k for k in old if "ggml.model" not in k[0]] + keys)
        self.bad(model, "'tokenizer.ggml.pre' expects one of gpt-2, .*qwen2.*, but got 'dbrx'")

    def tokenizer_file(self, tensors=()):
        """A GGUF file with 128 pieces, whose EOS is 5."""
        path = self.path("tokenizer.gguf")
        keys = [("tokenizer.ggml.model", 8, "llama"), ("tokenizer.ggml.eos_token_id", 4, 5),
                ("tokenizer.ggml.tokens", 9, (8, [f"p{i}" for i in range(128)])),
                ("tokenizer.ggml.scores", 9, (6, [0.0] * 128)),
                ("tokenizer.ggml.token_type", 9, (5, [2, 3, 3] + [1] * 125))]
        with open(path, "wb") as file:
            file.write(models.gguf_bytes(3, keys, list(tensors)))
        return path

    def test_another_tokenizer(self):
        """With --tokenizer the file's own is not read, whatever it is; its ids of BOS and EOS are the model's."""
        option = ("--tokenizer", self.tokenizer_file())
        for name, kind, value in (("model", 8, "t5"), ("model", 4, 7), ("model", 8, "llama"),
                                  ("add_eos_token", 7, True), ("novel", 8, "x")):
            key = "tokenizer.ggml." + name
            model = self.model(lambda keys: [k for k in keys if k[0] != key] + [(key, kind, value)])
            with self.subTest(key=key, value=value):
                self.bad(model, f"model\\.gguf: key '{key}'|model\\.gguf: key 'tokenizer.ggml.tokens'")
                self.assertIn("bosId = 1, addBos = true, eosIds = [2]", self.good(model, *option))
        self.bad(self.model(lambda keys: keys + [("tokenizer.ggml.eot_token_id", 4, 128)]),
                 "'tokenizer.ggml.eot_token_id' expects an integer from 0 to 127", *option)
        self.bad(self.model(lambda keys: keys + [("tokenizers", 8, "x")]), "'tokenizers' is not understood", *option)

    def test_tokenizer_beside_unknown_tensors(self):
        model = self.model(lambda keys: [k for k in keys if "eos" not in k[0]])
        tensor = ("token_embd.weight", [128, 64], 16, b"")
        self.assertIn("eosIds = [5]", self.good(model, "--tokenizer", self.tokenizer_file([tensor])))
        self.bad(self.tokenizer_file([tensor]), "but got IQ2_XXS")

    def test_tensors(self):
        def edit(index, **changes):
            def change(tensors):
                name, shape, kind, raw = tensors[index]
                tensors[index] = (changes.get("name", name), changes.get("shape", shape),
                                  changes.get("kind", kind), raw)
                return tensors
            return change
        for change, expected in (
                (edit(0, kind=16), "type F32, F16, BF16, Q4_0, .*, Q6_K or MXFP4, but got IQ2_XXS \\(16\\)"),
                (edit(0, kind=12), "of type Q4_K expects rows of a multiple of 256, but got shape"),
                (edit(0, kind=99), "but got an unknown one \\(99\\)"),
                (edit(0, shape=[2**40, 2**40]), "below 2\\^63 bytes"),
                (edit(0, shape=[2**63 + 5]), "below 2\\^63 bytes"),
                (edit(0, shape=[0, 64]), "expects a shape of positive sizes"),
                (edit(0, shape=[1] * 5), "expects 1 to 4 dimensions, but got 5"),
                (edit(0, shape=[10**6, 64]), "bytes of data"),
                (edit(0, shape=[64, 64]), "'output.weight' expects shape \\[64, 64\\]"),
                (edit(1, shape=[32]), "expects shape \\[64\\], but got \\[32\\]"),
                (edit(1, name="token_embd.weight"), "expects to appear once"),
                (edit(1, name="blk.0.strange"), "'blk.0.attn_norm.weight' of shape .* is missing"),
                (lambda ts: ts + [("more", [1], 0, bytes(4))], "'more' is not understood"),
                (lambda ts: ts + [("rope_freqs.weight", [8], 0, models.encode([3.0] * 8, "f32"))],
                 "expects the frequency factors of LLaMA 3"),
                (lambda ts: ts + [("rope_freqs.weight", [8], 0, models.encode([NAN] * 8, "f32"))],
                 "expects the frequency factors of LLaMA 3"),
                (lambda ts: ts[1:], "'token_embd.weight' is missing")):
            with self.subTest(expected=expected):
                self.bad(self.model(None, change), r"model\.gguf: .*" + expected)
        self.bad(self.model(None, edit(0, kind=8, shape=[128, 40])), "rows of a multiple of 32")

    def test_rope_scaling(self):
        def scaled(*values):
            keys = (("scaling.type", 8), ("scaling.factor", 6), ("scale_linear", 6))
            new = [("llama.rope." + name, kind, value)
                   for (name, kind), value in zip(keys, values) if value is not None]
            return self.model(lambda keys: keys + new)
        linear, yarn = "scaling linear {factor = 2.500000e", "scaling yarn {.*, factor = 2.500000e"
        for values, expected in (  # as llama.cpp has it: linear without a type, the old key without the new one
                ((None, 2.5, None), linear), ((None, None, 2.5), linear), ((None, 2.5, 2.5), linear),
                (("linear", 2.5, None), linear), (("linear", None, 2.5), linear),
                (("yarn", 2.5, None), yarn), (("yarn", None, 2.5), yarn),
                ((None, 1.0, None), None), ((None, 0.0, None), None), ((None, None, 0.0), None),
                (("linear", None, None), None), (("linear", 0.0, 1.0), None),
                (("none", None, None), None), (("none", 1.0, None), None), (("none", 0.0, 1.0), None)):
            with self.subTest(values=values):
                table = re.search("llama.rope_table .*", self.good(scaled(*values))).group()
                self.assertRegex(table, expected) if expected else self.assertNotIn("scaling", table)
        for values, expected in (
                (("none", 2.5, None), "scaling.factor' expects 1 with rope.scaling.type none, but got 2.5"),
                (("none", None, 2.5), "scale_linear' expects 1 with rope.scaling.type none, but got 2.5"),
                (("none", 1.0, 2.5), "scale_linear' expects what rope.scaling.factor says, but got 2.5"),
                ((None, 2.5, 1.0), "scale_linear' expects what rope.scaling.factor says, but got 1.0"),
                (("linear", 2.5, 3.0), "scale_linear' expects what rope.scaling.factor says, but got 3.0"),
                ((None, -1.0, None), "scaling.factor' expects a number from 0 on, but got -1.0"),
                ((None, None, NAN), "scale_linear' expects a number from 0 on, but got nan")):
            with self.subTest(values=values):
                self.bad(scaled(*values), r"model\.gguf: key 'llama\.rope\." + expected)

    def test_yarn(self):
        def with_number(name, number, family="llama-yarn"):
            key = "llama.rope." + name
            return self.model(lambda keys: [k for k in keys if k[0] != key] + [(key, 6, number)], family=family)
        # llama.cpp multiplies its own 0.1 ln 4 + 1 by the factor.
        self.assertIn("attentionFactor = 0.56931", self.good(with_number("scaling.attn_factor", 0.5)))
        for name, number, expected in (
                ("scaling.yarn_beta_fast", 0.5, "more than yarn_beta_slow, but got 5.0+e-01"),
                ("scaling.yarn_beta_fast", 1.0, "more than yarn_beta_slow, but got 1.0"),
                ("scaling.yarn_beta_slow", 40.0, "more than yarn_beta_slow"),
                ("freq_base", 1.0, "more than 1 with rope scaling yarn, but got 1.0")):
            with self.subTest(name=name, number=number):
                key = name.replace("beta_slow", "beta_fast")
                self.bad(with_number(name, number), rf"model\.gguf: key 'llama\.rope\.{key}' expects {expected}")
        for family in ("llama", "llama-linear"):
            self.bad(with_number("scaling.attn_factor", 2.0, family),
                     "'llama.rope.scaling.attn_factor' expects 1 without yarn, but got 2.0")
            self.good(with_number("scaling.attn_factor", 1.0, family))

    def test_rope_factors_of_one(self):
        ones = ("rope_freqs.weight", [8], 0, models.encode([1.0] * 8, "f32"))
        self.assertNotIn("scaling", self.good(self.model(None, lambda ts: ts + [ones])))

    def test_offsets(self):
        path = self.model()
        with open(path, "rb") as file:
            raw = file.read()
        # The offset is the last field of a tensor's entry, 8 bytes after name, rank, sizes, type.
        name = b"blk.0.attn_norm.weight"
        at = raw.index(name) + len(name) + 4 + 8 + 4
        for offset, expected in ((4, "a multiple of 32, but got 4"), (0, "bytes of their own"),
                                 (2**63, "bytes of data"), (2**64 - 32, "bytes of data"),
                                 (len(raw) // 32 * 32, "bytes of data")):
            self.write(raw[:at] + struct.pack("<Q", offset) + raw[at + 8:])
            with self.subTest(offset=offset):
                self.bad(path, expected)

    def test_good_versions(self):
        def read(version):
            """The IR without its hash, and with offsets from the file's end, where versions agree."""
            path = self.model(lambda keys: keys + [("general.tags", 9, (8, ["a", "story"]))], version=version)
            size = os.path.getsize(path)
            ir = re.sub(r'(?<=" at )\d+', lambda at: str(size - int(at.group())), self.good(path))
            return re.sub(r'inputHash = "\w+"', "", ir)
        expected = read(3)
        for version in (1, 2):
            with self.subTest(version=version):
                self.assertEqual(read(version), expected)

    def test_counts(self):
        for version in (1, 2, 3):
            length = "<I" if version == 1 else "<Q"
            for count in (2**32 - 1, 2**31):
                for counts in ((0, count), (count, 0)):
                    start = b"GGUF" + struct.pack("<I", version)
                    start += b"".join(struct.pack(length, c) for c in counts)
                    self.bad(self.write(start + bytes(64)),
                             "expects at most .* in a file of its size, but got")
        start = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
        for tail in (struct.pack("<Q", 2**64 - 1) + bytes(64),
                     struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 4, 2**62) + bytes(64),
                     struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 8, 2**62) + bytes(64)):
            self.bad(self.write(start + tail), "expects \\d+ bytes at offset \\d+, but got")
        self.bad(self.write(b"GGUF" + struct.pack("<IQQ", 4, 0, 0)), "version 1, 2 or 3, but got 4")
        self.bad(self.write(b"GGUF" + struct.pack(">IQQ", 3, 0, 0)), "big-endian")


class BadLlama2c(ImportCase):
    def test_sizes(self):
        path = self.make("llama", format="llama2c")
        with open(path, "rb") as file:
            raw = file.read()
        for data, expected in (
                (raw[:-1], f"expects {len(raw)} bytes, but got {len(raw) - 1}"),
                (raw + b"x", f"expects {len(raw)} bytes, but got {len(raw) + 1}"),
                (raw[:28], f"expects {len(raw)} bytes, but got 28"),
                (raw[:20], "expects a model, but got a file of 20 bytes"),
                (struct.pack("<7i", 2**24, 2**24, 4096, 2**16, 1, 2**24, 2**24), "bytes, but got 28"),
                (struct.pack("<7i", -1, 96, 2, 4, 4, 128, 128), "expects a model, but got a file"),
                (struct.pack("<Ii", 0x616B3432, 1) + bytes(248), "checkpoint of a later version")):
            with open(path, "wb") as file:
                file.write(data)
            with self.subTest(expected=expected):
                self.bad(path, expected)

    def test_tokenizer(self):
        path = self.make("llama", format="llama2c")
        pieces = ["<unk>", "\n<s>\n", "\n</s>\n"] + [chr(33 + i) for i in range(125)]
        for count, expected in ((128, None), (100, "128 pieces, but got 100")):
            data = struct.pack("<i", 7) + b"".join(
                struct.pack("<fi", -i, len(p.encode())) + p.encode()
                for i, p in enumerate(pieces[:count]))
            for name in ("tokenizer.bin", "tok128.bin"):
                other = self.path("model", name)
                with open(other, "wb") as file:
                    file.write(data)
                with self.subTest(name=name, count=count):
                    self.bad(path, expected) if expected else self.good(path)
                os.remove(other)
            option = self.path("other.bin")
            with open(option, "wb") as file:
                file.write(data)
            if expected:
                self.bad(path, expected, "--tokenizer", option)
            else:
                self.good(path, "--tokenizer", option)
        self.bad(path, "no such file", "--tokenizer", self.path("gone"))


class BadPaths(ImportCase):
    def test_paths(self):
        text = self.path("notes.txt")
        with open(text, "w") as file:
            file.write("Once upon a time")
        empty = self.path("empty")
        with open(empty, "w"):
            pass
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        for path, expected in (
                (self.path("gone"), "gone: no such file"),
                (self.folder, "a folder without config.json; supported are"),
                (text, "begins with 'Once upon a time'; supported are"),
                (empty, "a file of 0 bytes"),
                (fifo, "expects a regular file"),
                (os.path.join(self.make("llama"), "model.safetensors"),
                 "safetensors file \\(give the folder")):
            with self.subTest(path=path):
                self.bad(path, expected)


class Hostile(ImportCase):
    """Damage at random places: an error or a model, never a crash. Most of it in one process
    (HostileImport.cpp); the driver's part of it is the same for every error."""

    def hostile(self, model, path, *words):
        command = [self.programs["hostile"], model, path, *map(str, words)]
        done = subprocess.run(command, capture_output=True, timeout=500)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))

    def header_bytes(self, raw, form):
        if form == "hf":
            return 8 + struct.unpack_from("<Q", raw)[0]
        return 28 if form == "llama2c" else raw.index(b"output.weight") + 40

    def each_format(self):
        for form in ("hf", "gguf", "llama2c"):
            model = self.make("llama", name=form, format=form)
            path = os.path.join(model, "model.safetensors") if os.path.isdir(model) else model
            with open(path, "rb") as file:
                raw = file.read()
            yield form, model, path, raw, self.header_bytes(raw, form)

    def test_truncation(self):
        rng = random.Random(7)
        for form, model, path, raw, header in self.each_format():
            with self.subTest(format=form):
                lengths = [0, 1, 7, 8, 9, 27, header - 1, header, header + 1, len(raw) - 1]
                self.hostile(model, path, "cut", *lengths, *(rng.randrange(header) for _ in range(10)))
                with open(path, "wb") as file:
                    file.write(raw[:header - 1])
                self.bad(model, "")

    def test_byte_flips(self):
        for form, model, path, raw, header in self.each_format():
            with self.subTest(format=form):
                self.hostile(model, path, "bytes", FUZZ_ROUNDS, header)

    def test_config_byte_flips(self):
        model = self.make("llama3")
        path = os.path.join(model, "config.json")
        self.hostile(model, path, "text", FUZZ_ROUNDS, os.path.getsize(path))


if __name__ == "__main__":
    run_tests("cria", "hostile")
