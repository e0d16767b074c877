"""What the tests of the real models share: a tiny Llama in a GGUF file, written with the `gguf`
package.
"""

from pathlib import Path

import gguf
import numpy as np
import tokenizers

from inkling.text.tokenizer_json import ALPHABET

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["Ġ t", "h e", "Ġt he", "i n", "e r", "u s", "us er", "a s", "s i", "Ċ Ċ"]
NAMES = SPECIAL + list(ALPHABET.values()) + [merge.replace(" ", "") for merge in MERGES]
D_MODEL, D_FF, N_LAYERS, N_HEADS, N_KV_HEADS, CONTEXT = 64, 96, 2, 4, 2, 64
# As SmolLM2's own.
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{"
    " '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging"
    " Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n'"
    " }}{% endif %}"
)


def permute(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """What llama.cpp's converter does to query and key matrices (convert_hf_to_gguf.py,
    LlamaModel.permute).
    """
    return (
        weight.reshape(n_heads, 2, len(weight) // n_heads // 2, -1)
        .swapaxes(1, 2)
        .reshape(weight.shape)
    )


def tensors(tied: bool = True, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under llama.cpp's names, in Llama's order of rows."""
    rng, kv = np.random.default_rng(seed), D_MODEL // N_HEADS * N_KV_HEADS
    shapes = {"token_embd": (len(NAMES), D_MODEL), "output_norm": (D_MODEL,)}
    if not tied:
        shapes["output"] = (len(NAMES), D_MODEL)
    for i in range(N_LAYERS):
        layer = {
            "attn_norm": (D_MODEL,),
            "ffn_norm": (D_MODEL,),
            "attn_q": (D_MODEL, D_MODEL),
            "attn_k": (kv, D_MODEL),
            "attn_v": (kv, D_MODEL),
            "attn_output": (D_MODEL, D_MODEL),
            "ffn_gate": (D_FF, D_MODEL),
            "ffn_up": (D_FF, D_MODEL),
            "ffn_down": (D_MODEL, D_FF),
        }
        shapes |= {f"blk.{i}.{name}": shape for name, shape in layer.items()}
    return {
        f"{name}.weight": (
            (
                rng.standard_normal(shape) * shape[-1] ** -0.5
                if len(shape) == 2
                else 1 + 0.3 * rng.standard_normal(shape)
            ).astype(np.float32)
        )
        for name, shape in shapes.items()
    }


def write(path: Path, weights: dict[str, np.ndarray], kind: str = "Q4_1", **changes) -> None:
    """A GGUF file of these weights: matrices of type `kind`, embeddings Q8_0, norms F32, as in
    SmolLM2's file.
    """
    entries = {
        "llama.context_length": CONTEXT,
        "llama.embedding_length": D_MODEL,
        "llama.block_count": N_LAYERS,
        "llama.feed_forward_length": D_FF,
        "llama.attention.head_count": N_HEADS,
        "llama.attention.head_count_kv": N_KV_HEADS,
        "llama.rope.freq_base": 5000.0,
        "llama.rope.dimension_count": D_MODEL // N_HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.vocab_size": len(NAMES),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": NAMES,
        "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(NAMES) - len(SPECIAL)),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.chat_template": TEMPLATE,
    }
    entries |= {name.replace("__", "."): value for name, value in changes.items()}
    writer = gguf.GGUFWriter(path, entries.pop("arch", "llama"))
    add = {
        str: writer.add_string,
        float: writer.add_float32,
        bool: writer.add_bool,
        int: writer.add_uint32,
        list: writer.add_array,
    }
    for name, value in entries.items():
        if value is not None:
            add[type(value)](name, value)
    heads = {"attn_q": N_HEADS, "attn_k": N_KV_HEADS}
    for name, weight in weights.items():
        part = name.split(".")[-2]
        stored = permute(weight, heads[part]) if part in heads else weight
        wanted = "F32" if weight.ndim == 1 else "Q8_0" if part == "token_embd" else kind
        type_ = gguf.GGMLQuantizationType[wanted]
        writer.add_tensor(name, gguf.quants.quantize(stored, type_), raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference_tokenizer(
    names: list[str], merges: list[str], special: list[str]
) -> tokenizers.Tokenizer:
    """SmolLM2's tokenizer as its authors built it, in `tokenizers`: digits one by one, then GPT-2's
    rules.
    """
    pairs = [tuple(merge.split(" ")) for merge in merges]
    theirs = tokenizers.Tokenizer(
        tokenizers.models.BPE({name: i for i, name in enumerate(names)}, pairs)
    )
    digits = tokenizers.pre_tokenizers.Digits(individual_digits=True)
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([digits, byte_level])
    theirs.decoder = tokenizers.decoders.ByteLevel()
    theirs.add_special_tokens(special)
    return theirs
