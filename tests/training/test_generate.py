"""Generation: parity with transformers, one answer from every engine, clear errors. Tests are named
after their bug.
"""

import math

import numpy as np
import pytest
import torch
import transformers
from threadpoolctl import ThreadpoolController, threadpool_limits
from transformers.generation import logits_process as hf

from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.training import engines
from inkling.training.engines import Cached, Decoder, Recompute
from inkling.training.generate import (
    Sampling,
    draw,
    generate,
    generate_batch,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalise_repeats,
    random_numbers,
    stream,
)

V, CONTEXT = 97, 48
SETTINGS = [
    dict(temperature=0.7),
    dict(temperature=1.6, top_k=9),
    dict(top_p=0.6),
    dict(temperature=1.3, top_p=0.9),
    dict(min_p=0.2),
    dict(temperature=0.8, top_k=20, top_p=0.8, min_p=0.1),
    dict(temperature=1.2, top_k=30, top_p=0.7, repetition_penalty=1.3),
    dict(repetition_penalty=0.8, min_p=0.05),
]


def bold_model(seed: int = 0, **changes) -> Transformer:
    """A model with random weights, large enough that its greedy text wanders and no two logits
    nearly tie.
    """
    config = (
        dict(vocab_size=V, context_length=CONTEXT, d_model=32, n_layers=3, n_heads=4, n_kv_heads=2)
        | changes
    )
    model = Transformer(ModelConfig(**config), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.25)
            else:
                weight.copy_(1 + 0.3 * torch.randn(weight.shape, generator=generator))
    return model


def random_prompts(lengths, seed=0, vocab_size=V) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(vocab_size, size=n).tolist() for n in lengths]


@pytest.fixture(scope="module")
def model():
    return bold_model()


@pytest.fixture(scope="module")
def theirs(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    model.save_pretrained(folder)
    llama = transformers.LlamaForCausalLM.from_pretrained(folder).eval()
    llama.generation_config = transformers.GenerationConfig(pad_token_id=0)
    return llama


# --- the filters, against transformers' own ---


def their_filters(settings: dict):
    """What transformers' generate() builds from the same settings, in its own order."""
    made = hf.LogitsProcessorList()
    if settings.get("repetition_penalty", 1.0) != 1.0:
        made.append(hf.RepetitionPenaltyLogitsProcessor(settings["repetition_penalty"]))
    if settings.get("temperature", 1.0) != 1.0:
        made.append(hf.TemperatureLogitsWarper(settings["temperature"]))
    warpers = {
        "top_k": hf.TopKLogitsWarper,
        "top_p": hf.TopPLogitsWarper,
        "min_p": hf.MinPLogitsWarper,
    }
    for name, warper in warpers.items():
        if settings.get(name) is not None:
            made.append(warper(settings[name]))
    return made


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_filters_differ_from_transformers(settings):
    generator = torch.Generator().manual_seed(1)
    for scale in (0.5, 3.0, 12.0):
        logits = torch.randn(64, 211, generator=generator) * scale
        ids = torch.randint(211, (64, 15), generator=generator)
        seen = torch.zeros(64, 211, dtype=torch.bool).scatter(1, ids, True)
        expected = their_filters(settings)(ids, logits.clone()).softmax(-1)
        got = Sampling(**settings).reshape(logits, seen).softmax(-1)
        assert torch.equal(got > 0, expected > 0), "another set of tokens survives"
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-4)


def test_filters_run_in_another_order_than_in_transformers(theirs):
    """their_filters() above states an order; here it is what generate() builds."""
    settings = dict(temperature=0.9, top_k=5, top_p=0.9, min_p=0.1, repetition_penalty=1.1)
    built = theirs._get_logits_processor(
        transformers.GenerationConfig(do_sample=True, num_beams=1, **settings),
        input_ids_seq_length=3,
        encoder_input_ids=None,
        prefix_allowed_tokens_fn=None,
        logits_processor=hf.LogitsProcessorList(),
        device="cpu",
        model_kwargs={},
    )
    assert [type(p) for p in built] == [type(p) for p in their_filters(settings)]


