"""Hugging Face's `tokenizer.json`, for byte-level BPE: how a `Tokenizer` is written to
a file, and read back.

JSON cannot hold raw bytes, so the format writes each byte as a visible character:
GPT-2's byte alphabet (`encoder.py` in the code released with Radford et al., 2019).
`dump` and `parse` translate; `inkling.text.tokenizer` opens the files.
"""

import json
from typing import NamedTuple

from inkling.files import InklingError

# GPT-2's chunks: a contraction; letters, digits or other marks, each with the one space
# before them; white space.
GPT2_PATTERN = (
    r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
)
# The same with every digit a chunk of its own (SmolLM2): a digit takes no space along,
# and ends a run of white space.
DIGITS_PATTERN = (
    r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"""
)

_BYTE_LEVEL = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}
_DIGITS = {"type": "Digits", "individual_digits": True}
# How the format says these two patterns. Any other is a "Split" that carries the
# pattern itself.
PRE_TOKENIZERS = {
    GPT2_PATTERN: _BYTE_LEVEL,
    DIGITS_PATTERN: {"type": "Sequence", "pretokenizers": [_DIGITS, _BYTE_LEVEL]},
}

# What the format can ask of the neighbours of an added token.
CONDITIONS = ("single_word", "lstrip", "rstrip")

# Visible Latin-1 characters stand for their own byte; the other bytes take the
# characters from U+0100 on, so that a space is "Ġ" and a newline is "Ċ".
_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_BYTES = _VISIBLE + [byte for byte in range(256) if byte not in _VISIBLE]
ALPHABET = {
    byte: chr(byte if i < len(_VISIBLE) else 256 + i - len(_VISIBLE))
    for i, byte in enumerate(_BYTES)
}
_BYTE_OF = {character: byte for byte, character in ALPHABET.items()}


class Parts(NamedTuple):
    """What a tokenizer consists of; `vocabulary` maps bytes to ids, `special_tokens`
    and `added_tokens` (those that are not special) text to ids. `normalized`: the texts
    that are looked for last.
    """

    merges: list[tuple[bytes, bytes]]
    special_tokens: dict[str, int]
    pattern: str
    vocabulary: dict[bytes, int]
    added_tokens: dict[str, int]
    normalized: frozenset[str]


def to_alphabet(token: bytes) -> str:
    """Bytes as the format writes them: to_alphabet(b" the") is "Ġthe"."""
    return "".join(map(ALPHABET.__getitem__, token))


def from_alphabet(name: str) -> bytes | None:
    """The bytes behind a name in the file; None if one of its characters stands for no
    byte.
    """
    return (
        bytes(map(_BYTE_OF.__getitem__, name)) if set(name) <= _BYTE_OF.keys() else None
    )


def dump(parts: Parts) -> bytes:
    """The content of a `tokenizer.json` that `tokenizers.Tokenizer.from_file` and
    `transformers` load.
    """
    pre_tokenizer = PRE_TOKENIZERS.get(parts.pattern)
    if pre_tokenizer is None:
        split = {
            "type": "Split",
            "pattern": {"Regex": parts.pattern},
            "behavior": "Isolated",
            "invert": False,
        }
        pre_tokenizer = {
            "type": "Sequence",
            "pretokenizers": [split, {**_BYTE_LEVEL, "use_regex": False}],
        }
    whole = {**parts.special_tokens, **parts.added_tokens}
    names = {
        **{to_alphabet(token): i for token, i in parts.vocabulary.items()},
        **whole,
    }
    data = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": i,
                "content": text,
                **dict.fromkeys(CONDITIONS, False),
                "normalized": text in parts.normalized,
                "special": text in parts.special_tokens,
            }
            for text, i in sorted(whole.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": _BYTE_LEVEL,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": dict(sorted(names.items(), key=lambda item: item[1])),
            "merges": [
                f"{to_alphabet(left)} {to_alphabet(right)}"
                for left, right in parts.merges
            ],
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8")


def parse(content: bytes, source: str) -> Parts:
    """Read what `dump` wrote, or another byte-level BPE tokenizer (GPT-2's, SmolLM2's).
    `source` names it in errors.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InklingError(
            f"{source} is not whole JSON ({error}): cut off? Fetch or save it again"
        ) from None
    try:
        return _parse(data)
    except InklingError as error:
        raise InklingError(f"{source}: {error}") from None
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise InklingError(
            f"{source} is JSON, but not a byte-level BPE tokenizer.json"
            f" ({type(error).__name__}: {error}). Give a file from Tokenizer.save, or a"
            " GPT-2-style one from Hugging Face"
        ) from None


def _parse(data: dict) -> Parts:
    model = data["model"]
    if model.get("type", "BPE") != "BPE":
        raise InklingError(
            f"its model is {model['type']}, and only BPE can be read here"
        )
    options = (
        "dropout",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "byte_fallback",
        "ignore_merges",
    )
    used = [name for name in options if model.get(name)]
    if used:
        raise InklingError(
            f"it uses {', '.join(used)}, which changes the ids and is not built here"
        )
    _refuse_steps(data)
    pattern = _parse_pattern(data["pre_tokenizer"])
    names, merges = dict(model["vocab"].items()), []
    for entry in model["merges"]:  # "Ġ t" in older files, ["Ġ", "t"] in newer ones
        left, right = entry.split(" ") if isinstance(entry, str) else entry
        merges.append((parse_token(left), parse_token(right)))
    special_tokens, added_tokens, normalized = _parse_added(
        data.get("added_tokens") or [], names
    )
    # A word that has been marked since is still made by its merge, inside of others.
    made = {to_alphabet(left + right) for left, right in merges} | _BYTE_OF.keys()
    for text in special_tokens.keys() | added_tokens.keys():
        if text not in made:
            names.pop(text, None)
    ids = [*names.values(), *special_tokens.values(), *added_tokens.values()]
    if not all(type(i) is int and i >= 0 for i in ids):
        raise InklingError("an id is not a whole number from 0 up")
    vocabulary = {parse_token(name): i for name, i in names.items()}
    if model.get("unk_token") and any(
        bytes([byte]) not in vocabulary for byte in range(256)
    ):
        raise InklingError(
            "it has no tokens for some bytes and uses unk_token instead; that is not"
            " built here"
        )
    return Parts(merges, special_tokens, pattern, vocabulary, added_tokens, normalized)


def _parse_added(
    tokens: list[dict], names: dict[str, int]
) -> tuple[dict[str, int], dict[str, int], frozenset[str]]:
    """The special tokens, the added ones that are not special, and those that are
    looked for last.
    """
    special_tokens, added_tokens, normalized = {}, {}, set()
    ids = dict(names)  # of every text so far
    largest = -1  # id of an added token so far
    for token in tokens:
        text, special = token["content"], token.get("special", False)
        late = token.get("normalized", not special)
        if not isinstance(text, str) or not text:
            raise InklingError(f"an added token is {text!r:.60} instead of a text")
        if any(token.get(name) for name in CONDITIONS):
            raise InklingError(
                f"the added token {text!r} has conditions on its neighbours"
                f" ({', '.join(name for name in CONDITIONS if token.get(name))}): white"
                " space around it would be lost, or it would depend on what stands"
                " there. That is not built here"
            )
        if text in special_tokens or text in added_tokens:
            raise InklingError(f"the added token {text!r} is there twice")
        # `tokenizers` takes the id from the vocabulary or counts on, whatever the file
        # says: two ids for one text are better refused.
        expected = ids.get(text, max(len(names), largest + 1))
        if token["id"] != expected:
            raise InklingError(
                f"the added token {text!r} should have the id {expected}, and has"
                f" {token['id']!r:.60}"
            )
        ids[text] = expected
        largest = max(largest, expected)
        (special_tokens if special else added_tokens)[text] = expected
        if late:
            normalized.add(text)
    return special_tokens, added_tokens, frozenset(normalized)


def _refuse_steps(data: dict) -> None:
    """Name what else the file does to a text or to its ids: none of it is built here,
    and saving would lose it.
    """
    found = [
        f"the {name} {step['type']}"
        for name, list_name, harmless in (
            ("normalizer", "normalizers", ()),
            ("post_processor", "processors", ("ByteLevel",)),
            ("decoder", "decoders", ("ByteLevel",)),
        )
        for step in _steps(data.get(name), list_name)
        if step["type"] not in harmless and not _puts_nothing_in(step)
    ]
    found += [name for name in ("truncation", "padding") if data.get(name) is not None]
    if found:
        raise InklingError(
            f"it has {', '.join(found)}, and here a text is neither changed nor cut nor"
            " added to on its way. If you can do without, set that to null in the file"
        )


def _steps(step: dict | None, list_name: str) -> list[dict]:
    """A step of the file, or the steps of a sequence of them."""
    if step is None:
        return []
    if step["type"] != "Sequence":
        return [step]
    return [each for inner in step[list_name] for each in _steps(inner, list_name)]


def _puts_nothing_in(step: dict) -> bool:
    """Whether it is a template of the text alone, with no token before or after it."""
    template = step["single"] if step["type"] == "TemplateProcessing" else ()
    return len(template) == 1 and "Sequence" in template[0]


def parse_token(name: str) -> bytes:
    """The bytes of the token called `name`. Raises InklingError where it has none."""
    token = from_alphabet(name)
    if not token:
        raise InklingError(
            f"token {name!r} is not in GPT-2's byte alphabet, so the tokenizer is not"
            " byte-level"
        )
    return token


def _parse_pattern(pre_tokenizer: dict) -> str:
    steps = (
        pre_tokenizer["pretokenizers"]
        if pre_tokenizer["type"] == "Sequence"
        else [pre_tokenizer]
    )
    last = steps[-1]
    if last["type"] == "ByteLevel" and not last.get("add_prefix_space"):
        if last.get("use_regex", True):
            if len(steps) == 1:
                return GPT2_PATTERN
            if (
                len(steps) == 2
                and steps[0]["type"] == "Digits"
                and steps[0].get("individual_digits")
            ):
                return DIGITS_PATTERN
        elif (
            len(steps) == 2
            and steps[0]["type"] == "Split"
            and "Regex" in steps[0]["pattern"]
        ):
            if steps[0]["behavior"] == "Isolated" and not steps[0].get("invert"):
                if isinstance(pattern := steps[0]["pattern"]["Regex"], str):
                    return pattern
    raise InklingError(
        "its pre_tokenizer cuts text in a way not built here (built: GPT-2's,"
        " SmolLM2's, one Split)"
    )
