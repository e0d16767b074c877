import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.text.cleaning import (
    SAMPLES,
    drop_exam_questions,
    drop_low_quality,
    drop_rude,
    fix_encoding,
    languages,
    quality_faults,
    repair_encoding,
    strip_markup,
    text_of_html,
    without_secrets,
)
from inkling.text.corpus import clean, crawl, exam_prompts, load_corpus, prepare
from inkling.text.duplicates import (
    candidate_pairs,
    drop_exact_duplicates,
    drop_near_duplicates,
    jaccard,
    minhash,
    shingles,
    word_numbers,
)
from inkling.text.ngram import NGramModel
from inkling.world import World
from inkling.world.junk import LABELS, Dice, Page, html_page, misread, mojibake, near_copy

ROOT = Path(__file__).parents[2]
SHAKESPEARE = ROOT.parent / "shared" / "data" / "tinyshakespeare.txt"


def pages(*texts):
    return [Page(f"https://larkhaven.example/{i}", text) for i, text in enumerate(texts)]


@pytest.fixture(scope="module")
def world():
    return World(0)


@pytest.fixture(scope="module")
def raw(world):
    return crawl(world, 1_000_000)


@pytest.fixture(scope="module")
def cleaned(world, raw):
    return clean(raw, exam_prompts(world))


# --- The crawl ------------------------------------------------------------------------------------

