"""Reading a prompt back: which request of `talk` it is, however it was typed.

Careful and careless typing are brought to one plain form (`typed.plain_form`); greetings and
introductions before a question are taken off; and what is left is one of the wordings, with names
and values in their places. It is how the rubric knows what was asked: from the words alone, as the
assistant does.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from inkling.world import askings, outside, small_talk, talk
from inkling.world.deeds import DEMANDS, HARMFUL, HELPFUL
from inkling.world.people import (
    BOATS,
    FIRST_NAMES,
    FOODS,
    INSTRUMENTS,
    PETS,
    PLACES,
    STREETS,
    SURNAMES,
    TRADES,
    stranger_names,
    with_article,
)
from inkling.world.story_wordings import OBJECTS
from inkling.world.typed import misspellings, ordinary_words, plain_form
from inkling.world.writer import parse_template

#: What may fill a slot, besides names. Plural and bare forms count as the same value.
VALUES_OF = {
    "place": PLACES,
    "boat": BOATS,
    "trade": tuple(map(with_article, TRADES)),
    "bare": (*TRADES, *PETS, *INSTRUMENTS, *OBJECTS),
    "thing": tuple(map(with_article, OBJECTS)),
    "value": (
        *map(with_article, TRADES),
        *map(with_article, PETS),
        *FOODS,
        *STREETS,
        *FIRST_NAMES,
        *(makes for makes, _, _ in TRADES.values()),
    ),
}


#: Nobody says so many characters at once, and no pattern should look at more.
LONGEST = 300


class Meaning(NamedTuple):
    """What a prompt says: its kind, what it is about, and whether it asks for a short answer."""

    kind: str
    slots: dict[str, str]
    brief: bool = False


# --- Plain forms of the tables --------------------------------------------------------------------


def _wordings() -> Iterator[str]:
    """Every wording with which somebody can ask something."""
    for table in (askings.PEOPLE, askings.PLACES, askings.BOATS, askings.TRADES, askings.BACKWARDS):
        for asking in table.values():
            yield from (*asking.direct, *asking.indirect, *asking.short)
    for table in (askings.FOLLOW_UPS, askings.STORIES, outside.FORMS):
        for wordings in table.values():
            yield from wordings
    for topics in (small_talk.GREETINGS, small_talk.ITSELF):
        for topic in topics.values():
            yield from topic.said
    yield from (*askings.SAME_OF_ANOTHER, *askings.SURE, *askings.WHY_NOT, *askings.MORE)
    yield from (*askings.ANOTHER_STORY, *askings.BRIEF, *askings.HOW_TO, *askings.UNKIND)
    yield from (*DEMANDS, *talk.HELLOS, *talk.INTROS, *talk.ENDS)


@cache
def typos() -> dict[str, str]:
    """Misspellings of the words of all wordings, and what was meant."""
    lists = (*HELPFUL, *HARMFUL, *outside.EVERYTHING, *ordinary_words())
    names = (*FIRST_NAMES, *SURNAMES, *stranger_names(), *outside.FIRST_NAMES)
    values = (text for options in VALUES_OF.values() for text in options)
    known = {
        word for text in (*lists, *names, *values, *STREETS) for word in plain_form(text).split()
    }
    known |= {f"{word}s" for word in known}
    return misspellings((word for word in _spoken() if word.isalpha()), _spoken() | known)


@cache
def slips() -> dict[str, list[str]]:
    """Each word that somebody may misspell, and the ways to do it."""
    ways: dict[str, list[str]] = {}
    for slip, word in typos().items():
        ways.setdefault(word, []).append(slip)
    return ways


def _pattern(template: str) -> str:
    """A wording's plain form as a pattern: each slot a group."""
    found, after_slot = "", False
    for text, is_slot in parse_template(template):
        if is_slot:
            found += _group(text, again=f"(?P<{text}>" in found)
        else:
            glued = after_slot and (text[0] in "'+*/=" or text[0].isalnum())
            found += ("" if glued or not found else " ") + re.escape(plain_form(text)).replace(
                "\\ ", " "
            )
            found += " " if text.endswith(" ") else ""
        after_slot = is_slot
    return re.sub(" +", " ", found).strip()


def _group(slot: str, again: bool) -> str:
    if again:
        return f"(?P={slot})"
    if slot == "name":
        return r"(?P<name>[^\W\d]+(?: [^\W\d]+)?)"
    return f"(?P<{slot}>.+)" if slot in VALUES_OF or slot == "act" else "(?:.+)"


