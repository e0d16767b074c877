import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.text.corpus import load_corpus


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


# --- The file that was named, and the column that was asked for -----------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["q[1]", "q*", "q?", "{q,r}", "[!a]1", "**", "q::1", "q#1", "~q"])
@pytest.mark.parametrize("kind", [".jsonl", ".json", ".parquet", ".txt"])
def test_signs_of_a_pattern_in_a_name_are_part_of_the_name(tmp_path, name, kind):
    def put(path, text):
        path.parent.mkdir(exist_ok=True)
        if kind == ".parquet":
            parquet(path, text=[text])
        else:
            write(path, text if kind == ".txt" else jsonl({"text": text}))

    for folder in (tmp_path, tmp_path / name):
        for other in ("q1", "qq", "q", "r", "b1"):
            put(folder / f"{other}{kind}", "another file")
        put(folder / f"{name}{kind}", "this file")
        assert load_corpus(folder / f"{name}{kind}") == ["this file"]


others = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2024-01-01"),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=5,
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(
    ["2024-01-01", "2024-01-01T00:00:00Z", "1", "null", "true", "[1]", "a\u2028b\x85c\x0bd\r\ne"]
)
rows = st.lists(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), others, max_size=3)
    .filter(lambda row: "text" not in row)
    .flatmap(lambda row: texts.map(lambda text: row | {"text": text})),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(rows, st.booleans(), st.sampled_from([None, 2]), st.booleans())
def test_whatever_else_stands_in_a_json_file_the_texts_come_back(rows, ascii, indent, a_list):
    if a_list:
        written = json.dumps(rows, ensure_ascii=ascii, indent=indent)
    else:
        written = "\n".join(json.dumps(r, ensure_ascii=ascii, indent=indent) for r in rows)
    wanted = [row["text"].strip("\n") for row in rows if row["text"].strip()]
    with tempfile.TemporaryDirectory() as folder:
        # (halves of characters can stand in the other columns)
        path = write(Path(folder) / "a.jsonl", written.encode("utf-8", "replace"))
        if wanted:
            assert load_corpus(path) == wanted
            assert load_corpus(path, limit=1) == wanted[:1]
        else:
            with pytest.raises(InklingError, match="holds no text"):
                load_corpus(path)


