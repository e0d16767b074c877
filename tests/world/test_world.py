"""Larkhaven: the same bytes everywhere, spans that cover the text, and an account of bits that is
exact.
"""

import hashlib
import math
import re
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.world import KINDS, World
from inkling.world.documents import VALUES, boat_facts
from inkling.world.facts import ANSWERS, QUESTIONS, STATEMENTS, person_value
from inkling.world.people import FIRST_NAMES, PERSON_ATTRIBUTES, stranger_names
from inkling.world.writer import Wordings, Writer, free, zipf

WORLD = World(0)


def fingerprint(world: World, n_bytes: int = 200_000) -> str:
    return hashlib.sha256(
        "\f".join(d.text for d in world.documents(n_bytes)).encode("ascii")
    ).hexdigest()


def test_same_seed_same_bytes_in_another_process_with_another_hash_seed():
    code = (
        "import hashlib; from inkling.world import World;print(hashlib.sha256('\\f'.join(d.text for"
        " d in World(0).documents(200_000)).encode('ascii')).hexdigest())"
    )
    for hash_seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed, "PATH": ""},
        )
        assert out.stdout.strip() == fingerprint(WORLD)


def test_another_seed_is_another_town():
    other = World(1)
    assert fingerprint(other) != fingerprint(WORLD)
    assert [p.trade for p in other.people] != [p.trade for p in WORLD.people]


def test_a_document_does_not_depend_on_what_was_written_before():
    assert WORLD.document(7).text == WORLD.documents(20_000)[7].text


def test_only_random_random_is_used():
    """`shuffle`, `choice`, `sample` and friends may draw differently in another Python version."""
    import inkling.world as package

    folder = package.__path__[0]
    import pathlib

    for path in pathlib.Path(folder).glob("*.py"):
        calls = re.findall(
            r"\brandom\.(?:shuffle|choices?|sample|randint|randrange|gauss|uniform)\(",
            path.read_text(),
        )
        assert not calls, f"{path.name} uses {calls}"


def test_the_town_has_the_size_it_promises():
    assert (len(WORLD.people), len(WORLD.newcomers), len(WORLD.places), len(WORLD.boats)) == (
        200,
        60,
        40,
        12,
    )
    assert len(WORLD.asked_about) == 160
    assert len(set(WORLD.first_names)) == 200


def test_newcomers_and_people_kept_out_of_questions_never_slip_in():
    text = "\n".join(document.text for document in WORLD.documents(3_000_000))
    for newcomer in WORLD.newcomers:
        assert newcomer.name not in text
    questions = "\n".join(line for line in text.split("\n") if line.endswith("?"))
    in_quizzes = set(re.findall(r"Question: [^\n]*?\b([A-Z][a-z]+)\?", questions))
    for person in WORLD.people:
        if not person.in_questions:
            assert person.name not in in_quizzes, f"{person.name} is held out of questions"


def test_strangers_names_are_composed_in_one_way_only():
    names = stranger_names()
    assert len(names) == len(set(names)) > 5_000
    assert not set(names) & set(FIRST_NAMES)


def test_spans_cover_the_text_without_gaps():
    for document in WORLD.documents(200_000):
        assert document.spans[0].start == 0
        assert document.spans[-1].end == len(document.text)
        for left, right in zip(document.spans, document.spans[1:], strict=False):
            assert left.end == right.start
        assert {span.kind for span in document.spans} <= set(KINDS)


def test_facts_told_are_the_worlds_facts():
    entries = [d for d in WORLD.documents(1_000_000) if d.kind == "person entry"]
    assert len(entries) > 100
    for document in entries:
        person = WORLD.person(document.text.split(" ", 1)[0])
        for attribute in PERSON_ATTRIBUTES:
            assert person_value(person, attribute) in document.text


def test_zipf_sums_to_one_and_its_bits_are_its_probabilities():
    for n in (1, 2, 7, 40):
        cumulative, bits = zipf(n)
        assert cumulative[-1] == 1.0
        assert math.isclose(math.fsum(2.0**-b for b in bits), 1.0)


@given(st.integers(1, 50), st.text(max_size=5))
@settings(max_examples=50, deadline=None)
def test_choose_books_the_bits_of_a_uniform_choice(n, seed):
    writer = Writer(seed)
    writer.choose(range(n), "free")
    assert math.isclose(writer.bits["free"], math.log2(n), abs_tol=1e-12)


def test_draw_counts_repeated_options_once():
    writer = Writer("x")
    writer.draw("aaaa", "free")
    assert writer.bits["free"] == 0.0


