"""Mutated files against everything that reads a file from outside.

    python tools/fuzz.py                            # every target, 20 seconds each
    python tools/fuzz.py html jsonl --seconds 60 --seed 7

Whatever stands in a file, a reader answers with its content or with an `InklingError`; any other
exception is a crash. A crash is printed with the input, cut down as far as it stays the same, and
the exit status is 1. What was found here has a test beside the reader's other tests.

The loop is the one of AFL: take an input from the pool, damage it, run it, and keep it if it
reached a pair of lines, one after the other, that no input reached before. The lines are those of
`inkling`, seen through `sys.settrace`, so it needs nothing installed. One seed, one run: the same
inputs in the same order, as many as there is time for.
"""

import argparse
import copy
import io
import json
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import inkling
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.real.gguf import GGUF
from inkling.real.pretrained import model_of, tokenizer_of
from inkling.text.cleaning import text_of_html
from inkling.text.corpus import load_corpus
from inkling.text.tokenizer import DIGITS_PATTERN, Tokenizer

LIBRARY = str(Path(inkling.__file__).parent)
LONGEST = 4000  # bytes of an input; a reader's time is for the tests of linear time


@dataclass(frozen=True)
class Target:
    """`run` gives the bytes to a reader. `seeds`: inputs that it reads, which the first mutations
    start from. `words`: what a file of this kind is made of, to be put in anywhere. `damage`:
    another way to damage an input, one that leaves the file's frame whole.
    """

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    damage: Callable[[bytes, Random], bytes] | None = None


def from_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A run that writes its bytes to a file called `name` and gives that to `read`."""
    folder = Path(tempfile.mkdtemp(prefix="inkling-fuzz-"))

    def run(data: bytes) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return run


def from_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A run that gives its bytes as text: what is no UTF-8 becomes halves of surrogate pairs."""
    return lambda data: read(data.decode("utf-8", "surrogateescape"))


def parquet_file() -> bytes:
    import pyarrow
    import pyarrow.parquet

    file = io.BytesIO()
    table = pyarrow.table({"text": ["Ada bakes.", "café"], "n": [1, 2]})
    pyarrow.parquet.write_table(table, file, compression="none")
    return file.getvalue()


# --- Models and tokenizers, as small as can be ----------------------------------------------------

SMALL = ModelConfig(5, context_length=4, d_model=2, n_layers=1, n_heads=1, n_kv_heads=1, d_ff=2)
MERGES = [(b"a", b"b"), (b"ab", b"c")]
VOCABULARY = {b"a": 0, b"b": 1, b"c": 2, b"ab": 3, b"abc": 4}
TOKENIZER = Tokenizer(MERGES, {"<|endoftext|>": 5}, vocabulary=VOCABULARY, added_tokens={"<t>": 6})


def read_tokenizer(path: Path) -> None:
    """Load it, use it, save it and load it again."""
    tokenizer = Tokenizer.load(path)
    for allow_special in (False, True):
        ids = tokenizer.encode("abcab <t>1\n<|endoftext|>é", allow_special)
        tokenizer.decode(ids)
    tokenizer.save(path.with_name("again.json"))
    assert Tokenizer.load(path.with_name("again.json")).encode("abc") == tokenizer.encode("abc")


def saved(tokenizer: Tokenizer) -> bytes:
    """Its tokenizer.json, without the white space."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(Path(folder) / "tokenizer.json")
        data = json.loads((Path(folder) / "tokenizer.json").read_bytes())
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def read_gguf(path: Path) -> None:
    """Everything that is in it."""
    file = GGUF(path)
    for name in file.tensors:
        file.read(name)
    for read in (model_of, tokenizer_of):
        with suppress(InklingError):
            read(file)


def part_of_a_folder(name: str) -> tuple[Callable[[bytes], object], bytes]:
    """A run that gives a model's folder another file `name`, and the file that was there."""
    folder = Path(tempfile.mkdtemp(prefix="inkling-fuzz-"))
    Transformer(SMALL).save_pretrained(folder)
    if name == "config.json":  # nothing inside of the weights says more
        weights = (folder / "model.safetensors").read_bytes()
        end = 8 + int.from_bytes(weights[:8], "little")
        header = json.loads(weights[8:end])
        del header["__metadata__"]
        short = json.dumps(header).encode()
        new = len(short).to_bytes(8, "little") + short + weights[end:]
        (folder / "model.safetensors").write_bytes(new)

    def run(data: bytes) -> object:
        (folder / name).write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Transformer.from_pretrained(folder)

    return run, (folder / name).read_bytes()


