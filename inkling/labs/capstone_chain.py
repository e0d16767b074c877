"""The first half of the chain on the island: weights that take in its pages, and an assistant made
from them.

Every stage says what it cost in CPU-seconds and leaves the model that it began with as it was.
"""

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from inkling import checkpoints
from inkling.assistant.chat import decode_reply, encode_prompt, prepare_roles
from inkling.assistant.reward import RewardModel, model_reward
from inkling.assistant.rollouts import best_of_n, gold_reward, roll_out
from inkling.assistant.sft import Demonstration, SFTConfig, draw_style, finetune
from inkling.files import InklingError
from inkling.labs.capstone_island import Island, Pages, shuffled
from inkling.model.transformer import Transformer
from inkling.recipe.text_stage import encode_stream
from inkling.text.tokenizer import Tokenizer
from inkling.training import evaluate
from inkling.training.generate import generate
from inkling.training.pretrain import TrainConfig, train
from inkling.world import World
from inkling.world.requests import reply

ROWS, LENGTH = 4, 128
OLD_QUESTIONS = 150


def shipped_tokenizer() -> Tokenizer:
    """The tokenizer of the shipped models: all of them have the same."""
    return checkpoints.load("base")[1]


def shipped_model(name: str) -> Transformer:
    """The shipped model of this name, ready to write."""
    return checkpoints.load(name)[0]


# --- Knowledge in the weights ---------------------------------------------------------------------


@dataclass(frozen=True)
class RunPoint:
    """A model on its way. Shares of right answers: on the island's people whom its pages ask about;
    on those whom they only tell about; and on Larkhaven's.
    """

    step: int
    loss: float
    asked: float
    told: float
    old: float


@dataclass
class Run:
    """One way to put the island into weights: the model, its points, and what it cost."""

    name: str
    model: Transformer
    points: list[RunPoint] = field(default_factory=list)
    cpu_seconds: float = 0.0
    chance: float = 0.0
    old_chance: float = 0.0


def old_recall(model: Transformer, tokenizer: Tokenizer, town: World) -> evaluate.Recall:
    """Larkhaven's exam, or some questions of it."""
    return evaluate.fact_recall(model, tokenizer, town, limit=OLD_QUESTIONS)


def share_right(recall: evaluate.Recall) -> float:
    """Of all answers, asked about in training or not."""
    return float(np.mean([right for _, _, right in recall.answers]))


def learn_pages(
    name: str,
    pages: Pages,
    island: Island,
    tokenizer: Tokenizer,
    start: Transformer | None = None,
    *,
    steps: int = 120,
    replay: float = 0.0,
    learning_rate: float = 2e-3,
    measure_every: int = 40,
    after_step: Callable[[Run, int, float], None] = lambda run, step, loss: None,
    into: list[Run] | None = None,
) -> Run:
    """Train on the island's pages.

    start: the model to go on from (it stays as it is); None: random weights. replay: the share of
    pages that come from Larkhaven instead. into: a list that the run is put into at once, so that
    it is kept if `after_step` ends it. Raises `InklingError` for a share that is none.
    """
    if not 0 <= replay < 0.9:
        raise InklingError(f"The share of old pages must be from 0 to 0.8; it is {replay:g}.")
    town, shape = World(0), start or shipped_model("base")
    model = Transformer(shape.config, seed=island.seed) if start is None else copy.deepcopy(start)
    run = Run(name, model)
    if into is not None:
        into.append(run)
    n_old = round(len(pages.texts) * replay / (1 - replay))
    texts = pages.texts + [town.document(i, "replay", seed=island.seed).text for i in range(n_old)]
    tokens = encode_stream(tokenizer, shuffled(texts, island.seed))

    def measure(step: int, loss: float) -> None:
        model.eval()
        new = evaluate.fact_recall(model, tokenizer, island)
        old = old_recall(model, tokenizer, town)
        run.chance, run.old_chance = new.chance, old.chance
        run.points.append(RunPoint(step, loss, new.asked, new.never_asked, share_right(old)))
        model.train()

    measure(0, float("nan"))
    config = TrainConfig(
        steps=steps,
        batch_size=ROWS,
        context_length=LENGTH,
        eos_id=tokenizer.eos_id,
        optimizer="adamw",
        learning_rate=learning_rate,
        warmup_steps=10,
        precision="fp32",
        seed=island.seed,
    )
    try:
        for record in train(model, tokens, config, progress=False):
            run.cpu_seconds = record.cpu_seconds
            if record.step % measure_every == 0 or record.step == steps:
                measure(record.step, record.loss)
            after_step(run, record.step, record.loss)
    finally:
        model.eval()
    return run