def test_booked_bits_are_the_true_surprisal_of_the_text():
    """Short documents come up often enough to meet nearly all of them: their probabilities must sum
    to one.
    """
    counts, bits = Counter(), {}
    total = 40_000
    for i in range(total):
        writer = Writer(f"frequency/{i}")
        boat_facts(WORLD, writer)
        start = writer.text[:60]
        counts[start] += 1
        bits[writer.text] = sum(writer.bits.values())
    # Every text has one account only, whatever choices made it.
    again = {}
    for i in range(total, 2 * total):
        writer = Writer(f"frequency/{i}")
        boat_facts(WORLD, writer)
        again.setdefault(writer.text, sum(writer.bits.values()))
    common = set(bits) & set(again)
    assert len(common) > 1_000
    assert all(math.isclose(bits[t], again[t]) for t in common)
    # And the probabilities of all texts sum to one: nothing is booked twice, nothing is left out.
    # The sample is large enough to have met nearly every boat's facts.
    assert 0.99 < math.fsum(2.0**-b for b in (bits | again).values()) < 1.0 + 1e-9


def test_cross_entropy_of_the_generator_with_itself_matches_frequencies():
    """Entropy estimated from the bits equals the entropy estimated from counts, on a document with
    few outcomes.
    """
    counts, total_bits, n = Counter(), 0.0, 60_000
    for i in range(n):
        writer = Writer(f"entropy/{i}")
        name = writer.choose(("Ada", "Ben"), "free")
        writer.tell(ANSWERS["food"], name=free(name), value=free(writer.choose(VALUES["food"][:3])))
        counts[writer.text] += 1
        total_bits += sum(writer.bits.values())
    from_counts = -math.fsum(c / n * math.log2(c / n) for c in counts.values())
    assert abs(total_bits / n - from_counts) < 0.01


def matcher(template_pieces, values):
    names = "|".join(["She", "He", *FIRST_NAMES, "Tormar"])
    pattern = "".join(
        (
            re.escape(text)
            if not slot
            else f"(?:{names})"
            if text in ("who", "name")
            else f"(?:{values})"
        )
        for text, slot in template_pieces
    )
    return re.compile(pattern + r"\Z")


@pytest.mark.parametrize(
    "table", [STATEMENTS, QUESTIONS, ANSWERS], ids=["statements", "questions", "answers"]
)
def test_a_sentence_determines_its_wording(table):
    """No two wordings, of one attribute or of two, can make the same sentence: the booked bits are
    exact.
    """
    values = {a: "|".join(map(re.escape, VALUES.get(a, FIRST_NAMES))) for a in PERSON_ATTRIBUTES}
    matchers = [
        (a, t, matcher(p, values[a]))
        for a in table
        for w in [table[a]]
        for t, p in zip(w.templates, w.usual + w.unseen, strict=True)
    ]
    for attribute, wordings in table.items():
        value = VALUES.get(attribute, FIRST_NAMES)[0]
        for template in wordings.templates:
            sentence = template.format(who="She", name="Tormar", value=value)
            hits = [(a, t) for a, t, m in matchers if m.match(sentence)]
            assert hits == [(attribute, template)], f"{sentence!r} could come from {hits}"


def test_a_wording_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        Wordings("{who} waves.", "{who} waves.")


def test_held_out_wordings_never_occur_in_training_text():
    text = "\n".join(d.text for d in WORLD.documents(2_000_000))
    assert "shares every secret with" not in text
    assert "Which trade did" not in text
    held_out = "\n".join(d.text for d in WORLD.documents(300_000, stream="held-out"))
    assert "shares every secret with" in held_out


def test_exam_covers_every_fact_and_knows_who_was_asked_about():
    exam = WORLD.exam()
    assert len(exam) == 1_200
    assert sum(not q.asked_in_training for q in exam) == 240
    assert all(q.person in q.prompt and q.prompt.endswith("\nAnswer:") for q in exam)


def test_a_hamlet_dwells_on_a_few_people_and_leaves_the_town_as_it_is():
    few = WORLD.hamlet(7)
    assert len(few.people) == 7 and len(WORLD.people) == 200
    names = {document.text.split()[0] for document in few.documents(20_000, only="person entry")}
    assert (
        names
        == {person.name for person in few.people}
        <= {person.name for person in WORLD.asked_about}
    )


def test_an_entry_is_unlike_the_others_on_its_boat():
    """Entries that repeat each other would be dropped as near-duplicates, and with them the facts
    they tell.
    """
    entries = [document.text for document in WORLD.documents(100_000, only="boat entry")]
    assert len(set(entries)) > 0.99 * len(entries)


def test_bad_input_says_what_to_do():
    with pytest.raises(InklingError, match="a hamlet of 1 people cannot be; take 2 to 160"):
        WORLD.hamlet(1)
    with pytest.raises(InklingError, match="at least one byte"):
        WORLD.documents(0)
    with pytest.raises(InklingError, match="nobody in Larkhaven"):
        WORLD.person("Zaphod")


def test_ten_megabytes_of_entropy_are_about_as_stable_as_one():
    """The bound is an average over documents; half the documents give the same bound within its
    standard error.
    """
    documents = WORLD.documents(1_000_000)
    rates = [d.total_bits / len(d.text) for d in documents]
    half = len(rates) // 2
    mean = [sum(r[:half]) / half for r in (rates, rates[half:])]
    assert abs(mean[0] - mean[1]) < 0.01
