"""What the cards of an assistant say that it is worth: at every temperature that people
use, and beside what costs nothing.

Each stage measures its own model (`policy_scores`). Fine-tuning adds the baselines that
need no reward model, RLHF the best of four, and how far it is ahead of each.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

from inkling.assistant.exam import story_perplexity
from inkling.assistant.fair import (
    best_phrase,
    best_replies,
    best_tenth,
    gain,
    measure_arm,
    people,
    sampled,
    with_phrase,
)
from inkling.assistant.reward import RewardModel, model_reward
from inkling.assistant.sft import Demonstration, SFTConfig, finetune
from inkling.assistant.story_exam import free_stories, stories_on_request
from inkling.model.transformer import Transformer
from inkling.reading.conversation import CHAT_TEMPERATURE
from inkling.recipe.cards import CAREFUL
from inkling.recipe.workbench import Workbench
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

#: A little colder than it was trained: where baselines are compared.
COOL = 0.7
TEMPERATURES = tuple(dict.fromkeys((1.0, COOL, CHAT_TEMPERATURE)))
#: The single figures on a card, those at temperature 1.
NAMES = (
    "gold",
    "refused_unsafe",
    "refused_harmless",
    "ignorant_unknown",
    "ignorant_known",
    "right_known",
    "rude",
    "finished",
    "length",
)


def key_of(temperature: float) -> str:
    """A temperature as the key of a table on a card: "1", "0.7"."""
    return f"{temperature:g}"


def policy_scores(
    model: Transformer, tokenizer: Tokenizer, world: World, n: int, plain: bool = False
) -> dict:
    """What a model is worth as an assistant, by exams of `n` requests in three seeds.

    First the single figures at temperature 1, as means over the seeds, and the spread
    (standard deviation) of the gold reward. Then everything at every temperature, under
    "at", what `chat` samples with, and 2/5 `n` stories at every temperature: those
    that people ask for, or of a plain model, which nobody can ask, free ones.
    """
    at = {
        key_of(t): measure_arm(world, sampled(model, tokenizer, t, plain), n)
        for t in TEMPERATURES
    }
    first, n_stories = at[key_of(1.0)], max(1, 2 * n // 5)
    tell = free_stories if plain else stories_on_request
    stories = {
        key_of(t): tell(model, tokenizer, world, n_stories, temperature=t)
        for t in TEMPERATURES
    }
    if plain:
        stories["careful"] = free_stories(model, tokenizer, world, n_stories, **CAREFUL)
    return {
        **{name: first[name] for name in NAMES},
        "gold_spread": first["spread"]["gold"],
        "story_perplexity": story_perplexity(model, tokenizer, world),
        "at": at,
        "chat_temperature": CHAT_TEMPERATURE,
        "stories": stories,
    }


def baselines_of_tuned(
    bench: Workbench,
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int,
    demos: Sequence[Demonstration],
    replay: Sequence[str],
    config: SFTConfig,
) -> dict:
    """What RLHF must beat and what needs no reward model: the demonstrations, the
    fine-tuned `model` with the best fixed phrase, and the same model tuned further on
    the best tenth of what it was tuned on, by `config`.

    As `fair.measure_arm` gives them, at temperature `COOL`.
    """
    cooled = sampled(model, tokenizer, COOL)
    phrase = bench.once("phrase", lambda: best_phrase(world, cooled, n))
    better = tuned_further(bench, model, tokenizer, world, demos, replay, config)
    arms = {
        "demonstrations": people(world, tokenizer),
        "fixed_phrase": with_phrase(cooled, phrase),
        "best_tenth": sampled(better, tokenizer, COOL),
    }
    found = {name: measure_arm(world, arm, n) for name, arm in arms.items()}
    found["fixed_phrase"]["phrase"] = phrase
    return found


def tuned_further(
    bench: Workbench,
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    demos: Sequence[Demonstration],
    replay: Sequence[str],
    config: SFTConfig,
) -> Transformer:
    """A copy of the fine-tuned model after three epochs of the best tenth at half the
    rates, with a tenth of the replay.

    It begins where RLHF begins, and takes three tenths of the updates of fine-tuning,
    which are more than RLHF takes. It is the strongest of what was tried, gold reward
    at temperature 0.7 with 6,000 demonstrations: 1.06; one epoch at the full rate 0.89;
    ten epochs from the base model, as many updates as fine-tuning takes, 0.90.
    """
    better = copy.deepcopy(model)
    config = replace(
        config,
        epochs=3,
        learning_rate=config.learning_rate / 2,
        muon_learning_rate=config.muon_learning_rate / 2,
    )
    run = finetune(
        better,
        tokenizer,
        best_tenth(world, demos),
        config,
        replay=replay[: len(replay) // 10],
        folder=bench.saved / "best_tenth",
        progress=bench.progress,
    )
    for _ in bench.watch(run):
        pass
    return better


def gains_of_rlhf(
    model: Transformer,
    judge: RewardModel,
    tokenizer: Tokenizer,
    world: World,
    scores: dict,
    tuned: dict,
) -> dict:
    """The last baseline, the best of four replies of the fine-tuned `model` by the
    reward model, and how far RLHF is ahead of every one, at temperature `COOL`.

    scores: those of the model after RLHF; tuned: the card of fine-tuning.
    """
    before, after = tuned["scores"]["at"][key_of(COOL)], scores["at"][key_of(COOL)]
    reward = model_reward(judge, tokenizer)
    arm = best_replies(4, model, tokenizer, reward, COOL)
    best = {"best_of_four": measure_arm(world, arm, before["n"])}
    others = {"fine_tuned": before} | tuned["baselines"] | best
    return {
        "baselines": best,
        "gains": {name: gain(after, other) for name, other in others.items()},
    }
