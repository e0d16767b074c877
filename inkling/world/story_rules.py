"""The rules of the stories: what each event needs to be true, and what it makes true.

`Replay` takes the events of a story one after another and keeps the state of its small world: who is where, who holds
what, what is lost, locked away, out of reach or broken, who was asked, who owes thanks, what the weather does. An event
whose condition does not hold is a contradiction, told in a plain sentence. The rules know nothing of how stories are
planned (`stories`), so they judge a generated story and one that a model made up alike.
"""

from inkling.world.story_state import State, Thing

#: Events that only the hero can do: their wordings need not name the hero.
LEAVES_OUT_HERO = frozenset(
    "search go back go_both locked high storm calm find spot catch pick pocket unlock inside".split()
)


class Replay(State):
    """Replays a story: `event(name, slots)` applies one event after the other.

    `contradictions` holds what did not fit; `complete` is True once the story has ended as stories end.
    """

    def event(self, name: str, slots: dict[str, str]) -> None:
        """Apply the event called `name`; `slots` says who and what (`story_wordings.WORDINGS`)."""
        self.need(not self.complete, "the story goes on after its end")
        if name != "open":
            self.need(self.hero is not None, "the story does not begin with who is where")
        if name in LEAVES_OUT_HERO:
            slots = {"who": self.hero or "nobody"} | slots
        if name == "go_both":  # "Together they went": the hero and whoever has joined
            slots = {"friend": next(iter(self.companions), "nobody")} | slots
        getattr(self, f"on_{name}")(**slots)
        self.last = name

    # ------------------------------------------------------------------ beginnings
    def on_open(self, who: str, place: str, time: str) -> None:
        self.need(self.hero is None, "the story begins twice")
        self.hero = who
        self.people[who] = place
        self.visited.add(place)

    def on_lose(self, who: str, thing: str) -> None:
        self.need_hero(who, f"misses the {thing}")
        self.start_goal("seek", who, thing, Thing())

    def on_stray(self, who: str, thing: str) -> None:
        self.need_hero(who, f"misses the {thing}")
        self.start_goal("seek", who, thing, Thing(), kind="animal")

    def on_miss(self, who: str, friend: str, thing: str) -> None:
        self.need_hero(who, f"hears about the {thing}")
        self.need_new_person(friend)
        self.people[friend] = self.here()
        self.start_goal("seek", friend, thing, Thing())

    def on_promise(self, who: str, friend: str, thing: str) -> None:
        self.need_hero(who, f"has promised the {thing}")
        self.need_new_person(friend)
        self.people[friend] = None
        self.start_goal("bring", friend, thing, Thing(place=self.here(), seen=True))

    def on_await(self, friend: str, place: str) -> None:
        self.need_goal("bring", f"{friend} waits")
        self.need(friend in self.people and self.people[friend] is None, f"{friend} cannot be waiting at {place}")
        self.need_new_place(place, f"{friend} waits at")
        self.people[friend] = place

    def on_snap(self, who: str, thing: str) -> None:
        self.need_hero(who, f"has a broken {thing}")
        self.start_goal("mend", who, thing, Thing(holder=who, seen=True, broken=True))

    def on_chest(self, who: str, thing: str) -> None:
        self.need_hero(who, f"finds the {thing}")
        self.start_goal("open", who, thing, Thing(place=self.here(), seen=True), kind="box")

    def on_note(self, who: str, friend: str, place: str, word: str) -> None:
        self.need_hero(who, "reads a note")
        self.need_goal("open", f"{who} reads a note")
        self.need(self.password is None, f"{who} reads a second note")
        self.need_new_person(friend)
        self.need_new_place(place, "the note points to")
        self.people[friend] = place
        self.password = (friend, word)

    # ------------------------------------------------------------------ moving and meeting
    def move(self, who: str, place: str) -> None:
        self.need_hero(who, f"goes to {place}")
        self.need(self.people.get(who) != place, f"{who} goes to {place}, but is there already")
        self.need(not self.storming, f"{who} goes to {place}, but the weather keeps everybody in")
        self.need(self.to_answer is None, f"{who} leaves before {self.to_answer} has answered")
        self.people[who] = place

    def on_go(self, who: str, place: str) -> None:
        self.need_new_place(place, "the story goes on to")
        self.move(who, place)
        self.visited.add(place)
        self.companions.clear()

    def on_back(self, who: str, place: str) -> None:
        self.need(place in self.visited, f"{who} goes back to {place}, but was never there")
        self.move(who, place)
        self.companions.clear()

    def on_go_both(self, who: str, friend: str, place: str) -> None:
        self.need_together(who, friend, "goes along with")
        self.need(friend in self.companions, f"{friend} goes along to {place}, but had not joined {who}")
        self.move(who, place)
        self.people[friend] = place
        self.visited.add(place)

    def on_meet(self, who: str, friend: str) -> None:
        self.need_hero(who, f"meets {friend}")
        self.need_new_person(friend)
        self.need(self.last in ("go", "go_both"), f"{who} meets {friend} on arriving, but has not just arrived")
        self.people[friend] = self.here()

    def on_join(self, who: str, friend: str) -> None:
        self.need_hero(who, f"is joined by {friend}")
        self.need_together(friend, who, "joins")
        self.need(friend not in self.companions, f"{friend} joins {who} a second time")
        self.need(self.to_answer is None, f"{friend} joins {who} before {self.to_answer} has answered")
        self.companions.add(friend)
        self.kindness.add((friend, who))

    # ------------------------------------------------------------------ asking and telling
    def on_search(self, who: str, thing: str) -> None:
        self.need_hero(who, f"looks for the {thing}")
        self.need_goal("seek", f"{who} looks for the {thing}", thing)
        lost = self.known(thing, "somebody looks for")
        self.need(lost.place is None and lost.holder is None, f"{who} looks for the {thing}, but it is not lost")
        self.need(self.here() not in self.searched, f"{who} looks for the {thing} twice at {self.here()}")
        self.searched.add(self.here())

    def on_ask(self, who: str, friend: str, thing: str) -> None:
        self.need_hero(who, f"asks about the {thing}")
        self.need_together(who, friend, "asks")
        self.need_goal("seek", f"{who} asks about the {thing}", thing)
        lost = self.known(thing, "somebody asks about")
        self.need(lost.place is None and lost.holder is None, f"{who} asks where the {thing} is, but knows it")
        self.need(friend not in self.asked, f"{who} asks {friend} twice")
        self.need(self.goal is None or friend != self.goal[1], f"{who} asks {friend}, who has lost the {thing}")
        self.asked.add(friend)
        self.to_answer = friend

    def answer(self, friend: str, thing: str) -> Thing:
        self.need(self.to_answer == friend, f"{friend} answers, but nobody asked")
        self.need_goal("seek", f"{friend} speaks of the {thing}", thing)
        self.to_answer = None
        return self.known(thing, f"{friend} speaks of")

    def on_tell_place(self, friend: str, thing: str, place: str) -> None:
        self.need_new_place(place, f"{friend} saw the {thing} at")
        self.answer(friend, thing).place = place
        self.kindness.add((friend, self.hero))

    def on_tell_have(self, friend: str, thing: str) -> None:
        self.answer(friend, thing).holder = friend
        self.kindness.add((friend, self.hero))

    def on_tell_no(self, friend: str, thing: str) -> None:
        self.answer(friend, thing)

    # ------------------------------------------------------------------ trouble
    def on_locked(self, who: str, thing: str, trouble: str = "locked") -> None:
        self.need_hero(who, f"sees the {thing}")
        kept = self.known(thing, f"{who} sees")
        self.need(kept.place is not None and kept.place == self.here(), f"{who} sees the {thing}, but it is not there")
        self.need(not kept.seen, f"{who} sees the {thing}, but had seen it before")
        kept.seen, kept.trouble = True, trouble

    def on_high(self, who: str, thing: str, perch: str) -> None:
        self.on_locked(who, thing, "high")

    def on_free(self, who: str, friend: str) -> None:
        self.need_hero(who, "is let in")
        self.need_together(friend, who, "opens up for")
        locked = [thing for thing in self.things.values() if thing.trouble == "locked"]
        self.need(bool(locked), f"{friend} opens up for {who}, but nothing is locked")
        for thing in locked:
            thing.trouble = None
        self.kindness.add((friend, who))

    def on_lift(self, who: str, friend: str, thing: str) -> None:
        self.need_together(friend, who, "helps")
        self.on_climb(who, thing)
        self.kindness.add((friend, who))

    def on_climb(self, who: str, thing: str) -> None:
        self.need_hero(who, f"gets up to the {thing}")
        high = self.known(thing, f"{who} gets up to")
        self.need(high.trouble == "high", f"{who} gets up to the {thing}, but it is not high up")
        high.trouble = None

    def on_blow(self, who: str, thing: str, place: str) -> None:
        torn = self.known(thing, f"{who} loses hold of")
        self.need(torn.holder == who, f"{who} loses hold of the {thing}, but {torn.holder or 'nobody'} holds it")
        self.need_new_place(place, f"the {thing} is carried off to")
        torn.holder, torn.place, torn.seen = None, place, False

    def on_crack(self, who: str, thing: str) -> None:
        dropped = self.known(thing, f"{who} breaks")
        self.need(dropped.holder == who, f"{who} breaks the {thing}, but {dropped.holder or 'nobody'} holds it")
        self.need(not dropped.broken, f"{who} breaks the {thing}, but it is broken already")
        dropped.broken = True

    def on_storm(self, who: str) -> None:
        self.need_hero(who, "is kept in by the weather")
        self.need(not self.storming, "the weather turns bad twice")
        self.storming = True

    def on_calm(self, who: str) -> None:
        self.need_hero(who, "sees the weather clear")
        self.need(self.storming, "the weather clears, but it was not bad")
        self.storming = False

    # ------------------------------------------------------------------ things in hand
    def on_find(self, who: str, thing: str) -> None:
        self.need_hero(who, f"finds the {thing}")
        found = self.known(thing, f"{who} finds")
        self.need(found.holder is None, f"{who} finds the {thing}, but {found.holder} holds it")
        self.need(not found.seen, f"{who} finds the {thing}, but had seen it before")
        if found.place is None:
            self.need(self.last in ("go", "go_both"), f"{who} finds the {thing} on arriving, but has not just arrived")
            found.place = self.here()
        self.need(found.place == self.here(), f"{who} finds the {thing} at {self.here()}, but it is at {found.place}")
        found.seen = True

    def on_spot(self, who: str, thing: str) -> None:
        self.need_kind(thing, "is met", "animal")
        self.on_find(who, thing)

    def on_pick(self, who: str, thing: str) -> None:
        self.need_hero(who, f"takes the {thing}")
        taken = self.known(thing, f"{who} takes")
        if self.need(taken.holder is None, f"{who} takes the {thing}, but {taken.holder} holds it"):
            self.need(taken.place is not None and taken.place == self.people.get(who),
                      f"{who} takes the {thing} at {self.people.get(who)}, but it is at {taken.place}")  # fmt: skip
        self.need(taken.trouble is None, f"{who} takes the {thing}, but it is out of reach ({taken.trouble})")
        taken.holder, taken.place, taken.seen = who, None, True

    def on_catch(self, who: str, thing: str) -> None:
        self.need_kind(thing, "is caught", "animal")
        self.on_pick(who, thing)

    def on_pocket(self, who: str, thing: str) -> None:
        self.need_kind(thing, "goes into a pocket", "tool", "key", "treasure")
        self.on_pick(who, thing)

    def on_give(self, giver: str, taker: str, thing: str) -> None:
        given = self.known(thing, f"{giver} gives")
        self.need(given.holder == giver, f"{giver} gives the {thing}, but {given.holder or 'nobody'} holds it")
        self.need_together(giver, taker, "gives something to")
        given.holder, given.seen = taker, True
        self.kindness.add((giver, taker))

    def on_ask_mend(self, who: str, friend: str, thing: str) -> None:
        self.need_hero(who, f"wants the {thing} mended")
        self.need_together(who, friend, "asks")
        broken = self.known(thing, f"{who} wants to mend")
        self.need(broken.broken and broken.holder == who, f"{who} shows a broken {thing}, but has none")
        self.need(friend not in self.menders, f"{who} asks {friend} twice to mend the {thing}")
        self.menders.add(friend)

    def on_need(self, friend: str, thing: str, place: str) -> None:
        self.need(friend in self.menders and self.here() == self.people.get(friend), f"{friend} was not asked to mend")
        self.need(self.tool is None, f"{friend} needs a second tool")
        self.need_new_thing(thing, "tool")
        self.need_new_place(place, f"the {thing} lies at")
        self.things[thing] = Thing(place=place)
        self.tool = (friend, thing)

    def on_mend(self, friend: str, thing: str) -> None:
        broken = self.known(thing, f"{friend} mends")
        self.need(broken.broken, f"{friend} mends the {thing}, but it is not broken")
        may = friend in self.menders or (broken.holder == friend and friend != self.hero)
        self.need(may, f"{friend} mends the {thing}, but nobody asked for that")
        at = self.people.get(friend)
        self.need(at is not None and self.people.get(broken.holder) == at, f"{friend} mends the {thing} from afar")
        if self.tool is not None:
            holder = self.things[self.tool[1]].holder
            self.need(holder == friend, f"{friend} mends the {thing} without the {self.tool[1]}")
        broken.broken = False
        self.kindness.add((friend, self.hero))

    def on_word(self, who: str, friend: str, word: str) -> None:
        self.need_hero(who, "says the password")
        self.need_together(who, friend, "speaks to")
        self.need(self.password == (friend, word), f"{who} says {word} to {friend}, but the note says {self.password}")
        self.need(not self.password_said, f"{who} says the password twice")
        self.password_said = True

    def bring_in_key(self, friend: str, key: str) -> Thing:
        heard = self.password_said and self.password is not None and self.password[0] == friend
        self.need(heard, f"{friend} speaks of a key without the password")
        self.need(self.key is None, f"the {key} is a second key")
        self.need(self.here() == self.people.get(friend), f"{friend} is not there")
        self.need_new_thing(key, "key")
        self.key = self.key or key
        self.kindness.add((friend, self.hero))
        return self.things.setdefault(key, Thing())

    def on_hand_key(self, who: str, friend: str, thing: str) -> None:
        self.need_hero(who, "gets a key")
        self.bring_in_key(friend, thing).holder = who

    def on_key_lost(self, friend: str, thing: str, place: str) -> None:
        self.need_new_place(place, f"the {thing} lies at")
        self.bring_in_key(friend, thing).place = place

    def on_unlock(self, who: str, key: str, thing: str) -> None:
        self.need_hero(who, f"opens the {thing}")
        holder = self.known(key, f"{who} uses").holder
        self.need(holder == who and key == self.key, f"{who} uses the {key}, but {holder or 'nobody'} holds it")
        self.need_goal("open", f"{who} opens the {thing}", thing)
        box = self.known(thing, f"{who} opens")
        self.need(box.place == self.here(), f"{who} opens the {thing} at {self.here()}, but it is at {box.place}")
        self.need(not self.opened, f"{who} opens the {thing} twice")
        self.opened = True

    def on_inside(self, who: str, thing: str) -> None:
        self.need_hero(who, f"finds the {thing} inside")
        self.need(self.opened, f"{who} finds the {thing} inside, but nothing has been opened")
        self.need(self.treasure is None, f"{who} finds a second treasure")
        self.need_new_thing(thing, "treasure", "object")
        self.things[thing] = Thing(place=self.here(), seen=True)
        self.treasure = thing

    # ------------------------------------------------------------------ songs, thanks, endings
    def on_sing(self, who: str, line: str) -> None:
        self.need_hero(who, "sings")
        self.need(self.song in (None, line), f"{who} sings {line!r}, but the song was {self.song!r}")
        self.need(self.last != "sing", f"{who} sings twice without a pause")
        self.song = line

    def on_thank(self, who: str, friend: str) -> None:
        self.need_together(who, friend, "thanks")
        self.need((friend, who) in self.kindness, f"{who} thanks {friend}, who did nothing for {who}")
        self.need((who, friend) not in self.thanked, f"{who} thanks {friend} twice")
        self.thanked.add((who, friend))

    def on_end(self, who: str) -> None:
        self.need_hero(who, "ends the story")
        self.need(not self.storming, "the story ends in the middle of bad weather")
        if self.need(self.goal is not None, "the story ends before anything was wanted"):
            kind, owner, name = self.goal
            thing = self.things[name]
            if kind == "open":
                self.need(self.treasure is not None, f"the story ends, but nobody has looked into the {name}")
            else:
                self.need(thing.holder == owner, f"the story ends, but {owner} does not have the {name}")
                self.need(not thing.broken, f"the story ends, but the {name} is broken")
        self.complete = True

    def on_end_two(self, who: str, friend: str) -> None:
        self.need_together(who, friend, "ends the day with")
        self.on_end(who)
