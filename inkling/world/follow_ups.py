"""What comes second in a conversation, and what it means there.

A prompt is then several texts, the user's and the assistant's by turns, and the last one can only
be understood from those before it: "And where does she live?" asks about whoever was spoken of,
"Are you sure?" asks the same again. `follow_up` makes such a prompt, and `understand_turns` reads
it back.
"""

from functools import cache
from typing import TYPE_CHECKING

from inkling.world import answers, askings, small_talk, talk
from inkling.world.facts import person_value
from inkling.world.people import PERSON_ATTRIBUTES, TRADES
from inkling.world.talk import TRADE_FACTS, Said
from inkling.world.typed import plain_form
from inkling.world.understanding import (
    LONGEST,
    Meaning,
    Patterns,
    person_named,
    slips,
    typos,
    understand,
)
from inkling.world.writer import Writer

if TYPE_CHECKING:
    from inkling.world import World

#: What may follow, and how many of a hundred follow-ups are of it.
SHARES = {
    "pronoun": 40,
    "another": 14,
    "sure": 12,
    "thanks": 8,
    "why_not": 9,
    "more": 9,
    "another_story": 8,
}
#: What each can follow.
_AFTER = {
    "pronoun": ("fact", "fact", "person", "unknown"),
    "another": ("fact",),
    "sure": ("fact", "unknown", "thing", "trade", "outside"),
    "thanks": ("fact", "person", "how_to", "story", "thing", "trade", "backwards", "unknown"),
    "why_not": ("outside", "unsafe", "unkind"),
    "more": ("fact", "person"),
    "another_story": ("story",),
}
#: How a person is spoken of.
PRONOUNS = {
    "She": {"they": "she", "their": "her", "them": "her"},
    "He": {"they": "he", "their": "his", "them": "him"},
}


def follow_up(world: "World", writer: Writer, training: bool) -> tuple[tuple[str, ...], Meaning]:
    """A conversation of two or three turns of the user's: its texts, the last of which is to be
    answered, and what that one means.
    """
    how = writer.draw([how for how, share in SHARES.items() for _ in range(share)])
    turns: tuple[str, ...] = ()
    if how != "another_story" and writer.chance(0.3):  # two stories fill the context
        earlier = writer.choose(("greeting", "fact", "trade", "how_to", "outside"))
        turns, _ = _exchange(world, writer, earlier, training)
    last, meaning = _exchange(world, writer, writer.choose(_AFTER[how]), training)
    turns += last
    said = _say(world, writer, how, meaning, training)
    turns += (talk.type_out(writer, said, slips(), hello=False),)
    understood = understand_turns(world, turns)
    return turns, understood or Meaning("", {})


def _exchange(
    world: "World", writer: Writer, kind: str, training: bool
) -> tuple[tuple[str, str], Meaning]:
    """A request and a right reply to it."""
    said, slots = talk.MAKERS[kind](world, writer, training)
    reply = answers.core(world, writer, kind, slots)
    text = talk.type_out(writer, said, slips(), hello=kind != "greeting")
    return (text, reply), Meaning(kind, slots)


def _say(world: "World", writer: Writer, how: str, before: Meaning, training: bool) -> Said:
    if how == "pronoun":
        attribute = writer.choose([a for a in PERSON_ATTRIBUTES if a != before.slots["attribute"]])
        name = spoken_of(world, before, writer.choose(("She", "He")))
        pronoun = _pronoun_of(world, name, writer)
        wordings = askings.FOLLOW_UPS[attribute]
        return talk.one_of(writer, wordings, "?", 1, **PRONOUNS[pronoun])
    if how == "another":
        people = world.asked_about if training else world.people
        name = writer.choose(people).name
        return talk.one_of(writer, askings.SAME_OF_ANOTHER, "?", 1, name=name)
    if how == "more":
        pronoun = _pronoun_of(world, before.slots["name"], writer)
        return talk.one_of(writer, askings.MORE, ".", 1, **PRONOUNS[pronoun])
    if how == "thanks":
        topic = small_talk.GREETINGS["thanks"]
        return talk.one_of(writer, topic.said, topic.mark, topic.held_out)
    table = {
        "sure": (askings.SURE, "?"),
        "why_not": (askings.WHY_NOT, "?"),
        "another_story": (askings.ANOTHER_STORY, "."),
    }[how]
    return talk.one_of(writer, *table, 1)