def test_top_p_cuts_off_the_first_token():
    logits = torch.tensor([[0.9, 0.06, 0.04]]).log()
    for p in (1e-9, 0.05, 0.5, 0.9):
        assert torch.isfinite(keep_top_p(logits, p)).tolist() == [[True, False, False]]
    assert torch.isfinite(keep_top_p(logits, 0.91)).tolist() == [[True, True, False]], (
        "the token that crosses p stays"
    )


def test_top_p_masks_the_sorted_places_and_not_the_tokens():
    logits = torch.tensor([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]]).log()
    assert torch.isfinite(keep_top_p(logits, 0.85)).tolist() == [
        [False, True, True],
        [True, True, False],
    ]


def test_top_k_drops_a_tie_or_fails_beyond_the_vocabulary():
    logits = torch.tensor([[2.0, 1.0, 1.0, 0.0]])
    assert torch.isfinite(keep_top_k(logits, 2)).tolist() == [[True, True, True, False]]
    assert torch.equal(keep_top_k(logits, 50), logits)


def test_min_p_compares_with_one_instead_of_the_top():
    probs = torch.tensor([[0.4, 0.22, 0.17, 0.21]])
    assert torch.isfinite(keep_min_p(probs.log(), 0.5)).tolist() == [[True, True, False, True]]


def test_repetition_penalty_rewards_negative_logits():
    logits, seen = (
        torch.tensor([[2.0, -2.0, 2.0, -2.0]]),
        torch.tensor([[True, True, False, False]]),
    )
    assert penalise_repeats(logits, seen, 2.0).tolist() == [[1.0, -4.0, 2.0, -2.0]]


def test_temperature_after_top_p():
    logits = torch.tensor([[0.6, 0.3, 0.1]]).log()
    kept = torch.isfinite(Sampling(temperature=3.0, top_p=0.7).reshape(logits))
    assert kept.tolist() == [[True, True, False]]  # flattened first: 0.43 0.34 0.24
    assert torch.isfinite(keep_top_p(logits, 0.58)).sum() == 1
    assert torch.isfinite(Sampling(temperature=3.0, top_p=0.58).reshape(logits)).sum() == 2


# --- the draw ---


def test_draws_do_not_follow_the_probabilities():
    """A chi-square test on 200,000 draws: 4 standard deviations above its mean would be chance once
    in 30,000 runs.
    """
    probs = torch.tensor([0.45, 0.25, 0.0, 0.15, 0.1, 0.04, 0.01])
    n = 200_000
    counts = draw(probs.expand(n, -1), random_numbers(0, n, 1)[:, 0]).bincount(minlength=7)
    assert counts[2] == 0, "a token of probability 0 was drawn"
    kept = probs > 0
    chi_square = ((counts[kept] - n * probs[kept]) ** 2 / (n * probs[kept])).sum().item()
    assert chi_square < 5 + 4 * math.sqrt(2 * 5)


def test_draw_falls_off_either_end():
    probs = torch.tensor([[0.0, 0.3, 0.7, 0.0]])
    ends = torch.tensor([0.0, 1 - 2**-52], dtype=torch.float64)
    for scale in (1.0, 0.1, 1 + 1e-6, 1 - 1e-6):
        assert draw(probs.expand(2, -1) * scale, ends).tolist() == [1, 2]


def test_rows_share_their_random_numbers():
    u = random_numbers(7, 50, 20)
    assert u.unique().numel() == u.numel()
    # 0.18 is what chance gives for 20 numbers
    assert abs(np.corrcoef(u.numpy())[np.triu_indices(50, 1)]).mean() < 0.25


def test_neighbouring_seeds_share_rows():
    """With seed + row as a row's seed, row 1 of seed 0 would be row 0 of seed 1, and three seeds
    one experiment.
    """
    a, b = random_numbers(0, 20, 10), random_numbers(1, 20, 10)
    assert not set(a.flatten().tolist()) & set(b.flatten().tolist())


