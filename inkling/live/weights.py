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
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from inkling.files import InklingError, atomic_write
from inkling.real.quantise import quantise_int8

HERE = Path(__file__).parent


def pack_weights(folder: str | Path) -> bytes:
    """Read a checkpoint folder (config.json, model.safetensors, tokenizer.json) and
    return the page's weights file.

    Raises InklingError if the folder lacks one of the files or they cannot be read.
    """
    from safetensors.torch import load_file

    folder = Path(folder)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise InklingError(
                f"{folder} has no {name}. A checkpoint folder holds config.json,"
                " model.safetensors and tokenizer.json; give the folder that"
                " save_pretrained and Tokenizer.save wrote to."
            )
    try:
        tensors = {
            name: tensor.float().numpy()
            for name, tensor in load_file(folder / "model.safetensors").items()
        }
        config = _page_config(
            json.loads((folder / "config.json").read_text(encoding="utf-8"))
        )
        tokenizer = tokenizer_tables(
            json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        )
    except InklingError:
        raise
    except Exception as error:  # safetensors raises its own kind, json another
        raise InklingError(
            f"the checkpoint in {folder} cannot be read: {error}. Save it again."
        ) from error
    return _safetensors(
        _quantised(tensors),
        {"config": json.dumps(config), "tokenizer": json.dumps(tokenizer)},
    )


def _quantised(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    out = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            out[name], out[f"{name}.scale"] = quantise_int8(tensor)
        else:
            out[name] = tensor.astype(np.float32)
    return out


def _page_config(llama: dict) -> dict:
    """The numbers that model.js reads, from a Llama config.json."""
    rope = llama.get("rope_parameters") or {}
    heads, width = llama["num_attention_heads"], llama["hidden_size"]
    return {
        "vocab_size": llama["vocab_size"],
        "context_length": llama["max_position_embeddings"],
        "d_model": width,
        "n_layers": llama["num_hidden_layers"],
        "n_heads": heads,
        "n_kv_heads": llama.get("num_key_value_heads") or heads,
        "head_dim": llama.get("head_dim") or width // heads,
        "d_ff": llama["intermediate_size"],
        "rope_theta": rope.get("rope_theta") or llama.get("rope_theta") or 10000.0,
        "norm_eps": llama["rms_norm_eps"],
    }


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for every byte: character -> byte (Radford et al.
    2019, encoder.py).
    """
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {
        chr(256 + i): byte for i, byte in enumerate(moved)
    }


def tokenizer_tables(tokenizer: dict) -> dict:
    """From the content of a tokenizer.json: {"merges": [[left id, right id, id], ...],
    "specials": {text: id}}.
    """
    model = tokenizer["model"]
    ids, alphabet = model["vocab"], _byte_alphabet()
    if any(ids.get(letter) != byte for letter, byte in alphabet.items()):
        raise InklingError(
            "the live figures need a byte-level tokenizer whose ids 0 to 255 are the"
            " bytes themselves. Make it with inkling.text.tokenizer.Tokenizer.train."
        )
    pairs = [
        pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]
    ]
    return {
        "merges": [[ids[left], ids[right], ids[left + right]] for left, right in pairs],
        "specials": {
            token["content"]: token["id"] for token in tokenizer.get("added_tokens", [])
        },
    }


def _safetensors(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """Serialise by hand, floats first, so that the bytes are the same everywhere and
    every float is aligned.
    """
    names = sorted(tensors, key=lambda name: (tensors[name].dtype != np.float32, name))
    header, offset = {"__metadata__": metadata}, 0
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
    from safetensors.numpy import load

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


def page_model(folder: str | Path):
    """The checkpoint as the page computes it: (Transformer with the rounded weights,
    Tokenizer).
    """
    folder, packed = Path(folder), pack_weights(folder)
    return _page_model(
        packed,
        (folder / "config.json").read_bytes(),
        (folder / "tokenizer.json").read_bytes(),
    )


@lru_cache(maxsize=2)  # several figures of a chapter show the same model
def _page_model(packed: bytes, config: bytes, tokenizer: bytes):
    from safetensors.numpy import save_file

    from inkling.model.transformer import Transformer
    from inkling.text.tokenizer import Tokenizer

    with tempfile.TemporaryDirectory() as rounded:
        rounded = Path(rounded)
        (rounded / "config.json").write_bytes(config)
        (rounded / "tokenizer.json").write_bytes(tokenizer)
        save_file(
            dequantised(packed),
            rounded / "model.safetensors",
            metadata={"format": "pt"},
        )
        return Transformer.from_pretrained(rounded).eval(), Tokenizer.load(
            rounded / "tokenizer.json"
        )


def export(
    folder: str | Path, checkpoints: dict[str, str | Path] | None = None
) -> list[Path]:
    """Write what the site's figures load into `folder`: host.js, live.js and
    weights-<name>.js for each checkpoint.

    Args:
        folder: where to write; made if it does not exist.
        checkpoints: name -> checkpoint folder; by default the shipped base model. A
            name whose folder does not exist is left out, and figures on such a site
            keep their static pictures.
    """
    from inkling.live import bundle

    if checkpoints is None:
        checkpoints = shipped()
    folder = Path(folder)
    files = {
        "host.js": (HERE / "host.js").read_text(encoding="utf-8"),
        "live.js": bundle(classic=True),
    }
    for name, checkpoint in checkpoints.items():
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
    from inkling import checkpoints

    try:
        return {"base": checkpoints.path("base")}
    except InklingError:
        return {}
