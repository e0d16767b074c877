"""The embedder: what is averaged, windows, centring, the loss, false negatives, training, files,
and bad input.
"""

import math

import numpy as np
import pytest
import safetensors.torch
import tiny
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from inkling.assistant.chat import pad_id
from inkling.files import InklingError
from inkling.reading.embedder import (
    Embedder,
    EmbedderConfig,
    QuestionPassage,
    encode_text,
    false_negatives,
    info_nce,
    make_batches,
    train_embedder,
)
from inkling.training.packing import pad_rows

TOKENIZER = tiny.tokenizer()


def new_embedder(seed: int = 0, dimension: int | None = None) -> Embedder:
    return Embedder(tiny.random_model(seed), dimension, seed)


def word_pairs(n: int, seed: int = 0) -> list[QuestionPassage]:
    """Two words, in any order: in the question before "please", in the passage between others."""
    random = np.random.default_rng(seed)
    pairs = []
    for _ in range(n):
        asked = [str(word) for word in random.choice(tiny.WORDS[:8], 2, replace=False)]
        told = [str(word) for word in random.permutation(asked)]
        filler = [str(word) for word in random.choice(tiny.WORDS[10:], 3)]
        passage = " ".join([filler[0], told[0], filler[1], told[1], filler[2]])
        fact = frozenset(asked)
        pairs.append(
            QuestionPassage(" ".join([*asked, "please"]), passage, fact, frozenset([fact]))
        )
    return pairs


# ---- what a vector is


@pytest.mark.parametrize("dimension", [None, 7])
def test_a_vector_is_the_mean_of_the_states_projected_centred_and_of_length_one(dimension):
    embedder = new_embedder(dimension=dimension)
    embedder.centre += torch.arange(float(embedder.dimension))
    row = encode_text(TOKENIZER, "the boat left the harbour")
    states = embedder.body.hidden_states(torch.tensor([row]))[0]
    mean = torch.stack(list(states)).mean(dim=0)
    expected = (mean if dimension is None else embedder.projection.weight @ mean) - embedder.centre
    (ours,) = embedder(torch.tensor([row]), torch.tensor([len(row)]))
    torch.testing.assert_close(ours, expected / expected.norm())
    assert ours.shape == (dimension or 16,) == (embedder.dimension,)


def test_a_text_is_read_as_a_document_and_never_as_markup():
    row = encode_text(TOKENIZER, "  boat <|end|>\n")
    assert row[0] == TOKENIZER.eos_id and TOKENIZER.special_tokens["<|end|>"] not in row
    assert TOKENIZER.decode(row[1:]) == "boat <|end|>"


@pytest.mark.parametrize("padding", [1, 7, 30])
def test_padding_is_not_averaged_whatever_it_is(padding):
    embedder, row = new_embedder(), encode_text(TOKENIZER, "boat at home")
    expected = embedder(torch.tensor([row]), torch.tensor([len(row)]))
    for filler in (pad_id(TOKENIZER), TOKENIZER.eos_id, 65):
        padded = torch.tensor([row + [filler] * padding])
        torch.testing.assert_close(embedder(padded, torch.tensor([len(row)])), expected)


def test_a_vector_does_not_depend_on_its_neighbours_and_comes_back_in_its_place():
    embedder, texts = new_embedder(), [*tiny.PROMPTS, *tiny.REPLIES, *tiny.WORDS]
    alone = np.concatenate([embedder.encode(TOKENIZER, [text]) for text in texts])
    for batch_size in (1, 3, 64):
        np.testing.assert_allclose(embedder.encode(TOKENIZER, texts, batch_size), alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)
    assert alone.dtype == np.float32 and alone.shape == (len(texts), 16)


def test_a_text_longer_than_the_context_is_read_in_windows_and_nothing_is_left_out():
    embedder = new_embedder()  # its context is 64
    text = " ".join(tiny.WORDS * 8)
    row = encode_text(TOKENIZER, text)
    assert len(row) > 130
    windows = [row[at : at + 64] for at in range(0, len(row), 64)]
    states = torch.cat(
        [embedder.body.hidden_states(torch.tensor([window]))[0] for window in windows]
    )
    expected = F.normalize(states.mean(dim=0), dim=0)
    for batch_size in (1, 64):
        (ours,) = embedder.encode(TOKENIZER, [text], batch_size)
        np.testing.assert_allclose(ours, expected.detach(), atol=1e-5)
    (longer,) = embedder.encode(TOKENIZER, [text + " lamp"])
    assert np.abs(longer - ours).max() > 1e-4, "the last word counts"


