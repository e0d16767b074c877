"""The fuzzer: it finds what is planted, and a moment of it over every reader finds nothing."""

import fuzz
import pytest

from inkling.files import InklingError
from inkling.text.duplicates import words_of


def brittle(data: bytes) -> None:
    if len(words_of(data.decode("latin-1"))) > 40:
        raise InklingError("that is no crash")
    if b"<b>" in data and b"\xff" in data:
        raise KeyError("planted")


def test_a_planted_crash_is_found_and_cut_down(capsys):
    target = fuzz.Target(brittle, (b"some <i>text</i> of a page",), (b"<b>", b"\xff", b" a b c"))
    crashes = fuzz.fuzz("brittle", target, seconds=20, seed=0, most_crashes=1)
    assert [sorted(data) for data in crashes.values()] == [sorted(b"<b>\xff")]
    assert "KeyError" in next(iter(crashes)) and "seed 0" in capsys.readouterr().out


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_a_moment_of_it_finds_no_crash(name):
    assert fuzz.fuzz(name, fuzz.TARGETS[name], seconds=0.5, seed=0) == {}
