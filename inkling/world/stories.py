"""Stories of Larkhaven: simulated, told in many wordings, and checked by replaying them.

A story has a goal (find what is lost, deliver, mend, open a locked box), mostly some trouble, and an end. `tell_story`
plans it event by event and tells each event in one of its wordings (`story_wordings`); every choice goes through the
`Writer` and can be read off the text, so the bits that the writer books are the story's exact surprisal. `parse_story`
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
from inkling.world.story_reader import Names, Sentence, StoryCheck, check_story, parse_story
from inkling.world.story_wordings import HELD_OUT_PAIRS, OBJECTS, WORDINGS, with_article
from inkling.world.writer import Slot, Writer, copy, free

__all__ = ["GOALS", "Names", "Sentence", "StoryCheck", "check_story", "parse_story", "tell_story"]

#: What each goal can be about.
GOALS = {
    "lose": OBJECTS, "stray": tables.ANIMALS, "miss": OBJECTS,
    "promise": OBJECTS, "snap": OBJECTS, "chest": tables.BOXES,
}  # fmt: skip
#: No more sentences than this.
LONGEST = 13


def tell_story(writer: Writer, world: Names, hero: str | None = None, noun: str | None = None) -> None:
    """Write one story into `writer`, with names and places of `world`.

    hero, noun: whom and what it must be about, where somebody asked for it ("a story about Mara and a lantern"). They
    are then no choice of the story's, and cost no bits. `noun` is one of `story_wordings.OBJECTS`, ANIMALS or BOXES.
    """
    _Telling(writer, world).story(hero, noun)


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

        A slot that is settled by the text before it is a copy, but not at the start of a sentence: there its first
        word also tells which event and wording come, so it counts as grammar. A free slot is free once per sentence.
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

    def thing(self, event: str, table: dict[str, list[str]]) -> str:
        """A thing for `event`: a noun that training has for it (or, held out, one that it never has), an adjective."""
        noun = self.writer.choose(_nouns(event, tuple(table), self.writer.held_out), usual_first=True)
        return self.writer.choose(table[noun])

    def room(self, sentences: int) -> bool:
        """Whether the story may still take so many sentences."""
        return self.told + sentences + (self.song is not None) <= LONGEST

    def may(self, probability: float, sentences: int) -> bool:
        """Chance decides, where there is room for what follows."""
        return self.room(sentences) and self.writer.chance(probability)

    # ------------------------------------------------------------------ pieces of a plot
    def go(self, place: Slot, rest: int) -> None:
        """The hero goes to a new place, perhaps after waiting out bad weather; `rest` sentences must follow."""
        if self.may(0.12, rest + 3):
            self.tell("storm", who=self.hero)
            self.tell("calm", who=self.hero)
        self.tell("go", who=self.hero, place=place)

    def sing(self, rest: int) -> None:
        """Perhaps a song, which comes again before the end; `rest` sentences must follow without it."""
        if self.may(0.2, rest + 2):
            self.song = self.writer.choose(tables.REFRAINS)
            self.tell("sing", who=self.hero, line=free(self.song))

    def end(self, friend: Slot | None) -> None:
        """The end; `friend` is who else is there."""
        if self.song:
            self.tell("sing", who=self.hero, line=copy(self.song))
        if friend and self.writer.chance(0.5):
            self.tell("end_two", who=self.hero, friend=friend)
        else:
            self.tell("end", who=self.hero)

    def get(self, thing: Slot, found: str = "find", took: str = "pick") -> None:
        """The hero takes a thing whose place was told; that it is found may be told first."""
        if self.may(0.5, 3):
            self.tell(found, who=self.hero, thing=thing)
        self.tell(took, who=self.hero, thing=thing)

    def reach(self, thing: Slot, friend: Slot | None, rest: int, found: str = "find", took: str = "pick") -> None:
        """The hero, alone or with `friend`, has come to where the thing is, and gets it: at once or after trouble."""
        hero, tell = self.hero, self.tell
        troubles = ("high", "locked", "none") if friend else ("high", "none")  # somebody else must open a locked door
        trouble = self.writer.choose(troubles, "grammar", usual_first=True) if self.room(rest + 3) else "none"
        if trouble == "locked":
            tell("locked", who=hero, thing=thing)
            tell("free", who=hero, friend=friend)
        elif trouble == "high":
            tell("high", who=hero, thing=thing, perch=free(self.writer.choose(tables.PERCHES)))
            if friend:
                tell("lift", who=hero, friend=friend, thing=thing)
            else:
                tell("climb", who=hero, thing=thing)
        elif self.may(0.5, rest + 2):
            tell(found, who=hero, thing=thing)
        tell(took, who=hero, thing=thing)

    # ------------------------------------------------------------------ the story
    def story(self, asked_hero: str | None, asked_noun: str | None) -> None:
        hero, start = asked_hero or self.person(), self.place()
        self.used.add(hero)
        time = self.writer.choose(tables.TIMES)
        self.tell("open", who=copy(hero) if asked_hero else free(hero), place=free(start), time=free(time))
        self.hero, self.start = copy(hero), copy(start)
        if asked_noun:
            goals = [goal for goal in GOALS if asked_noun in _nouns(goal, tuple(GOALS[goal]), self.writer.held_out)]
            goal = self.writer.choose(goals, "grammar")
            thing = self.writer.choose(GOALS[goal][asked_noun])
        else:
            goal = self.writer.choose(tuple(GOALS), "grammar")
            thing = self.thing(goal, GOALS[goal])
        getattr(self, f"plot_{goal}")(free(thing), copy(thing))

    def plot_lose(self, new: Slot, thing: Slot, goal: str = "lose") -> None:
        self.tell(goal, who=self.hero, thing=new)
        self.sing(rest=8)
        if self.may(0.35, 9):
            self.tell("search", who=self.hero, thing=thing)
        self.seek(thing, goal == "stray")

    def plot_stray(self, new: Slot, thing: Slot) -> None:
        self.plot_lose(new, thing, "stray")

    def seek(self, thing: Slot, animal: bool, owner: Slot | None = None) -> None:
        """Go, meet somebody, ask; end with the thing in the owner's hands (the hero's, if there is no owner)."""
        found, took = ("spot", "catch") if animal else ("find", "pick")
        hero, tell, choose = self.hero, self.tell, self.writer.choose
        self.go(free(self.place()), rest=6)
        friend_name = self.person()
        friend = copy(friend_name)
        tell("meet", who=hero, friend=free(friend_name))
        tell("ask", who=hero, friend=friend, thing=thing)
        answers = ("tell_place", "tell_have", "tell_no") if self.room(5) else ("tell_place", "tell_have")
        answer = choose(answers, "grammar", usual_first=True)
        if answer == "tell_place":
            place = self.place()
            tell("tell_place", friend=friend, thing=thing, place=free(place))
            if self.may(0.5, 4):
                tell("join", who=hero, friend=friend)
                tell("go_both", who=hero, friend=friend, place=copy(place))
            else:
                friend = None
                self.go(copy(place), rest=2)
            self.reach(thing, friend, 1, found, took)
            if friend and self.may(0.5, 2):
                tell("thank", who=hero, friend=friend)
        elif answer == "tell_have":
            tell("tell_have", friend=friend, thing=thing)
            tell("give", giver=friend, taker=hero, thing=thing)
            if self.may(0.7, 2):
                tell("thank", who=hero, friend=friend)
        else:
            tell("tell_no", friend=friend, thing=thing)
            friend = None
            self.go(free(self.place()), rest=3)
            tell(found, who=hero, thing=thing)
            tell(took, who=hero, thing=thing)
        self.end(friend)

    def plot_miss(self, new: Slot, thing: Slot) -> None:
        hero, tell = self.hero, self.tell
        friend_name = self.person()
        friend = copy(friend_name)
        tell("miss", who=hero, friend=free(friend_name), thing=new)
        self.sing(rest=7)
        together = self.writer.chance(0.35)
        if together:
            tell("join", who=hero, friend=friend)
            tell("go_both", who=hero, friend=friend, place=free(self.place()))
        else:
            self.go(free(self.place()), rest=6)
        if not together and self.may(0.5, 8):
            other_name = self.person()
            other = copy(other_name)
            tell("meet", who=hero, friend=free(other_name))
            tell("ask", who=hero, friend=other, thing=thing)
            tell("tell_have", friend=other, thing=thing)
            tell("give", giver=other, taker=hero, thing=thing)
        else:
            tell("find", who=hero, thing=thing)
            tell("pick", who=hero, thing=thing)
        if not together:
            tell("back", who=hero, place=self.start)
        tell("give", giver=hero, taker=friend, thing=thing)
        if self.may(0.7, 2):
            tell("thank", who=friend, friend=hero)
        self.end(friend)

    def plot_promise(self, new: Slot, thing: Slot) -> None:
        hero, tell = self.hero, self.tell
        friend_name = self.person()
        friend = copy(friend_name)
        tell("promise", who=hero, friend=free(friend_name), thing=new)
        place = self.place()
        tell("await", friend=friend, place=free(place))
        tell("pick", who=hero, thing=thing)
        self.sing(rest=4)
        trouble = self.writer.choose(("none", "blow", "crack"), "grammar") if self.room(8) else "none"
        mended_there = False
        if trouble == "blow":
            elsewhere = self.place()
            tell("blow", who=hero, thing=thing, place=free(elsewhere))
            self.go(copy(elsewhere), rest=5)
            self.get(thing)
        elif trouble == "crack":
            tell("crack", who=hero, thing=thing)
        self.go(copy(place), rest=4)
        if trouble == "crack":
            mended_there = self.writer.chance(0.5)
            if mended_there:
                tell("ask_mend", who=hero, friend=friend, thing=thing)
                tell("mend", friend=friend, thing=thing)
        tell("give", giver=hero, taker=friend, thing=thing)
        if trouble == "crack" and not mended_there:
            tell("mend", friend=friend, thing=thing)
        if self.may(0.7, 2):
            tell("thank", who=friend, friend=hero)
        self.end(friend)

    def plot_snap(self, new: Slot, thing: Slot) -> None:
        hero, tell = self.hero, self.tell
        tell("snap", who=hero, thing=new)
        self.sing(rest=7)
        place = self.place()
        self.go(free(place), rest=5)
        friend_name = self.person()
        friend = copy(friend_name)
        tell("meet", who=hero, friend=free(friend_name))
        tell("ask_mend", who=hero, friend=friend, thing=thing)
        if self.may(0.6, 7):
            tool = self.thing("need", tables.TOOLS)
            elsewhere = self.place()
            tell("need", friend=friend, thing=free(tool), place=free(elsewhere))
            self.go(copy(elsewhere), rest=5)
            tell("pocket", who=hero, thing=copy(tool))
            tell("back", who=hero, place=copy(place))
            tell("give", giver=hero, taker=friend, thing=copy(tool))
        tell("mend", friend=friend, thing=thing)
        if self.may(0.7, 2):
            tell("thank", who=hero, friend=friend)
        self.end(friend)

    def plot_chest(self, new: Slot, thing: Slot) -> None:
        hero, tell, choose = self.hero, self.tell, self.writer.choose
        tell("chest", who=hero, thing=new)
        friend_name, place = self.person(), self.place()
        friend = copy(friend_name)
        word = choose(tables.PASSWORDS)
        tell("note", who=hero, friend=free(friend_name), place=free(place), word=free(word))
        self.go(copy(place), rest=7)
        tell("word", who=hero, friend=friend, word=copy(word))
        key = choose(tables.KEYS["key"])
        together = None
        if self.may(0.4, 8):
            elsewhere = self.place()
            tell("key_lost", friend=friend, thing=free(key), place=free(elsewhere))
            self.go(copy(elsewhere), rest=5)
            self.get(copy(key), took="pocket")
        else:
            tell("hand_key", who=hero, friend=friend, thing=free(key))
            if self.may(0.4, 5):
                together = friend
                tell("join", who=hero, friend=friend)
        if together:
            tell("go_both", who=hero, friend=friend, place=self.start)
        else:
            tell("back", who=hero, place=self.start)
        tell("unlock", who=hero, key=copy(key), thing=thing)
        treasure = choose(tables.TREASURES[choose(tuple(tables.TREASURES), usual_first=True)])
        tell("inside", who=hero, thing=free(treasure))
        if self.may(0.5, 2):
            tell("pocket", who=hero, thing=copy(treasure))
        self.end(together)


@cache
def _nouns(event: str, nouns: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    """The nouns that may go with `event` in training or, held out, only those that may not."""
    chosen = tuple(noun for noun in nouns if ((event, noun) in HELD_OUT_PAIRS) == held_out)
    return chosen or nouns
