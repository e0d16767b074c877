"""Stories of Larkhaven: simulated, told in many wordings, and checked by replaying them.

A story has a goal (find what one has lost, or what a friend has lost, or deliver what was
promised), perhaps some trouble, and an end. `tell_story` plans it event by event and tells each
event in one of its wordings (`story_wordings`); every choice goes through the `Writer` and can be
read off the text, so the bits that the writer books are the story's exact surprisal. `parse_story`
reads the events back, and `check_story` replays them by the rules of `story_rules`.

    >>> from inkling.world.writer import Writer
    >>> class Names:
    ...     first_names = ["Mara", "Otto", "Ida"]
    ...     story_places = ["the bakery", "Gull Pier", "the mill", "the bridge", "the dairy"]
    >>> writer = Writer("example")
    >>> tell_story(writer, Names)
    >>> check_story(writer.text, Names).coherent
    True
"""

from functools import cache

from inkling.world import story_wordings as tables
from inkling.world.people import with_article
from inkling.world.story_reader import Names, Sentence, StoryCheck, check_story, parse_story
from inkling.world.story_wordings import HELD_OUT_PAIRS, OBJECTS, WORDINGS
from inkling.world.writer import Slot, Writer, copy, free

__all__ = ["GOALS", "Names", "Sentence", "StoryCheck", "check_story", "parse_story", "tell_story"]

#: What a story can be about: the hero has lost a thing, or a friend has, or the hero has promised
#: one.
GOALS = ("lose", "miss", "promise")
#: No more sentences than this.
LONGEST = 13


def tell_story(
    writer: Writer,
    world: Names,
    hero: str | None = None,
    noun: str | None = None,
    place: str | None = None,
    goal: str | None = None,
) -> None:
    """Write one story into `writer`, with names and places of `world`.

    hero, noun, place, goal: whom and what it must be about, where it begins, and which plot it has,
    where somebody asked for it ("a story about Mara and a lantern"). They are then no choice of the
    story's, and cost no bits. `noun` is one of `story_wordings.OBJECTS`, `goal` one of `GOALS`.
    """
    _Telling(writer, world).story(hero, noun, place, goal)


