"""Our GGUF reader against the `gguf` package, and on files that are cut off, damaged or of another
kind.
"""

import struct

import gguf
import numpy as np
import pytest
import real

from inkling.files import InklingError
from inkling.real.gguf import GGUF, TYPES


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    real.write(path, real.tensors())
    return path


@pytest.mark.parametrize("kind", [block.name for block in TYPES.values()])
def test_tensors_are_the_gguf_packages(kind, tmp_path):
    real.write(tmp_path / "file.gguf", real.tensors(), kind)
    ours, theirs = GGUF(tmp_path / "file.gguf"), gguf.GGUFReader(tmp_path / "file.gguf")
    assert list(ours.tensors) == [tensor.name for tensor in theirs.tensors]
    for tensor in theirs.tensors:
        weight = ours.read(tensor.name)
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert weight.dtype == np.float32 and weight.flags.writeable
        np.testing.assert_array_equal(weight, expected.reshape(tuple(tensor.shape)[::-1]))
    assert {info.type.name for info in ours.tensors.values()} == {"F32", "Q8_0", kind}


def test_metadata_of_every_kind(tmp_path):
    values = {
        "uint8": 200,
        "int8": -3,
        "uint16": 40_000,
        "int16": -300,
        "uint32": 4_000_000_000,
        "int32": -70_000,
        "float32": 0.5,
        "bool": True,
        "string": "naïve ☕",
        "uint64": 2**63,
        "int64": -(2**40),
        "float64": 0.1,
        "array": [1, 2, 3],
    }
    writer = gguf.GGUFWriter(tmp_path / "file.gguf", "llama")
    for kind, value in values.items():
        getattr(writer, f"add_{kind}")(f"x.{kind}", value)
    writer.add_array("x.strings", ["", "Ġt", "é"])
    writer.add_array("x.floats", [0.25, -1.0])
    writer.add_tensor("t", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_custom_alignment(64)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    file = GGUF(tmp_path / "file.gguf")
    found = {
        name.removeprefix("x."): value
        for name, value in file.metadata.items()
        if name.startswith("x.")
    }
    assert found == {**values, "strings": ["", "Ġt", "é"], "floats": [0.25, -1.0]}
    assert file.tensors["t"].start % 64 == 0
    assert file.read("t").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_file_cut_off_anywhere_is_refused(tiny, tmp_path):
    whole, cut = tiny.read_bytes(), tmp_path / "cut.gguf"
    head = min(info.start for info in GGUF(tiny).tensors.values())
    for length in [4, 5, 8, 23, 24, *range(25, head, 97), head, len(whole) // 2, len(whole) - 64]:
        cut.write_bytes(whole[:length])
        with pytest.raises(InklingError, match=r"cut off or damaged \(.*Fetch it again"):
            GGUF(cut)


@pytest.mark.parametrize(
    "content", [b"", b"GGU", b"PK\x03\x04" + bytes(50), b"\x80\x04pickle", b"FUGG" + bytes(50)]
)
def test_what_is_no_gguf_file_is_refused(content, tmp_path):
    (tmp_path / "file.gguf").write_bytes(content)
    with pytest.raises(InklingError, match="is not a GGUF file: it begins with"):
        GGUF(tmp_path / "file.gguf")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InklingError, match="cannot open .*nowhere.gguf: No such file"):
        GGUF(tmp_path / "nowhere.gguf")
    for path in (tmp_path, "a\0b"):
        with pytest.raises(InklingError, match="cannot open"):
            GGUF(path)


def test_damaged_bytes_in_the_head_never_end_in_another_error(tiny, tmp_path):
    """Any byte of the head may be wrong: the file opens, or says that it is damaged, soon and
    without much memory.
    """
    whole, path, rng = tiny.read_bytes(), tmp_path / "bad.gguf", np.random.default_rng(0)
    head = min(info.start for info in GGUF(tiny).tensors.values())
    refused = 0
    for at in [*range(4, 200), *rng.integers(200, head, 200)]:
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        try:
            GGUF(path)
        except InklingError:
            refused += 1
    assert refused > 50


def with_head(tmp_path, n_tensors: int, n_entries: int, rest: bytes):
    """A file of this head, and of nothing else."""
    path = tmp_path / "made.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_entries) + rest)
    return path


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


@pytest.mark.parametrize(
    "head, message",
    [
        (
            (1, 0, text("t") + struct.pack("<I1000QIQ", 1000, *[1] * 1000, 0, 0) + bytes(64)),
            "t should have 1,000 dimensions",
        ),
        (
            (1, 0, text("t") + struct.pack("<I2QIQ", 2, 0, 2**63, 0, 0) + bytes(64)),
            "t has the shape .*, which F32 cannot hold",
        ),
        ((1, 0, text("t") + struct.pack("<I2QIQ", 2, 2**40, 2**40, 0, 0)), "should end at byte"),
        ((2**63, 0, b""), "it should go on for 8 more"),
        ((0, 2**63, b""), "it should go on for 8 more"),
        ((0, 1, struct.pack("<Q", 2**63)), "it should go on for 9,223,372,036,854,775,808 more"),
        ((0, 1, text("a") + struct.pack("<IIQ", 9, 8, 2**63)), "a list should have"),
        ((0, 1, text("a") + struct.pack("<IIQ", 9, 12, 3) + bytes(8)), "it should go on for 24"),
        ((0, 1, text("a") + struct.pack("<I", 77)), "KeyError: 77"),
        ((0, 1, text("a") + struct.pack("<IIQ", 9, 9, 1) + bytes(9)), "KeyError: 9"),
        ((0, 2, (text("a") + struct.pack("<IB", 0, 1)) * 2), "a is there twice"),
        (
            (2, 0, (text("t") + struct.pack("<IQIQ", 1, 1, 0, 0)) * 2 + bytes(64)),
            "a tensor is there twice",
        ),
        (
            (0, 1, text("general.alignment") + struct.pack("<II", 4, 0)),
            "alignment is 0",
        ),
        (
            (0, 1, text("general.alignment") + struct.pack("<I?", 7, True)),
            "alignment is True",
        ),
    ],
)
def test_a_length_in_the_head_is_believed(head, message, tmp_path):
    with pytest.raises(InklingError, match=f"is cut off or damaged .*{message}"):
        GGUF(with_head(tmp_path, *head))


def test_another_version_or_byte_order(tiny, tmp_path):
    for version in (struct.pack("<I", 1), struct.pack("<I", 4), struct.pack(">I", 3)):
        (tmp_path / "file.gguf").write_bytes(b"GGUF" + version + tiny.read_bytes()[8:])
        with pytest.raises(InklingError, match="versions 2 and 3 can be read"):
            GGUF(tmp_path / "file.gguf")


def test_a_type_that_is_not_built_is_named(tmp_path):
    weights = {"x.weight": np.zeros((2, 32), np.float32)}
    real.write(tmp_path / "file.gguf", weights, "Q5_0")
    with pytest.raises(
        InklingError, match=r"weights of x.weight are of type 6, and only F32 \(0\).*Q4_1 \(3\)"
    ):
        GGUF(tmp_path / "file.gguf")


def test_an_unknown_tensor_is_named(tiny):
    with pytest.raises(
        InklingError, match="holds no tensor 'wte'; it has 20, for example token_embd.weight"
    ):
        GGUF(tiny).read("wte")
