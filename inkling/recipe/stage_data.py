"""What the stages after pre-training learn from, and its digests, which stand on their
cards: whoever makes the data again can tell that it is the same.

A digest under "sampled" is of what a model wrote. It is the same where the same
processor computes, as floats are.
"""

from collections.abc import Sequence
from dataclasses import asdict

from inkling.assistant.chat import encode_chat
from inkling.assistant.ppo import PPOConfig
from inkling.assistant.preferences import Pair, preferences, written_replies
from inkling.assistant.rollouts import prompt_batches
from inkling.assistant.sft import (
    Demonstration,
    SFTConfig,
    demonstrations,
    encode_demonstrations,
    encode_replay,
)
from inkling.reading.embedder import QuestionPassage
from inkling.reading.lessons import ReadingConfig, exercise
from inkling.recipe.first_batches import Chat
from inkling.recipe.taken_batches import data_digest
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Prompt

#: Exercises of each course that its digest counts; all depend on the same few lines.
_EXERCISES = 500


def documents_again(world: World, n: int, seed: int) -> list[str]:
    """Documents of pre-training, for a stage that mixes them in."""
    return [world.document(index, "train", seed=seed).text for index in range(n)]


def fitting_demonstrations(
    world: World, tokenizer: Tokenizer, n: int, config: SFTConfig
) -> list[Demonstration]:
    """Those of `n` demonstrations that fit into a row."""
    demos = demonstrations(world, n, config.seed)
    chats = encode_demonstrations(tokenizer, demos)
    return [
        demo
        for demo, (ids, _) in zip(demos, chats, strict=True)
        if len(ids) <= config.length
    ]


def finetuning_chats(
    tokenizer: Tokenizer,
    demos: Sequence[Demonstration],
    replay: Sequence[str],
    config: SFTConfig,
) -> list[Chat]:
    """All that fine-tuning reads, encoded."""
    chats = encode_demonstrations(tokenizer, demos)
    return chats + encode_replay(tokenizer, replay, config.length)


def finetuning_digests(chats: Sequence[Chat]) -> dict[str, str]:
    """Of the ids, and of which the assistant wrote."""
    return {"chats": data_digest(list(chats))}


def pair_digests(
    world: World, n: int, seed: int, pairs: Sequence[Pair] | None
) -> dict[str, str]:
    """Of the comparisons of people's replies, which come first among `n`; and of all
    `pairs`, where they are given.
    """
    replies = written_replies(world, n // 2, seed, "train")
    written = [asdict(pair) for pair in preferences(world, replies, seed=seed)]
    digests = {"written": data_digest(written)}
    if pairs is not None:
        digests["sampled"] = data_digest([asdict(pair) for pair in pairs])
    return digests


def prompts_of_rlhf(world: World, config: PPOConfig) -> list[list[Prompt]]:
    """The prompts of every batch."""
    prompts = prompt_batches(world, config.batch_size, config.seed)
    return [prompts(step) for step in range(config.steps)]


def rlhf_digests(prompts: Sequence[Sequence[Prompt]]) -> dict[str, str]:
    """Of the prompts of every batch."""
    return {"prompts": data_digest(list(prompts))}


def embedder_digests(pairs: Sequence[QuestionPassage]) -> dict[str, str]:
    """Of the questions and their passages."""
    return {"pairs": data_digest([(pair.question, pair.passage) for pair in pairs])}


def reading_digests(
    world: World,
    tokenizer: Tokenizer,
    courses: Sequence[ReadingConfig],
    documents: Sequence[str],
    replay: Sequence[tuple[Prompt, str]] | None,
) -> dict[str, str]:
    """Of the first exercises of each course, of the documents that are mixed in, and of
    the assistant's own replies, where they are given.
    """
    exercises = [
        encode_chat(
            tokenizer, exercise(world, number, course.course, course.seed).messages
        )
        for course in courses
        for number in range(min(_EXERCISES, course.steps * course.batch_size))
    ]
    digests = {
        "exercises": data_digest(exercises),
        "documents": data_digest(list(documents)),
    }
    if replay is not None:
        digests["sampled"] = data_digest(list(replay))
    return digests
