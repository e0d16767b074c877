"""The last stage of the chain: the assistant learns to read, and stays an assistant.

It begins at rlhf/, reads its own earlier replies among the exercises, and leaves rag/
with a card: the exam on newcomers, the curve of its emergence, and what reading cost
the assistant.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from inkling.assistant.chat import PASSAGE_LIKENESS, prepare_roles
from inkling.assistant.rollouts import roll_out
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading.lessons import Course, ReadingConfig, ReadingRecord, learn_to_read
from inkling.reading.reading_exam import reading_scores
from inkling.reading.shelves import town_library
from inkling.recipe.assistant_stage import policy_scores, stage
from inkling.text.tokenizer import Tokenizer
from inkling.world import World


@dataclass(frozen=True)
class RAGRecipe:
    """Everything that decides the stage."""

    seed: int = 0
    n_replay: int = 16_000
    """Requests of the training stream; the assistant's own replies to them are mixed
    in.
    """
    n_replay_documents: int = 4_000
    """Documents of pre-training that are mixed in, too."""
    courses: tuple[ReadingConfig, ...] = (
        ReadingConfig(),
        ReadingConfig(
            Course(answerable=0.6),
            steps=4_000,
            answerable_first=0.0,
            learning_rate=6e-4,
        ),
    )
    """One after the other. The first leaves a reader that binds and cites and is too
    ready to answer; in the second, two questions of five have no answer.
    """
    n_documents: int = 600
    """Documents in the library that the exam is about, beside an entry on everybody."""
    n_points: int = 16
    """Points of the curve of emergence."""
    n_curve: int = 120
    """Questions of the exam at each point."""
    n_exam: int | None = None
    """Questions of the last exam; None: all that the library answers."""
    n_judged: int = 500
    """Requests in the exam of the assistant, in each of three seeds."""
    control_steps: int = 1_500
    """Steps of the first course for a model that begins with random weights: what
    reading owes to pre-training.
    """

    @classmethod
    def for_minutes(cls, minutes: float, seed: int = 0) -> "RAGRecipe":
        """The sizes for a chain that may take so many minutes from raw text on: full
        from an hour, less below.

        A short chain reads far less than its share, by the square of it: pre-training
        has taught copying, so reading from one passage takes a few steps, while every
        minute that pre-training lacks shows in all that follows. It takes one course at
        a higher rate, in which questions without an answer come late; so do all below
        half an hour, though only ten minutes were tried. Two courses of 222 and 111
        steps left a reader that abstained from 69 % of what one passage answers and
        from 61 % of what none does; one of 333 answers 89 % of the first, and nearly
        always says something to the second: knowing when to abstain takes longer.
        """
        full, share = cls(seed=seed), min(1.0, max(0.1, minutes / 60))
        courses = tuple(
            replace(course, steps=max(2, int(course.steps * share**2)))
            for course in full.courses
        )
        if share < 0.5:
            steps = sum(course.steps for course in courses)
            courses = (
                replace(
                    courses[0], steps=steps, answerable_first=0.6, learning_rate=8e-4
                ),
            )
        return replace(
            full,
            courses=courses,
            n_replay=int(full.n_replay * share**2),
            n_replay_documents=int(full.n_replay_documents * share**2),
            n_points=max(2, int(full.n_points * share)),
            n_curve=max(12, int(full.n_curve * share)),
            n_judged=max(20, int(full.n_judged * share**1.5)),
            control_steps=full.control_steps if share == 1 else 0,
        )

    @property
    def updates(self) -> float:
        """What the stage costs, in updates of pre-training on the same machine
        (measured, on two cores).
        """
        steps = sum(course.steps for course in self.courses) + self.control_steps
        return (
            steps
            + 0.02 * self.n_replay
            + 0.4 * self.n_points * self.n_curve
            + 0.8 * self.n_judged
        )


def own_answers(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int,
    seed: int,
    together: int = 250,
) -> list[tuple[str, str]]:
    """The assistant's replies to `n` requests of the training stream, as far as they
    end by themselves.
    """
    prompts, kept = [request.prompt for request in world.requests(n, "train", seed)], []
    for first in range(0, n, together):
        written = roll_out(
            model, tokenizer, prompts[first : first + together], 200, seed=seed + first
        )
        ended = zip(
            written.prompts, written.replies, written.finished.tolist(), strict=True
        )
        kept += [(prompt, reply) for prompt, reply, finished in ended if finished]
    return kept


def teach_reading(
    folder: str | Path, recipe: RAGRecipe = RAGRecipe(), progress: bool = True
) -> dict:
    """Make rag/ in `folder` from the rlhf/ that is there; return its card.

    Raises `InklingError` where there is no rlhf/, and where rag/ was made from another
    one or with another recipe.
    """
    folder, world = Path(folder), World(0)
    source = folder / "rlhf"
    if not (source / "model.safetensors").is_file():
        raise InklingError(
            f"{folder} has no rlhf/ to go on from; make it with `python -m inkling"
            " speedrun` first."
        )
    tokenizer = Tokenizer.load(source / "tokenizer.json")
    weights = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()

    def make() -> dict:
        model, library = (
            Transformer.from_pretrained(source),
            town_library(world, recipe.n_documents),
        )
        replay = own_answers(model, tokenizer, world, recipe.n_replay, recipe.seed)
        documents = [
            world.document(i, "train", seed=recipe.seed).text
            for i in range(recipe.n_replay_documents)
        ]
        prepare_roles(model, tokenizer, PASSAGE_LIKENESS)
        every = max(
            1, sum(course.steps for course in recipe.courses) // recipe.n_points
        )

        def take(
            pupil: Transformer, config: ReadingConfig, before: Sequence[dict]
        ) -> list[dict]:
            """A course, with an exam at its beginning and every so many steps; returns
            the points of the curve.
            """
            step, tokens = (
                (before[-1]["step"], before[-1]["tokens"]) if before else (0, 0)
            )
            points = list(before)
            if not before:
                points.append({"step": 0, "tokens": 0, **examine(pupil)})

            def measure(record: ReadingRecord) -> None:
                if record.step % every == 0 or record.step == config.steps:
                    pupil.eval()
                    at = {
                        "step": step + record.step,
                        "tokens": tokens + record.tokens,
                        "loss": round(record.loss, 4),
                    }
                    points.append({**at, **examine(pupil)})
                    pupil.train()

            mixed_in = {"replay": replay, "documents": documents}
            learn_to_read(
                pupil,
                tokenizer,
                world,
                config,
                **mixed_in,
                on_step=measure,
                progress=progress,
            )
            return points

        def examine(pupil: Transformer) -> dict:
            return reading_scores(pupil, tokenizer, world, library, recipe.n_curve)

        curve: list[dict] = []
        for number, config in enumerate(recipe.courses):
            curve = take(
                model, replace(config, seed=recipe.seed + 1000 * number), curve
            )
            model.save_pretrained(folder / "rag", dtype=torch.float16)
            # the next course begins with what is on the disk
            model = Transformer.from_pretrained(folder / "rag")
        tokenizer.save(folder / "rag" / "tokenizer.json")
        control = []
        if recipe.control_steps:
            newborn = Transformer(model.config, seed=recipe.seed)
            control = take(
                newborn,
                replace(
                    recipe.courses[0], seed=recipe.seed, steps=recipe.control_steps
                ),
                [],
            )
        return {
            "curve": curve,
            "control": control,
            "reading": reading_scores(model, tokenizer, world, library, recipe.n_exam),
            "scores": policy_scores(model, tokenizer, world, recipe.n_judged),
        }

    return stage(
        folder,
        "rag",
        json.loads(json.dumps({"rlhf": weights, "recipe": asdict(recipe)})),
        make,
    )
