"""Learning to read: exercises whose answer stands in the passages and nowhere else.

The people of an exercise are strangers whose names and facts are drawn for it alone, or
inhabitants whose facts were changed. Memory is of no use, so the only way to a low loss
is to look: find the name in the passages, find the fact beside it, copy it. Some
questions have no answer there, and the reply says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

import torch

from inkling.assistant.chat import (
    Message,
    as_messages,
    encode_chat,
    encode_exchange,
    pad_id,
)
from inkling.assistant.rollouts import pad_chats
from inkling.assistant.sft import encode_replay, sft_loss
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.reading.passages import Passage
from inkling.reading.rag import NOT_SAID, cite, document_messages
from inkling.reading.shelves import (
    Fact,
    document_passages,
    stated_facts,
    stranger,
    with_people,
)
from inkling.settings import check, several
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.packing import IGNORE
from inkling.training.savepoint import Savepoints
from inkling.training.team import join_team
from inkling.world import World
from inkling.world.askings import FOLLOW_UPS, PEOPLE
from inkling.world.documents import letter, person_entry
from inkling.world.facts import ANSWERS, QUESTIONS, person_value
from inkling.world.follow_ups import PRONOUNS
from inkling.world.paraphrases import PARAPHRASES
from inkling.world.people import PERSON_ATTRIBUTES, Person
from inkling.world.requests import Prompt, read_request
from inkling.world.talk import one_of, question_on, type_out
from inkling.world.understanding import slips
from inkling.world.writer import Writer

# --- Exercises ------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """A question on the passages and the right reply.

    fact: what it asks for. place: of the passage that answers, None where none does.
    """

    question: str
    reply: str
    fact: Fact
    place: int | None


@dataclass(frozen=True)
class Exercise:
    """Some passages, and questions on them, one after the other."""

    passages: list[Passage]
    turns: list[Turn]

    @property
    def messages(self) -> list[Message]:
        """The passages, then the turns, as a chat."""
        talk = [
            message
            for turn in self.turns
            for message in (
                Message("user", turn.question),
                Message("assistant", turn.reply),
            )
        ]
        return [*document_messages(self.passages), *talk]


@dataclass(frozen=True)
class Course:
    """What the exercises are like."""

    most_passages: int = 3
    """An exercise has from 1 to so many passages, each about somebody else."""
    n_questions: int = 3
    """Questions on the same passages, one after the other, so that reading them pays
    more than once.
    """
    answerable: float = 0.75
    """The share of questions that the passages answer."""
    paraphrased: float = 0.3
    """The share of questions in words that the passages do not have."""
    typed: float = 0.7
    """The share of questions as people type them (`world.askings`), in place of those
    that stand in the town's texts.
    """
    in_general: float = 0.1
    """Of these, the share that ask for no fact in particular ("who is Ada?")."""
    followed_up: float = 0.25
    """The share of questions, but for the first, that go on about the person of the one
    before ("and where does she live?").
    """

    def __post_init__(self) -> None:
        check(
            self,
            counts=("most_passages", "n_questions"),
            shares=(
                "answerable",
                "paraphrased",
                "typed",
                "in_general",
                "followed_up",
            ),
        )


def exercise(
    world: World, number: int, course: Course = Course(), seed: int = 0
) -> Exercise:
    """Exercise `number`: always the same for the same world, course and seed."""
    writer = Writer(f"{world.seed}/reading/{seed}/{number}")
    count = writer.choose(range(1, course.most_passages + 1))
    # The hard case is passages that all speak of the same kind of fact: there only the
    # name can tell.
    shared = writer.choose(PERSON_ATTRIBUTES) if writer.chance(0.6) else None
    people: dict[str, Person] = {}
    while len(people) < count:
        person = _somebody(world, writer)
        people[person.name] = person
    passages, said = [], {}
    for place, person in enumerate(people.values()):
        passage, attributes = _passage_about(
            world, writer, person, shared, f"{number}/{place}"
        )
        passages.append(passage)
        said |= {(person.name, attribute): place for attribute in attributes}
    turns: list[Turn] = []
    for _ in range(course.n_questions):
        turns.append(_turn(world, writer, people, said, shared, course, turns))
    return Exercise(passages, turns)


def _somebody(world: World, writer: Writer) -> Person:
    """A stranger; or, one time in four, an inhabitant whose facts are changed, so that
    memory misleads.
    """
    drawn = stranger(world, writer)
    if writer.chance(0.75):
        return drawn
    known = writer.choose(world.people)
    return replace(drawn, name=known.name, surname=known.surname, pronoun=known.pronoun)


def _passage_about(
    world: World, writer: Writer, person: Person, wanted: str | None, id: str
) -> tuple[Passage, list[str]]:
    """A passage of a new entry or letter that states something of this person, `wanted`
    if it can be; and what.
    """
    only, tell = (
        with_people(world, [person]),
        letter if writer.chance(0.25) else person_entry,
    )
    found: list[tuple[Passage, list[str]]] = []
    while not found:
        text = Writer(f"document {writer.choose(range(10**9))}")
        tell(only, text)
        document = text.document("letter" if tell is letter else "person entry")
        for passage in document_passages(document, id):
            stated = [
                attribute
                for name, attribute in stated_facts(passage, [person.name])
                if name == person.name
            ]
            if stated:
                found.append((passage, sorted(stated)))
    if world.edition > 1 and tell is person_entry and writer.chance(0.4):
        found = [_joined(found)]
    return writer.choose([pair for pair in found if wanted in pair[1]] or found)


def _joined(
    found: Sequence[tuple[Passage, list[str]]],
) -> tuple[Passage, list[str]]:
    """Passages of one entry as one, as a search for a person gives them."""
    text = " ".join(passage.text for passage, _ in found)
    stated = {attribute for _, attributes in found for attribute in attributes}
    return replace(found[0][0], text=text), sorted(stated)


def beside_passages(
    world: World,
    replay: Sequence[tuple[Prompt, str]],
    share: float,
    seed: int = 0,
) -> list[tuple[Prompt | list[Message], str]]:
    """The assistant's own replies, a share of them with passages before the prompt that
    have nothing to do with it: whoever is told a story, or refused something, is so
    whatever a search has found. Questions about people stay as they are; what is to be
    done with passages there, the exercises teach.
    """
    writer = Writer(f"{world.seed}/beside/{seed}")
    made: list[tuple[Prompt | list[Message], str]] = []
    for number, (prompt, reply) in enumerate(replay):
        asked = read_request(world, prompt)
        about_people = asked.slots.get("kind", asked.kind) in (
            "fact",
            "person",
            "unknown",
        )
        if about_people or not writer.chance(share):
            made.append((prompt, reply))
            continue
        passages = exercise(world, number, Course(most_passages=2), seed + 1).passages
        made.append(([*document_messages(passages), *as_messages(prompt)], reply))
    return made


def _turn(
    world: World,
    writer: Writer,
    people: dict[str, Person],
    said: dict[Fact, int],
    shared: str | None,
    course: Course,
    before: Sequence[Turn] = (),
) -> Turn:
    if world.edition > 1 and before and writer.chance(course.followed_up):
        return _follow_up(world, writer, people, said, before[-1])
    if writer.chance(course.answerable):
        alike = [fact for fact in said if fact[1] == shared]
        name, attribute = writer.choose(
            alike if alike and writer.chance(0.7) else list(said)
        )
    elif writer.chance(0.5):
        # somebody who is there, and perhaps nothing of the kind is said
        name, attribute = writer.choose(list(people)), writer.choose(PERSON_ATTRIBUTES)
    else:
        name, attribute = (
            _somebody(world, writer).name,
            shared or writer.choose(PERSON_ATTRIBUTES),
        )
    if world.edition > 1 and writer.chance(course.typed):
        asked = PEOPLE["person" if writer.chance(course.in_general) else attribute]
        question = type_out(writer, question_on(writer, asked, name=name), slips())
    else:
        table = PARAPHRASES if writer.chance(course.paraphrased) else QUESTIONS
        wordings = table[attribute].templates[: len(table[attribute].usual)]
        question = writer.choose(wordings).format(name=name)
    return _answered(writer, question, (name, attribute), people, said)


def _answered(
    writer: Writer,
    question: str,
    fact: Fact,
    people: dict[str, Person],
    said: dict[Fact, int],
) -> Turn:
    """The turn with its right reply: the fact and where it stands, or that it is not
    said.
    """
    (name, attribute), place = fact, said.get(fact)
    if place is None:
        return Turn(question, NOT_SAID, fact, None)
    sentence = writer.choose(ANSWERS[attribute].templates).format(
        name=name, value=person_value(people[name], attribute)
    )
    return Turn(question, cite(sentence, place), fact, place)


def _follow_up(
    world: World,
    writer: Writer,
    people: dict[str, Person],
    said: dict[Fact, int],
    before: Turn,
) -> Turn:
    """A question on whoever was asked about just before, by a pronoun; mostly one that
    a passage answers.
    """
    name = before.fact[0]
    told = [fact for fact in said if fact[0] == name and fact != before.fact]
    attribute = (
        writer.choose(told)[1]
        if told and writer.chance(0.7)
        else writer.choose([a for a in PERSON_ATTRIBUTES if a != before.fact[1]])
    )
    known = people.get(name)
    pronoun = known.pronoun if known else writer.choose(tuple(PRONOUNS))
    said_now = one_of(writer, FOLLOW_UPS[attribute], "?", 1, **PRONOUNS[pronoun])
    question = type_out(writer, said_now, slips(), hello=False)
    return _answered(writer, question, (name, attribute), people, said)


# --- The loop -------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadingConfig:
    """The settings of one run."""

    course: Course = Course()
    steps: int = 8_000
    """Updates of the weights."""
    answerable_first: float = 0.4
    """For this share of the run every question has an answer. Who is taught to abstain
    before they can tell whom a passage is about learns to abstain from everything.
    """
    batch_size: int = 16
    """Chats in one update."""
    replayed: float = 0.35
    """The share of them that are about no passage: the assistant's own replies and
    documents of pre-training, so that it stays what it is.
    """
    learning_rate: float = 4e-4
    """AdamW's peak; it climbs over the first twentieth of the run and then falls in a
    straight line to zero.
    """
    grad_clip: float = 1.0
    """The gradient is shortened to this length where it is longer."""
    seed: int = 0
    """Decides the exercises."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("steps", "batch_size"),
            positive=("learning_rate", "grad_clip"),
            shares=("answerable_first", "replayed"),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class ReadingRecord:
    """What one step leaves behind: the loss in nats a token of the assistant's, and the
    tokens read so far.
    """

    step: int
    loss: float
    tokens: int


