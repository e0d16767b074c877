"""Texts out of files, and why a file cannot be read.

A file is opened by its name and nothing else: `datasets` would take `q[1].jsonl` for a
pattern, guess that "2024-01-01" is a date, and want a home to write to. Of a row only
the column with the text is looked at. Rows come one by one, so that who wants three
documents does not read a gigabyte.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inkling.files import InklingError

# How files begin that are taken for text, and what to do with them.
_UNPACK = "unpack it, and give the file that was in it"
_BEGINNINGS = {
    b"\x1f\x8b": ("packed by gzip", f"{_UNPACK}, as in: gunzip"),
    b"BZh": ("packed by bzip2", _UNPACK),
    b"\xfd7zXZ\0": ("packed by xz", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("packed by Zstandard", _UNPACK),
    b"PK\x03\x04": (
        "a ZIP archive or an office document",
        f"{_UNPACK}, or export text",
    ),
    b"%PDF": ("a PDF", "export its text"),
    b"PAR1": ("a Parquet file", "give it a name that ends in .parquet"),
    b"SQLite format 3": ("a database", "export its text"),
}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _not_text(path: Path, head: bytes) -> InklingError | None:
    """What is wrong with a file that begins so and should be text, if it shows there.

    UTF-16 and UTF-32 begin with a byte-order mark, or have zeros between the letters:
    which byte of a letter is zero tells which of them it is.
    """
    for beginning, (kind, cure) in _BEGINNINGS.items():
        if head.startswith(beginning):
            return InklingError(f"{path} is {kind}, not text: {cure}.")
    if (encoding := _wide_encoding(head)) is not None:
        return InklingError(
            f"{path} is {encoding}, not UTF-8. Convert it, as in: iconv -f {encoding}"
            f" -t UTF-8 {path.name} > utf8{path.suffix}"
        )
    return None


def _wide_encoding(head: bytes) -> str | None:
    for mark, encoding in (
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if head.startswith(mark):
            return encoding
    zeros, size = [head[i::4].count(0) for i in range(4)], len(head) // 4
    # of each four bytes the two high ones are zero
    if size and zeros[2] >= size and zeros[3] >= size:
        return "UTF-32LE"
    if size and zeros[0] >= size and zeros[1] >= size:
        return "UTF-32BE"
    few, many = sorted((zeros[0] + zeros[2], zeros[1] + zeros[3]))
    # Every other byte is zero in English; in Chinese only where there is a line end.
    if many > 10 * few and (many > len(head) / 8 or not _may_be_utf8(head)):
        return "UTF-16LE" if many == zeros[1] + zeros[3] else "UTF-16BE"
    return None


def _may_be_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _not_utf8(
    path: Path, line: int, offset: int, error: UnicodeDecodeError, is_last: bool
) -> InklingError:
    """`offset`: of the bytes that `error` is about, in the file. A lone é of an older
    encoding at the very end looks like half of a character; with other characters
    before it that are whole, it is one.
    """
    before, rest = error.object[: error.start], error.object[error.start :]
    half = error.reason == "unexpected end of data"
    if is_last and half and (len(rest) > 1 or not before.isascii()):
        return InklingError(
            f"{path}, line {line}: the file was cut off in the middle of a character:"
            " fetch it again."
        )
    return InklingError(
        f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} at offset"
        f" {offset + error.start} (line {line}) cannot be read. If you know its"
        f" encoding, convert it, as in: iconv -f WINDOWS-1252 -t UTF-8 {path.name} >"
        f" utf8{path.suffix}"
    )


def text_rows(path: Path, separator: str) -> list[str]:
    r"""The documents of a UTF-8 file, cut at each `separator`; \n ends their lines."""
    data = path.read_bytes()
    if (fault := _not_text(path, data[:4000])) is not None:
        raise fault
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, line, 0, error, is_last=True) from error
    if (zero := text.find("\0")) >= 0:
        line = text.count("\n", 0, zero) + 1
        raise InklingError(
            f"{path}, line {line}: there is a zero byte, and no text has one. The file"
            " is damaged, or it is no text: fetch it again, or convert it to UTF-8."
        )
    return text.replace("\r\n", "\n").split(separator)


# --- JSON -----------------------------------------------------------------------------


def json_rows(path: Path, column: str | None) -> Iterator[str]:
    """The text of each object in a JSON file: one object a line, or (looked for where
    the first line is no object) objects over several lines, or a list of them.
    """
    with path.open("rb") as file:
        if (fault := _not_text(path, file.read(4000))) is not None:
            raise fault
        file.seek(0)
        offset, first = 0, True
        for number, data in enumerate(file, start=1):
            line = _decoded(path, data, number, offset, last=not data.endswith(b"\n"))
            offset += len(data)
            if number == 1:
                line = line.removeprefix("\ufeff")
            if not line.strip():
                continue
            try:
                value = json.loads(line.rstrip("\r\n"), parse_int=_whole)
            except (ValueError, RecursionError) as error:
                if first and line.lstrip().startswith(("{", "[")):
                    rest = file.read()
                    text = line + _decoded(path, rest, number + 1, offset, last=True)
                    yield from _json_texts(path, number, text, column)
                    return
                is_end = not data.endswith(b"\n")
                raise _not_json(path, number, line, error, is_end) from error
            first = False
            for row in value if isinstance(value, list) else [value]:
                yield _text_of(path, f"line {number}", row, column)


def _whole(digits: str) -> float:
    """A whole number. Python refuses to read very long ones, and nobody asked."""
    return int(digits) if len(digits) < 4000 else float(digits)


def _decoded(path: Path, data: bytes, number: int, offset: int, last: bool) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        number += data.count(b"\n", 0, error.start)
        raise _not_utf8(path, number, offset, error, last) from error


def _json_texts(
    path: Path, number: int, text: str, column: str | None
) -> Iterator[str]:
    """The texts of JSON values that stand one after the other, however they are laid
    out. `number`: of the line where `text` begins.
    """
    decoder, place, line = json.JSONDecoder(parse_int=_whole), 0, number
    while place < len(text):
        if text[place].isspace():
            line += text[place] == "\n"
            place += 1
            continue
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise _not_json(path, number, text, error, is_end=True) from error
        for row in value if isinstance(value, list) else [value]:
            yield _text_of(path, f"line {line}", row, column)
        line += text.count("\n", place, end)
        place = end


def _not_json(
    path: Path, number: int, text: str, error: Exception, is_end: bool
) -> InklingError:
    """Why `text`, from line `number` on, is no JSON. The file was cut off if it ends
    with `text`, in the middle of a value, and only then.
    """
    if not isinstance(error, json.JSONDecodeError):
        return InklingError(
            f"{path}, line {number}: cannot be read as JSON ({error}). Expected an"
            " object with a text."
        )
    end = text.rstrip()
    at_end = error.pos >= len(end) or error.msg.startswith("Unterminated string")
    # (of `fals` the error is at the f)
    in_word = error.pos > len(end) - 10 and not end.endswith(("}", "]"))
    cut = is_end and end.lstrip().startswith(("{", "[")) and (at_end or in_word)
    cure = (
        "The file was cut off there: fetch it again, or delete the line."
        if cut
        else "Expected one object a line: correct the line, or delete it."
    )
    return InklingError(
        f"{path}, line {number + error.lineno - 1}: not a JSON object ({error.msg},"
        f" column {error.colno}). {cure}"
    )


def _text_of(source: Path | str, place: str, row: Any, column: str | None) -> str:
    """The text in a row: `place` says which row it is."""
    wanted = "text" if column is None else column
    if not isinstance(row, dict):
        raise InklingError(
            f"{source}, {place}: {_shown(row)} is no object. Expected one such as"
            f' {{"{wanted}": "..."}}.'
        )
    there = ", ".join(map(repr, row)) or "nothing"
    if wanted not in row:
        raise InklingError(
            f"{source}, {place}: there is no column {wanted!r}. Name one, column=...,"
            f" out of {there}."
        )
    text = row[wanted]
    if not isinstance(text, str):
        raise InklingError(
            f"{source}, {place}: {wanted!r} is {_shown(text)}, not text. There is"
            f" {there}."
        )
    if _LONE_SURROGATE.search(text):
        raise InklingError(
            f"{source}, {place}: {wanted!r} holds half of a character (a lone"
            r" surrogate, such as \ud83d). Write the whole one, or delete the row."
        )
    return text


def _shown(value: Any) -> str:
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."


# --- Parquet and the hub --------------------------------------------------------------


def parquet_rows(path: Path, column: str | None) -> Iterator[str]:
    """The text of each row of a Parquet file; no other column is read."""
    import pyarrow.parquet  # a second to import, and only these corpora need it

    wanted, number = "text" if column is None else column, 0
    try:
        with path.open("rb") as file:
            table = pyarrow.parquet.ParquetFile(file)
            names: list[str] = table.schema_arrow.names
            if wanted not in names:
                _text_of(path, "its schema", dict.fromkeys(names), wanted)
            for batch in table.iter_batches(1000, columns=[wanted]):
                # (a struct of the name before a dot would be there, too)
                values = batch.column(batch.schema.names.index(wanted))
                for value in values.to_pylist():
                    number += 1
                    row = dict.fromkeys(names) | {wanted: value}
                    yield _text_of(path, f"row {number}", row, wanted)
    except InklingError:
        raise
    except Exception as error:  # many kinds: of the file, of Parquet, of its encodings
        raise _not_parquet(path, number + 1, error) from error


def _not_parquet(path: Path, number: int, error: Exception) -> InklingError:
    with path.open("rb") as file:
        beginning = file.read(4)
        file.seek(-min(4, path.stat().st_size), 2)
        end = file.read()
    if beginning != b"PAR1":
        return InklingError(
            f"{path} is no Parquet file: it does not begin with PAR1. Give it the"
            " ending of what it is, such as .jsonl or .txt, or fetch it again."
        )
    if end != b"PAR1":
        return InklingError(
            f"{path} was cut off: a Parquet file ends with PAR1. Fetch it again."
        )
    return InklingError(
        f"{path} is damaged, near row {number}: {error}. Fetch it again, or write it"
        " anew where it came from."
    )


def hub_rows(name: str, column: str | None, split: str) -> Iterator[str]:
    """The text of each row of a data set of the Hugging Face hub; `datasets` streams
    it, so that a limit saves time and disk.
    """
    import datasets  # takes seconds to import, and only these corpora need it

    try:
        rows = datasets.load_dataset(name, split=split, streaming=True)
        for number, row in enumerate(rows, start=1):
            yield _text_of(name, f"row {number}", row, column)
    except InklingError:
        raise
    except ConnectionError as error:
        raise InklingError(
            f"could not fetch the data set {name!r}: the Hugging Face hub cannot be"
            f" reached ({error}). Check the network, or name a file on this machine, or"
            ' use load_corpus("larkhaven"), which needs neither.'
        ) from error
    except Exception as error:  # many kinds, of several libraries
        raise InklingError(
            f"could not open split {split!r} of {name!r}: {error}. Check both names on"
            " the hub."
        ) from error