def gguf_file() -> bytes:
    """The same model and tokenizer in a GGUF file."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def value(content: str | int | float | list[str] | list[int]) -> bytes:
        if isinstance(content, list):
            kind = 8 if isinstance(content[0], str) else 5
            items = [text(i) if isinstance(i, str) else struct.pack("<i", i) for i in content]
            return struct.pack("<IIQ", 9, kind, len(content)) + b"".join(items)
        if isinstance(content, str):
            return struct.pack("<I", 8) + text(content)
        kind, letter = (6, "f") if isinstance(content, float) else (4, "I")
        return struct.pack(f"<I{letter}", kind, content)

    entries = {
        "general.architecture": "llama",
        "llama.context_length": 4,
        "llama.embedding_length": 2,
        "llama.block_count": 1,
        "llama.feed_forward_length": 2,
        "llama.attention.head_count": 1,
        "llama.rope.freq_base": 10000.0,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": ["a", "b", "ab", "<|endoftext|>", "<t>"],
        "tokenizer.ggml.token_type": [1, 1, 1, 3, 4],
        "tokenizer.ggml.merges": ["a b"],
    }
    layer = "attn_norm attn_q attn_k attn_v attn_output ffn_norm ffn_gate ffn_up ffn_down"
    names = ["token_embd", "output_norm", *(f"blk.0.{name}" for name in layer.split())]
    head, table, weights = struct.pack("<4sIQQ", b"GGUF", 3, len(names), len(entries)), b"", b""
    for key, content in entries.items():
        head += text(key) + value(content)
    for name in names:
        shape = (2,) if name.endswith("norm") else (2, 5) if name == "token_embd" else (2, 2)
        table += text(f"{name}.weight") + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        table += struct.pack("<IQ", 0, len(weights))
        weights += bytes(4 * 2 * (shape[1] if len(shape) == 2 else 1)).ljust(32, b"\0")
        weights += bytes(-len(weights) % 32)
    head += table
    return head + bytes(-len(head) % 32) + weights


STRANGE = (
    *(None, True, False, 0, 1, -1, 2, 3, 5, 6, 1.5, 2**31, 2**63, 10**12, 10**400, float("nan")),
    *("", "a", "ab", "<t>", "é", "\ud800", "Ġ", [], {}, [[]], [0], ["a", "b"]),
    {"type": "Sequence"},
)


def places(value: object) -> list[tuple[Any, Any]]:
    """Everything inside of a JSON value: what holds it, and where."""
    if not isinstance(value, (dict, list)):
        return []
    inner = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [(value, key) for key, _ in inner] + [p for _, each in inner for p in places(each)]


def damaged_json(data: bytes, random: Random) -> bytes:
    """JSON that is whole, and in which one to three values are others, gone or moved."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    for _ in range(random.choice((1, 1, 2, 3))):
        if not (there := places(value)):
            break
        holder, key = random.choice(there)
        other, name = random.choice(there)
        action = random.randrange(5)
        if action == 0:
            del holder[key]
        elif action == 1 and isinstance(holder, dict):
            holder[name if isinstance(name, str) else "type"] = holder.pop(key)
        elif action == 2 and other is not holder:
            holder[key] = copy.deepcopy(other[name])
        else:
            holder[key] = copy.deepcopy(random.choice(STRANGE))
    return json.dumps(value).encode()


