"""The rules of the stories: what each event needs to be true, and what it makes true.

`Replay` takes the events of a story one after another and keeps the state of its small world: who
is where, who holds what, what is lost or out of reach, who was asked, who owes thanks. An event
whose condition does not hold is a contradiction, told in a plain sentence. The rules know nothing
of how stories are planned (`stories`), so they judge a generated story and one that a model made up
alike.
"""

from inkling.world.story_state import State, Thing

#: Events whose wordings may leave out the hero, who alone can do them.
LEAVES_OUT_HERO = frozenset({"go", "high"})


class Replay(State):
    """Replays a story: `event(name, slots)` applies one event after the other.

    `contradictions` holds what did not fit; `complete` is True once the story has ended as stories
    end.
    """

    def event(self, name: str, slots: dict[str, str]) -> None:
        """Apply the event called `name`; `slots` says who and what (`story_wordings.WORDINGS`)."""
        self.need(not self.complete, "the story goes on after its end")
        if name != "open":
            self.need(self.hero is not None, "the story does not begin with who is where")
        if name in LEAVES_OUT_HERO:
            slots = {"who": self.hero or "nobody"} | slots
        getattr(self, f"on_{name}")(**slots)
        self.last = name

    # ------------------------------------------------------------------ beginnings
    def on_open(self, who: str, place: str, time: str) -> None:
        """Who the story is about, where, and when: the first event of every story."""
        self.need(self.hero is None, "the story begins twice")
        self.hero = who
        self.people[who] = place
        self.visited.add(place)

    def on_lose(self, who: str, thing: str) -> None:
        """The hero misses a thing of their own and seeks it."""
        self.need_hero(who, f"misses the {thing}")
        self.start_goal("seek", who, thing, Thing())

    def on_miss(self, who: str, friend: str, thing: str) -> None:
        """A friend, met here, misses a thing; the hero seeks it for them."""
        self.need_hero(who, f"hears about the {thing}")
        self.need_new_person(friend)
        self.people[friend] = self.here()
        self.start_goal("seek", friend, thing, Thing())

    def on_promise(self, who: str, friend: str, thing: str) -> None:
        """The hero has promised the thing that is here to a friend somewhere else."""
        self.need_hero(who, f"has promised the {thing}")
        self.need_new_person(friend)
        self.people[friend] = None
        self.start_goal("bring", friend, thing, Thing(place=self.here()))

    # ------------------------------------------------------------------ moving and meeting
    def on_go(self, who: str, place: str) -> None:
        """The hero goes to another place, once everybody who was asked has answered."""
        self.need_hero(who, f"goes to {place}")
        self.need(self.people.get(who) != place, f"{who} goes to {place}, but is there already")
        self.need(self.to_answer is None, f"{who} leaves before {self.to_answer} has answered")
        self.people[who] = place
        self.visited.add(place)
        if self.goal and self.goal[0] == "bring" and self.people[self.goal[1]] is None:
            # who waits for a promised thing is where the hero brings it
            self.people[self.goal[1]] = place

    def on_meet(self, who: str, friend: str) -> None:
        """The hero meets somebody new on arriving."""
        self.need_hero(who, f"meets {friend}")
        self.need_new_person(friend)
        self.need(self.last == "go", f"{who} meets {friend} on arriving, but has not just arrived")
        self.people[friend] = self.here()

    # ------------------------------------------------------------------ asking and telling
    def on_ask(self, who: str, friend: str, thing: str) -> None:
        """The hero asks somebody who is there, once, where the thing is that they seek."""
        self.need_hero(who, f"asks about the {thing}")
        self.need_together(who, friend, "asks")
        self.need_goal("seek", f"{who} asks about the {thing}", thing)
        lost = self.known(thing, "somebody asks about")
        self.need(
            lost.place is None and lost.holder is None,
            f"{who} asks where the {thing} is, but knows it",
        )
        self.need(friend not in self.asked, f"{who} asks {friend} twice")
        self.need(
            self.goal is None or friend != self.goal[1],
            f"{who} asks {friend}, who has lost the {thing}",
        )
        self.asked.add(friend)
        self.to_answer = friend

    def answer(self, friend: str, thing: str) -> Thing:
        """Whoever was asked speaks of the thing: it is returned, for what the answer makes true of
        it.
        """
        self.need(self.to_answer == friend, f"{friend} answers, but nobody asked")
        self.need_goal("seek", f"{friend} speaks of the {thing}", thing)
        self.to_answer = None
        return self.known(thing, f"{friend} speaks of")

    def on_tell_place(self, friend: str, thing: str, place: str) -> None:
        """The answer: it is at a place where the hero has not been yet. A kindness."""
        self.need_new_place(place, f"{friend} saw the {thing} at")
        self.answer(friend, thing).place = place
        self.kindness.add((friend, self.hero))

    def on_tell_have(self, friend: str, thing: str) -> None:
        """The answer: whoever was asked has it. A kindness."""
        self.answer(friend, thing).holder = friend
        self.kindness.add((friend, self.hero))

    # ------------------------------------------------------------------ out of reach
    def on_high(self, who: str, thing: str, perch: str) -> None:
        """The hero sees, for the first time, that the thing is here but out of reach."""
        self.need_hero(who, f"sees the {thing}")
        kept = self.known(thing, f"{who} sees")
        self.need(
            kept.place is not None and kept.place == self.here(),
            f"{who} sees the {thing}, but it is not there",
        )
        self.need(not kept.seen, f"{who} sees the {thing}, but had seen it before")
        kept.seen = kept.high = True

    def on_climb(self, who: str, thing: str) -> None:
        """The hero gets up to a thing that was out of reach."""
        self.need_hero(who, f"gets up to the {thing}")
        high = self.known(thing, f"{who} gets up to")
        self.need(high.high, f"{who} gets up to the {thing}, but it is not high up")
        high.high = False

    # ------------------------------------------------------------------ things in hand
    def on_pick(self, who: str, thing: str) -> None:
        """The hero takes a thing that lies where they are, within reach."""
        self.need_hero(who, f"takes the {thing}")
        taken = self.known(thing, f"{who} takes")
        if self.need(taken.holder is None, f"{who} takes the {thing}, but {taken.holder} holds it"):
            self.need(
                taken.place is not None and taken.place == self.people.get(who),
                f"{who} takes the {thing} at {self.people.get(who)}, but it is at {taken.place}",
            )
        self.need(not taken.high, f"{who} takes the {thing}, but it is out of reach")
        taken.holder, taken.place = who, None

    def on_give(self, giver: str, taker: str, thing: str) -> None:
        """Whoever holds the thing gives it to somebody who is there. A kindness."""
        given = self.known(thing, f"{giver} gives")
        self.need(
            given.holder == giver,
            f"{giver} gives the {thing}, but {given.holder or 'nobody'} holds it",
        )
        self.need_together(giver, taker, "gives something to")
        given.holder = taker
        self.kindness.add((giver, taker))

    # ------------------------------------------------------------------ songs, thanks, endings
    def on_sing(self, who: str, line: str) -> None:
        """The hero sings: the same line every time, and never twice without a pause."""
        self.need_hero(who, "sings")
        self.need(
            self.song in (None, line), f"{who} sings {line!r}, but the song was {self.song!r}"
        )
        self.need(self.last != "sing", f"{who} sings twice without a pause")
        self.song = line

    def on_thank(self, who: str, friend: str) -> None:
        """Somebody thanks, once, somebody who is there for a kindness."""
        self.need_together(who, friend, "thanks")
        self.need(
            (friend, who) in self.kindness, f"{who} thanks {friend}, who did nothing for {who}"
        )
        self.need((who, friend) not in self.thanked, f"{who} thanks {friend} twice")
        self.thanked.add((who, friend))

    def on_end(self, who: str) -> None:
        """The story ends: whoever wanted the thing has it."""
        self.need_hero(who, "ends the story")
        self.need(self.goal is not None, "the story ends before anything was wanted")
        if self.goal is not None:
            _, owner, name = self.goal
            self.need(
                self.things[name].holder == owner,
                f"the story ends, but {owner} does not have the {name}",
            )
        self.complete = True
