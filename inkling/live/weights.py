"""The model's weights for the page: int8 with one scale a row, in one small safetensors
file.

A row w of a matrix is stored as round(w / s) with s = max|w| / 127, so that no weight
moves by more than s / 2 (symmetric, per-row quantisation; Dettmers et al. 2022,
"LLM.int8()", section 2.1). Vectors stay float32.
The file carries the model's shape and the tokenizer in its metadata, so that one file
is all that a page needs.
"""

import base64
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load

from inkling import checkpoints
from inkling.files import InklingError, atomic_write
from inkling.live.bundle import bundle
from inkling.model.transformer import Transformer
from inkling.real.quantise import quantise_int8
from inkling.text.tokenizer import GPT2_PATTERN, Tokenizer

HERE = Path(__file__).parent
# What model.js reads of a ModelConfig, in the order of the file.
PAGE_CONFIG = (
    "vocab_size",
    "context_length",
    "d_model",
    "n_layers",
    "n_heads",
    "n_kv_heads",
    "head_dim",
    "d_ff",
    "rope_theta",
    "norm_eps",
)


def pack_weights(folder: str | Path) -> bytes:
    """Read a checkpoint folder (config.json, model.safetensors, tokenizer.json) and
    return the page's weights file.

    Raises InklingError if the folder lacks one of the files or they cannot be read.
    """
    return pack_model(
        *open_checkpoint(folder), where=str(Path(folder) / "tokenizer.json")
    )


def open_checkpoint(folder: str | Path) -> tuple[Transformer, Tokenizer]:
    """The model and the tokenizer in a folder."""
    model = Transformer.from_pretrained(folder)
    return model, Tokenizer.load(Path(folder) / "tokenizer.json")


def pack_model(
    model: Transformer, tokenizer: Tokenizer, where: str = "tokenizer"
) -> bytes:
    """The page's weights file of a model; `where` names the tokenizer in errors."""
    tensors = {}
    for name, weight in model.state_dict().items():
        # the names that a checkpoint has
        name = name if name.startswith("lm_head") else f"model.{name}"
        tensors[name] = weight.float().cpu().numpy()
        if weight.ndim == 2:
            tensors[name], tensors[f"{name}.scale"] = quantise_int8(tensors[name])
    config = {name: getattr(model.config, name) for name in PAGE_CONFIG}
    tables = tokenizer_tables(tokenizer, where)
    return _safetensors(
        tensors, {"config": json.dumps(config), "tokenizer": json.dumps(tables)}
    )


def tokenizer_tables(tokenizer: Tokenizer, where: str = "tokenizer") -> dict[str, Any]:
    """What bpe.js is made from: {"merges": [[left id, right id, id], ...], "specials":
    {text: id}}. A tokenizer whose ids bpe.js would not give is refused.
    """
    ids = tokenizer.vocabulary
    if any(ids.get(bytes([byte])) != byte for byte in range(256)):
        raise InklingError(
            f"{where}: the live figures need a byte-level tokenizer whose ids 0 to 255"
            " are the bytes themselves. Make it with"
            " inkling.text.tokenizer.Tokenizer.train."
        )
    if tokenizer.added_tokens:
        raise InklingError(
            f"{where}: the live figures cut no token out of a text, and this tokenizer"
            f" has {', '.join(list(tokenizer.added_tokens)[:3])}. Make it without"
            " added tokens."
        )
    if tokenizer.pattern != GPT2_PATTERN:
        raise InklingError(
            f"{where}: the live figures cut texts by GPT-2's pattern, and this"
            " tokenizer has another. Train one with the default pattern."
        )
    return {
        "merges": [
            [ids[left], ids[right], ids[left + right]]
            for left, right in tokenizer.merges
        ],
        "specials": tokenizer.special_tokens,
    }


def _safetensors(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """Serialise by hand, floats first, so that the bytes are the same everywhere and
    every float is aligned.
    """
    names = sorted(tensors, key=lambda name: (tensors[name].dtype != np.float32, name))
    header: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    for name in names:
        size = tensors[name].nbytes
        kind = "F32" if tensors[name].dtype == np.float32 else "I8"
        header[name] = {
            "dtype": kind,
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return (
        struct.pack("<Q", len(text))
        + text
        + b"".join(tensors[name].tobytes() for name in names)
    )


def dequantised(packed: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that model.js computes with, by their Hugging Face names."""
    tensors = load(packed)
    scales = {name: tensors.pop(name) for name in [*tensors] if name.endswith(".scale")}
    return {
        name: (
            tensor * scales[f"{name}.scale"][:, None]
            if f"{name}.scale" in scales
            else tensor
        )
        for name, tensor in tensors.items()
    }


def page_model(model: Transformer, packed: bytes) -> Transformer:
    """The model as the page computes it, with the rounded weights."""
    page = Transformer(model.config, seed=None)
    page.load_state_dict(
        {
            name.removeprefix("model."): torch.from_numpy(tensor)
            for name, tensor in dequantised(packed).items()
        }
    )
    return page.eval()


def export(
    folder: str | Path, models: Mapping[str, str | Path] | None = None
) -> list[Path]:
    """Write what the site's figures load into `folder`: host.js, live.js and
    weights-<name>.js for each checkpoint.

    Args:
        folder: where to write; made if it does not exist.
        models: name -> checkpoint folder; by default the shipped base model. A
            name whose folder does not exist is left out, and figures on such a site
            keep their static pictures.
    """
    folder = Path(folder)
    files = {
        "host.js": (HERE / "host.js").read_text(encoding="utf-8"),
        "live.js": bundle(classic=True),
    }
    for name, checkpoint in (shipped() if models is None else models).items():
        files[f"weights-{name}.js"] = weights_script(name, pack_weights(checkpoint))
    for name, text in files.items():
        atomic_write(folder / name, text.encode())
    return [folder / name for name in files]


def weights_script(name: str, packed: bytes) -> str:
    """A classic script with the weights in base64: a page opened from a folder may load
    a script, but not a file.
    """
    return (
        f"InklingHost.deliver({json.dumps(name)},"
        f' "{base64.b64encode(packed).decode()}");\n'
    )


def shipped() -> dict[str, Path]:
    """The shipped checkpoints that figures use: name -> folder; empty as long as none
    has been trained.
    """
    try:
        return {"base": checkpoints.path("base")}
    except InklingError:
        return {}