def damaged_weights(data: bytes, random: Random) -> bytes:
    """A safetensors file of the right form around another header."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = damaged_json(data[8:end], random)
    return len(header).to_bytes(8, "little") + header + data[end:]


def damaged_in_place(data: bytes, random: Random) -> bytes:
    """Other bytes, as many, in one to three places."""
    for _ in range(random.choice((1, 1, 2, 3))):
        new = random.choice((*GGUF_WORDS, bytes([random.randrange(256)]), b"\xff"))
        start = random.randrange(len(data) + 1)
        data = data[:start] + new + data[start + len(new) :]
    return data


JSON_WORDS = b'{ } [ ] " , : \\ \\ud83d null true false 0 -1 1.5 NaN 1e999 "" [] {} \xff \0 '.split(
    b" "
)
TOKENIZER_WORDS = (
    b'"special": "normalized": "lstrip": "type":"Sequence" "NFC" "ByteLevel" "added_tokens": "id":'
    b' "content": "merges": "vocab": "post_processor": "normalizer": "Split" "pattern": "Regex":'
    b' "unk_token": "<t>" "a b" ["a","b"] \xc4\xa0'
).split(b" ")
CONFIG_WORDS = (
    b'"num_hidden_layers": "hidden_size": "vocab_size": "head_dim": "rope_parameters":'
    b' "rope_scaling": "rope_type": "factor": "tie_word_embeddings": "max_position_embeddings":'
    b' "rms_norm_eps": "intermediate_size": "num_attention_heads":'
).split(b" ")
WEIGHTS_WORDS = (
    b'"dtype": "F32" "F16" "BF16" "F64" "I8" "U8" "BOOL" "F8_E4M3" "C64" "shape": "data_offsets":'
    b' "__metadata__": "lm_head.weight": "model.norm.weight":'
).split(b" ")
GGUF_WORDS = (
    *(struct.pack("<I", number) for number in (0, 1, 3, 8, 9, 10, 2**31, 2**32 - 1)),
    *(struct.pack("<Q", number) for number in (0, 1, 2**31, 2**40, 2**63, 2**64 - 1)),
    *(struct.pack("<f", number) for number in (0.0, -1.0, float("nan"), float("inf"))),
    b"general.alignment",
    b"llama.rope.scaling.factor",
    b"llama.attention.head_count_kv",
    b"output.weight",
)
run_config, config_file = part_of_a_folder("config.json")
run_weights, weights_file = part_of_a_folder("model.safetensors")


TARGETS: dict[str, Target] = {
    "tokenizer": Target(
        from_file("tokenizer.json", read_tokenizer),
        (
            saved(TOKENIZER),
            saved(Tokenizer(MERGES, vocabulary=VOCABULARY, pattern=r"\w+|\W")),
            saved(Tokenizer((), ["<|endoftext|>"], DIGITS_PATTERN, {b"1": 0})),
        ),
        (*JSON_WORDS, *TOKENIZER_WORDS),
        damaged_json,
    ),
    "config": Target(run_config, (config_file,), (*JSON_WORDS, *CONFIG_WORDS), damaged_json),
    "safetensors": Target(
        run_weights, (weights_file,), (*JSON_WORDS, *WEIGHTS_WORDS), damaged_weights
    ),
    "gguf": Target(from_file("fuzz.gguf", read_gguf), (gguf_file(),), GGUF_WORDS, damaged_in_place),
    "html": Target(
        from_text(text_of_html),
        (
            b"<!DOCTYPE html><html><head><title>T</title></head><body><nav><a href='/'>Home</a>"
            b"</nav><p>Bread &amp; <b>butter</b>,<br>fresh.</p><pre>a\n  b</pre></body></html>",
            b"<form><table><tr><td>1<td>2</table><ul><li>x<li>y</ul></form><!-- c --><p>z",
        ),
        tuple(
            b"< > </ /> & ; &# &#x <! <!-- --> <![CDATA[ ]]> = \" ' \0 <a <p> </p> <div> <nav>"
            b" </div> </nav> <style> <pre> </pre> <script> </script> <form> <svg> <title> <br>"
            b" <table> <article> <header> <textarea> <plaintext> <template> &nbsp; &#55296;".split(
                b" "
            )
        ),
    ),
    "jsonl": Target(
        from_file("fuzz.jsonl", load_corpus),
        (
            b'{"text": "Bread and butter."}\n{"text": "caf\\u00e9", "n": [1, 2.5, null, true]}\n',
            b'[{"text": "a"},\n {"text": "b"}]\n',
            '\ufeff{"text": "東京 😀"}\r\n\n{"text": "b"}'.encode(),
        ),
        tuple(
            b'{ } [ ] " , : \\ \\u \\ud83d "text" null true NaN -Infinity 1e999 \n \r\n \0 \xff\xfe'
            b" \xef\xbb\xbf \x1f\x8b PAR1".split(b" ")
        ),
    ),
    "parquet": Target(
        from_file("fuzz.parquet", load_corpus),
        (parquet_file(),),
        (b"PAR1", b"\xff\xff\xff\x7f", b"text"),
    ),
    "txt": Target(
        from_file("fuzz.txt", load_corpus),
        (b"One.\n<|endoftext|>\nTwo.", "café".encode("utf-16"), "café".encode("cp1252")),
        (b"<|endoftext|>", b"\xff\xfe", b"\xfe\xff", b"\0", b"\x1f\x8b", b"\xef\xbb\xbf", b"\r\n"),
    ),
}


# --- One run, watched -----------------------------------------------------------------------------

Lines = set[tuple[str, int, int]]


@contextmanager
def watched(found: Lines) -> Iterator[None]:
    """Inside of this, every step from one line of the library to the next goes into `found`."""

    def enter(frame: FrameType, event: str, argument: object):
        name = frame.f_code.co_filename
        if not name.startswith(LIBRARY):
            return None
        before = 0

        def step(frame: FrameType, event: str, argument: object):
            nonlocal before
            if event == "line":
                found.add((name, before, frame.f_lineno))
                before = frame.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(None)


def crash_of(target: Target, data: bytes) -> tuple[str, Exception] | None:
    """How `target` breaks on `data`: a name for the place and kind, and what was raised."""
    try:
        target.run(data)
    except InklingError:
        return None
    except Exception as error:  # that is what we are looking for
        ours = [f for f in traceback.extract_tb(error.__traceback__) if LIBRARY in f.filename]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "outside"
        return f"{type(error).__name__} at {where}", error
    return None


# --- Mutations ------------------------------------------------------------------------------------


def mutated(data: bytes, pool: list[bytes], words: tuple[bytes, ...], random: Random) -> bytes:
    """`data` damaged in one to eight places."""
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        a, b = sorted(random.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + random.choice((1, 4, 16, 400)))
        part, other = data[a:b], random.choice(pool)
        start = random.randrange(len(other) + 1)
        new = random.choice(
            (
                b"",  # cut out
                bytes([random.randrange(256)]),
                bytes(byte ^ 1 << random.randrange(8) for byte in part[:1]) + part[1:],
                random.choice(words) if words else b"\0",
                part + (random.choice(words) if words else b"\xff"),
                part * random.choice((2, 3, 40)),
                other[start : start + random.choice((4, 30, 400))],
                str(random.choice((0, -1, 1, 2**31, 2**63, 2**64, 10**400))).encode(),
            )
        )
        data = data[:a] + new + data[b:]
    return data[:LONGEST]


def smallest(target: Target, data: bytes, name: str) -> bytes:
    """`data` cut down while it crashes in the same way."""
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            shorter = data[:start] + data[start + size :]
            crash = crash_of(target, shorter)
            if crash and crash[0] == name:
                data = shorter
            else:
                start += size
        size //= 2
    return data


# --- The loop -------------------------------------------------------------------------------------


def fuzz(
    name: str, target: Target, seconds: float, seed: int, most_crashes: int = 20
) -> dict[str, bytes]:
    """Runs `target` for so many seconds, or until there are `most_crashes`, and prints what came of
    it. Returns the crashes: the kind and place, and a small input for each.
    """
    random, seen, crashes = Random(seed), set(), {}
    pool, waiting = [], list(target.seeds)
    runs, slowest, stop = 0, 0.0, time.perf_counter() + seconds
    while (waiting or time.perf_counter() < stop) and len(crashes) < most_crashes:
        if waiting:
            data = waiting.pop()
        elif target.damage and random.random() < 0.7:
            data = target.damage(random.choice(pool), random)
        else:
            data = mutated(random.choice(pool), pool, target.words, random)
        lines: Lines = set()
        start = time.perf_counter()
        with watched(lines):
            crash = crash_of(target, data)
        slowest = max(slowest, time.perf_counter() - start)
        runs += 1
        if crash and crash[0] not in crashes:
            crashes[crash[0]] = smallest(target, data, crash[0])
            print(f"  {name}: {crash[0]}: {crash[1]}\n    {crashes[crash[0]]!r}", flush=True)
        if not pool or not lines <= seen:
            seen |= lines
            pool.append(data)
    print(
        f"{name}: {runs:,} runs, seed {seed}, {len(pool)} inputs kept, {len(seen):,} pairs of lines"
        f" reached, slowest {slowest:.2f} s, {len(crashes)} crashes",
        flush=True,
    )
    return crashes


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutated files against the readers of files.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=20.0, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if unknown := sorted({*options.targets} - {*TARGETS}):
        parser.error(f"no target {', '.join(unknown)}; there is {', '.join(TARGETS)}")
    found = [
        fuzz(name, TARGETS[name], options.seconds, options.seed)
        for name in options.targets or TARGETS
    ]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