Chat = tuple[list[int], list[bool]]


def batches(
    world: World,
    tokenizer: Tokenizer,
    limit: int,
    config: ReadingConfig,
    replay: Sequence[Chat] = (),
    pool: int = 50,
) -> Iterator[list[Chat]]:
    """Batches of chats without end, new exercises in each; chats of more than `limit`
    tokens are left out.

    Chats of like length go together, out of a pool of so many batches, so that few
    tokens are padding. Raises `InklingError` where next to no exercise is short enough.
    """
    random, number, replayed, made = Random(f"batches/{config.seed}"), 0, 0, 0
    while True:
        early = made < config.answerable_first * config.steps
        course = replace(config.course, answerable=1.0) if early else config.course
        chats: list[Chat] = []
        tried = number
        while len(chats) < pool * config.batch_size:
            if number - tried > 20 * pool * config.batch_size:
                raise InklingError(
                    f"hardly any exercise has {limit} tokens or fewer: take a model"
                    " with a longer context, or a course with fewer passages and"
                    " questions."
                )
            if replay and random.random() < config.replayed:
                chat = replay[replayed % len(replay)]
                replayed += 1
            else:
                chat = encode_chat(
                    tokenizer, exercise(world, number, course, config.seed).messages
                )
                number += 1
            if len(chat[0]) <= limit:
                chats.append(chat)
        chats.sort(key=lambda chat: len(chat[0]))
        groups = [
            chats[i : i + config.batch_size]
            for i in range(0, len(chats), config.batch_size)
        ]
        random.shuffle(groups)
        yield from groups
        made += pool