@settings(max_examples=30, deadline=None)
@given(st.lists(texts.filter(str.strip), min_size=1, max_size=9), st.sampled_from(["text", "a.b"]))
def test_texts_come_back_from_parquet_whatever_stands_beside_them(texts, column):
    table = pa.table(
        {
            "a": [{"b": "no", "text": "no"}] * len(texts),
            column: pa.array(texts).dictionary_encode() if len(texts) % 2 else texts,
            "n": [None] * len(texts),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(table, Path(folder) / "a.parquet", row_group_size=2)
        read = load_corpus(Path(folder) / "a.parquet", column=column)
    assert read == [text.strip("\n") for text in texts]


def test_plain_files_are_read_as_by_datasets(tmp_path):
    import datasets

    columns = {"n": list(range(50)), "text": [f"text {i} é 東 😀\n\u2028{i}" for i in range(50)]}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    files = {
        "json": write(tmp_path / "a.jsonl", jsonl(*rows)),
        "parquet": parquet(tmp_path / "a.parquet", **columns),
    }
    for kind, path in files.items():
        theirs = datasets.load_dataset(
            kind, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
        )
        assert load_corpus(path) == theirs["text"][:]


def test_a_column_that_only_some_rows_have_does_not_matter(tmp_path):
    # as long as it takes to be read in pieces
    many = [{"text": f"{i} " + "x" * 1000} for i in range(11_000)]
    path = write(tmp_path / "a.jsonl", jsonl(*many, {"text": "last", "n": 1}))
    assert load_corpus(path)[-1] == "last" and len(load_corpus(path)) == len(many) + 1
    long = f'{{"n": {"9" * 5000}, "text": "a"}}'
    assert load_corpus(write(tmp_path / "b.jsonl", long)) == ["a"]


def test_a_file_needs_no_home_to_write_to(tmp_path):
    write(tmp_path / "a.jsonl", jsonl({"text": "a"}))
    parquet(tmp_path / "a.parquet", text=["b"])
    code = (
        "import sys; from inkling.text.corpus import load_corpus;"
        "print(load_corpus('a.jsonl'), load_corpus('a.parquet'), 'datasets' in sys.modules)"
    )
    nowhere = str(write(tmp_path / "file", "") / "home")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment, "HOME": nowhere, "HF_HOME": nowhere, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.split("\n")[0] == "['a'] ['b'] False", done.stderr


def test_a_limit_reads_no_further(tmp_path):
    path = write(tmp_path / "a.jsonl", jsonl({"text": "a"}, {"text": "b"}) + "no JSON\n")
    assert load_corpus(path, limit=2) == ["a", "b"]


# --- What cannot be read, by its name -------------------------------------------------------------

LINE = b'{"text": "Ada bakes bread."}\n'
WRONG_JSON = {
    "cut off in a text": (LINE + LINE[:15], "line 2.*cut off"),
    "cut off after a value": (LINE + LINE[:-2], "line 2.*cut off"),
    "cut off in a word": (LINE + b'{"a": fals', "line 2.*cut off"),
    "cut off in a list": (b'[{"text": "a"},\n {"text": "b"},\n', "line 3.*cut off"),
    "cut off in a character": (LINE + '{"text": "東'.encode()[:-1], "line 2.*cut off"),
    "a word that is none": (LINE + b'{"text": oops}\n' + LINE, "line 2.*correct the line"),
    "that in the first line": (b'{"text": oops}\n' + LINE, "line 1.*correct the line"),
    "that in the last line": (LINE + b'{"text": oops}', "line 2.*correct the line"),
    "a line cut off by hand": (LINE + LINE[:9] + b"\n" + LINE, "line 2.*correct the line"),
    "CSV": (b"text,n\nAda,1\n", "line 1.*correct the line"),
    "null": (LINE + b'{"text": null}', "line 2: 'text' is null, not text"),
    "a number": (LINE + b"\n\n" + b'{"text": 1, "n": 2}', "line 4: 'text' is 1.*'text', 'n'"),
    "no such column": (LINE + b'{"story": "a"}', "line 2.*no column 'text'.*'story'"),
    "no object": (LINE + b'"Ada"', "line 2: 'Ada' is no object"),
    "no object in a list": (b'[{"text": "a"},\n3]', "3 is no object"),
    "half of a character": (LINE + b'{"text": "\\ud83d"}', "line 2.*half of a character"),
    "brackets": (LINE + b'{"text": ' + b"[" * 100_000, "line 2.*JSON"),
    "only brackets": (b"[" * 100_000, "line 1.*JSON"),
    "UTF-16": (LINE.decode().encode("utf-16"), "is UTF-16, not UTF-8.*iconv"),
    "no text": (b'\n{"text": " "}\n', "holds no text"),
}


@pytest.mark.parametrize("wrong", WRONG_JSON)
@pytest.mark.parametrize("kind", [".jsonl", ".json"])
def test_what_is_wrong_with_a_json_file_is_said_with_its_line(tmp_path, wrong, kind):
    data, message = WRONG_JSON[wrong]
    with pytest.raises(InklingError, match=message) as caught:
        load_corpus(write(tmp_path / f"a{kind}", data))
    assert ("cut off" in str(caught.value)) == ("cut off" in message)


ENGLISH, CHINESE = "Ada bakes bread.\n", "艾达在海港卖面包。\n"
WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", [ENGLISH, CHINESE, "a", ENGLISH * 1000, CHINESE * 1000])
def test_an_encoding_of_two_or_four_bytes_is_named(tmp_path, encoding, text):
    path = write(tmp_path / "a.txt", text.encode(encoding))
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    with pytest.raises(InklingError, match=f"is {name}, not UTF-8.*iconv -f {name} "):
        load_corpus(path)


PACKED = {
    "gzip": (gzip.compress(ENGLISH.encode()), "packed by gzip.*gunzip"),
    "zip": (b"PK\x03\x04\x14\x00\x06\x00", "ZIP archive"),
    "PDF": (b"%PDF-1.7\n", "a PDF"),
    "Parquet": (b"PAR1\x15\x04", "ends in .parquet"),
    "zeros": (ENGLISH.encode() * 9 + b"\0\0\0" + ENGLISH.encode(), "line 10.*zero byte"),
    "half of a character": ("café 東".encode()[:-1], "line 1.*cut off"),
    "an old encoding": (b"one\ncaf\xe9", "WINDOWS-1252"),
    "one after a mark": (b"\xef\xbb\xbfcaf\xe9\n", r"offset 6 \(line 1\).*WINDOWS-1252"),
}


@pytest.mark.parametrize("wrong", PACKED)
def test_what_is_no_text_is_named(tmp_path, wrong):
    data, message = PACKED[wrong]
    with pytest.raises(InklingError, match=message) as caught:
        load_corpus(write(tmp_path / "a.txt", data))
    assert ("WINDOWS" in str(caught.value)) == ("WINDOWS" in message)
    if wrong in ("gzip", "zip"):
        with pytest.raises(InklingError, match=message):
            load_corpus(write(tmp_path / "a.jsonl", data))


def test_what_is_wrong_with_a_parquet_file_is_said(tmp_path):
    whole = parquet(tmp_path / "a.parquet", text=["a", "b"], n=[1, 2]).read_bytes()
    damaged = bytearray(whole)
    damaged[-12:-8] = b"\xff" * 4
    for data, message in (
        (whole[: len(whole) // 2], "cut off"),
        (bytes(damaged), "damaged"),
        (b"PAR1PAR1", "damaged"),
        (LINE, "no Parquet file.*ending"),
        (b"", "no Parquet file"),
    ):
        with pytest.raises(InklingError, match=message) as caught:
            load_corpus(write(tmp_path / "wrong.parquet", data))
        assert ("cut off" in str(caught.value)) == (message == "cut off")
    for columns, message in (
        ({"story": ["a"], "n": [1]}, "no column 'text'.*'story', 'n'"),
        ({"story": []}, "no column 'text'.*'story'"),
        ({"text": pa.array([], pa.string())}, "holds no text"),
        ({"text": ["a", None]}, "row 2: 'text' is null, not text"),
        ({"text": [1, 2]}, "row 1: 'text' is 1, not text"),
        ({"text": [b"a"]}, "row 1: 'text' is b'a', not text"),
    ):
        with pytest.raises(InklingError, match=message):
            load_corpus(parquet(tmp_path / "b.parquet", **columns))
    bad = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    with pytest.raises(InklingError, match="row 1"):
        load_corpus(parquet(tmp_path / "c.parquet", text=bad))


# --- Arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Once upon a time there was a boat. " * 200, "a\0b.txt", "x" * 300 + ".txt", None, 3],
    ids=["text", "zero", "long name", "None", "number"],
)
def test_what_is_no_name_of_a_file_is_refused(name):
    with pytest.raises(InklingError, match="Expected the name of a file") as caught:
        load_corpus(name)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("limit", [0, -1, 1.5, 2.0, "3", True, float("nan")])
def test_a_limit_that_is_no_number_of_documents_is_refused(tmp_path, limit):
    for corpus in ("larkhaven", write(tmp_path / "a.txt", "a")):
        with pytest.raises(InklingError, match="limit is"):
            load_corpus(corpus, limit=limit)


@pytest.mark.parametrize("separator", ["", None, 3, b"\n"])
def test_a_separator_that_separates_nothing_is_refused(tmp_path, separator):
    with pytest.raises(InklingError, match="separator is"):
        load_corpus(write(tmp_path / "a.txt", "a b"), separator=separator)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = write(tmp_path / "a.txt", "a")
    path.chmod(0)
    with pytest.raises(InklingError, match="cannot be read"):
        load_corpus(path)