DIGEST = """
import hashlib
from inkling.world import World
from inkling.world.junk import crawl
digest = hashlib.sha256()
for page in crawl(World(0), 60_000, seed=3):
    digest.update(repr((page.url, page.text, page.labels)).encode())
print(digest.hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_on_every_python():
    pythons = [sys.executable, sys.executable]
    pythons += [
        p for p in map(shutil.which, ("python3.10", "python3.12", "python3.13", "python3.14")) if p
    ]
    pythons += sorted(Path.home().glob(".pyenv/versions/3.1[0-9].*/bin/python"))
    digests = set()
    for number, python in enumerate(pythons):
        environment = {**os.environ, "PYTHONHASHSEED": str(number + 1), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [python, "-c", DIGEST], capture_output=True, text=True, env=environment, cwd=ROOT
        )
        # another Python on the path may be a stub that does not start
        if number < 2 or done.returncode == 0:
            digests.add(done.stdout.strip())
    assert len(digests) == 1 and len(digests.pop()) == 64


def test_another_seed_gives_other_pages_and_a_longer_crawl_begins_like_a_shorter_one(world):
    short, longer, other = crawl(world, 30_000), crawl(world, 60_000), crawl(world, 30_000, seed=1)
    assert longer[: len(short)] == short
    assert {p.text for p in other}.isdisjoint(p.text for p in short if len(p.text) > 200)


def test_every_kind_of_junk_occurs_and_the_labels_are_true(raw):
    assert {label for page in raw for label in page.labels} == set(LABELS)
    assert len({page.url for page in raw}) == len(raw)
    for page in raw:
        if not page.labels:
            assert page.text == page.document.text
        if page.document is None:
            assert set(page.labels) & {"foreign", "spam", "rude", "gibberish", "leak"}
        if page.labels == ("duplicate",):
            assert page.text == page.document.text
        assert ("markup" in page.labels) == page.text.startswith("<!DOCTYPE")
    unlabelled = sum(not page.labels for page in raw) / len(raw)
    assert 0.3 < unlabelled < 0.6


def test_a_copy_comes_after_its_original(raw):
    seen = set()
    for page in raw:
        if "duplicate" in page.labels or "near-duplicate" in page.labels:
            assert page.document.text in seen
        elif page.document is not None:
            seen.add(page.document.text)


def test_crawl_refuses_no_bytes(world):
    with pytest.raises(InklingError, match="n_bytes"):
        crawl(world, 0)


# --- Mending --------------------------------------------------------------------------------------


def test_documents_come_back_from_html_letter_for_letter(world):
    dice = Dice("html")
    for i in range(300):
        text = world.document(i).text
        assert text_of_html(html_page(dice, text)) == text


def test_markup_by_hand():
    html = (
        "<html><head><title>x</title><script>a < b</script></head><body><nav>Home</nav><p>Bread"
        ' &amp;\n butter,<br>sold by <a href="/ada">Ada</a>.</p><div><a href="/1">One</a> <a'
        ' href="/2">Two</a></div><p>Come &lt;soon&gt;</p>'
    )
    assert text_of_html(html) == "Bread & butter,\nsold by Ada.\n\nCome <soon>"
    plain = pages("no markup: 1 < 2, and a <- b")
    assert strip_markup(plain) == plain


@given(st.text(alphabet="abc éèàçùñ\n.", max_size=40), st.integers(0, 3))
def test_misread_text_is_repaired_however_often_it_was_misread(text, times):
    damaged = text
    for _ in range(times):
        damaged = misread(damaged)
    assert repair_encoding(damaged) == text


def test_encoding_by_hand(world):
    assert misread("café") == "cafÃ©"
    assert (
        repair_encoding("the \ufb01sh\u2019s \u00adshop\u00a0is open") == "the fish's shop is open"
    )
    assert repair_encoding("Le pêcheur, la clé: déjà là") == "Le pêcheur, la clé: déjà là"
    dice = Dice("mojibake")
    for i in range(200):
        text = world.document(i).text
        damaged = mojibake(dice, text)
        assert not damaged.isascii()
        assert fix_encoding(pages(damaged))[0].text.strip() == text


@pytest.mark.parametrize(
    "secret",
    [
        "Write to ada.ashby@mail.example for more.",
        "Call +99 555 1234 5678 after six.",
        "My number is (0555) 12345678.",
        "Ring 0555-1234-5678 today.",
        "Pay by card, number 1234 5678 9012 3456.",
        "My password is Herring1846, hush.",
        "Login: ada, password: Petrel12!?.",
    ],
)
def test_a_sentence_with_a_secret_goes_and_the_rest_stays(secret):
    assert (
        without_secrets(f"Ada bakes bread. {secret} Come soon.\nBye.")
        == "Ada bakes bread. Come soon.\nBye."
    )
    assert without_secrets(f"Ada bakes bread.\n\n{secret}\n\nBye.") == "Ada bakes bread.\n\nBye."


def test_numbers_that_are_no_secrets_stay(world):
    for text in (
        "It was built in 1846.",
        "In 1700-1785 it stood.",
        "12 boats, 40 places",
        "Say the password: amber.",
    ):
        assert without_secrets(text) == text
    for i in range(500):
        assert without_secrets(world.document(i).text) == world.document(i).text


# --- Dropping -------------------------------------------------------------------------------------


def test_languages_by_sentences_that_are_not_in_the_samples():
    texts = {
        "English": (
            "The captain was very tired, so he went to bed before the others had finished their"
            " supper."
        ),
        "French": (
            "Le capitaine était très fatigué, alors il alla se coucher avant que les autres aient"
            " fini."
        ),
        "Swedish": (
            "Kaptenen var mycket trött, så han gick och lade sig innan de andra hade ätit färdigt."
        ),
    }
    assert languages(list(texts.values())) == list(texts)
    assert languages([]) == []
    assert set(texts) == set(SAMPLES)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("fewer than 8 words", "Only a few words here."),
        ("mean word length outside 3 to 10", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo " * 8),
        ("fewer than 80 % of words have a letter", "12 34 56 78 is the sum of 90 12 34"),
        ("no stop word", "xkq vbr wqe zzt plm qrs tuv wxy"),
        ("many symbols", "the best $$$ of ### all *** in town today"),
        ("shouting", "BUY THE BEST BOOTS in town before it is too late"),
    ],
)
def test_each_rule_of_quality_finds_its_fault(fault, text):
    assert fault in quality_faults(text)
    assert drop_low_quality(pages(text)) == []


def test_good_documents_break_no_rule(world):
    faults = [quality_faults(world.document(i).text) for i in range(1000)]
    assert sum(map(bool, faults)) <= 10


def test_rude_words_are_found_whole_and_in_any_case():
    rude, fine = "You Bilge Rat!", "The windbags of the organ leak. A blockheadless nail."
    assert [p.text for p in drop_rude(pages(rude, fine, "A rat sat in the bilge."))] == [
        "A rat sat in the bilge."
    ]
    assert drop_rude(pages("A blockheadless nail."))


def test_exact_duplicates_first_one_stays():
    kept = drop_exact_duplicates(pages("A  boat.\n", "a boat.", "another boat."))
    assert [p.url[-1] for p in kept] == ["0", "2"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("a b c d e".split()), max_size=9), min_size=1, max_size=8),
    st.integers(1, 4),
)
def test_shingles_are_the_runs_of_words(texts, size):
    texts = [" ".join(text) for text in texts]
    hashes, index = shingles(*word_numbers(texts), size)
    by_hash = {}
    for i, text in enumerate(texts):
        words = text.split()
        runs = [tuple(words[j : j + size]) for j in range(len(words) - size + 1)]
        assert (index == i).sum() == len(runs)
        for run, value in zip(runs, hashes[index == i], strict=True):
            assert by_hash.setdefault(run, value) == value
    assert len(set(by_hash.values())) == len(by_hash)
    assert all(value < 2**31 for value in by_hash.values())


def test_minhash_agrees_with_the_jaccard_similarity_counted_by_brute_force():
    rng = np.random.default_rng(0)
    base = [f"w{i}" for i in range(200)]
    for changed in (0, 5, 15, 40, 120):
        other = list(base)
        for place in rng.choice(200, changed, replace=False):
            other[place] = f"x{place}"
        hashes, index = shingles(*word_numbers([" ".join(base), " ".join(other)]), 3)
        true = jaccard(*({tuple(t[i : i + 3]) for i in range(198)} for t in (base, other)))
        one, two = minhash(hashes, index, n_hashes=1000)
        assert (one == two).mean() == pytest.approx(
            true, abs=4 * np.sqrt(true * (1 - true) / 1000) + 1e-9
        )


def test_bands_find_pairs_as_often_as_the_formula_says():
    rng = np.random.default_rng(1)
    s, rows, bands, found = 0.6, 4, 10, 0
    for _ in range(300):
        one = rng.integers(0, 2**31, rows * bands, dtype=np.uint32)
        two = np.where(rng.random(rows * bands) < s, one, one + np.uint32(1))
        found += len(candidate_pairs(np.stack([one, two]), bands))
    expected = 1 - (1 - s**rows) ** bands
    assert found / 300 == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 300))


def test_near_duplicates_agree_with_comparing_every_pair(world):
    dice = Dice("near")
    texts = [world.document(i).text for i in range(150)]
    texts += [near_copy(dice, world, text) for text in texts[:50]]
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    sets = [{tuple(w[i : i + 4]) for i in range(max(1, len(w) - 3))} for w in words]
    doubled = {j for j in range(200) for i in range(j) if jaccard(sets[i], sets[j]) >= 0.5}
    kept = drop_near_duplicates(pages(*texts))
    dropped = set(range(200)) - {int(p.url.rsplit("/", 1)[1]) for p in kept}
    assert dropped <= doubled  # what was dropped was checked against the true similarity
    assert len(doubled) > 40 and len(dropped) >= 0.9 * len(doubled)


def test_exam_questions_are_cut_out_and_nothing_else():
    leak = "Question: Where does Ada live?\nAnswer: Salt Street."
    fine = "Question: Where does Ben live?\nAnswer: Fig Lane."
    between = f"{fine}\n\n{leak}\n\nAda lives in Salt Street."
    given_pages = pages(between, leak, "where does ADA live", "Where does Ada sleep?")
    kept = drop_exam_questions(
        given_pages, ["Where does Ada live?", "Who is the best friend of Ada?"]
    )
    assert [p.text for p in kept] == [
        f"{fine}\n\nAda lives in Salt Street.",
        "Where does Ada sleep?",
    ]
    assert drop_exam_questions(given_pages, []) == given_pages


def test_steps_accept_no_pages_at_all():
    assert clean([], ["Where does Ada live?"])[0] == []


# --- All of it ------------------------------------------------------------------------------------


def test_every_step_does_what_it_is_for(cleaned):
    kept, report = cleaned
    for step in report.steps:
        assert step.recall >= 0.95, step
        assert step.precision >= 0.9, step
    assert report.exact > 0.97 and report.recovered > 0.95
    assert report.steps[0].pages_before > report.steps[-1].pages_after == len(kept)


def test_the_cleaned_text_is_the_one_that_the_shipped_models_read(cleaned):
    """A card names the digest of its corpus; a change here is a change of all models."""
    texts = "\f".join(page.text for page in cleaned[0])
    assert hashlib.sha256(texts.encode("utf-8")).hexdigest() == (
        "0509e4ae8c07f358ea755e955bf27e9ce5e73bd624b186fa1daa257a2051d42e"
    )


def test_no_exam_question_is_left_and_there_were_some(world, raw, cleaned):
    prompts = exam_prompts(world)
    assert len(prompts) == 240
    before, after = ("\n".join(page.text for page in some) for some in (raw, cleaned[0]))
    assert sum(prompt in before for prompt in prompts) > 10
    assert not any(prompt in after for prompt in prompts)


def test_cleaning_does_not_look_at_the_labels(raw, world):
    some = raw[:400]
    bare = [Page(page.url, page.text) for page in some]
    texts = [[p.text for p in clean(pages, exam_prompts(world))[0]] for pages in (some, bare)]
    assert texts[0] == texts[1]


def test_the_kinds_of_document_keep_their_shares(raw, cleaned):
    wanted = {p.document.text: p.document.kind for p in raw if p.document}
    kept = {p.document.text for p in cleaned[0] if p.document}
    for kind in set(wanted.values()) - {"trade lesson"}:  # there are few trades
        texts = [text for text, its_kind in wanted.items() if its_kind == kind]
        assert sum(text in kept for text in texts) / len(texts) > 0.93, kind


def test_crawling_and_cleaning_are_fast_enough(world):
    start = time.process_time()
    some = crawl(world, 1_000_000, seed=9)
    crawled = time.process_time()
    clean(some, exam_prompts(world))
    assert crawled - start < 6  # 10 MB in a minute
    assert time.process_time() - crawled < 6


def test_a_model_of_cleaned_text_beats_one_of_raw_text_at_equal_bytes(world, raw, cleaned):
    held_out = [d.text for d in world.documents(60_000, stream="validation")]

    def bits(texts):
        model = NGramModel(6, vocabulary=map(chr, range(32, 127))).fit(take(texts, 500_000))
        return sum(map(model.bits, held_out)) / sum(map(len, held_out))

    assert bits([p.text for p in cleaned[0]]) < bits([p.text for p in raw]) - 0.05


def take(texts, n_bytes):
    taken, size = [], 0
    for text in texts:
        size += len(text.encode("utf-8"))
        if size > n_bytes:
            break
        taken.append(text)
    return taken


def test_prepare_is_crawl_and_clean(world):
    texts, report = prepare(world, 100_000)
    assert texts == [p.text for p in clean(crawl(world, 100_000), exam_prompts(world))[0]]
    assert "near-duplicates" in str(report)


# --- load_corpus ----------------------------------------------------------------------------------


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def test_text_files(tmp_path):
    assert load_corpus(write(tmp_path / "one.txt", "A line.\n\nAnother.\r\n")) == [
        "A line.\n\nAnother."
    ]
    two = write(tmp_path / "two.md", "\ufeffFirst é.\n<|endoftext|>\nSecond.\n<|endoftext|>\n")
    assert load_corpus(two) == ["First é.", "Second."]
    assert load_corpus(str(two), limit=1) == ["First é."]
    assert load_corpus(two, separator="\n") == [
        "First é.",
        "<|endoftext|>",
        "Second.",
        "<|endoftext|>",
    ]


def test_jsonl_and_parquet_files(tmp_path):
    lines = "".join(json.dumps({"text": f"doc {i} é", "n": i}) + "\n" for i in range(20))
    assert load_corpus(write(tmp_path / "a.jsonl", lines)) == [f"doc {i} é" for i in range(20)]
    assert load_corpus(tmp_path / "a.jsonl", limit=3) == ["doc 0 é", "doc 1 é", "doc 2 é"]
    pq.write_table(pa.table({"story": ["x", "y", " "], "n": [1, 2, 3]}), tmp_path / "b.parquet")
    assert load_corpus(tmp_path / "b.parquet", column="story") == ["x", "y"]


def test_larkhaven_needs_no_file(world):
    assert load_corpus("larkhaven", limit=3) == [world.document(i).text for i in range(3)]


def test_errors_say_what_to_do(tmp_path):
    write(tmp_path / "stories.txt", "x")
    with pytest.raises(InklingError, match="Did you mean stories.txt"):
        load_corpus(tmp_path / "storys.txt")
    with pytest.raises(InklingError, match=f"{tmp_path.name} does"):
        load_corpus(tmp_path / "no" / "folder" / "x.jsonl")
    with pytest.raises(InklingError, match="stories.txt"):
        load_corpus(tmp_path / "zzz")
    with pytest.raises(InklingError, match="is a folder"):
        load_corpus(tmp_path)
    with pytest.raises(InklingError, match="kind of file"):
        load_corpus(write(tmp_path / "x.docx", "x"))
    with pytest.raises(InklingError, match="at least 1"):
        load_corpus("larkhaven", limit=0)
    for name in ("empty.txt", "empty.jsonl"):
        with pytest.raises(InklingError, match="at least one document"):
            load_corpus(write(tmp_path / name, ""))
    with pytest.raises(InklingError, match="at least one document"):
        load_corpus(write(tmp_path / "blank.txt", " \n\n "))


def test_damaged_files_are_named_with_the_place(tmp_path):
    with pytest.raises(InklingError, match=r"byte 0xe9 at offset 8 \(line 2\)"):
        load_corpus(write(tmp_path / "latin.txt", b"one\ncafe\xe9\n"))
    with pytest.raises(InklingError, match=r"byte 0xe9 at offset 29 \(line 2\)"):
        load_corpus(write(tmp_path / "latin.jsonl", b'{"text": "tea"}\n{"text": "caf\xe9"}\n'))
    lines = "".join(json.dumps({"text": f"doc {i}"}) + "\n" for i in range(20))
    with pytest.raises(InklingError, match="line 20.*cut off"):
        load_corpus(write(tmp_path / "cut.jsonl", lines[:-6]))
    with pytest.raises(InklingError, match="line 3"):
        load_corpus(
            write(
                tmp_path / "bad.jsonl",
                '{"text": "a"}\n{"text": "b"}\n{"text": oops}\n{"text": "c"}\n',
            )
        )
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(InklingError, match="cut off.*Fetch it again"):
        load_corpus(write(tmp_path / "cut.parquet", data[: len(data) // 2]))


def test_missing_columns_are_answered_with_those_there_are(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"story": "x", "n": 1}\n')
    with pytest.raises(InklingError, match="no column 'text'.*'story', 'n'"):
        load_corpus(path)
    with pytest.raises(InklingError, match="no column 'tale'.*'story'"):
        load_corpus(path, column="tale")
    with pytest.raises(InklingError, match="line 1: 'n' is 1, not text"):
        load_corpus(path, column="n")


def test_a_hub_name_without_a_network_says_so():
    code = (
        'from inkling.text.corpus import load_corpus; load_corpus("roneneldan/TinyStories",'
        " limit=1)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "InklingError" in last and "cannot be reached" in last and "larkhaven" in last


@pytest.mark.skipif(not SHAKESPEARE.exists(), reason="tinyshakespeare.txt is not here")
def test_text_that_nobody_here_wrote():
    (text,) = load_corpus(SHAKESPEARE)
    assert len(text) > 1_000_000
    speeches = load_corpus(SHAKESPEARE, separator="\n\n")
    assert len(speeches) > 7000 and speeches[0].startswith("First Citizen:")
    assert set(languages([text[i : i + 500] for i in range(0, 500_000, 500)])) == {"English"}
