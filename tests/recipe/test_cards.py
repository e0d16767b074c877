"""A card says which form it has; what cannot be read or shown is refused in a sentence."""

from __future__ import annotations

import copy
import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import checkpoints
from inkling.files import InklingError
from inkling.recipe import cards

SHIPPED = json.loads((checkpoints.path("base") / "card.json").read_text(encoding="utf-8"))
STAGES = ("sft", "reward", "rlhf", "embedder", "rag")


def test_what_is_written_is_read_and_says_its_format(tmp_path):
    given_one = {"name": "base", "scores": {"gold": 0.5}, "format": "another's"}
    written = cards.write(tmp_path / "base", given_one)
    assert written == cards.read(tmp_path / "base") == given_one | {"format": cards.FORMAT}
    text = (tmp_path / "base" / "card.json").read_text(encoding="utf-8")
    assert text.startswith(f'{{\n "format": {cards.FORMAT},') and text.endswith("}\n")
    assert given_one["format"] == "another's", "the caller's card stays as it is"


def test_every_shipped_card_is_read():
    paths = sorted(checkpoints.path("base").parent.rglob("card.json"))
    assert len(paths) > 10 and all(cards.read(path.parent)["name"] for path in paths)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"scores": ', "is damaged: it is no JSON"),
        ("", "is damaged: it is no JSON"),
        ("[" * 100_000, "is damaged: it is no JSON"),
        ('{"name": "\udcff"}', "is damaged: it is no JSON"),
        ("[]", "holds a list"),
        ("null", "holds a NoneType"),
        ('{"format": "1"}', "its format is '1'"),
        ('{"format": 0}', "its format is 0"),
        ('{"format": true}', "its format is True"),
        ('{"format": 1.0}', "its format is 1.0"),
        ('{"format": null}', "its format is None"),
        ('{"format": 3}', "of format 3, and this Inkling.* reads up to 2: a newer one wrote it"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused(text, reason, tmp_path):
    (tmp_path / "card.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    for read in (cards.read, cards.read_card):
        with pytest.raises(InklingError, match=reason):
            read(tmp_path)


def test_no_card_is_a_sentence(tmp_path):
    (tmp_path / "folder" / "card.json").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "nowhere", tmp_path / "folder"):
        with pytest.raises(InklingError, match="cannot read .*card.json"):
            cards.read(folder)
        with pytest.raises(InklingError, match="holds no card.json"):
            cards.read_card(folder)


@pytest.mark.parametrize("stage", STAGES)
def test_a_newer_card_of_any_stage_is_refused(stage, tmp_path):
    for name in ("base", *STAGES):
        (tmp_path / name).mkdir()
        shutil.copy(checkpoints.path(name) / "card.json", tmp_path / name)
    assert set(cards.read_card(tmp_path)["assistant"]) == set(STAGES)
    newer = cards.read(tmp_path / stage) | {"format": cards.FORMAT + 1}
    (tmp_path / stage / "card.json").write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(InklingError, match=rf"{re.escape(stage)}/card.json is of format 3"):
        cards.read_card(tmp_path)


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Where something stands in a JSON value: the keys that lead there."""
    inner = value.items() if isinstance(value, dict) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
BROKEN = [name for name in ("scores", "cost", "careful") if name in SHIPPED]


@given(
    st.sampled_from(
        [place for place in places(SHIPPED) if place and place[0] in BROKEN] + [("assistant",)]
    ),
    st.none() | st.tuples(JSON),
)
@settings(deadline=None)
def test_whatever_stands_in_a_card_it_is_shown_or_refused(place, instead):
    """instead: None takes the entry out."""
    card = copy.deepcopy(SHIPPED)
    *way, last = place
    inner = card
    for key in way:
        inner = inner[key]
    if instead is None:
        inner.pop(last, None)
    else:
        inner[last] = instead[0]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "card.json").write_text(json.dumps(card), encoding="utf-8")
        try:
            cards.report_card([cards.read_card(folder)])
        except InklingError as error:
            assert "is damaged" in str(error)
