"""Which batches a stage begins with: taken from its data as its trainer takes them, to
be kept (`first_batches`) and read again (`plain_updates`).

Where a batch is too large for the file, its first rows are kept. Pre-training gives
those of its main part, fine-tuning and reading those of their first epoch and course.
PPO's replies depend on the updates before them: its batches are those of as many plain
updates, of which only the first are the training's own to the token.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from copy import deepcopy
from itertools import islice
from typing import Any

import numpy as np

from inkling.assistant.chat import pad_id
from inkling.assistant.ppo import (
    ActorCritic,
    PPOConfig,
    look_back,
    minibatches,
    ppo_loss,
)
from inkling.assistant.reward import RewardConfig
from inkling.assistant.rollouts import Reward, roll_out, scored
from inkling.assistant.sft import SFTConfig, pack_chats
from inkling.model.transformer import Transformer
from inkling.reading.embedder import (
    Embedder,
    EmbedderConfig,
    QuestionPassage,
    encode_text,
    false_negatives,
    make_batches,
)
from inkling.reading.lessons import ReadingConfig, batches
from inkling.recipe.first_batches import (
    MOST_TOKENS,
    N_UPDATES,
    Chat,
    FirstBatches,
    first_rows,
    kind_of,
)
from inkling.recipe.plain_updates import optimizers_of
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import update
from inkling.training.packing import IGNORE, Batches
from inkling.training.pretrain import TrainConfig
from inkling.world import World
from inkling.world.requests import Prompt


def data_digest(data: Any) -> str:
    """SHA-256 of what a stage learns from: an array of ids, or whatever JSON can
    hold.
    """
    if isinstance(data, np.ndarray):
        return hashlib.sha256(data.astype("<i4").tobytes()).hexdigest()
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()


def take_pretraining(tokens: np.ndarray, config: TrainConfig) -> FirstBatches:
    """From the stream of the main part; `config` names its context length."""
    length = config.context_length
    assert length is not None  # the recipe has set it
    data = Batches(tokens, length, config.batch_size, config.seed, config.eos_id)
    kept = first_rows([length] * config.batch_size)
    rows = [data.batch(step)[:kept] for step in range(min(N_UPDATES, config.steps))]
    return FirstBatches(
        [[row[row != IGNORE].tolist() for row in part] for part in rows]
    )


def _with_kinds(tokenizer: Tokenizer, taken: list[list[Chat]]) -> FirstBatches:
    """Batches of chats, with what is trained on in each of them."""
    kinds = [kind_of(tokenizer, chat) for batch in taken for chat in batch]
    ids = [[ids for ids, _ in batch] for batch in taken]
    return FirstBatches(ids, {"kinds": np.array(kinds, np.uint8)})


def take_finetuning(
    tokenizer: Tokenizer, chats: Sequence[Chat], config: SFTConfig
) -> FirstBatches:
    """From encoded demonstrations and what is mixed into them: the chats of each
    batch's first rows.
    """
    order = np.random.default_rng(config.seed).permutation(len(chats))
    chats = [chats[i] for i in order]
    rows, _ = pack_chats(chats, config.length, pad_id(tokenizer))
    # every chat begins with the end-of-text token, and has no other before its end
    ends = np.cumsum((rows == tokenizer.eos_id).sum(axis=1)).tolist()
    starts, size = [0, *ends], config.batch_size
    kept = first_rows([config.length] * size)
    taken = [
        chats[starts[first] : ends[min(first + kept, len(rows)) - 1]]
        for first in range(0, len(rows), size)[:N_UPDATES]
    ]
    return _with_kinds(tokenizer, taken)


def take_reward(
    rows: Sequence[tuple[list[int], list[int]]], config: RewardConfig
) -> FirstBatches:
    """From encoded choices (`reward.encode_choices`)."""
    order = np.random.default_rng(config.seed).permutation(len(rows))
    taken, size = [], config.batch_size
    for first in range(0, len(rows), size)[:N_UPDATES]:
        batch = [rows[i] for i in order[first : first + size]]
        kept = first_rows([len(one) + len(other) for one, other in batch])
        taken.append([row for pair in batch[:kept] for row in pair])
    return FirstBatches(taken)


def take_ppo(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[Prompt]],
    reward: Reward,
    config: PPOConfig,
) -> FirstBatches:
    """As many plain updates by PPO from `policy`, which is changed: the replies, where
    each begins, and their scores. prompts: those of each batch.
    """
    reference = deepcopy(policy).eval().requires_grad_(False)
    actor = ActorCritic(policy)
    optimizers = optimizers_of(actor, config)
    in_each = config.epochs * math.ceil(config.batch_size / config.minibatch_size)
    prompts = prompts[: math.ceil(N_UPDATES / in_each)]
    taken, begins, marks = [], [], []
    for step, asked in enumerate(prompts):
        seed = config.seed * 1_000_003 + step
        limits = (config.max_new_tokens, config.temperature)
        written = roll_out(policy, tokenizer, asked[: config.batch_size], *limits, seed)
        scores = scored(written, reward, config.no_end_penalty)
        firsts = written.actions.int().argmax(dim=1) + 1
        sizes = firsts + written.lengths
        kept = first_rows(sizes.tolist(), 2, MOST_TOKENS // len(prompts))
        tokens, actions = written.tokens[:kept], written.actions[:kept]
        taken.append(
            [row[:n].tolist() for row, n in zip(tokens, sizes.tolist(), strict=False)]
        )
        begins += firsts[:kept].tolist()
        marks += scores[:kept].tolist()
        experience, _, _ = look_back(
            actor, reference, tokens, actions, scores[:kept], config
        )
        for rows in minibatches(kept, config, seed):
            loss = ppo_loss(actor, experience, rows, config)
            loss.backward()
            update(actor, optimizers, loss.item(), step, grad_clip=config.grad_clip)
    more = {
        "begins": np.array(begins, np.uint16),
        "scores": np.array(marks, np.float32),
    }
    return FirstBatches(taken, more)


def take_embedder(
    base: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[QuestionPassage],
    config: EmbedderConfig,
) -> FirstBatches:
    """From questions with their passages: the texts, which pairs do not count as wrong,
    and the centre that training begins with.
    """
    embedder = Embedder.from_model(base, seed=config.seed)
    embedder.centre_on(tokenizer, [pair.passage for pair in pairs[:1000]])
    taken, ignored = [], []
    for numbers in make_batches(len(pairs), config)[:N_UPDATES]:
        batch = [pairs[i] for i in numbers]
        rows = [
            [encode_text(tokenizer, text) for text in (pair.question, pair.passage)]
            for pair in batch
        ]
        kept = first_rows([sum(map(len, both)) for both in rows], 2)
        taken.append([row for both in rows[:kept] for row in both])
        ignored.append(false_negatives(batch[:kept]).numpy().ravel())
    more = {
        "centre": embedder.get_buffer("centre").numpy().copy(),
        "ignored": np.packbits(np.concatenate(ignored)),
    }
    return FirstBatches(taken, more)


def take_reading(
    tokenizer: Tokenizer,
    world: World,
    limit: int,
    config: ReadingConfig,
    replay: Sequence[Chat],
) -> FirstBatches:
    """From a course; replay: what is mixed in (`lessons.mixed_in`), limit: the most
    tokens of a chat.
    """
    stream = batches(world, tokenizer, limit, config, replay)
    taken = [
        batch[: first_rows([len(ids) for ids, _ in batch])]
        for batch in islice(stream, min(N_UPDATES, config.steps))
    ]
    return _with_kinds(tokenizer, taken)
