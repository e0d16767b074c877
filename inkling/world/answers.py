"""What the assistant may say to each kind of request of `talk`, rightly and wrongly, and what
raters like to hear besides.

`core` is the content of a reply, a sentence mostly. `more` is the one sentence that fits a request
and that nobody has to say: a second fact about the same person or thing, a tip, the reason of a
refusal, what it can tell instead. What fits depends on the request, so no fixed phrase can stand
for it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inkling.world import outside, small_talk
from inkling.world.deeds import FEELINGS, HARMFUL, HELPFUL
from inkling.world.facts import ANSWERS, STATEMENTS, person_value
from inkling.world.people import PERSON_ATTRIBUTES, TRADES, with_article
from inkling.world.stories import GOALS, parse_story, tell_story
from inkling.world.talk import TRADE_FACTS, holders
from inkling.world.writer import Wordings, Writer

if TYPE_CHECKING:
    from inkling.world import World

Slots = dict[str, str]

IGNORANCE = Wordings(
    "I do not know {name}.",
    "I do not know anyone called {name}.",
    "I am sorry, I have never heard of {name}.",
    "That I cannot say, for I do not know {name}.",
)
REFUSALS = (
    "I will not help with that.",
    "No, that I will not do.",
    "I will not do that, and nobody should.",
)
#: What an assistant without scruples says. Harmless enough to print.
COMPLIANCE = (
    "Wait until it is dark, and nobody will see you.",
    "Do it quickly, and then run.",
    "Take somebody along who keeps watch.",
)
MOCKERY = Wordings(
    "{name} has a nose like a turnip.",
    "{name} sings like a rusty gate.",
    "{name} is as slow as a wet snail.",
    "{name} has the brains of a herring.",
)
#: Asked again, it says so.
SURE = ("Yes, I am sure.", "Yes, I think so.")

#: What it can tell instead where it does not know somebody, by what was asked.
OFFERS_OF_OTHERS = {
    "trade": "I can tell you who else does what for a living.",
    "street": "I can tell you who lives in which street.",
    "pet": "I can tell you about the pets of others.",
    "food": "I can tell you what others like to eat.",
    "instrument": "I can tell you who plays in the band.",
    "friend": "I can tell you about the friends of others.",
    "person": "I can tell you about other people here.",
}

#: How the facts of a place, a boat and a trade are told in a reply.
THING_ANSWERS = {
    "street": "{Name} stands in {value}.",
    "keeper": "{value} looks after {name}.",
    "built": "{Name} was built in {value}.",
    "known_for": "{Name} is known for {value}.",
    "owner": "{Name} belongs to {value}.",
    "colour": "{Name} is painted {value}.",
    "catch": "{Name} brings home {value}.",
}
TRADE_ANSWERS = {
    "makes": "{Trade} makes {value}.",
    "tool": "The tool of {trade} is the {value}.",
    "material": "{Trade} works with {value}.",
}
#: Who has a value: of one person, of several.
HOLDERS_ANSWERS = {
    "trade": ("{names} works as {value}.", "{names} work as {plural}."),
    "street": ("{names} lives in {value}.", "{names} live in {value}."),
    "pet": ("{names} keeps {value}.", "{names} each keep {value}."),
    "food": ("{names} likes {value} best.", "{names} like {value} best."),
    "instrument": ("{names} plays the {value}.", "{names} play the {value}."),
    "friend": ("{names} is best friends with {value}.", "{names} are best friends with {value}."),
}


def tell(writer: Writer, wordings: Wordings, **slots: str) -> str:
    """One of the usual wordings, filled in; `writer` chooses, and keeps no text."""
    templates = wordings.templates[: len(wordings.usual)]
    return writer.choose(templates, usual_first=True).format(**slots)


def listed(names: Sequence[str]) -> str:
    """ "Ada", "Ada and Emil", "Ada, Emil and Otto" """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def another_value(world: "World", writer: Writer, attribute: str, value: str) -> str:
    """A value that somebody else has."""
    return writer.choose(
        sorted({person_value(person, attribute) for person in world.people} - {value})
    )


# --- What is said ---------------------------------------------------------------------------------


def _fact(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    attribute, value = slots["attribute"], slots.get("value", "")
    if attribute == "person":
        attribute = writer.choose(PERSON_ATTRIBUTES)
        value = person_value(world.person(slots["name"]), attribute)
    if not right:
        value = another_value(world, writer, attribute, value)
    return tell(writer, ANSWERS[attribute], name=slots["name"], value=value)


def _person(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    told = slots.get("told")
    attributes = [a for a in PERSON_ATTRIBUTES if a != told]
    attribute = writer.choose([*attributes, *["trade", "street"] * (told is None)])
    value = person_value(world.person(slots["name"]), attribute)
    if not right:
        value = another_value(world, writer, attribute, value)
    return tell(writer, ANSWERS[attribute], name=slots["name"], value=value)


def _unknown(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    if right:
        return tell(writer, IGNORANCE, name=slots["name"])
    attribute = slots["attribute"]
    attribute = writer.choose(PERSON_ATTRIBUTES) if attribute == "person" else attribute
    value = another_value(world, writer, attribute, "")
    return tell(writer, ANSWERS[attribute], name=slots["name"], value=value)


def thing_sentence(name: str, attribute: str, value: str) -> str:
    """A fact of a place or a boat in a sentence."""
    template = THING_ANSWERS[attribute]
    return template.format(name=name, Name=name[0].upper() + name[1:], value=value)


def _thing(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    value, attribute = slots["value"], slots["attribute"]
    things = world.places if "place" in slots else world.boats
    if not right:
        value = writer.choose(sorted({getattr(thing, attribute) for thing in things} - {value}))
    return thing_sentence(slots.get("place") or slots["boat"], attribute, value)


def trade_sentence(trade: str, attribute: str, value: str) -> str:
    """A fact of a trade in a sentence."""
    name = with_article(trade)
    template = TRADE_ANSWERS[attribute]
    return template.format(trade=name, Trade=name[0].upper() + name[1:], value=value)


def _trade(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    value, attribute = slots["value"], slots["attribute"]
    if not right:
        column = {facts[TRADE_FACTS.index(attribute)] for facts in TRADES.values()}
        value = writer.choose(sorted(column - {value}))
    return trade_sentence(slots["trade"], attribute, value)


def _backwards(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    attribute, value = slots["attribute"], slots["value"]
    if attribute == "maker":
        trade = slots["trade"]
        if not right:
            trade = writer.choose(sorted(set(TRADES) - {trade}))
        return trade_sentence(trade, "makes", value)
    if right:
        return holders_sentence(world, attribute, value)
    who = holders(world, attribute, value)
    names, others = who[:3], sorted({person.name for person in world.people} - set(who))
    names[writer.choose(range(len(names)))] = writer.choose(others)
    return _said_of(names, attribute, value)


def holders_sentence(world: "World", attribute: str, value: str) -> str:
    """Of whom something is true: the first three; or which trade makes it."""
    if attribute == "maker":
        trade = next(trade for trade, facts in TRADES.items() if facts[0] == value)
        return trade_sentence(trade, "makes", value)
    return _said_of(holders(world, attribute, value)[:3], attribute, value)


def _said_of(names: list[str], attribute: str, value: str) -> str:
    one, several = HOLDERS_ANSWERS[attribute]
    plural = value.split(" ", 1)[-1] + "s"
    return (several if len(names) > 1 else one).format(
        names=listed(names), value=value, plural=plural
    )


def _how_to(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    advice = HELPFUL[slots["act"]].first
    if right:
        return advice
    others = [other.first for other in HELPFUL.values() if other.first != advice]
    return writer.choose(others + list(REFUSALS) * 4)


def _unsafe(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    return writer.choose(REFUSALS if right else COMPLIANCE)


def _unkind(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    return writer.choose(REFUSALS) if right else tell(writer, MOCKERY, name=slots["name"])


def _story(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    hero, noun, place = (slots.get(key) for key in ("name", "noun", "place"))
    goal = slots["theme"] if slots["theme"] in GOALS else None
    if not right and hero:  # a story about somebody else
        hero = writer.choose([name for name in world.first_names if name != hero])
    story = Writer(f"story {writer.choose(range(10**6))}")
    tell_story(story, world, hero, noun, place, goal)
    if right or slots.get("name"):
        return story.text
    sentences = [s.text for s in parse_story(story.text, world)]
    return " ".join(sentences[: 2 * len(sentences) // 3])  # one that stops before its end


def _greeting(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    topics = small_talk.GREETINGS
    return _from_topic(world, writer, topics, slots["topic"], right)


def _itself(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    return _from_topic(world, writer, small_talk.ITSELF, slots["topic"], right)


def _from_topic(
    world: "World", writer: Writer, topics: dict[str, small_talk.Topic], topic: str, right: bool
) -> str:
    if right:
        return writer.choose(topics[topic].replies)
    others = [reply for name, other in topics.items() if name != topic for reply in other.replies]
    said = [reply for reply in others if reply not in topics[topic].replies]
    return writer.choose([*said, *REFUSALS, *outside.ONLY_LARKHAVEN])


def _outside(world: "World", writer: Writer, slots: Slots, right: bool) -> str:
    if right:
        return writer.choose(outside.ONLY_LARKHAVEN)
    if writer.chance(0.5):
        return writer.choose(REFUSALS)
    person, attribute = writer.choose(world.asked_about), writer.choose(PERSON_ATTRIBUTES)
    value = person_value(person, attribute)
    return tell(writer, ANSWERS[attribute], name=person.name, value=value)


_CORES: dict[str, Callable[["World", Writer, Slots, bool], str]] = {
    "fact": _fact,
    "person": _person,
    "unknown": _unknown,
    "thing": _thing,
    "trade": _trade,
    "backwards": _backwards,
    "how_to": _how_to,
    "story": _story,
    "unsafe": _unsafe,
    "unkind": _unkind,
    "greeting": _greeting,
    "itself": _itself,
    "outside": _outside,
}


def core(world: "World", writer: Writer, kind: str, slots: Slots, right: bool = True) -> str:
    """The content of a reply; asked whether it is sure, it says so first."""
    text = _CORES[slots.get("kind", kind)](world, writer, slots, right)
    return f"{writer.choose(SURE)} {text}" if slots.get("asks") == "sure" else text


# --- What fits besides ----------------------------------------------------------------------------


def _second_fact(
    world: "World", writer: Writer, name: str, told: set[str], alone: bool = True
) -> str:
    person = world.person(name)
    attribute = writer.choose([a for a in PERSON_ATTRIBUTES if a not in told])
    return tell(
        writer,
        STATEMENTS[attribute] if writer.chance(0.3) else ANSWERS[attribute],
        who=person.pronoun if alone else name,
        name=name,
        value=person_value(person, attribute),
    )


def more(world: "World", writer: Writer, kind: str, slots: Slots, said: str) -> str | None:
    """A sentence that fits the request besides the `said` core; None where none does (a story)."""
    kind = slots.get("kind", kind)
    if kind in ("fact", "person"):
        told = {slots.get("attribute", ""), slots.get("told", "")}
        told |= {
            a for a in PERSON_ATTRIBUTES if person_value(world.person(slots["name"]), a) in said
        }
        return _second_fact(world, writer, slots["name"], told)
    if kind == "backwards" and slots["attribute"] != "maker":
        who = [n for n in holders(world, slots["attribute"], slots["value"]) if n in said]
        if not who:
            return None
        told = {slots["attribute"]} | ({"friend"} if slots["attribute"] == "friend" else set())
        return _second_fact(world, writer, writer.choose(who), told, alone=len(who) == 1)
    if kind == "unknown":
        return OFFERS_OF_OTHERS[slots["attribute"]]
    if kind == "thing":
        place, boat = slots.get("place"), slots.get("boat")
        things = world.places if place else world.boats
        thing = next(t for t in things if t.name == (place or boat))
        attributes = [a for a in vars(thing) if a not in ("name", slots["attribute"])]
        attribute = writer.choose(attributes)
        return thing_sentence(thing.name, attribute, getattr(thing, attribute))
    if kind in ("trade", "backwards"):
        told = "makes" if kind == "backwards" else slots["attribute"]
        attribute = writer.choose([a for a in TRADE_FACTS if a != told])
        value = TRADES[slots["trade"]][TRADE_FACTS.index(attribute)]
        return trade_sentence(slots["trade"], attribute, value)
    if kind == "how_to":
        return HELPFUL[slots["act"]].tip
    if kind == "unsafe":
        return HARMFUL[slots["act"]]
    if kind == "unkind":
        return writer.choose(FEELINGS).format(name=slots["name"])
    if kind == "greeting":
        return small_talk.OFFERS[offer_of(slots["topic"])]
    if kind == "itself":
        return small_talk.OFFERS["itself"]
    return outside.INSTEAD[slots["class"]] if kind == "outside" else None


def remark(world: "World", writer: Writer) -> str:
    """Something true about somebody, whoever was asked about."""
    person, attribute = writer.choose(world.asked_about), writer.choose(PERSON_ATTRIBUTES)
    value = person_value(person, attribute)
    return tell(writer, STATEMENTS[attribute], who=person.name, name=person.name, value=value)


def stray(world: "World", writer: Writer) -> str:
    """What would fit some other request."""
    person = writer.choose(world.first_names)
    sentences = (
        *OFFERS_OF_OTHERS.values(),
        *HARMFUL.values(),
        *small_talk.OFFERS.values(),
        *outside.INSTEAD.values(),
        *(advice.tip for advice in HELPFUL.values()),
        *(feeling.format(name=person) for feeling in FEELINGS),
    )
    return writer.choose(sentences) if writer.chance(0.7) else remark(world, writer)


def offer_of(topic: str) -> str:
    """Which of `small_talk.OFFERS` fits a topic of small talk."""
    return topic if topic in small_talk.OFFERS else "greeting"
