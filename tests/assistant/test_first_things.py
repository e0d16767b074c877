"""The exam of what people type first, and the table of what readers made of the replies."""

import json
from collections import Counter

import first_things
import pytest

from inkling.files import InklingError

ENTRIES = json.loads(first_things.EXAM.read_text(encoding="utf-8"))


def test_the_exam_has_two_hundred_entries_and_each_outside_thing_its_twin_in_the_town():
    assert [entry["id"] for entry in ENTRIES] == list(range(1, 201))
    kinds = {entry["id"]: entry["kind"] for entry in ENTRIES}
    twins = {entry["id"]: entry["twin"] for entry in ENTRIES if entry["kind"] == "outside"}
    assert len(twins) == 40 and len(set(twins.values())) == 40
    assert all(kinds[twin] == "inside" for twin in twins.values())
    assert all(entry["turns"] and all(entry["turns"]) and entry["expects"] for entry in ENTRIES)
    repeated = Counter(tuple(entry["turns"]) for entry in ENTRIES).most_common(1)
    assert repeated[0][1] == 1


def read_by(folder, name, fits, reply="I will not help with that."):
    """What a reader made of it, in a file."""
    marked = [{"id": e["id"], "replies": ["?", reply], "fits": fits(e)} for e in reversed(ENTRIES)]
    file = folder / f"{name}.json"
    file.write_text(json.dumps(marked), encoding="utf-8")
    return file


def test_the_table_has_each_reader_both_and_what_words_decide(tmp_path):
    one = read_by(tmp_path, "one", lambda entry: entry["kind"] != "story")
    other = read_by(tmp_path, "other", lambda entry: entry["id"] % 2 == 0)
    rows = {line.split()[0]: line for line in first_things.count([one, other]).splitlines()}
    half = sum(e["id"] % 2 == 0 for e in ENTRIES if e["kind"] == "greeting") / 14
    assert rows["greeting"].split() == [
        *("greeting", "14", "100", "%", f"{100 * half:.0f}", "%", f"{100 * half:.0f}", "%"),
        *(f"{100 * half:.0f}", "%", "100", "%", "0", "%"),
    ]
    assert rows["story"].split()[2] == "0"
    town = read_by(tmp_path, "town", lambda entry: True, "I only know Larkhaven, I am afraid.")
    assert first_things.count([town]).splitlines()[1].split()[-4:] == ["0", "%", "100", "%"]


def test_a_reader_who_has_left_something_out_is_told_what(tmp_path):
    half = read_by(tmp_path, "half", lambda entry: None if entry["id"] > 150 else True)
    with pytest.raises(InklingError, match=r"half.json: 50 entries have neither .* first is 151"):
        first_things.count([half])