def mixed_in(
    tokenizer: Tokenizer,
    replay: Sequence[tuple[Prompt | list[Message], str]],
    documents: Sequence[str],
    limit: int,
    seed: int,
) -> list[Chat]:
    """The assistant's own replies, and documents cut after `limit` tokens, as chats in
    the order in which they come among the exercises.
    """
    chats = [encode_exchange(tokenizer, prompt, reply) for prompt, reply in replay]
    chats += encode_replay(tokenizer, several(documents, "documents"), limit)
    Random(f"replay/{seed}").shuffle(chats)
    return chats


@stepwise
def learn_to_read(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    config: ReadingConfig = ReadingConfig(),
    *,
    replay: Sequence[tuple[Prompt | list[Message], str]] = (),
    documents: Sequence[str] = (),
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[ReadingRecord]:
    """Train `model` in place on reading exercises, and yield the record of each step.

    replay: (prompt, reply) pairs of the assistant's own, mixed in, and documents as
    pre-training had them. folder: where to stop and go on, as for `pretrain.train`; the
    processes of a team share out each batch, as there.
    Raises `InklingError` for a folder with another run, and for a loss that is no
    number.
    """
    limit = model.config.context_length + 1  # the last token is a target only
    chats = mixed_in(tokenizer, replay, documents, limit, config.seed)
    team = join_team(model, config.batch_size)
    (optimizer,) = make_optimizers(
        model, "adamw", config.learning_rate, weight_decay=0.0
    )
    data = (world.seed, *(ids for chat in chats for ids in chat[0]))
    saved = Savepoints(folder, config, model, [optimizer], data=data)
    history = [ReadingRecord(**record) for record in saved.history]
    yield from history
    tokens = history[-1].tokens if history else 0
    team.agree(len(history))
    # exercises depend on those before them, so a run that goes on makes them all anew
    left = config.steps if len(history) < config.steps else 0
    stream = islice(batches(world, tokenizer, limit, config, chats), left)
    with Progress(
        config.steps, "learning to read", len(history), progress and team.rank == 0
    ) as bar:
        for step, batch in enumerate(stream):
            if step < len(history):
                continue
            model.train()
            rows, targets = inputs_and_targets(batch, pad_id(tokenizer))
            logits, written = model(team.share(rows)), team.share(targets)
            part = sft_loss(logits, written, int((targets != IGNORE).sum()))
            part.backward()
            loss = team.add_up(model, part.item())
            scale = schedule(step, config.steps, warmup=config.steps // 20)
            clip = config.grad_clip
            update(model, [optimizer], loss, step, scale=scale, grad_clip=clip)
            tokens += rows.numel()
            history.append(ReadingRecord(step + 1, loss, tokens))
            yield history[-1]
            if team.rank == 0:
                saved.keep(history, last=step + 1 == config.steps)
            bar.update(1, loss=loss)
    model.eval()


def inputs_and_targets(
    chats: Sequence[Chat], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """One chat a row, (B, T) each: what is read, and what the assistant should write
    next (`IGNORE` elsewhere).
    """
    tokens, written = pad_chats(chats, pad)
    return tokens[:, :-1], tokens[:, 1:].masked_fill(~written, IGNORE)
