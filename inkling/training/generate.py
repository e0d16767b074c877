"""Generation: from the model's scores to text, one token at a time.

Read it from top to bottom: the filters that reshape the distribution, the draw, the
loop, and last `generate`, `stream` and `generate_batch`. What runs the model, with its
KV cache, stands in `inkling/training/engines.py`.

The model gives *logits*, one score for each token of the vocabulary; softmax makes them
probabilities. Every filter takes logits (B, vocab_size) and returns logits of the same
shape, with -inf (probability 0) for what it rules out.
"""

import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
from torch import Tensor

from inkling.files import InklingError
from inkling.model.transformer import Transformer, seeded
from inkling.training.engines import new_engine, pad, runs_fast
from inkling.training.packing import group_by_length


def penalise_repeats(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make the tokens that were `seen` (booleans, (B, vocab_size)) less likely, for a
    penalty above 1.

    A positive logit is divided by the penalty and a negative one multiplied: both push
    it down. A token pays once, however often it was seen. Source: Keskar et al. 2019
    (CTRL), section 4.1, and Hugging Face for negative logits.
    """
    return torch.where(
        seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits
    )


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k most likely tokens, and those that tie with the last of them. Source:
    Fan et al. 2018, section 5.4.
    """
    k = min(k, logits.shape[-1])
    smallest_kept = logits.topk(k).values[..., -1:]  # (B, 1)
    return logits.masked_fill(logits < smallest_kept, -math.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of most likely tokens whose probabilities add up to p or
    more ("nucleus").

    Walk down from the most likely token and stop once p is reached: a token stays if
    the tokens *before* it have not reached p yet. So the first always stays. Source:
    Holtzman et al. 2020, section 3.1.
    """
    sorted_logits, order = logits.sort(descending=True)
    probs = sorted_logits.softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs  # how much lies above each token
    # back from sorted order to the vocabulary's
    dropped = (before >= p).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


def keep_min_p(logits: Tensor, min_p: float) -> Tensor:
    """Keep what is at least `min_p` times as likely as the most likely token. Source:
    Nguyen et al. 2024, section 3.
    """
    probs = logits.softmax(dim=-1)
    return logits.masked_fill(
        probs < min_p * probs.amax(dim=-1, keepdim=True), -math.inf
    )


@dataclass(frozen=True)
class Sampling:
    """How to choose the next token from the logits.

    temperature: divides the logits. 1 is the model's own distribution, less is safer, 0
        takes the most likely token (greedy).
    top_k, top_p, min_p: rule unlikely tokens out (see keep_top_k, keep_top_p,
    keep_min_p); None switches one off. repetition_penalty: see penalise_repeats; 1
    switches it off.

    The order is Hugging Face's: penalty, temperature, top-k, top-p, min-p. It matters:
    a high temperature flattens the distribution before top-p cuts it, so more tokens
    stay.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0

    def __post_init__(self):
        checks = {
            "temperature": (
                lambda x: x == 0 or 1e-6 <= x < math.inf,
                "0 (greedy) or a number from 1e-6 up",
            ),
            "top_k": (
                lambda x: isinstance(x, Integral) and int(x) >= 1,
                "a whole number of at least 1, or None",
            ),
            "top_p": (lambda x: 0 < x <= 1, "a number above 0 and at most 1, or None"),
            "min_p": (lambda x: 0 <= x <= 1, "a number from 0 to 1, or None"),
            "repetition_penalty": (
                lambda x: 0 < x < math.inf,
                "a number above 0 (1 switches it off)",
            ),
        }
        for name, (fine, expected) in checks.items():
            value = getattr(self, name)
            if value is None and expected.endswith("or None"):
                continue
            if isinstance(value, bool) or not (isinstance(value, Real) and fine(value)):
                raise InklingError(f"{name} must be {expected}; it is {value!r:.60}.")

    def reshape(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """The logits after all filters, (B, vocab_size). Greedy needs the penalty only:
        nothing else moves the top.
        """
        if self.repetition_penalty != 1 and seen is not None:
            logits = penalise_repeats(logits, seen, self.repetition_penalty)
        if self.temperature == 0:
            return logits
        logits = logits / self.temperature
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        if self.top_p is not None and self.top_p < 1:
            logits = keep_top_p(logits, self.top_p)
        if self.min_p:
            logits = keep_min_p(logits, self.min_p)
        return logits

    def choose(self, logits: Tensor, u: Tensor, seen: Tensor | None = None) -> Tensor:
        """The next token of each row, (B,). `u` (B,) holds a random number in [0, 1)
        for each row, in float64.
        """
        logits = self.reshape(logits, seen)
        top, token = logits.max(dim=-1)
        # one sum is enough: a single NaN or infinity spoils it
        if not math.isfinite(top.sum()):
            raise InklingError(
                "the model's logits are not finite numbers (NaN or infinity), so there"
                " is nothing to draw from. Its weights are broken: did training"
                " diverge? Load an earlier checkpoint."
            )
        return token if self.temperature == 0 else draw(logits.softmax(dim=-1), u)


def draw(probs: Tensor, u: Tensor) -> Tensor:
    """Throw a dart: lay the probabilities (B, V) end to end on a line; each row's `u`
    times its length hits one, (B,).

    That is sampling by inverting the cumulative distribution. A token of probability 0
    has no stretch to be hit. In float64, since float32 sums of thousands of small
    numbers would move the stretches.
    """
    cumulative = probs.double().cumsum(dim=-1)
    return torch.searchsorted(
        cumulative, u[:, None] * cumulative[:, -1:], right=True
    ).squeeze(-1)


def random_numbers(seed: int | None, n_rows: int, n_steps: int) -> Tensor:
    """All the chance of a batch, (n_rows, n_steps) in [0, 1), float64: one number for
    each token that may be drawn.

    A generator of its own: nothing else draws from it. Row i is the i-th stretch of one
    stream, so rows never share numbers, and row i's do not depend on how many rows
    follow. Seed None takes one from the operating system.
    """
    u = torch.rand(n_rows, n_steps, dtype=torch.float64, generator=seeded(seed))
    # so that rounding never carries u * total up to the total, past the last token
    return u.clamp_(max=1 - 2**-52)


def _write(
    model: Transformer,
    prompts: list[list[int]],
    max_new_tokens: int,
    sampling: Sampling,
    u: Tensor,
    stop_ids: frozenset[int],
    use_cache: bool = True,
) -> Iterator[list[tuple[int, int]]]:
    """The loop that everything below runs: yields, step by step, the (row, id) pairs
    that were just written.

    `u` is the chance, (B, at least max_new_tokens), from `random_numbers`. A row ends
    with a stop id, after `max_new_tokens`, or when its text fills the context.
    """
    context = model.config.context_length
    rows = np.array(
        [
            row
            for row, prompt in enumerate(prompts)
            if len(prompt) < context and max_new_tokens
        ],
        np.int64,
    )
    if len(rows) == 0:
        return
    tokens, lengths = pad([prompts[row] for row in rows])
    # (B,): the step at which each row is full
    last_step = np.minimum(max_new_tokens, context - lengths) - 1
    engine = new_engine(
        model, len(rows), int((lengths + last_step).max()) + 1, use_cache
    )
    seen = None
    if sampling.repetition_penalty != 1:
        seen = torch.zeros(len(rows), model.config.vocab_size, dtype=torch.bool)
        for i, row in enumerate(rows):
            seen[i, prompts[row]] = True
    stops = np.zeros(model.config.vocab_size, bool)
    stops[list(stop_ids)] = True
    chance, running = u.numpy(), np.ones(len(rows), bool)
    for step in itertools.count():
        darts = torch.from_numpy(chance[rows, step])
        chosen = sampling.choose(
            torch.as_tensor(engine.read(tokens, lengths)), darts, seen
        ).numpy()
        yield [
            (int(row), int(token))
            for row, token, on in zip(rows, chosen, running, strict=True)
            if on
        ]
        if seen is not None:
            seen[range(len(rows)), chosen] = True
        running &= (step < last_step) & ~stops[chosen]
        if not running.any():
            return
        # dropping rows copies the cache, so it waits until half of them are done
        if running.sum() <= len(rows) // 2:
            alive = np.flatnonzero(running)
            engine.keep(alive)
            rows, last_step, chosen, running = (
                rows[alive],
                last_step[alive],
                chosen[alive],
                running[alive],
            )
            seen = None if seen is None else seen[alive]
        # a row that is done reads nothing and stands still
        tokens, lengths = chosen[:, None], running.astype(np.int64)


def generate(
    model: Transformer,
    ids: Sequence[int],
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    *,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop_ids: int | Iterable[int] = (),
    use_cache: bool = True,
) -> list[int]:
    """Continue the prompt `ids` (at least one token): the new ids only, with the stop
    id that ended them, if one did.

    It stops early when prompt and reply together fill the model's context, since the
    text must not slide out of view in silence: fewer than `max_new_tokens` ids may come
    back, and none for a prompt that fills the context already. The same seed gives the
    same ids, and a longer run only adds to them; without a seed each call differs. The
    other settings are those of `Sampling`. `use_cache=False` reads the whole text again
    for each token: the same ids, slowly.

    Raises InklingError for an empty prompt, one longer than the context, an id outside
    of the vocabulary, or a setting out of range.
    """
    return list(
        stream(
            model,
            ids,
            max_new_tokens,
            temperature,
            top_k,
            top_p,
            seed,
            min_p=min_p,
            repetition_penalty=repetition_penalty,
            stop_ids=stop_ids,
            use_cache=use_cache,
        )
    )


def stream(
    model: Transformer,
    ids: Sequence[int],
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    *,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop_ids: int | Iterable[int] = (),
    use_cache: bool = True,
) -> Iterator[int]:
    """Like `generate`, but each id comes as soon as it is chosen. Wrong arguments raise
    here, not at the first id.
    """
    sampling = Sampling(temperature, top_k, top_p, min_p, repetition_penalty)
    prompts, stop_ids = _check(model, [ids], max_new_tokens, stop_ids)
    u = random_numbers(seed, 1, model.config.context_length)
    steps = _write(model, prompts, max_new_tokens, sampling, u, stop_ids, use_cache)
    return (token for step in steps for _, token in step)


def generate_batch(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    *,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop_ids: int | Iterable[int] = (),
    use_cache: bool = True,
    batch_size: int = 128,
) -> list[list[int]]:
    """Continue many prompts, of any lengths, at once: the ids that `generate` gives for
    each, sooner than in turn.

    At most `batch_size` rows run together, which bounds the cache's memory. Each row
    has random numbers of its own, so equal prompts get different replies, and a reply
    depends neither on the other prompts nor on `batch_size`. Row 0 gets the reply that
    `generate` gives with the same seed.
    """
    sampling = Sampling(temperature, top_k, top_p, min_p, repetition_penalty)
    prompts, stop_ids = _check(model, prompts, max_new_tokens, stop_ids)
    if not isinstance(batch_size, int) or batch_size < 1:
        raise InklingError(
            "batch_size must be a whole number of at least 1; it is"
            f" {batch_size!r:.60}."
        )
    u = random_numbers(seed, len(prompts), model.config.context_length)
    replies: list[list[int]] = [[] for _ in prompts]
    for rows in _groups(model, prompts, batch_size, use_cache):
        together = [prompts[row] for row in rows]
        for step in _write(
            model, together, max_new_tokens, sampling, u[rows], stop_ids, use_cache
        ):
            for i, token in step:
                replies[rows[i]].append(token)
    return replies


def _groups(
    model: Transformer, prompts: list[list[int]], batch_size: int, use_cache: bool
) -> Iterator[list[int]]:
    """Which rows run together: prompts of similar length, and of the same length where
    the engine needs that.
    """
    lengths = [len(prompt) for prompt in prompts]
    if not use_cache or runs_fast(model):
        yield from group_by_length(lengths, batch_size)
        return
    for length in sorted(set(lengths)):
        same = [row for row, n in enumerate(lengths) if n == length]
        for start in range(0, len(same), batch_size):
            yield same[start : start + batch_size]


def _check(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    stop_ids: int | Iterable[int],
) -> tuple[list[list[int]], frozenset[int]]:
    """The prompts and stop ids as plain whole numbers, or an InklingError that says
    which of them cannot be used.
    """
    config = model.config
    if not isinstance(max_new_tokens, int) or max_new_tokens < 0:
        raise InklingError(
            "max_new_tokens must be a whole number of at least 0; it is"
            f" {max_new_tokens!r}."
        )
    if not isinstance(prompts, Iterable):
        raise InklingError(
            f"prompts must be a list of lists of token ids; it is {prompts!r:.60}."
        )
    checked = [
        _ids(prompt, f"prompt {row}", config.vocab_size)
        for row, prompt in enumerate(prompts)
    ]
    for row, prompt in enumerate(checked):
        if not prompt:
            raise InklingError(
                f"prompt {row} is empty, and the model continues what it is given: give"
                " it at least one token, for example tokenizer.eos_id, after which a"
                " new document begins."
            )
        if len(prompt) > config.context_length:
            raise InklingError(
                f"prompt {row} has {len(prompt)} tokens and the model's context is"
                f" {config.context_length}. Keep its last {config.context_length} or"
                " fewer (fewer, to leave room for the reply)."
            )
    stops = stop_ids if isinstance(stop_ids, Iterable) else [stop_ids]
    return checked, frozenset(_ids(stops, "stop_ids", config.vocab_size))


def _ids(ids: Iterable[int], name: str, vocab_size: int) -> list[int]:
    try:
        # also takes NumPy's and torch's whole numbers
        ids = [operator.index(token) for token in ids]
    except (TypeError, RuntimeError) as error:
        raise InklingError(
            f"{name} must be a list of token ids (whole numbers); it is {ids!r:.60}. "
            "Text goes through tokenizer.encode first."
        ) from error
    for token in ids:
        if not 0 <= token < vocab_size:
            raise InklingError(
                f"{name}: token id {token} is outside of the vocabulary of {vocab_size}"
                f" tokens (ids 0 to {vocab_size - 1}). Is this text encoded with"
                " another model's tokenizer?"
            )
    return ids
