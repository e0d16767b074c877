"""The last stage of the chain: the assistant learns to read, and stays an assistant.

It begins at rlhf/, reads its own earlier replies among the exercises, and leaves rag/
with a card: the exam on newcomers, the curve of its emergence, and what reading cost
the assistant.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from inkling.assistant.chat import PASSAGE_LIKENESS, Message, prepare_roles
from inkling.assistant.rollouts import roll_out
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading.lessons import (
    Course,
    ReadingConfig,
    beside_passages,
    learn_to_read,
    mixed_in,
)
from inkling.reading.reading_exam import reading_scores
from inkling.reading.shelves import Library, town_library
from inkling.recipe.fair_scores import policy_scores
from inkling.recipe.first_batches import keep
from inkling.recipe.plain_updates import play_reading
from inkling.recipe.stage_data import documents_again, reading_digests
from inkling.recipe.taken_batches import take_reading
from inkling.recipe.workbench import Workbench, checkpoint, made_from, stage, town
from inkling.settings import check
from inkling.text.tokenizer import Tokenizer
from inkling.training.identity import digest
from inkling.training.processes import Helper
from inkling.training.team import in_two
from inkling.world import World
from inkling.world.requests import Prompt, prompt_of


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

    def __post_init__(self) -> None:
        check(
            self,
            counts=("n_documents", "n_points", "n_curve", "n_exam", "n_judged"),
            from_zero=("seed", "n_replay", "n_replay_documents", "control_steps"),
            optional=("n_exam",),
        )
        if not self.courses:
            raise InklingError("RAGRecipe: courses is empty; give at least one.")

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
        (measured, on two cores). Courses are taken in two processes, as those updates
        are; replies are sampled and exams taken by one.
        """
        steps = sum(course.steps for course in self.courses) + self.control_steps
        return (
            steps
            + 0.03 * self.n_replay
            + 0.6 * self.n_points * self.n_curve
            + 1.2 * self.n_judged
        )


def own_answers(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int,
    seed: int,
    together: int = 250,
) -> list[tuple[Prompt, str]]:
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


#: The share of the assistant's own replies that are practised beside passages.
BESIDE = 0.3


@dataclass(frozen=True)
class Lessons:
    """What all courses of the stage share."""

    bench: Workbench
    recipe: RAGRecipe
    world: World
    tokenizer: Tokenizer
    library: Library
    replay: list[tuple[Prompt | list[Message], str]]
    documents: list[str]

    def examine(self, pupil: Transformer) -> dict:
        """A point of the curve of emergence."""
        pupil.eval()
        return reading_scores(
            pupil, self.tokenizer, self.world, self.library, self.recipe.n_curve
        )

    def take(
        self, name: str, pupil: Transformer, config: ReadingConfig, before: list[dict]
    ) -> list[dict]:
        """A course, with an exam at its beginning and every so many steps: the points
        of the curve, after those of the courses `before`.
        """
        in_all = sum(course.steps for course in self.recipe.courses)
        every = max(1, in_all // self.recipe.n_points)
        points = before or [
            {"step": 0, "tokens": 0}
            | self.bench.once(f"{name}-0", lambda: self.examine(pupil))
        ]
        step, tokens = points[-1]["step"], points[-1]["tokens"]
        call = (pupil, self.tokenizer, self.world, config)
        mixed_in = {"replay": self.replay, "documents": self.documents}
        places = {"folder": self.bench.saved / name, "progress": self.bench.progress}
        with in_two(learn_to_read, *call, **mixed_in, **places) as run:
            for record in self.bench.watch(run):
                if record.step % every and record.step != config.steps:
                    continue
                at = {
                    "step": step + record.step,
                    "tokens": tokens + record.tokens,
                    "loss": round(record.loss, 4),
                }
                # a step that was made before an interruption was measured then
                found = self.bench.once(
                    f"{name}-{record.step}", lambda: self.examine(pupil)
                )
                points = [*points, at | found]
        return points


def seeded_courses(recipe: RAGRecipe) -> list[ReadingConfig]:
    """The courses, each with a seed of its own."""
    return [
        replace(course, seed=recipe.seed + 1000 * number)
        for number, course in enumerate(recipe.courses)
    ]


def first_steps(lessons: Lessons, config: ReadingConfig) -> dict:
    """What the card says of the first batches of the first course."""
    model, tokenizer = checkpoint(lessons.bench.folder / "rlhf")
    limit = model.config.context_length + 1
    chats = mixed_in(tokenizer, lessons.replay, lessons.documents, limit, config.seed)
    first = take_reading(tokenizer, lessons.world, limit, config, chats)
    prepare_roles(model, tokenizer, PASSAGE_LIKENESS)
    return keep(
        lessons.bench.to,
        first,
        lambda first: play_reading(model, tokenizer, first, config),
    )


def read_and_measure(bench: Workbench, recipe: RAGRecipe, world: World) -> dict:
    """All courses, one after the other, and the control; what the card says."""
    model, tokenizer = checkpoint(bench.folder / "rlhf")
    replay = bench.once(
        "replay",
        lambda: own_answers(model, tokenizer, world, recipe.n_replay, recipe.seed),
    )
    lessons = Lessons(
        bench,
        recipe,
        world,
        tokenizer,
        town_library(world, recipe.n_documents),
        beside_passages(
            world,
            [(prompt_of(prompt), reply) for prompt, reply in replay],
            BESIDE if world.edition > 1 else 0.0,
            recipe.seed,
        ),
        documents_again(world, recipe.n_replay_documents, recipe.seed),
    )
    prepare_roles(model, tokenizer, PASSAGE_LIKENESS)
    curve: list[dict] = []
    courses = seeded_courses(recipe)
    for number, config in enumerate(courses):
        curve = lessons.take(f"course-{number}", model, config, curve)
        # the next course begins with what is on the disk
        model = bench.ship(model, tokenizer)
    control = []
    if recipe.control_steps:
        newborn = Transformer(model.config, seed=recipe.seed)
        config = replace(
            recipe.courses[0], seed=recipe.seed, steps=recipe.control_steps
        )
        control = lessons.take("control", newborn, config, [])
    # two exams side by side
    with Helper(policy_scores, model, tokenizer, world, recipe.n_judged) as other:
        reading = reading_scores(
            model, tokenizer, world, lessons.library, recipe.n_exam
        )
        scores = other.result()
    return {
        "tensors": digest(model),
        "data": reading_digests(world, tokenizer, courses, lessons.documents, replay),
        **first_steps(lessons, courses[0]),
        "curve": curve,
        "control": control,
        "reading": reading,
        "scores": scores,
    }


def teach_reading(
    folder: str | Path, recipe: RAGRecipe = RAGRecipe(), progress: bool = True
) -> dict:
    """Make rag/ in `folder` from the rlhf/ that is there; return its card.

    Raises `InklingError` where there is no rlhf/, and where rag/ was made from another
    one or with another recipe.
    """
    folder, world = Path(folder), town()
    if not (folder / "rlhf" / "model.safetensors").is_file():
        raise InklingError(
            f"{folder} has no rlhf/ to go on from; make it with `python -m inkling"
            " speedrun` first."
        )
    bench, (start, _) = Workbench(folder, "rag", progress), checkpoint(folder / "rlhf")
    decided_by = made_from(recipe, rlhf=start)
    return stage(bench, decided_by, lambda: read_and_measure(bench, recipe, world))