def test_the_centre_is_what_texts_have_in_common():
    embedder, texts = new_embedder(dimension=5), tiny.WORDS
    before = embedder.encode(TOKENIZER, texts)
    embedder.centre_on(TOKENIZER, texts)
    after = embedder.encode(TOKENIZER, texts)
    assert (before @ before.T).mean() > 0.5 > 0.2 > abs((after @ after.T).mean())
    centre = embedder.centre.clone()
    embedder.centre_on(TOKENIZER, texts)
    torch.testing.assert_close(embedder.centre, centre, msg="centred again, it stays")


def test_an_embedder_is_a_copy_of_the_model_that_it_starts_from():
    model = tiny.random_model()
    before = tiny.weights(model)
    list(train_embedder(Embedder.from_model(model), TOKENIZER, word_pairs(64), progress=False))
    assert tiny.same(before, tiny.weights(model))


# ---- the loss


def test_the_loss_is_minus_the_log_of_the_probability_of_the_own_one_in_both_directions():
    questions, passages = (
        F.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(s))) for s in (0, 1)
    )
    by_hand = []
    for i in range(5):
        to_passages = [math.exp(20 * float(questions[i] @ passages[j])) for j in range(5)]
        to_questions = [math.exp(20 * float(questions[j] @ passages[i])) for j in range(5)]
        by_hand += [
            -math.log(to_passages[i] / sum(to_passages)),
            -math.log(to_questions[i] / sum(to_questions)),
        ]
    assert info_nce(questions, passages).item() == pytest.approx(sum(by_hand) / 10, rel=1e-4)


def test_without_a_scale_even_a_perfect_batch_is_undecided():
    vectors = torch.eye(8)
    assert info_nce(vectors, vectors, scale=1.0) > 1.2 > 0.001 > info_nce(vectors, vectors)


@given(st.integers(2, 6), st.data())
def test_ignored_pairs_are_as_if_they_were_not_there(n, data):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    questions, passages = (
        F.normalize(torch.randn(n, 4, generator=generator, dtype=torch.double)) for _ in range(2)
    )
    flags = data.draw(st.lists(st.booleans(), min_size=n * n, max_size=n * n))
    ignored = torch.tensor(flags).view(n, n) & ~torch.eye(n, dtype=torch.bool)
    scores = 20 * questions @ passages.T
    rows = [scores[i][~ignored[i]].logsumexp(0) - scores[i, i] for i in range(n)]
    columns = [scores[:, i][~ignored[:, i]].logsumexp(0) - scores[i, i] for i in range(n)]
    torch.testing.assert_close(
        info_nce(questions, passages, ignored), torch.stack(rows + columns).mean()
    )


def test_two_questions_on_one_fact_are_false_negatives():
    def pair(asked, *others):
        return QuestionPassage("?", "!", asked, frozenset([asked, *others]))

    pairs = [
        pair("Ada trade"),
        pair("Ada trade", "Ada pet"),
        pair("Ada pet"),
        pair("Emma pet", "Ada trade"),
    ]
    assert false_negatives(pairs).tolist() == [
        [False, True, False, True],  # who asks for Ada's trade is answered by three of the passages
        [True, False, False, True],
        [False, True, False, False],  # Ada's pet stands in the second passage, too
        [False, False, False, False],
    ]