def _pronoun_of(world: "World", name: str, writer: Writer) -> str:
    known = world.people_by_name.get(name)
    return known.pronoun if known else writer.choose(("She", "He"))


def spoken_of(world: "World", before: Meaning, pronoun: str) -> str:
    """Whom "she" or "he" means after a question: the friend, where that was the answer and the
    pronoun fits; else whoever was asked about.
    """
    name, friend = before.slots["name"], before.slots.get("value")
    if before.slots["attribute"] == "friend" and friend:
        if world.person(friend).pronoun == pronoun:
            return friend
    return name


@cache
def following_patterns() -> Patterns:
    """All wordings that only mean something after others."""
    patterns = Patterns()
    for pronoun, forms in PRONOUNS.items():
        for attribute, wordings in askings.FOLLOW_UPS.items():
            patterns.add(pronoun, attribute, tuple(text.format(**forms) for text in wordings))
        patterns.add("more", pronoun, tuple(text.format(**forms) for text in askings.MORE))
    patterns.add("another", "", askings.SAME_OF_ANOTHER)
    patterns.add("sure", "", askings.SURE)
    patterns.add("why_not", "", askings.WHY_NOT)
    patterns.add("another_story", "", askings.ANOTHER_STORY)
    return patterns


def understand_turns(world: "World", turns: tuple[str, ...]) -> Meaning | None:
    """What the last of several turns means after those before it; None where it means nothing."""
    before: Meaning | None = None
    for said in turns[::2]:
        before = _after(world, before, said)
        if before is None:
            return None
    if before is None or len(turns) == 1:
        return before
    kind = before.slots.get("kind", before.kind)
    return Meaning("follow_up", {**before.slots, "kind": kind}, before.brief)


def _after(world: "World", before: Meaning | None, said: str) -> Meaning | None:
    if before is not None and len(said) <= LONGEST:
        for how, detail, slots in following_patterns().find(plain_form(said, typos())):
            if meaning := _means(world, before, how, detail, slots):
                return meaning
    found = understand(said)
    return found and settled(world, found)


def _means(
    world: "World", before: Meaning, how: str, detail: str, slots: dict[str, str]
) -> Meaning | None:
    about = {key: value for key, value in before.slots.items() if key not in ("asks", "told")}
    if how == "sure":
        return Meaning(before.kind, {**about, "asks": "sure"}) if before.kind != "story" else None
    if how == "why_not":
        return Meaning(before.kind, about) if before.kind in _AFTER["why_not"] else None
    if how == "another_story":
        return Meaning("story", {"theme": "any"}) if before.kind == "story" else None
    if "attribute" not in about or "name" not in about:
        return None
    if how == "another":
        name = person_named(slots["name"])
        return settled(world, Meaning("fact", {**about, "name": name})) if name else None
    if how == "more":
        told = {"told": about["attribute"]} if about["attribute"] in PERSON_ATTRIBUTES else {}
        return settled(
            world, Meaning("person", {"name": about["name"], "attribute": "person"} | told)
        )
    name = spoken_of(world, before, how)
    return settled(world, Meaning("fact", {"name": name, "attribute": detail}))


def settled(world: "World", meaning: Meaning) -> Meaning:
    """The meaning with what the town knows of it: the value that was asked for, or that nobody has
    this name.
    """
    kind, slots, brief = meaning
    attribute = slots.get("attribute", "")
    if kind in ("fact", "person", "unknown"):
        if slots["name"] not in world.first_names:
            return Meaning("unknown", {"name": slots["name"], "attribute": attribute}, brief)
        if kind == "person" or attribute == "person":
            return Meaning("person", slots, brief)
        value = person_value(world.person(slots["name"]), attribute)
        return Meaning("fact", {**slots, "value": value}, brief)
    if kind == "thing":
        name = slots.get("place") or slots["boat"]
        things = [thing for thing in (*world.places, *world.boats) if thing.name == name]
        return Meaning(kind, {**slots, "value": getattr(things[0], attribute)}, brief)
    if kind == "trade":
        value = TRADES[slots["trade"]][TRADE_FACTS.index(attribute)]
        return Meaning(kind, {**slots, "value": value}, brief)
    if kind == "backwards" and attribute == "maker":
        trade = next(trade for trade, facts in TRADES.items() if facts[0] == slots["value"])
        return Meaning(kind, {**slots, "trade": trade}, brief)
    return meaning
