"""The state of a story while it is replayed, and the conditions that many events share."""

from dataclasses import dataclass, field


def noun_of(thing: str) -> str:
    """ "red kite" -> "kite", "a kite" -> "kite"."""
    return thing.split(" ", 1)[1]


def _at(place: str | None) -> str:
    return f"at {place}" if place else "in no place yet"


@dataclass
class Thing:
    """A thing of the story. place is None while nobody knows where it is, or while somebody holds
    it.
    """

    place: str | None = None
    holder: str | None = None
    seen: bool = False
    high: bool = False  # out of reach


@dataclass
class State:
    """What is so after the events told so far, and the contradictions found on the way."""

    contradictions: list[str] = field(default_factory=list)
    complete: bool = False
    hero: str | None = None
    people: dict[str, str | None] = field(default_factory=dict)  # who is where
    things: dict[str, Thing] = field(default_factory=dict)
    goal: tuple[str, str, str] | None = None  # what is wanted, for whom, which thing
    last: str | None = None  # the event before this one
    visited: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    to_answer: str | None = None
    # who did it, to whom (nobody, in a story that has not begun)
    kindness: set[tuple[str, str | None]] = field(default_factory=set)
    thanked: set[tuple[str, str]] = field(default_factory=set)
    song: str | None = None

    def need(self, condition: bool, complaint: str) -> bool:
        """Note `complaint` as a contradiction unless `condition` holds."""
        if not condition:
            self.contradictions.append(complaint)
        return condition

    def here(self) -> str | None:
        """Where the hero is; None before the story has begun."""
        return None if self.hero is None else self.people.get(self.hero)

    def need_hero(self, who: str, does: str) -> None:
        """Only the hero does this."""
        self.need(who == self.hero, f"{who} {does}, but this is the story of {self.hero}")

    def need_new_person(self, who: str) -> None:
        """This is somebody who is not in the story yet."""
        self.need(
            who not in self.people,
            f"{who} is met as if for the first time, but is in the story already",
        )

    def need_new_place(self, place: str, does: str) -> None:
        """The hero has not been at this place."""
        self.need(
            place not in self.visited, f"{does} {place}, but {self.hero} has been there before"
        )

    def need_together(self, one: str, other: str, does: str) -> None:
        """Two people are in the same place. Whoever is not in the story yet is put where the hero
        is, so that one mistake is one contradiction.
        """
        for person in (one, other):
            if not self.need(
                person in self.people, f"{person} {does}, but has not come into the story"
            ):
                self.people[person] = self.here()
        at, there = self.people[one], self.people[other]
        self.need(
            one != other and at is not None and at == there,
            f"{one} {does} {other}, but {one} is {_at(at)} and {other} is {_at(there)}",
        )

    def known(self, thing: str, does: str) -> Thing:
        """The thing of this name, which the story must have spoken of; a new one where it has not,
        so that one mistake is one contradiction.
        """
        if not self.need(thing in self.things, f"{does} the {thing}, but the story has no {thing}"):
            self.things[thing] = Thing()
        return self.things[thing]

    def need_goal(self, goal: str, does: str, thing: str | None = None) -> None:
        """The story is about this: "seek" or "bring", and about this thing, if one is named."""
        matches = self.goal is not None and self.goal[0] == goal and thing in (None, self.goal[2])
        self.need(matches, f"{does}, but that is not what this story is about")

    def start_goal(self, goal: str, owner: str, name: str, thing: Thing) -> None:
        """The story is about this from now on; it can be about one errand only."""
        self.need(self.goal is None, f"a second errand begins with the {name}")
        self.things[name] = thing
        self.goal = self.goal or (goal, owner, name)