def test_random_numbers_depend_on_how_many_rows_follow():
    assert torch.equal(random_numbers(3, 5, 40), random_numbers(3, 11, 40)[:5])


def test_global_random_state_is_read_or_changed(model):
    torch.manual_seed(1)
    a, state = generate(model, [1, 2], 10, seed=5), torch.get_rng_state()
    torch.manual_seed(2)
    assert generate(model, [1, 2], 10, seed=5) == a
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_no_seed_means_always_the_same_text(model):
    assert len({tuple(generate(model, [1, 2], 12)) for _ in range(4)}) > 1


# --- one answer from every engine, and from transformers ------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(n_kv_heads=1),
        dict(n_kv_heads=4),
        dict(n_layers=1),
        dict(tie_embeddings=False),
        dict(d_model=24, d_ff=17),
        dict(rope_theta=500.0, norm_eps=1e-3),
    ],
    ids=str,
)
def test_engines_disagree(changes):
    model = bold_model(2, **changes)
    tokens = torch.tensor(random_prompts([CONTEXT, CONTEXT], seed=3))
    with torch.inference_mode():
        expected = model(tokens)
    ones = np.ones(2, np.int64)
    for engine in (Recompute(model, 2), Cached(model, 2, CONTEXT), Decoder(model, 2)):
        got = [torch.as_tensor(engine.read(tokens[:, :5].numpy(), 5 * ones))]  # first five at once
        got += [
            torch.as_tensor(engine.read(tokens[:, t : t + 1].numpy(), ones)) for t in range(5, 20)
        ]
        # then the rest at once
        got += [torch.as_tensor(engine.read(tokens[:, 20:].numpy(), 28 * ones))]
        torch.testing.assert_close(
            torch.stack(got, dim=1), expected[:, [*range(4, 20), -1]], atol=2e-5, rtol=2e-5
        )


def test_padding_leaks_into_shorter_rows(model):
    """Ragged reads: each row's logits are those of its own text alone, whatever stands in the
    padding.
    """
    rng = np.random.default_rng(0)
    decoder, plain = Decoder(model, 4), Recompute(model, 4)
    for lengths in (
        [3, 9, 1, 5],
        [1, 1, 1, 1],
        [0, 4, 2, 1],
        [1, 0, 1, 0],
        [7, 7, 7, 7],
        [1, 1, 1, 1],
        [20, 1, 9, 2],
    ):
        lengths = np.array(lengths)
        tokens = rng.integers(V, size=(4, lengths.max()))
        got, expected = torch.as_tensor(decoder.read(tokens, lengths)), plain.read(tokens, lengths)
        moved = lengths > 0  # a row that reads nothing has nothing new to say
        torch.testing.assert_close(got[moved], expected[moved], atol=2e-5, rtol=2e-5)
    assert decoder.length.tolist() == [len(text) for text in plain.texts]


def test_decoder_keeps_the_weights_of_before_training(model):
    model, tokens = bold_model(), np.array([[1, 2, 3]])
    decoder = Decoder(model)
    before = decoder.read(tokens)
    with torch.no_grad():
        model.layers[1].mlp.up_proj.weight.mul_(1.5)
    decoder.length[:] = 0
    after = decoder.read(tokens)
    assert abs(after - before).max() > 1e-3
    torch.testing.assert_close(
        torch.as_tensor(after), model(torch.as_tensor(tokens))[:, -1], atol=2e-5, rtol=2e-5
    )