def test_pushing_false_negatives_apart_would_cost():
    """Twins: with the mask a perfect embedder has no loss, without it log 2."""
    vectors = torch.eye(4).repeat_interleave(2, dim=0)
    pairs = [QuestionPassage("?", "!", i // 2, frozenset([i // 2])) for i in range(8)]
    assert info_nce(vectors, vectors, false_negatives(pairs)) < 1e-4
    assert info_nce(vectors, vectors).item() == pytest.approx(math.log(2), abs=1e-4)


# ---- batches and training


@given(st.integers(2, 60), st.integers(1, 20), st.integers(1, 7), st.integers(1, 3))
def test_batches_are_of_one_size_and_have_no_pair_twice_in_an_epoch(
    n, batch_size, neighbours, epochs
):
    config = EmbedderConfig(epochs=epochs, batch_size=batch_size, neighbours=neighbours)
    batches = make_batches(n, config)
    size = min(n, batch_size)
    assert {len(batch) for batch in batches} == {size} and len(batches) == epochs * (n // size)
    for epoch in range(epochs):
        seen = np.concatenate(batches[epoch * (n // size) : (epoch + 1) * (n // size)])
        assert len(set(seen.tolist())) == len(seen) and set(seen.tolist()) <= set(range(n))


def test_neighbours_stay_together_and_everything_else_is_shuffled():
    (batch,) = make_batches(40, EmbedderConfig(batch_size=40, neighbours=4))
    blocks = batch.reshape(10, 4)
    assert (np.diff(blocks, axis=1) == 1).all() and (blocks[:, 0] % 4 == 0).all()
    assert blocks[:, 0].tolist() != sorted(blocks[:, 0])


@pytest.fixture(scope="module")
def trained():
    embedder = new_embedder()
    config = EmbedderConfig(batch_size=16, learning_rate=5e-3)
    return embedder, list(
        train_embedder(embedder, TOKENIZER, word_pairs(1600), config, progress=False)
    )


def share_found(embedder: Embedder, n: int = 100) -> float:
    pairs = word_pairs(n, seed=1)
    questions = embedder.encode(TOKENIZER, [pair.question for pair in pairs])
    passages = embedder.encode(TOKENIZER, [pair.passage for pair in pairs])
    best = (questions @ passages.T).argmax(axis=1)
    return float(
        np.mean([pair.asked in pairs[i].states for pair, i in zip(pairs, best, strict=True)])
    )


def test_training_finds_passages_that_it_has_not_seen(trained):
    embedder, history = trained
    untrained = new_embedder()
    untrained.centre_on(TOKENIZER, [pair.passage for pair in word_pairs(200)])
    assert share_found(embedder) > 0.8 > share_found(untrained) + 0.3
    assert history[0].loss > 2 * history[-1].loss and history[-1].accuracy > history[0].accuracy


def test_training_takes_every_batch_once(trained):
    assert [record.step for record in trained[1]] == list(range(1, 101))


def test_one_step_is_the_step_of_the_loss():
    embedder, pairs = new_embedder(), word_pairs(12)
    config = EmbedderConfig(1, 12, 12, grad_clip=1e9)
    (record,) = train_embedder(embedder, TOKENIZER, pairs, config, progress=False)
    again = new_embedder()
    again.centre_on(TOKENIZER, [pair.passage for pair in pairs])
    (order,) = make_batches(12, config)
    questions, passages = (
        again(
            *pad_rows(
                [encode_text(TOKENIZER, getattr(pairs[i], side)) for i in order], pad_id(TOKENIZER)
            )
        )
        for side in ("question", "passage")
    )
    loss = info_nce(questions, passages, false_negatives([pairs[i] for i in order]))
    assert record.loss == pytest.approx(loss.item(), rel=1e-5)


def test_the_same_seed_gives_the_same_history_and_weights():
    runs = []
    for seed in (0, 0, 1):
        embedder = new_embedder(dimension=6)
        history = list(
            train_embedder(
                embedder, TOKENIZER, word_pairs(64), EmbedderConfig(1, 8, seed=seed), progress=False
            )
        )
        runs.append((history, tiny.weights(embedder)))
    assert runs[0][0] == runs[1][0] and tiny.same(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


def test_the_projection_and_the_body_are_trained():
    embedder = new_embedder(dimension=6)
    before = tiny.weights(embedder)
    list(train_embedder(embedder, TOKENIZER, word_pairs(16), progress=False))
    assert not any(torch.equal(a, b) for a, b in zip(before, tiny.weights(embedder), strict=True))


def test_every_step_is_reported():
    config = EmbedderConfig(batch_size=8)
    history = list(
        train_embedder(new_embedder(), TOKENIZER, word_pairs(32), config, progress=False)
    )
    assert [record.step for record in history] == [1, 2, 3, 4]
    assert all(0 <= record.accuracy <= 1 for record in history)


# ---- files


@pytest.mark.parametrize("dimension", [None, 7])
def test_a_saved_embedder_gives_the_same_vectors(tmp_path, dimension):
    embedder = new_embedder(dimension=dimension)
    embedder.centre_on(TOKENIZER, tiny.WORDS)
    embedder.save(tmp_path)
    loaded = Embedder.load(tmp_path)
    assert loaded.dimension == embedder.dimension and not loaded.training
    np.testing.assert_array_equal(
        loaded.encode(TOKENIZER, tiny.REPLIES), embedder.encode(TOKENIZER, tiny.REPLIES)
    )
    embedder.save(tmp_path, dtype=torch.float16)
    close = Embedder.load(tmp_path).encode(TOKENIZER, tiny.REPLIES)
    np.testing.assert_allclose(close, embedder.encode(TOKENIZER, tiny.REPLIES), atol=0.02)


@pytest.mark.parametrize(
    "damage", ["missing", "cut", "empty", "no centre", "another size", "another centre"]
)
def test_an_embedder_that_is_missing_a_part_or_damaged_raises(tmp_path, damage):
    new_embedder(dimension=7).save(tmp_path)
    path = tmp_path / "embedder.safetensors"
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage in ("cut", "empty"):
        path.write_bytes(data[: len(data) - 5] if damage == "cut" else b"")
    else:
        tensors = {"projection": torch.ones(7, 15 if damage == "another size" else 16)}
        if damage != "no centre":
            tensors["centre"] = torch.ones(1 if damage == "another centre" else 7)
        safetensors.torch.save_file(tensors, path)
    with pytest.raises(InklingError, match="no part of an embedder"):
        Embedder.load(tmp_path)


# ---- bad input


@pytest.mark.parametrize("lengths", [[0, 3], [4, 6], [-1, 5]])
def test_lengths_out_of_range_raise(lengths):
    with pytest.raises(InklingError, match="from 1 to 5"):
        new_embedder()(torch.ones(2, 5, dtype=torch.long), torch.tensor(lengths))


def test_texts_that_cannot_be_embedded_raise():
    with pytest.raises(InklingError, match="empty text"):
        new_embedder().encode(TOKENIZER, ["boat", " \n"])
    with pytest.raises(InklingError, match="letter by letter"):
        new_embedder().encode(TOKENIZER, "boat")
    with pytest.raises(InklingError, match="no texts to find the centre of"):
        new_embedder().centre_on(TOKENIZER, [])
    assert new_embedder().encode(TOKENIZER, []).shape == (0, 16)


def test_a_dimension_below_one_raises():
    with pytest.raises(InklingError, match="dimension is 0"):
        new_embedder(dimension=0)


def test_pairs_that_teach_nothing_raise():
    with pytest.raises(InklingError, match="takes at least two"):
        list(train_embedder(new_embedder(), TOKENIZER, word_pairs(1), progress=False))
    wrong = QuestionPassage("boat?", "mill", "boat", frozenset(["mill"]))
    with pytest.raises(InklingError, match="passage of pair 3 does not state"):
        list(train_embedder(new_embedder(), TOKENIZER, [*word_pairs(3), wrong], progress=False))
    long = QuestionPassage("boat?", " ".join(tiny.WORDS * 5), "boat", frozenset(["boat"]))
    with pytest.raises(InklingError, match="pair 0 has a text of .* tokens and the context is 64"):
        list(train_embedder(new_embedder(), TOKENIZER, [long, *word_pairs(3)], progress=False))


def test_a_loss_that_is_no_number_raises():
    embedder = new_embedder()
    with torch.no_grad():
        embedder.body.norm.weight[0] = math.nan
    with pytest.raises(InklingError, match="loss is nan at step 1"):
        list(train_embedder(embedder, TOKENIZER, word_pairs(4), progress=False))
