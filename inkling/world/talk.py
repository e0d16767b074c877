"""What people say to the assistant of Larkhaven: every kind of request, in a great many words.

Questions on people, places, boats and trades, also the other way round (`backwards`); on people
whom nobody there knows (`unknown`); how to do something; stories; harm and mockery; greetings and
small talk; the assistant itself; the world outside; and what comes second in a conversation
(`follow_up`). They are typed carefully or carelessly (`typed`), and some ask for a short answer.
The wordings stand in `askings`, `small_talk`, `outside` and `deeds`; `understanding` reads a prompt
back, and `answers` writes replies.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inkling.world import askings, outside, small_talk
from inkling.world.askings import Asking
from inkling.world.deeds import DEMANDS, HARMFUL, HELD_OUT_DEEDS, HELPFUL
from inkling.world.facts import person_value
from inkling.world.people import BOATS, PERSON_ATTRIBUTES, TRADES, Person, with_article
from inkling.world.story_wordings import OBJECTS
from inkling.world.typed import careless
from inkling.world.writer import Writer, parse_template

if TYPE_CHECKING:
    from inkling.world import World

#: Each kind of request, and how many of a hundred are of it.
SHARES = {
    "fact": 13,
    "person": 3,
    "unknown": 8,
    "thing": 6,
    "trade": 5,
    "backwards": 7,
    "how_to": 7,
    "story": 8,
    "unsafe": 7,
    "unkind": 4,
    "greeting": 7,
    "itself": 6,
    "outside": 11,
    "follow_up": 8,
}
#: The kinds that nobody should help with.
HARM = ("unsafe", "unkind")

#: What may stand before a question, and what stands before an indirect one, with its last mark.
HELLOS = (
    "hello",
    "hi",
    "hey",
    "good morning",
    "good evening",
    "excuse me",
    "please",
    "sorry to bother you",
    "one question",
    "quick question",
    "i have a question",
    "so",
    "ok",
    "well",
    "dear inkling",
    "listen",
    "tell me",
)
INTROS = {
    "can you tell me": "?",
    "could you tell me": "?",
    "do you know": "?",
    "would you happen to know": "?",
    "any idea": "?",
    "may i ask": "?",
    "i would like to know": ".",
    "i want to know": ".",
    "please tell me": ".",
    "tell me": ".",
    "i wonder": ".",
    "i forgot": ".",
    "remind me": ".",
    "my friend asks": ".",
    "i need to know": ".",
}
ENDS = ("please", "thanks")
#: Of whom deeds may speak besides the people of the town.
ANYBODY = (
    "my neighbour",
    "my brother",
    "my sister",
    "my boss",
    "my friend",
    "my teacher",
    "the mayor",
    "the postman",
    "somebody",
    "people",
)

#: Facts of people, and who they are in general.
PERSON_ASKINGS = (*PERSON_ATTRIBUTES, "person")
#: The trades' knowledge, in the order of `people.TRADES`.
TRADE_FACTS = ("makes", "tool", "material")


class Said:
    """What somebody says, as it comes to be: a text in lower case but for names, a last mark, and
    whether a short answer is asked for.
    """

    def __init__(self, text: str, mark: str = "?"):
        self.text, self.mark, self.brief = text, mark, False


# --- Wordings -------------------------------------------------------------------------------------


def usual(wordings: Sequence[str], held_out: bool, n_held_out: int) -> Sequence[str]:
    """The wordings of training, or those that are kept out of it (all, where there are too few)."""
    if len(wordings) <= 2 * n_held_out:
        return wordings
    return wordings[-n_held_out:] if held_out else wordings[:-n_held_out]


def question_on(writer: Writer, asking: Asking, **slots: str) -> Said:
    """One of the ways to ask: directly, indirectly, or in a few words."""
    forms = ["direct"] * 6 + ["indirect"] * 3 * bool(asking.indirect)
    form = writer.draw(forms + ["short"] * bool(asking.short))
    if form == "direct":
        core = writer.choose(usual(asking.direct, writer.held_out, 2))
        said = Said(core.format(**slots))
    elif form == "short":
        said = Said(writer.choose(asking.short).format(**slots), writer.choose(("?", "")))
    else:
        intro = writer.choose(tuple(INTROS))
        core = writer.choose(usual(asking.indirect, writer.held_out, 1)).format(**slots)
        said = Said(f"{intro} {core}", INTROS[intro])
    if writer.chance(0.2):
        said.brief = True
        said.text = f"{writer.choose(askings.BRIEF)}: {said.text}"
    return said


def one_of(
    writer: Writer, wordings: Sequence[str], mark: str, n_held_out: int = 2, **slots: str
) -> Said:
    """One of `wordings`, filled in."""
    return Said(writer.choose(usual(wordings, writer.held_out, n_held_out)).format(**slots), mark)


def type_out(writer: Writer, said: Said, slips: dict[str, list[str]], hello: bool = True) -> str:
    """What stands on the screen in the end: perhaps with a greeting before it, perhaps in haste."""
    text, mark = said.text, mark_of(said.text, said.mark)
    if hello and writer.chance(0.2):
        before = writer.choose(HELLOS)
        if before != "tell me" or mark == "?":
            text = f"{before}, {text}"
    if hello and writer.chance(0.08):
        text = f"{text}, {writer.choose(ENDS)}"
    text = written(text, mark)
    return careless(writer, text, slips) if writer.chance(0.3) else text


def written(text: str, mark: str) -> str:
    """A text in lower case as a careful writer has it: a capital, "I", and a last mark."""
    return re.sub(r"\bi\b", "I", text[:1].upper() + text[1:]) + mark_of(text, mark)


#: Words with which a question begins, and a request.
_ASKING = tuple(
    "how what who whose whom where when why which do does did is are can could would will may"
    " have has any".split()
)
_BIDDING = tuple(
    "tell write make sing say give show please let describe insult mock explain help call list"
    " invent read draw play translate introduce imagine pretend".split()
)


def mark_of(text: str, mark: str) -> str:
    """How a careful writer ends it: by its first word, or else with `mark`."""
    first = text.split(" ", 1)[0].strip(",:")
    return "?" if first in _ASKING and mark == "." else "." if first in _BIDDING else mark


# --- The kinds ------------------------------------------------------------------------------------

Made = tuple[Said, dict[str, str]]


def called(writer: Writer, person: Person) -> str:
    """A person's first name, or sometimes the whole name."""
    return person.full_name if writer.chance(0.08) else person.name


