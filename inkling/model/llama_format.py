"""The folder that holds a model: config.json and model.safetensors, in the layout of
Hugging Face's Llama.

What is here knows files and names, not the network: it turns numbers into a folder that
`transformers` opens, and back. Weights are stored as safetensors, never as pickle,
because opening a pickle runs whatever code is in it.
"""

import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from inkling.files import InklingError, atomic_write

# More positions than any plain Llama has: a number that was read wrongly, and the table
# of their angles would fill the memory.
LONGEST_CONTEXT = 2**20
# By these names others look for the tokens that begin a text, end it, and fill up rows.
TOKEN_IDS = {
    "bos_token_id": ("<|endoftext|>",),
    "eos_token_id": ("<|endoftext|>", "<|end|>"),
    "pad_token_id": ("<|pad|>",),
}
WEIGHT_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)

# Ours on the left, Llama's on the right. The rest of the two configurations follows
# from these.
LLAMA_NAMES = {
    "vocab_size": "vocab_size",
    "context_length": "max_position_embeddings",
    "d_model": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "d_ff": "intermediate_size",
    "norm_eps": "rms_norm_eps",
    "tie_embeddings": "tie_word_embeddings",
}
DTYPE_NAMES = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}


def to_llama_config(
    ours: dict,
    dtype: torch.dtype = torch.float32,
    special_tokens: dict[str, int] | None = None,
) -> dict:
    """Our configuration (the fields of ModelConfig) as the dictionary that goes into
    config.json. `special_tokens` (text -> id): those of the model's tokenizer.
    """
    known = special_tokens or {}
    if dtype not in DTYPE_NAMES:
        raise InklingError(
            f"cannot store weights as {dtype}: use one of"
            f" {', '.join(map(str, DTYPE_NAMES))}."
        )
    theta = ours["rope_theta"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **{theirs: ours[name] for name, theirs in LLAMA_NAMES.items()},
        "head_dim": ours["d_model"] // ours["n_heads"],
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        # where transformers 4 looks; version 5 looks in rope_parameters
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "torch_dtype": DTYPE_NAMES[dtype],
        "dtype": DTYPE_NAMES[dtype],
        # null where unknown: else `transformers` would put Llama's own in their place
        **{
            name: only_or_all([known[text] for text in texts if text in known])
            for name, texts in TOKEN_IDS.items()
        },
    }


def only_or_all(ids: list[int]) -> int | list[int] | None:
    """One id, a list of several, or None: how config.json has them."""
    return ids if len(ids) > 1 else ids[0] if ids else None


def from_llama_config(theirs: dict, where: str = "config.json") -> dict:
    """The fields of ModelConfig out of a Llama config.json. What our model cannot
    compute raises an InklingError.
    """

    def refuse(what: str) -> None:
        raise InklingError(
            f"{where}: {what}. This Transformer computes plain Llama only: pick another"
            " checkpoint."
        )

    if theirs.get("model_type") != "llama":
        refuse(
            f"the model_type is {theirs.get('model_type')!r}, and only 'llama' is"
            " understood"
        )
    for flag in ("attention_bias", "mlp_bias", "rope_interleaved"):
        if theirs.get(flag):
            refuse(f"{flag} is on, which this model does not do")
    if theirs.get("hidden_act", "silu") != "silu":
        refuse(f"hidden_act is {theirs['hidden_act']!r} instead of 'silu'")
    if theirs.get("quantization_config"):
        refuse("the weights are quantised")
    # one has its name from transformers 5, one from 4; files in between have both
    ropes = [theirs.get(name) or {} for name in ("rope_parameters", "rope_scaling")]
    for rope in ropes:
        if not isinstance(rope, dict):
            refuse(f"the settings of RoPE are {rope!r:.60} instead of an object")
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind != "default" or rope.get("factor", 1.0) != 1.0:
            refuse(f"the positions are scaled (rope_type {kind!r})")
        if rope.get("partial_rotary_factor", 1.0) != 1.0:
            refuse("only a part of each head is rotated (partial_rotary_factor)")

    defaults = {
        "num_key_value_heads": theirs.get("num_attention_heads"),
        "tie_word_embeddings": False,
        # what transformers takes when they are absent
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 2048,
    }
    ours = {}
    for name, their_name in LLAMA_NAMES.items():
        value = theirs.get(their_name)
        value = defaults.get(their_name) if value is None else value
        if value is None:
            raise InklingError(
                f"{where}: {their_name} is missing. A Llama config.json has it: fetch"
                " the file again."
            )
        ours[name] = value
    thetas = [*(rope.get("rope_theta") for rope in ropes), theirs.get("rope_theta")]
    ours["rope_theta"] = next((theta for theta in thetas if theta), 10000.0)
    for name in ("rope_theta", "norm_eps"):
        number = ours[name]
        if type(number) not in (int, float) or not 0 < number < 1e38:
            refuse(f"{name} is {number!r:.60}, and must be a number above 0")
        ours[name] = float(number)
    if not isinstance(ours["tie_embeddings"], bool):
        refuse(
            f"tie_word_embeddings is {ours['tie_embeddings']!r:.60}, not true or false"
        )
    length = ours["context_length"]
    if isinstance(length, int) and length > LONGEST_CONTEXT:
        refuse(f"max_position_embeddings is {length:,}, above {LONGEST_CONTEXT:,}")
    head_dim = theirs.get("head_dim")
    sizes = (head_dim, ours["n_heads"], ours["d_model"])
    if head_dim and not all(type(size) is int for size in sizes):
        refuse(f"head_dim, n_heads and d_model are {sizes!r:.90}, not whole numbers")
    if head_dim and head_dim * ours["n_heads"] != ours["d_model"]:
        refuse(
            f"head_dim is {head_dim}, which is not hidden_size / num_attention_heads "
            f"= {ours['d_model']} / {ours['n_heads']}"
        )
    return ours