@pytest.mark.parametrize("length", [1, 2, 17, CONTEXT - 1])
@pytest.mark.parametrize("penalty", [1.0, 1.4])
def test_cached_ids_differ_from_uncached_and_transformers(model, theirs, length, penalty):
    for prompt in random_prompts([length] * 3, seed=length):
        n = CONTEXT - length
        cached = generate(model, prompt, n, temperature=0, repetition_penalty=penalty)
        assert cached == generate(
            model, prompt, n, temperature=0, repetition_penalty=penalty, use_cache=False
        )
        # without a mask, transformers takes a prompt's id 0 for padding
        tokens = torch.tensor([prompt])
        hf_ids = theirs.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=n,
            do_sample=False,
            repetition_penalty=penalty,
        )
        assert cached == hf_ids[0, length:].tolist()
        assert len(cached) == n


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_cached_samples_differ_from_uncached(model, settings):
    prompt = random_prompts([6])[0]
    for seed in range(3):
        assert generate(model, prompt, 30, seed=seed, **settings) == generate(
            model, prompt, 30, seed=seed, use_cache=False, **settings
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_run_in_float32_or_not_at_all(dtype):
    """Such a model runs as it is, by `Cached`: rows of equal length together, and no padding."""
    model = bold_model(3).to(dtype)
    prompts = random_prompts([4, 9, 4, 1, 9, 4])
    replies = generate_batch(model, prompts, 12, temperature=0, stop_ids=[5, 6, 7])
    assert replies == [
        generate(model, prompt, 12, temperature=0, stop_ids=[5, 6, 7]) for prompt in prompts
    ]
    if dtype == torch.float64:
        plain = generate_batch(
            model, prompts, 12, temperature=0, stop_ids=[5, 6, 7], use_cache=False
        )
        assert replies == plain


# --- batches ---


@pytest.mark.parametrize(
    "settings", [dict(temperature=0), dict(temperature=0, repetition_penalty=1.5)], ids=str
)
@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_batch_differs_from_one_by_one(model, settings, batch_size):
    prompts = random_prompts([5, 1, 30, 12, CONTEXT, 5, 2, 44, 47], seed=1)
    # many stops, so that rows end at different times and are dropped
    settings = settings | dict(stop_ids=range(10))
    replies = generate_batch(model, prompts, 25, batch_size=batch_size, **settings)
    assert replies == [generate(model, prompt, 25, **settings) for prompt in prompts]
    assert len({len(reply) for reply in replies}) > 3, (
        "this test wants rows that end at different times"
    )


@pytest.mark.parametrize("use_cache", [True, False])
def test_reply_depends_on_its_neighbours(model, use_cache):
    settings = dict(
        seed=4,
        temperature=1.2,
        top_p=0.9,
        repetition_penalty=1.2,
        stop_ids=[3, 8],
        use_cache=use_cache,
    )
    prompts = random_prompts([9, 3, 20, 9, 14], seed=2)
    replies = generate_batch(model, prompts, 20, **settings)
    others = generate_batch(model, random_prompts([2, 30, 7], seed=9) + prompts[3:], 20, **settings)
    assert others[3:] == replies[3:]
    assert generate_batch(model, prompts, 20, batch_size=2, **settings) == replies
    assert generate(model, prompts[0], 20, **settings) == replies[0]


def test_equal_prompts_get_equal_replies(model):
    replies = generate_batch(model, [[1, 2, 3]] * 20, 10, seed=0)
    assert len(set(map(tuple, replies))) > 15


def test_batched_samples_follow_another_distribution(model):
    """The first token of 20,000 replies against the filtered probabilities: total variation near
    what chance gives.
    """
    n, prompt, settings = 20_000, [4, 8, 15], dict(temperature=0.9, top_k=12, top_p=0.9)
    replies = generate_batch(model, [prompt] * n, 1, seed=1, batch_size=5000, **settings)
    logits = model(torch.tensor([prompt]))[:, -1].detach()
    expected = Sampling(**settings).reshape(logits).softmax(-1)[0]
    counts = torch.tensor(replies)[:, 0].bincount(minlength=V)
    assert (counts[expected == 0] == 0).all()
    # about the expected total variation
    by_chance = (expected * (1 - expected) / n).sqrt().sum() / 2
    assert (counts / n - expected).abs().sum() / 2 < 2 * by_chance


def test_no_prompts_crash_the_batch(model):
    assert generate_batch(model, [], 5) == []
    assert generate_batch(model, [[1], [2]], 0) == [[], []]


# --- where a text ends ---


def test_stop_id_is_left_out_or_written_past(model):
    free = generate(model, [1, 2, 3], 30, temperature=0)
    stop = free[7]
    first = free.index(stop)
    for stop_ids in (stop, [stop], {stop, free[first + 3]}, torch.tensor([stop])):
        assert generate(model, [1, 2, 3], 30, temperature=0, stop_ids=stop_ids) == free[: first + 1]


def test_stop_id_in_the_prompt_ends_the_reply(model):
    assert len(generate(model, [5, 5], 6, temperature=0, stop_ids=[5])) >= 1


def test_text_slides_out_of_the_context(model):
    for use_cache in (True, False):
        for length in (1, CONTEXT - 3, CONTEXT - 1, CONTEXT):
            reply = generate(model, random_prompts([length])[0], 10**6, seed=0, use_cache=use_cache)
            assert len(reply) == CONTEXT - length


def test_longer_run_is_another_text(model):
    """The same seed and prompt: the short reply is the beginning of the long one."""
    long = generate(model, [7, 7], 40, seed=3)
    for n in (0, 1, 15, 16, 17, 39):
        assert generate(model, [7, 7], n, seed=3) == long[:n]


def test_stream_waits_for_the_whole_text_or_for_errors(model):
    ids = stream(model, [1, 2], 20, seed=0)
    reads, read = [], Decoder.read
    try:
        Decoder.read = lambda self, *args: reads.append(1) or read(self, *args)
        first = [next(ids), next(ids)]
    finally:
        Decoder.read = read
    assert len(reads) == 2
    assert first + list(ids) == generate(model, [1, 2], 20, seed=0)
    with pytest.raises(InklingError):
        stream(model, [], 20)  # at once, not at the first next()


# --- bad input ---


@pytest.mark.parametrize(
    "ids, settings, message",
    [
        ([], {}, "empty"),
        ([1] * (CONTEXT + 1), {}, "context is 48"),
        ([1, V], {}, "token id 97 is outside of the vocabulary of 97"),
        ([-1], {}, "token id -1"),
        ("hello", {}, "tokenizer.encode"),
        ([1.5], {}, "tokenizer.encode"),
        ([[1, 2]], {}, "tokenizer.encode"),
        ([1], dict(max_new_tokens=-1), "max_new_tokens"),
        ([1], dict(max_new_tokens=2.5), "max_new_tokens"),
        ([1], dict(temperature=-0.1), "temperature"),
        ([1], dict(temperature=math.nan), "temperature"),
        ([1], dict(temperature=1e-9), "temperature"),
        ([1], dict(top_k=0), "top_k"),
        ([1], dict(top_k=2.5), "top_k"),
        ([1], dict(top_p=0.0), "top_p"),
        ([1], dict(top_p=1.01), "top_p"),
        ([1], dict(min_p=-0.1), "min_p"),
        ([1], dict(min_p=1.5), "min_p"),
        ([1], dict(repetition_penalty=0.0), "repetition_penalty"),
        ([1], dict(stop_ids=[V]), "stop_ids"),
        ([1], dict(stop_ids=-5), "stop_ids"),
        ([1], dict(stop_ids=None), "stop_ids"),
        ([1], dict(stop_ids=1.5), "stop_ids"),
        ([1], dict(temperature="0.7"), "temperature must be .*'0.7'"),
        ([1], dict(temperature=None), "temperature"),
        ([1], dict(temperature=True), "temperature"),
        ([1], dict(top_k="5"), "top_k"),
        ([1], dict(top_p="0.9"), "top_p"),
        ([1], dict(min_p=[0.1]), "min_p"),
        ([1], dict(repetition_penalty="1"), "repetition_penalty"),
        ([1], dict(repetition_penalty=None), "repetition_penalty"),
        ([1], dict(seed=2**64), "a seed is a whole number from 0"),
        ([1], dict(seed=-1), "a seed is a whole number from 0"),
        ([1], dict(seed=1.5), "a seed is a whole number from 0"),
        ([1], dict(seed="1"), "a seed is a whole number from 0"),
        ([1], dict(seed=True), "a seed is a whole number from 0"),
    ],
)
def test_bad_input_is_no_clear_error(model, ids, settings, message):
    settings = {"max_new_tokens": 3} | settings
    for call in (
        lambda: generate(model, ids, **settings),
        lambda: generate_batch(model, [[1], ids], **settings),
    ):
        with pytest.raises(InklingError, match=message):
            call()


def test_which_prompt_of_the_batch_is_bad(model):
    with pytest.raises(InklingError, match="prompt 2 is empty"):
        generate_batch(model, [[1], [2], []], 3)
    for batch_size in (0, 1.5, "2", None):
        with pytest.raises(InklingError, match="batch_size"):
            generate_batch(model, [[1]], 3, batch_size=batch_size)
    with pytest.raises(InklingError, match="prompts must be a list of lists"):
        generate_batch(model, 5, 3)
    with pytest.raises(InklingError, match="tokenizer.encode"):
        generate_batch(model, "abc", 3)


def test_numbers_of_numpy_are_refused(model):
    expected = generate(model, [3, 1], 5, 0.5, 4, 0.75, seed=7)
    numbers = np.float32(0.5), np.int64(4), np.float64(0.75)
    assert generate(model, [3, 1], 5, *numbers, seed=np.int64(7)) == expected
    assert len(generate(model, [3, 1], 5, seed=2**64 - 1)) == 5


def test_numpy_and_torch_ids_are_refused(model):
    expected = generate(model, [3, 1], 5, temperature=0)
    assert generate(model, np.array([3, 1]), 5, temperature=0) == expected
    assert generate(model, torch.tensor([3, 1]), 5, temperature=0) == expected


def test_broken_weights_write_text():
    model = bold_model()
    with torch.no_grad():
        model.norm.weight[0] = math.nan
    for settings in (dict(temperature=0), dict(), dict(use_cache=False)):
        with pytest.raises(InklingError, match="NaN"):
            generate(model, [1], 3, **settings)


def blas_threads() -> list[int]:
    return [
        library["num_threads"]
        for library in ThreadpoolController().info()
        if library["user_api"] == "blas"
    ]


def test_decoder_wakes_threads_that_wait_for_each_other(model, monkeypatch):
    """With two threads on a busy machine a batch took sixty times as long. The reader's own setting
    must come back.
    """
    before, during, norm = blas_threads(), [], engines.normalised
    monkeypatch.setattr(
        engines, "normalised", lambda *args: during.append(blas_threads()) or norm(*args)
    )
    Decoder(model, 2).read(np.array([[1, 2], [3, 4]]))
    assert during and all(n == 1 for counts in during for n in counts)
    assert blas_threads() == before


def test_texts_that_are_written_at_once_give_the_threads_back():
    """A begins, B begins, A ends, B ends: B had found one thread, and used to put that back."""
    before = blas_threads()
    with threadpool_limits(2, user_api="blas"):
        first, second = engines.ONE_THREAD, engines.ONE_THREAD
        first.__enter__()
        second.__enter__()
        assert set(blas_threads()) == {1}
        first.__exit__(None, None, None)
        assert set(blas_threads()) == {1}, "somebody still writes"
        second.__exit__(None, None, None)
        assert set(blas_threads()) == {2}
    assert blas_threads() == before


def test_decoder_writes_past_its_cache(model):
    decoder = Decoder(model, 1, max_len=4)
    decoder.read(np.array([[1, 2, 3]]))
    with pytest.raises(InklingError, match="room for 4"):
        decoder.read(np.array([[1, 2]]))
    with pytest.raises(InklingError, match="context length"):
        Decoder(model, 1, max_len=CONTEXT + 1)