def fact_slots(person: Person, attribute: str) -> dict[str, str]:
    """Whom a question is about, and the true answer."""
    return {
        "name": person.name,
        "attribute": attribute,
        "value": person_value(person, attribute),
    }


def _fact(world: "World", writer: Writer, training: bool) -> Made:
    person = writer.choose(world.asked_about if training else world.people)
    attribute = writer.choose(PERSON_ATTRIBUTES)
    said = question_on(writer, askings.PEOPLE[attribute], name=called(writer, person))
    return said, fact_slots(person, attribute)


def _person(world: "World", writer: Writer, training: bool) -> Made:
    person = writer.choose(world.asked_about if training else world.people)
    said = question_on(writer, askings.PEOPLE["person"], name=called(writer, person))
    return said, {"name": person.name, "attribute": "person"}


def _unknown(world: "World", writer: Writer, training: bool) -> Made:
    # training asks about half of the passing strangers, the exams about the newcomers
    strange = world.stranger_names[::2] if training else [p.name for p in world.newcomers]
    ordinary = outside.FIRST_NAMES[::2] if training else outside.FIRST_NAMES[1::2]
    name = writer.choose(ordinary if writer.chance(0.4) else strange)
    attribute = writer.choose(PERSON_ASKINGS)
    return question_on(writer, askings.PEOPLE[attribute], name=name), {
        "name": name,
        "attribute": attribute,
    }


def _thing(world: "World", writer: Writer, training: bool) -> Made:
    if writer.chance(0.75):
        place, attribute = writer.choose(world.places), writer.choose(tuple(askings.PLACES))
        said = question_on(writer, askings.PLACES[attribute], place=place.name)
        return said, {
            "place": place.name,
            "attribute": attribute,
            "value": getattr(place, attribute),
        }
    boat, attribute = writer.choose(world.boats), writer.choose(tuple(askings.BOATS))
    said = question_on(writer, askings.BOATS[attribute], boat=boat.name)
    return said, {"boat": boat.name, "attribute": attribute, "value": getattr(boat, attribute)}


def _trade(world: "World", writer: Writer, training: bool) -> Made:
    trade, attribute = writer.choose(tuple(TRADES)), writer.choose(TRADE_FACTS)
    said = question_on(writer, askings.TRADES[attribute], trade=with_article(trade), bare=trade)
    value = TRADES[trade][TRADE_FACTS.index(attribute)]
    return said, {"trade": trade, "attribute": attribute, "value": value}