def write_folder(
    folder: str | os.PathLike, config: dict, tensors: dict[str, Tensor]
) -> None:
    """Write config.json and model.safetensors as a pair: whatever fails on the way, the
    old pair stays usable.

    Both files are first written in full under temporary names. Then the weights take
    their place, then the configuration. The weights also carry a copy of the
    configuration inside, so that even a power cut between these two steps leaves a
    folder that can be read (see `read_folder`). Other files in the folder are left
    alone.
    """
    folder = Path(folder)
    files = {
        "model.safetensors": safetensors_bytes(
            tensors, {"format": "pt", "config": json.dumps(config)}
        ),
        "config.json": (json.dumps(config, indent=2, sort_keys=True) + "\n").encode(),
    }
    weights = folder / "model.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=folder, prefix=".save.", ignore_cleanup_errors=True
        ) as place:
            new, old = Path(place), Path(place) / "old"
            for name, data in files.items():
                atomic_write(new / name, data)
            if weights.exists():
                try:
                    # a second name for the old weights, to put them back by
                    os.link(weights, old)
                except OSError:  # a file system without links
                    shutil.copyfile(weights, old)
            os.replace(new / "model.safetensors", weights)
            try:
                os.replace(new / "config.json", folder / "config.json")
            except OSError:
                if old.exists():
                    os.replace(old, weights)
                else:
                    weights.unlink()
                raise
    except (OSError, InklingError) as error:
        cause = error.__cause__ if isinstance(error, InklingError) else error
        reason = getattr(cause, "strerror", None) or cause
        raise InklingError(
            f"could not save the model in {folder}: {reason}. What was there before is"
            " unchanged. Free some disk space or choose another folder, then save"
            " again."
        ) from error


def read_folder(folder: str | os.PathLike) -> tuple[dict, dict[str, Tensor]]:
    """config.json as a dictionary, and the tensors of model.safetensors by name, as
    stored.
    """
    folder = Path(folder)
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            there = (
                ", ".join(sorted(p.name for p in folder.iterdir()))
                if folder.is_dir()
                else "no such folder"
            )
            raise InklingError(
                f"{folder / name} is missing (there is: {there or 'nothing'}). A model"
                " folder holds config.json and model.safetensors, as"
                " Transformer.save_pretrained writes them."
            )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InklingError(
            f"{folder / 'config.json'} is not JSON ({error}). Fetch or save it again."
        ) from error
    if not isinstance(config, dict):
        raise InklingError(
            f"{folder / 'config.json'} holds a {type(config).__name__}; expected a JSON"
            " object."
        )
    try:
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
            copy = (file.metadata() or {}).get("config")
        inside = None if copy is None else json.loads(copy)
        if not isinstance(inside, dict | None):
            raise ValueError("the configuration inside is no JSON object")
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise InklingError(
            f"{folder / 'model.safetensors'} is truncated or damaged ({error}). "
            "Fetch or save it again."
        ) from error
    for name, tensor in tensors.items():
        if tensor.dtype not in WEIGHT_DTYPES:
            raise InklingError(
                f"{folder / 'model.safetensors'}: {name} is stored as"
                f" {str(tensor.dtype).removeprefix('torch.')}. Quantised weights are"
                " only codes, and need what turns them back: pick a checkpoint in"
                f" {', '.join(DTYPE_NAMES.values())}."
            )
    if inside is not None and without_token_ids(inside) != without_token_ids(config):
        warnings.warn(
            f"{folder}: config.json is not the one that was saved with these weights;"
            " the copy inside model.safetensors is used. To change a configuration,"
            " save the model again.",
            stacklevel=3,
        )
        config = inside
    return config, tensors


def without_token_ids(config: dict) -> dict:
    """What a configuration says about the weights; the ids may come from a tokenizer
    that was found later.
    """
    return {name: value for name, value in config.items() if name not in TOKEN_IDS}
