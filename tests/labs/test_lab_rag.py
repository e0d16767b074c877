"""The RAG lab: documents of any kind, questions of any kind, and the attack that can be stopped."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timezone

import numpy as np
import pytest
from mutants.rag import town as shared_town

from inkling.files import InklingError
from inkling.labs import rag_panels as panels
from inkling.labs import rag_town
from inkling.reading.passages import Passage

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def town():
    return shared_town()


def upload(*files: tuple[str, bytes]) -> tuple[dict, ...]:
    return tuple(
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": NOW,
        }
        for name, content in files
    )


# --- what is measured -----------------------------------------------------------------------------


def test_vectors_are_those_of_the_embedder_and_kept(town, monkeypatch):
    some = [town.passages[0], Passage("a", "The boat leaks."), town.passages[0]]
    vectors = town.vectors(some)
    alone = town.embedder.encode(town.tokenizer, ["The boat leaks."])
    assert np.allclose(vectors[1], alone[0], atol=1e-5) and np.array_equal(vectors[0], vectors[2])
    asked, encode = [], town.embedder.encode

    def watched(tokenizer, texts):
        asked.extend(texts)
        return encode(tokenizer, texts)

    monkeypatch.setattr(town.embedder, "encode", watched)
    assert np.array_equal(town.vectors(some), vectors) and asked == []


def test_each_search_finds_its_own_passage(town):
    passages = [Passage("a", "Ruth keeps the keys."), Passage("b", "The bell is old.")]
    for kind in rag_town.SEARCHES:
        assert town.retriever(passages, kind).search("Who has the keys?", 1)[0].passage.id == "a", (
            kind
        )
    with pytest.raises(InklingError, match="no search by 'smell'"):
        town.retriever(passages, "smell")


def test_a_lie_is_of_the_right_kind_and_not_the_truth(town):
    for number, question in enumerate(town.questions[:60]):
        lie = rag_town.lie_about(town, question, number)
        assert lie != town.truth(question) and lie != question.fact[0]
        (told,) = rag_town.poison(question, lie)
        assert told.text.startswith(question.text) and lie in told.text
        (plain,) = rag_town.poison(question, lie, repeat=False)
        assert question.text not in plain.text and lie in plain.text


def test_entries_cut_as_the_library_cuts_them_are_the_librarys(town):
    own = rag_town.recut(rag_town.entries(town), limit=12)
    library = {p.text for p in town.passages if p.source == "person entry"}
    assert {passage.text for passage in own} == library


def test_the_story_that_the_lab_tells(town):
    """One notice fools some, entries only fools nobody, agreement costs most of the clean
    answers.
    """
    asked = rag_town.victims(town, seed=5, n=10)
    clean, attacked = rag_town.attack(town, asked, 0), rag_town.attack(town, asked, 3)
    assert clean.right > 0.8 and clean.fooled == 0 and attacked.fooled > 0.8
    safe = rag_town.attack(town, asked, 3, "entries only")
    assert safe.right > 0.8 and safe.fooled == 0
    careful = rag_town.attack(town, asked, 0, "agreement")
    assert careful.right < 0.6 and careful.neither > 0.3
    assert rag_town.attack(town, asked, 3, "agreement").fooled > 0.5


def test_a_filter_is_given_ten_and_the_reader_sees_three(town):
    given = []

    def keep_all(question, found):
        given.append(len(found))
        return found

    (answer,) = rag_town.answer_all(town, town.questions[:1], [], keep_all)
    assert given == [10] and len(answer.passages) == 3
    with pytest.raises(InklingError, match="no defence called 'prayer'"):
        rag_town.answer_all(town, town.questions[:1], [], "prayer")


# --- documents of your own ------------------------------------------------------------------------


def test_own_documents_are_cut_and_found(town):
    panel = panels.own_documents(
        town, "Ruth keeps the keys. She is kind. The bell is old.", "Who has the keys?"
    )
    assert "1 document," in panel.line.value and "Ruth keeps the keys." in panel.page.value
    panel.controls["limit"].value = 4
    assert "3 passages, the longest has 4 words" in panel.line.value
    panel.controls["overlap"].value = 10**6  # held at the end of the slider
    assert panel.controls["overlap"].value == 3
    panel.controls["kind"].value = "words"
    panel.controls["query"].value = "xyzzy"
    assert "Nothing is found" in panel.line.value
    panel.controls["query"].value = "  "
    assert "Type what to search for" in panel.line.value


def test_files_that_are_no_text_get_a_sentence(town):
    panel = panels.own_documents(town, "", "keys")
    assert "There is no text to search" in panel.line.value
    panel.controls["files"].value = upload(
        ("note.txt", b"Ruth keeps the keys."),
        ("picture.png", b"\x89PNG\r\n\x1a\n\xff\xfe"),
        ("empty.txt", b""),
        ("zeros.bin", b"\0\0\0"),
        ("<b>x</b>.txt", b" \n"),
    )
    line = panel.line.value
    for remark in (
        "picture.png is no text",
        "empty.txt is empty",
        "zeros.bin holds signs",
        "&lt;b&gt;x&lt;/b&gt;.txt",
    ):
        assert remark in line, remark
    assert "1 document, 1 passage," in line and "Ruth keeps the keys." in panel.page.value


def test_a_huge_text_is_cut_short_and_says_so(town):
    panel = panels.own_documents(town, "keys", "keys")
    panel.controls["kind"].value = "words"
    panel.controls["text"].value = "Ruth keeps the keys of the house. " * 10_000
    assert (
        "the first 200,000 are read" in panel.line.value
        and "the first 1,500 are indexed" in panel.line.value
    )
    assert panel.page.value.count("<div") == 3


def test_markup_stays_text(town):
    panel = panels.own_documents(town, "<script>alert(1)</script> has the keys & more.", "keys")
    assert (
        "<script>" not in panel.page.value
        and "&lt;script&gt;" in panel.page.value
        and "&amp;" in panel.page.value
    )


def test_a_folder_is_read_and_a_wrong_path_gets_a_sentence(town, tmp_path):
    panel = panels.own_documents(town, "", "keys")
    panel.controls["folder"].value = str(tmp_path)
    assert "holds no file that ends in" in panel.line.value
    (tmp_path / "one.txt").write_text("Ruth keeps the keys.", encoding="utf-8")
    (tmp_path / "two.md").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "three.exe").write_bytes(b"not read")
    panel.controls["folder"].value = str(tmp_path) + "/"
    assert "two.md is no text" in panel.line.value and "1 document," in panel.line.value
    assert "Ruth keeps" in panel.page.value
    with open(tmp_path / "vast.csv", "wb") as file:
        file.truncate(30_000_000)  # a hole: it takes no space on the disk
    assert "vast.csv is larger than 20 MB" in " ".join(panels.read_texts(str(tmp_path))[1])
    panel.controls["query"].value = ""
    assert "Type what to search for" in panel.line.value and not panel.page.value, (
        "the finds of an earlier search"
    )
    panel.controls["query"].value = "keys"
    for path in (str(tmp_path / "one.txt"), "/no/such/place", "a\0b", "~nobody-of-that-name/x"):
        panel.controls["folder"].value = path
        assert "no folder that can be read" in panel.line.value, path
    for number in range(60):
        (tmp_path / f"more {number:02}.txt").write_text(f"Key {number}.", encoding="utf-8")
    assert (
        len(panels.read_texts(str(tmp_path))[0]) < 60
        and "first 50" in panels.read_texts(str(tmp_path))[1][0]
    )


# --- asking and attacking -------------------------------------------------------------------------


def test_asking_answers_and_cites(town):
    desk = panels.ask_panel(town)
    assert (
        "That is right" in desk.line.value
        and "It cites entry" in desk.line.value
        and "cited" in desk.page.value
    )
    desk.controls["examples"].value = desk.controls["examples"].options[3]
    assert desk.controls["question"].value == desk.controls["examples"].value
    for asked, remark in (
        ("", "the query is empty"),
        ("why " * 400, "ask in fewer words"),
        ("<i>x</i>?", "Nobody here"),
    ):
        desk.controls["question"].value = asked
        assert remark in desk.line.value and "<i>" not in desk.line.value + desk.page.value, asked[
            :9
        ]
    desk.controls["defence"].value = "agreement"
    assert "only for the questions in the list" in desk.line.value


def test_a_notice_is_believed_and_a_defence_stops_it(town):
    desk = panels.ask_panel(town)
    question = town.questions[114]
    desk.controls["question"].value = question.text
    desk.controls["notice"].value = "   "
    assert "That is right" in desk.line.value and "planted" not in desk.page.value
    desk.controls[
        "notice"
    ].value = f"<u>{question.fact[0]}</u> is a baker. {question.fact[0]} works as a baker."
    desk.controls["copies"].value = 3
    assert (
        "It believes your notice" in desk.line.value
        and "<u>" not in desk.page.value
        and "planted" in desk.page.value
    )
    desk.controls["defence"].value = "entries only"
    assert "That is right" in desk.line.value and "planted" not in desk.page.value
    desk.controls["defence"].value = "none"
    desk.controls["copies"].value = 0
    assert "That is right" in desk.line.value


def test_the_sweep_keeps_its_curves_and_stops(town, monkeypatch):
    panel = panels.sweep(town, most=1)
    worker, drawn, go = panel.worker, panel.plot.drawn, threading.Event()
    calls = []

    def made_up(town, asked, n_notices, defence, k):
        calls.append((defence, n_notices, len(asked), k))
        assert go.wait(60)
        return rag_town.Outcome(1.0 - n_notices, float(n_notices))

    monkeypatch.setattr(panels, "attack", made_up)
    worker.stop()
    assert "Nothing is running" in worker.line.value
    panel.controls["questions"].value = 10**6
    worker.start()
    worker.start()
    assert "running already" in worker.line.value
    worker.stop()
    worker.stop()
    go.set()
    assert worker.wait(60) and worker.state == "stopped"
    assert calls == [("none", 0, 60, 3)] and panel.plot.drawn == drawn + 1
    for defence in ("none", "agreement"):
        panel.controls["defence"].value = defence
        worker.start()
        assert worker.wait(60) and worker.state == "done", worker.line.value
    assert panel.plot.drawn == drawn + 1 + 4 and calls[-1][:2] == ("agreement", 1)
    assert "agreement, 1 notices on each of 60 questions: 100% fooled" in panel.line.value


def test_the_sweep_runs_for_real(town):
    panel = panels.sweep(town, most=1)
    panel.controls["questions"].value = 5
    panel.controls["k"].value = 1
    panel.worker.start()
    assert panel.worker.wait(120) and panel.worker.state == "done"
    assert re.search(
        r"none, 1 notices on each of 5 questions: \d+% fooled", panel.plot.widget.value
    )