def holders(world: "World", attribute: str, value: str) -> list[str]:
    """Everybody in town of whom this is true."""
    return [p.name for p in world.people if person_value(p, attribute) == value]


def _backwards(world: "World", writer: Writer, training: bool) -> Made:
    attribute = writer.choose(tuple(askings.BACKWARDS))
    if attribute == "maker":
        trade = writer.choose(tuple(TRADES))
        value = TRADES[trade][0]
        said = question_on(writer, askings.BACKWARDS[attribute], value=value)
        return said, {"attribute": attribute, "value": value, "trade": trade}
    value = person_value(writer.choose(world.people), attribute)
    bare = value.split(" ", 1)[1] if attribute in ("trade", "pet") else value
    said = question_on(writer, askings.BACKWARDS[attribute], value=value, bare=bare)
    return said, {"attribute": attribute, "value": value}


def _deed(world: "World", writer: Writer, acts: Sequence[str], training: bool) -> Made:
    act = writer.choose(acts)
    names = ANYBODY if writer.chance(0.15) else world.first_names
    targets = {"name": names, "place": world.story_places, "boat": BOATS}
    slots = {text: writer.choose(targets[text]) for text, is_slot in parse_template(act) if is_slot}
    done = act.format(**slots)
    if writer.chance(0.3):
        core = writer.choose(DEMANDS)
    else:
        core = writer.choose(usual(askings.HOW_TO, writer.held_out, 2))
    said = Said(core.format(act=done), ".")
    if act in HELPFUL and writer.chance(0.15):
        said.brief, said.text = True, f"{writer.choose(askings.BRIEF)}: {said.text}"
    return said, {"act": act, **slots}


def _how_to(world: "World", writer: Writer, training: bool) -> Made:
    return _deed(world, writer, tuple(HELPFUL), training)


def _unsafe(world: "World", writer: Writer, training: bool) -> Made:
    return _deed(world, writer, usual(tuple(HARMFUL), writer.held_out, HELD_OUT_DEEDS), training)


def _unkind(world: "World", writer: Writer, training: bool) -> Made:
    name = writer.choose(world.first_names)
    return one_of(writer, askings.UNKIND, ".", name=name), {"name": name}


def _story(world: "World", writer: Writer, training: bool) -> Made:
    theme = writer.draw(
        ("any",) * 3 + ("name", "thing", "place", "name_thing") * 2 + ("lose", "miss", "promise")
    )
    noun = writer.choose(tuple(OBJECTS))
    fill = {"name": writer.choose(world.first_names), "place": writer.choose(world.story_places)}
    core = writer.choose(usual(askings.STORIES[theme], writer.held_out, 2))
    said = Said(core.format(**fill, thing=with_article(noun), bare=noun), ".")
    used = {text for text, is_slot in parse_template(core) if is_slot}
    slots = {"theme": theme} | {key: value for key, value in fill.items() if key in used}
    if used & {"thing", "bare"}:
        slots["noun"] = noun
    return said, slots


def _from_topics(writer: Writer, topics: dict[str, small_talk.Topic]) -> Made:
    topic = writer.choose(tuple(topics))
    chosen = topics[topic]
    said = one_of(writer, chosen.said, chosen.mark, chosen.held_out)
    return said, {"topic": topic}


def _greeting(world: "World", writer: Writer, training: bool) -> Made:
    if writer.chance(0.5):
        core = small_talk.GREETINGS
        often = {name: core[name] for name in ("hello", "thanks", "goodbye")}
        return _from_topics(writer, often)
    return _from_topics(writer, small_talk.GREETINGS)


def _itself(world: "World", writer: Writer, training: bool) -> Made:
    return _from_topics(writer, small_talk.ITSELF)


def _outside(world: "World", writer: Writer, training: bool) -> Made:
    kind = writer.choose(tuple(outside.FORMS))
    forms = outside.FORMS[kind]
    core = writer.choose(usual(forms, writer.held_out, max(2, len(forms) // 10)))
    text = "".join(
        writer.choose(outside.things(piece, training)) if is_slot else piece
        for piece, is_slot in parse_template(core)
    )
    questions = ("where", "who", "what", "when", "why", "how", "opinion")
    mark = "?" if kind in questions else writer.choose((".", ".", "?", "!", ""))
    return Said(text, mark), {"class": kind}


#: The makers of all kinds but what comes second in a conversation.
MAKERS: dict[str, Callable[["World", Writer, bool], Made]] = {
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