class _Telling:
    """One story in the making: what has been told so far, and whom and what it can still draw."""

    def __init__(self, writer: Writer, world: Names):
        self.writer = writer
        self.names = world.first_names
        self.places = world.story_places
        self.used: set[str] = set()
        self.told = 0
        self.song: str | None = None

    # ------------------------------------------------------------------ telling one event
    def tell(self, event: str, **slots: Slot) -> None:
        """Tell `event`: choose a wording and fill in its slots.

        A slot that is settled by the text before it is a copy, but not at the start of a sentence:
        there its first word also tells which event and wording come, so it counts as grammar. A
        free slot is free once per sentence.
        """
        writer = self.writer
        wordings = WORDINGS[event]
        pool = wordings.unseen if writer.held_out and wordings.unseen else wordings.usual
        pieces = writer.choose(pool, "grammar", usual_first=True)
        if self.told:
            writer.say(" ")
        self.told += 1
        at_start = True
        for text, is_slot in pieces:
            if is_slot:
                article = text == "a_thing"
                name = "thing" if article else text
                value, kind = slots[name]
                if kind == "free":
                    slots[name] = Slot(value, "copy")
                elif at_start:
                    kind = "grammar"
                writer.say(with_article(value) if article else value, kind)
            else:
                writer.say(text)
            at_start = False

    def person(self) -> str:
        name = self.writer.choose([name for name in self.names if name not in self.used])
        self.used.add(name)
        return name

    def place(self) -> str:
        place = self.writer.choose([place for place in self.places if place not in self.used])
        self.used.add(place)
        return place

    def room(self, sentences: int) -> bool:
        """Whether the story may still take so many sentences."""
        return self.told + sentences + (self.song is not None) <= LONGEST

    def may(self, probability: float, sentences: int) -> bool:
        """Chance decides, where there is room for what follows."""
        return self.room(sentences) and self.writer.chance(probability)

    # ------------------------------------------------------------------ pieces of a plot
    def sing(self, rest: int) -> None:
        """Perhaps a song, which comes again before the end; `rest` sentences must follow without
        it.
        """
        if self.may(0.2, rest + 2):
            self.song = self.writer.choose(tables.REFRAINS)
            self.tell("sing", who=self.hero, line=free(self.song))

    def take(self, thing: Slot, rest: int) -> None:
        """The hero takes a thing that is here, at once or with some trouble; `rest` sentences must
        follow.
        """
        if self.may(0.4, rest + 3):
            self.tell(
                "high", who=self.hero, thing=thing, perch=free(self.writer.choose(tables.PERCHES))
            )
            self.tell("climb", who=self.hero, thing=thing)
        self.tell("pick", who=self.hero, thing=thing)

    def seek(self, thing: Slot, rest: int) -> None:
        """Go, meet somebody, ask; end with the thing in the hero's hands. `rest` sentences must
        follow.
        """
        hero, tell = self.hero, self.tell
        tell("go", who=hero, place=free(self.place()))
        name = self.person()
        friend = copy(name)
        tell("meet", who=hero, friend=free(name))
        tell("ask", who=hero, friend=friend, thing=thing)
        if self.may(0.6, rest + 3):
            place = self.place()
            tell("tell_place", friend=friend, thing=thing, place=free(place))
            tell("go", who=hero, place=copy(place))
            self.take(thing, rest)
        else:
            tell("tell_have", friend=friend, thing=thing)
            tell("give", giver=friend, taker=hero, thing=thing)
            self.thank(hero, friend, rest)

    def thank(self, who: Slot, friend: Slot, rest: int) -> None:
        """Perhaps thanks, for what was given; `rest` sentences must follow."""
        if self.may(0.6, rest + 1):
            self.tell("thank", who=who, friend=friend)

    def end(self) -> None:
        if self.song:
            self.tell("sing", who=self.hero, line=copy(self.song))
        self.tell("end", who=self.hero)

    # ------------------------------------------------------------------ the story
    def story(
        self,
        asked_hero: str | None,
        asked_noun: str | None,
        asked_place: str | None = None,
        asked_goal: str | None = None,
    ) -> None:
        hero, start = asked_hero or self.person(), asked_place or self.place()
        self.used |= {hero, start}
        time = self.writer.choose(tables.TIMES)
        self.tell(
            "open",
            who=copy(hero) if asked_hero else free(hero),
            place=copy(start) if asked_place else free(start),
            time=free(time),
        )
        self.hero, self.start = copy(hero), copy(start)
        held_out, nouns = self.writer.held_out, tuple(OBJECTS)
        if asked_noun:
            goals = [goal for goal in GOALS if asked_noun in _nouns(goal, nouns, held_out)]
            goal = asked_goal or self.writer.choose(goals, "grammar")
            noun = asked_noun
        else:
            goal = asked_goal or self.writer.choose(GOALS, "grammar")
            noun = self.writer.choose(_nouns(goal, nouns, held_out), usual_first=True)
        thing = self.writer.choose(OBJECTS[noun])
        getattr(self, f"plot_{goal}")(free(thing), copy(thing))

    def plot_lose(self, new: Slot, thing: Slot) -> None:
        self.tell("lose", who=self.hero, thing=new)
        self.sing(rest=6)
        self.seek(thing, rest=1)
        self.end()

    def plot_miss(self, new: Slot, thing: Slot) -> None:
        name = self.person()
        friend = copy(name)
        self.tell("miss", who=self.hero, friend=free(name), thing=new)
        self.sing(rest=8)
        self.seek(thing, rest=3)
        self.tell("go", who=self.hero, place=self.start)
        self.tell("give", giver=self.hero, taker=friend, thing=thing)
        self.thank(friend, self.hero, rest=1)
        self.end()

    def plot_promise(self, new: Slot, thing: Slot) -> None:
        name = self.person()
        friend = copy(name)
        self.tell("promise", who=self.hero, friend=free(name), thing=new)
        self.sing(rest=4)
        self.take(thing, rest=3)
        self.tell("go", who=self.hero, place=free(self.place()))
        self.tell("give", giver=self.hero, taker=friend, thing=thing)
        self.thank(friend, self.hero, rest=1)
        self.end()


@cache
def _nouns(event: str, nouns: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    """The nouns that may go with `event` in training or, held out, only those that may not."""
    chosen = tuple(noun for noun in nouns if ((event, noun) in HELD_OUT_PAIRS) == held_out)
    return chosen or nouns
