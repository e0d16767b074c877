"""The labs: their checks accept the solutions they hide, and name the likely mistakes."""

from __future__ import annotations

import math
import re
from collections import Counter

import learner_copies
import nbformat
import pytest
from conftest import ROOT

from inkling.labs import tokenizer as lab
from inkling.labs.checking import judge
from inkling.tokenizer import Tokenizer
from inkling.world import World

LABS = [path for path in learner_copies.masters() if path.stem != "start"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The tokenizer that the lab trains."""
    pages = [document.text for document in World(seed=0).documents(300_000, seed=1)]
    return Tokenizer.train(pages, vocab_size=1280)


def hidden_solutions(path) -> list[str]:
    """The code behind each solution's click, in order."""
    text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")
    return re.findall(r"<details>.*?```python\n(.*?)```.*?</details>", text, re.DOTALL)


# --- every lab ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_a_lab_says_that_it_must_be_run(path):
    text = path.read_text(encoding="utf-8")
    assert "run-me-live" in text and "Run me live." in text


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_a_lab_uses_no_widget_that_breaks_on_colab(path):
    code = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
    assert not re.search(r"\b(Tab|Accordion)\(", code)


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_every_exercise_has_minutes_a_difficulty_a_check_and_a_solution(path):
    cells = nbformat.read(path, as_version=4).cells
    exercises = [i for i, c in enumerate(cells) if c.source.startswith("### Exercise")]
    assert 3 <= len(exercises) <= 6
    assert len(hidden_solutions(path)) == len(exercises)
    for i in exercises:
        assert re.search(r"\*\d+ minutes, (easy|medium|hard)\.\*", cells[i].source), cells[i].source[:60]
        assert cells[i + 1].cell_type == "code" and "lab.check_" in cells[i + 1].source, cells[i].source[:60]


# --- the start page -------------------------------------------------------------------------------------------------

START = ROOT / "labs" / "start.ipynb"


def start_text() -> str:
    return "\n".join(c.source for c in nbformat.read(START, as_version=4).cells)


def test_the_start_page_leads_through_the_labs_in_the_books_order():
    toc = re.findall(r"file: labs/(\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| \[[^\]]+\]\((\w+)\.ipynb\) \| \d+ \|", start_text(), re.MULTILINE)
    assert toc == ["start", *rows] and sorted(rows) == [path.stem for path in LABS]
    part = (ROOT / "book" / "part_labs.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(\.\./labs/(\w+)\.ipynb\)", part) == toc


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_the_start_page_says_of_a_lab_what_it_says_itself(path):
    title, minutes = re.search(
        rf"^\| \[([^\]]+)\]\({path.stem}\.ipynb\) \| (\d+) \|", start_text(), re.MULTILINE
    ).groups()
    own = nbformat.read(path, as_version=4).cells[0].source.replace("About an hour", "About 60 minutes")
    assert own.lower().startswith(f"# lab: {title.lower()}\n"), f"{title!r} is not the title of {path.name}"
    assert f"*About {minutes} minutes for you." in own


def test_the_start_pages_links_lead_to_notebooks():
    links = re.findall(r"\]\(([\w./]+\.ipynb)\)", start_text())
    assert links and not [link for link in links if not (START.parent / link).exists()]


def test_the_start_page_runs_the_self_test_and_says_how_to_begin():
    assert "selftest();" in start_text() and "make lab" in start_text() and "run-me-live" in start_text()


def test_make_lab_opens_the_learners_copies_at_the_start_page(tmp_path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lab:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    copies, jupyter = recipe.splitlines()
    assert "tools/learner_copies.py workshop" in copies and jupyter.endswith("workshop/start.ipynb")
    assert "root_dir=." in jupyter, "the start page links to the chapters, which lie outside of workshop/"
    for name in (".gitignore", "_config.yml"):
        assert "workshop/" in (ROOT / name).read_text(encoding="utf-8"), f"{name} must leave the learner's copies alone"
    assert learner_copies.write_copies(tmp_path) == []
    assert (tmp_path / "start.ipynb").exists()


# --- the tokenizer lab ----------------------------------------------------------------------------------------------


def test_the_hidden_solutions_of_the_tokenizer_lab_are_right(tokenizer):
    names = {}
    for solution in hidden_solutions(ROOT / "labs" / "tokenizer.ipynb"):
        exec(solution, names)  # the lab's own text, as a reader would paste it
    assert lab.check_most_frequent_pair(names["most_frequent_pair"])
    assert lab.check_merge(names["merge"])
    assert lab.check_same_word(tokenizer, names["word"])
    assert lab.check_worst_text(tokenizer, names["expensive"])
    assert lab.check_bits_per_byte(names["bits_per_byte"])


def pairs(ids):
    return Counter(zip(ids, ids[1:], strict=False))


def test_a_wrong_most_frequent_pair_is_named(capsys):
    def by_bytes(ids, pair, token_bytes):
        return pairs(ids)[pair], (token_bytes[pair[0]], token_bytes[pair[1]])

    wrong = {
        "how often": lambda ids, tb: max(pairs(ids).values()),
        "pair of ids": lambda ids, tb: [1, 2],
        "equally frequent": lambda ids, tb: max(pairs(ids), key=pairs(ids).get),
        "ties by the ids": lambda ids, tb: max(pairs(ids), key=lambda p: (pairs(ids)[p], p)),
        "steps of two": lambda ids, tb: max(
            list(zip(ids[::2], ids[1::2], strict=False)),
            key=lambda p: (Counter(zip(ids[::2], ids[1::2], strict=False))[p], tb[p[0]], tb[p[1]]),
        ),
        "IndexError": lambda ids, tb: ids[99],
    }
    for reason, answer in wrong.items():
        assert not lab.check_most_frequent_pair(answer)
        assert reason in capsys.readouterr().out, reason


def merge_with(step, last=True, backwards=False):
    def merge(ids, pair, new_id):
        merged, i = [], 0
        while i < len(ids) - (0 if last else 1):
            if tuple(ids[i : i + 2]) == pair:
                merged.append(new_id)
                i += step
            else:
                merged.append(ids[i])
                i += 1
        return merged

    if backwards:
        return lambda ids, pair, new_id: merge_with(2)(ids[::-1], pair[::-1], new_id)[::-1]
    return merge


def merge_in_place(ids, pair, new_id):
    ids[:] = merge_with(2)(ids, pair, new_id)
    return ids


def test_a_wrong_merge_is_named(capsys):
    wrong = {
        "change the list": merge_in_place,
        "return nothing": lambda ids, pair, new_id: None,
        "i += 2": merge_with(1),
        "The last token": merge_with(2, last=False),
        "from the right": merge_with(2, backwards=True),
    }
    for reason, answer in wrong.items():
        assert not lab.check_merge(answer)
        assert reason in capsys.readouterr().out, reason


def test_a_wrong_word_or_text_is_named(tokenizer, capsys):
    common = next(t.decode() for t in map(tokenizer.token_bytes, range(400, 1280)) if t.isalpha() and t.istitle())
    for word, reason in {" boat": "Leave the space out", "xylophone": "tokens here, not one", common: ""}.items():
        assert not lab.check_same_word(tokenizer, word)
        assert reason in capsys.readouterr().out
    for text, reason in {"short": "10 characters", "plain letters": "made of", "æøåæøåæøåæøå": "on the way"}.items():
        assert not lab.check_worst_text(tokenizer, text)
        assert reason in capsys.readouterr().out, reason


def test_a_wrong_conversion_is_named(capsys):
    ln2 = math.log(2)
    wrong = {
        "nats a byte": lambda loss, t, b: loss * t / b,
        "divide": lambda loss, t, b: loss * t * ln2 / b,
        "bits a token": lambda loss, t, b: loss / ln2,
        "wrong way round": lambda loss, t, b: loss * b / (t * ln2),
        "logarithm of 10": lambda loss, t, b: loss * t / (b * math.log(10)),
        "Return a number": lambda loss, t, b: None,
    }
    for reason, answer in wrong.items():
        assert not lab.check_bits_per_byte(answer)
        assert reason in capsys.readouterr().out, reason


def test_an_exercise_not_yet_done_waits(tokenizer, capsys):
    def stub(*_):
        raise NotImplementedError

    assert not lab.check_merge(stub) and not lab.check_same_word(tokenizer, None)
    assert capsys.readouterr().out.count("not done yet") == 2
    assert not judge("E", lambda: 1 / 0) and "ZeroDivisionError" in capsys.readouterr().out


def test_what_the_lab_shows_is_what_the_tokenizer_does(tokenizer):
    text = "The <b>boat</b> & é 🙂\n"
    shown = lab.show_tokens(tokenizer, text)
    ids = tokenizer.encode(text)
    assert [int(i) for i in re.findall(r"<small>(\d+)</small>", shown)] == ids
    assert "<b>boat" not in shown and "&amp;" in shown, "what a reader types must not become markup"
    assert f"{len(ids)} tokens" in shown and "F0" in shown
    assert len(re.findall("<small>", lab.show_tokens(tokenizer, text, n_merges=0))) == len(text.encode())
    assert "0 tokens" in lab.show_tokens(tokenizer, "")