@cache
def plain_values() -> dict[str, frozenset[str]]:
    """What may fill each slot, in its plain form."""
    return {slot: frozenset(map(plain_form, texts)) for slot, texts in VALUES_OF.items()}


def _all_fit(slots: dict[str, str]) -> bool:
    options = plain_values()
    return all(text in options.get(slot, (text,)) for slot, text in slots.items())


class Patterns:
    """Wordings of one sort, found by their first word."""

    def __init__(self) -> None:
        self._by_first: dict[str, list[tuple[re.Pattern, str, str]]] = {}

    def add(self, kind: str, detail: str, wordings: tuple[str, ...]) -> None:
        """Wordings that mean `kind`, with `detail` (an attribute, a class, a theme)."""
        for wording in wordings:
            pattern = _pattern(wording)
            first = re.match(r"[\w+*/=]+(?= |$)", pattern)
            key = first.group() if first else ""
            self._by_first.setdefault(key, []).append((re.compile(pattern), kind, detail))

    def find(self, text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
        """(kind, detail, slots) of each wording that `text` can be."""
        first = text.split(" ", 1)[0]
        for key in (first, ""):
            for pattern, kind, detail in self._by_first.get(key, ()):
                match = pattern.fullmatch(text)
                if match and _all_fit(match.groupdict()):
                    yield kind, detail, match.groupdict()


@cache
def small_patterns() -> dict[str, tuple[str, str]]:
    """Plain small talk -> (kind, topic)."""
    found = {}
    for kind, topics in (("greeting", small_talk.GREETINGS), ("itself", small_talk.ITSELF)):
        for name, topic in topics.items():
            found |= {plain_form(said): (kind, name) for said in topic.said}
    return found


@cache
def town_patterns() -> Patterns:
    """All wordings about the town."""
    patterns = Patterns()
    tables = (
        ("fact", askings.PEOPLE),
        ("place", askings.PLACES),
        ("boat", askings.BOATS),
        ("trade", askings.TRADES),
        ("backwards", askings.BACKWARDS),
    )
    for kind, table in tables:
        for attribute, asking in table.items():
            wordings = (*asking.direct, *asking.indirect, *asking.short)
            patterns.add(kind, attribute, wordings)
    for theme, wordings in askings.STORIES.items():
        patterns.add("story", theme, wordings)
    patterns.add("unkind", "", askings.UNKIND)
    return patterns


@cache
def deed_patterns() -> tuple[Patterns, Patterns]:
    """How deeds are asked for, and the deeds themselves."""
    asks, acts = Patterns(), Patterns()
    asks.add("act", "", (*askings.HOW_TO, *DEMANDS))
    for kind, deeds in (("how_to", HELPFUL), ("unsafe", HARMFUL)):
        for act in deeds:
            acts.add(kind, act, (act,))
    return asks, acts


@cache
def outside_patterns() -> Patterns:
    """All forms in which the world outside is asked about."""
    patterns = Patterns()
    for kind, forms in outside.FORMS.items():
        patterns.add("outside", kind, forms)
    return patterns


# --- Names and values -----------------------------------------------------------------------------


@cache
def _spelt() -> dict[str, str]:
    """Plain forms of names, places and values -> as they are written."""
    texts = [
        *PLACES,
        *BOATS,
        *STREETS,
        *FOODS,
        *map(with_article, PETS),
        *map(with_article, TRADES),
    ]
    texts += [*(makes for makes, _, _ in TRADES.values()), *FIRST_NAMES]
    return {plain_form(text): text for text in texts}


@cache
def _elsewhere() -> frozenset[str]:
    """Words that are nobody's name, whatever is asked about them."""
    names = {plain_form(name) for name in (*outside.FIRST_NAMES, *stranger_names(), *FIRST_NAMES)}
    lists = (*outside.EVERYTHING, *ordinary_words())
    words = {word for text in lists for word in plain_form(text).split()}
    town = {
        word
        for options in VALUES_OF.values()
        for text in options
        for word in plain_form(text).split()
    }
    return frozenset((words | town | _spoken()) - names)


@cache
def _spoken() -> frozenset[str]:
    """All words of all wordings."""
    return frozenset(
        word
        for wording in _wordings()
        for text, is_slot in parse_template(wording)
        if not is_slot and not text.startswith("'")
        for word in plain_form(text).split()
    )


@cache
def _surnames() -> dict[str, str]:
    return {plain_form(name): name for name in SURNAMES}


def person_named(text: str) -> str | None:
    """Who is meant by "ada", "ada ashby" or "zorblax": a first name; None where it is none."""
    first, *rest = text.split()
    if rest and rest[0] not in _surnames():
        return None
    if first in _elsewhere():
        return None
    return _spelt().get(first) or first.capitalize()


# --- Understanding --------------------------------------------------------------------------------


def _cores(text: str) -> Iterator[tuple[str, bool]]:
    """What may be left of a plain prompt when greetings and introductions are taken off, the
    longest first; and whether a short answer is asked for.
    """
    hellos, brief, intros = _beginnings()
    seen, waiting = set(), [(text, False)]
    while waiting:
        state = waiting.pop(0)
        if state in seen or not state[0]:
            continue
        seen.add(state)
        yield state
        core, is_brief = state
        for beginnings, says_brief in ((hellos, False), (brief, True), (intros, False)):
            waiting += [
                (core[len(beginning) + 1 :], is_brief or says_brief)
                for beginning in beginnings
                if core.startswith(f"{beginning} ")
            ]
        waiting += [
            (core[: -len(end) - 1], is_brief) for end in talk.ENDS if core.endswith(f" {end}")
        ]


@cache
def _beginnings() -> tuple[list[str], list[str], list[str]]:
    tables = (talk.HELLOS, askings.BRIEF, talk.INTROS)
    hellos, brief, intros = ([plain_form(text) for text in table] for table in tables)
    return hellos, brief, intros


def understand(prompt: str) -> Meaning | None:
    """What one prompt says by itself; None where it is nothing that anybody here would say."""
    if len(prompt) > LONGEST:
        return None
    text = plain_form(prompt, typos())
    if text in small_patterns():
        kind, topic = small_patterns()[text]
        return Meaning(kind, {"topic": topic})
    cores = list(_cores(text))
    for find in (_in_town, _deed):
        for core, brief in cores:
            if found := find(core):
                return Meaning(*found, brief)
    for core, _ in cores:
        if core in small_patterns():
            kind, topic = small_patterns()[core]
            return Meaning(kind, {"topic": topic})
    classes = {detail for core, _ in cores for _, detail, _ in outside_patterns().find(core)}
    return next((Meaning("outside", {"class": c}) for c in outside.FORMS if c in classes), None)


def _in_town(core: str) -> tuple[str, dict[str, str]] | None:
    for kind, detail, slots in town_patterns().find(core):
        made = _town_slots(kind, detail, slots)
        if made is not None:
            return made
    return None


def _town_slots(kind: str, detail: str, slots: dict[str, str]) -> tuple[str, dict[str, str]] | None:
    """The slots as they are written, or None where one is no name."""
    spelt = _spelt()
    made = {key: spelt.get(text, text) for key, text in slots.items() if key != "name"}
    if "name" in slots:
        name = person_named(slots["name"])
        if name is None or (kind in ("story", "unkind") and name not in FIRST_NAMES):
            return None
        made["name"] = name
    if kind == "story":
        noun = made.pop("bare", None) or made.pop("thing", " ").split(" ", 1)[1]
        if noun:
            made["noun"] = noun
        return kind, {"theme": detail, **made}
    if kind == "unkind":
        return kind, made
    if kind in ("place", "boat"):
        return "thing", {**made, "attribute": detail}
    if kind == "trade":
        return kind, {
            "trade": made.get("bare") or made["trade"].split(" ", 1)[1],
            "attribute": detail,
        }
    if kind == "backwards":
        value = made.get("value") or _with_article(made["bare"], detail)
        return kind, {"attribute": detail, "value": value}
    return ("person" if detail == "person" else "fact"), {**made, "attribute": detail}


def _with_article(bare: str, attribute: str) -> str:
    return with_article(bare) if attribute in ("trade", "pet") else bare


def _deed(core: str) -> tuple[str, dict[str, str]] | None:
    asks, acts = deed_patterns()
    for _, _, asked in asks.find(core):
        for kind, act, slots in acts.find(asked["act"]):
            named = {key: _spelt().get(text, text) for key, text in slots.items()}
            if named.get("name", "Ada") in (*FIRST_NAMES, *talk.ANYBODY):
                return kind, {"act": act, **named}
    return None