# --- An assistant ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assistant:
    """A model that replies in chat form. losses: of every step; cpu_seconds: what fine-tuning
    cost.
    """

    model: Transformer
    tokenizer: Tokenizer
    losses: list[float]
    cpu_seconds: float

    def say(self, prompt: str, max_new_tokens: int = 60) -> str:
        """The likeliest reply, word by word. Raises `InklingError` for a prompt that is empty or
        too long.
        """
        ids = encode_prompt(self.tokenizer, read_prompt(prompt))
        room = self.model.config.context_length - max_new_tokens
        if len(ids) > room:
            raise InklingError(
                f"This prompt has {len(ids):,} tokens and {room} fit: say it in fewer words."
            )
        stops = self.tokenizer.special_tokens.values()
        return decode_reply(
            self.tokenizer,
            generate(self.model, ids, max_new_tokens, temperature=0.0, stop_ids=stops),
        )


def read_prompt(text: object) -> str:
    """What somebody asks; `InklingError` with a sentence for nothing and for a whole book."""
    prompt = str(text).strip()
    if not prompt:
        raise InklingError("There is nothing to answer: type a question.")
    if len(prompt) > 2000:
        raise InklingError(
            f"That is {len(prompt):,} characters; the model reads 256 tokens. Ask in a sentence or"
            " two."
        )
    return prompt


def island_demonstrations(island: Island, n: int, careful: float = 0.95) -> list[Demonstration]:
    """Requests on the island, answered by somebody. No stories: they are longer than the rows of
    this lab.
    """
    made = []
    for index, asked in enumerate(island.requests(n, "train")):
        if asked.kind != "story":
            style = draw_style(Random(f"{island.seed}/{index}").random, careful)
            made.append(
                Demonstration(asked.prompt, reply(island, asked, style, f"{island.seed}/{index}"))
            )
    return made


def make_assistant(
    model: Transformer,
    tokenizer: Tokenizer,
    island: Island,
    pages: Pages,
    *,
    n_demos: int = 900,
    n_replay: int = 120,
    after_step: Callable[[int, float], None] = lambda step, loss: None,
) -> Assistant:
    """Fine-tune a copy of the model on demonstrations from the island; old and new pages are mixed
    in.
    """
    cpu, town = time.process_time(), World(0)
    model = copy.deepcopy(model)
    prepare_roles(model, tokenizer)
    old = [town.document(i, "replay", seed=island.seed + 1).text for i in range(n_replay // 2)]
    losses: list[float] = []

    config = SFTConfig(batch_size=ROWS, length=LENGTH, learning_rate=1e-3, seed=island.seed)
    replay = [*old, *pages.texts[: n_replay - len(old)]]
    demos = island_demonstrations(island, n_demos)
    for record in finetune(model, tokenizer, demos, config, replay=replay, progress=False):
        losses.append(record.loss)
        after_step(record.step, record.loss)
    return Assistant(model.eval(), tokenizer, losses, time.process_time() - cpu)


def exam_requests(island: Island, n: int) -> list:
    """`n` requests that no demonstration has, without stories."""
    return [asked for asked in island.requests(3 * n, "test") if asked.kind != "story"][:n]


@dataclass(frozen=True)
class Judged:
    """A reply to a request that no demonstration has, and what it is truly worth, from -2.1 to
    1.25.
    """

    kind: str
    prompt: str
    reply: str
    worth: float


def judged_replies(assistant: Assistant, island: Island, n: int = 60) -> list[Judged]:
    """The assistant's likeliest reply to each of `n` requests, judged by the rubric."""
    asked = exam_requests(island, n)
    prompts = [request.prompt for request in asked]
    replies = roll_out(
        assistant.model, assistant.tokenizer, prompts, 60, temperature=1e-3, seed=0
    ).replies
    return [
        Judged(request.kind, request.prompt, text, island.gold_reward(request.prompt, text))
        for request, text in zip(asked, replies, strict=True)
    ]


def by_kind(judged: Sequence[Judged]) -> dict[str, float]:
    """The mean worth of the replies to each kind of request."""
    worth = defaultdict(list)
    for one in judged:
        worth[one.kind].append(one.worth)
    return {kind: float(np.mean(values)) for kind, values in sorted(worth.items())}


def first_of_each(judged: Sequence[Judged]) -> list[Judged]:
    """The first reply to each kind of request: not the best, not the worst."""
    first: dict[str, Judged] = {}
    for one in judged:
        first.setdefault(one.kind, one)
    return list(first.values())


def choose_best(
    assistant: Assistant, island: Island, n: int = 4, n_requests: int = 40
) -> dict[str, float]:
    """The true worth of a random reply, and of the best of `n` as the shipped reward model and as
    the rubric see it.
    """
    prompts = [request.prompt for request in exam_requests(island, n_requests)]
    truth = gold_reward(island)
    judge = model_reward(RewardModel.load(checkpoints.path("reward")), assistant.tokenizer)
    ways = {
        "one reply": (truth, 1),
        f"best of {n}, shipped judge": (judge, n),
        f"best of {n}, rubric": (truth, n),
    }
    found = {}
    for name, (reward, of) in ways.items():
        kept = best_of_n(assistant.model, assistant.tokenizer, prompts, reward, of, 60, seed=0)
        found[name] = float(truth(kept.prompts, kept.replies).mean())
    return found
