"""Stories: a text determines the choices that made it, every story replays, and a story spoilt on
purpose is caught.
"""

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.world import World, stories, story_wordings
from inkling.world.people import with_article
from inkling.world.stories import check_story, parse_story, tell_story
from inkling.world.story_reader import FRAGMENT, lexicon_of, skeletons
from inkling.world.story_rules import LEAVES_OUT_HERO
from inkling.world.story_state import noun_of
from inkling.world.story_wordings import HELD_OUT_PAIRS, OBJECTS, WORDINGS, Wordings
from inkling.world.writer import Writer, parse_template

LARKHAVEN = World(0)


def told(seed, held_out: bool = False, **asked):
    writer = Writer(f"stories/{seed}", held_out=held_out)
    tell_story(writer, LARKHAVEN, **asked)
    return writer.document("story")


# --- the wordings --------------------------------------------------------------------------------
def test_no_two_wordings_make_the_same_sentence():
    clashes = {skeleton: entries for skeleton, entries in skeletons().items() if len(entries) > 1}
    assert not clashes


def test_no_wording_begins_with_another():
    """So that a text falls into sentences in one way only: no sentence goes on to be a longer
    one.
    """
    for skeleton in skeletons():
        fragments = FRAGMENT.split(skeleton)
        beginnings = [" ".join(fragments[:end]) for end in range(1, len(fragments))]
        assert not [beginning for beginning in beginnings if beginning in skeletons()], skeleton


def test_no_wording_holds_a_name_place_or_thing_of_its_own():
    """A name or a thing that stands in a wording itself would be taken for what fills a slot."""
    lexicon = lexicon_of(tuple(LARKHAVEN.first_names), tuple(LARKHAVEN.story_places))
    for event, wordings in WORDINGS.items():
        for template in wordings.templates:
            _, found = lexicon.skeleton(re.sub(r"{\w+}", "0", template))
            assert not found, (event, template)


@pytest.mark.parametrize("event", WORDINGS)
def test_every_wording_of_an_event_has_the_same_slots(event):
    may_miss = {"who"} if event in LEAVES_OUT_HERO else set()
    slots = {
        frozenset(text.removeprefix("a_") for text, is_slot in pieces if is_slot) - may_miss
        for pieces in WORDINGS[event].usual + WORDINGS[event].unseen
    }
    assert len(slots) == 1, f"{event}: {slots}"
    assert len(WORDINGS[event].unseen) >= 2 and len(WORDINGS[event]) >= 15


@pytest.mark.parametrize("event", WORDINGS)
def test_every_wording_of_an_event_names_its_people_in_the_same_order(event):
    """Who acts comes first: otherwise a name at the start of a sentence would have to fit the
    wording after it.
    """
    people = {"who", "friend", "giver", "taker"}
    orders = {
        tuple(
            dict.fromkeys(
                text for text, is_slot in parse_template(template) if is_slot and text in people
            )
        )
        for template in WORDINGS[event].templates
    }
    assert len({order for order in orders if len(order) == 2}) <= 1, f"{event}: {orders}"


# --- the text determines its derivation ----------------------------------------------------------
class _Script(Writer):
    """A writer that takes the choices of a script, and stops when they run out or the text strays
    from `target`.
    """

    class Unfinished(Exception):
        """The script has run out: so many options come next."""

    class Strayed(Exception):
        """The text is no longer the beginning of the target."""

    def __init__(self, script: tuple[int, ...], target: str):
        super().__init__("script")
        self.left = list(script)
        self.target = target
        self.length = 0

    def _next(self, n_options: int) -> int:
        if not self.left:
            raise self.Unfinished(n_options)
        return self.left.pop(0)

    def choose(self, options, kind="free", usual_first=False):
        return options[self._next(len(options))]

    def chance(self, probability, kind="grammar"):
        return bool(self._next(2))

    def say(self, text, kind="grammar"):
        if not self.target.startswith(text, self.length):
            raise self.Strayed
        self.length += len(text)


def derivations(text: str, world) -> int:
    """How many different sequences of choices tell exactly `text`: all are tried."""
    scripts, found = [()], 0
    while scripts:
        script = scripts.pop()
        writer = _Script(script, text)
        try:
            tell_story(writer, world)
            found += writer.length == len(text) and not writer.left
        except _Script.Unfinished as unfinished:
            scripts += [(*script, option) for option in range(unfinished.args[0])]
        except _Script.Strayed:
            pass
    return found


def test_a_story_has_one_derivation(monkeypatch):
    """Every choice can be read off the text, so the booked bits are the surprisal of the text
    itself, exactly.

    All derivations are tried, in a small world (few names and things, the first wordings of each
    event), where a choice that leaves no trace would at once give two derivations of one text.
    """

    class Hamlet:
        first_names = ["Ada", "Bram", "Cora", "Dora"]
        story_places = ["the mill", "the bakery", "Gull Pier", "the bridge", "the orchard"]

    def few(table: dict) -> dict:
        return {noun: things[:2] for noun, things in list(table.items())[2:4]}

    for name in ("TIMES", "PERCHES", "REFRAINS"):
        monkeypatch.setattr(story_wordings, name, getattr(story_wordings, name)[:2])
    monkeypatch.setattr(stories, "OBJECTS", few(OBJECTS))
    monkeypatch.setattr(
        stories,
        "WORDINGS",
        {event: Wordings(*all_.templates[:3]) for event, all_ in WORDINGS.items()},
    )
    events: set[str] = set()
    for seed in range(400):
        if seed >= 60 and events == set(WORDINGS):
            break
        writer = Writer(f"hamlet/{seed}")
        tell_story(writer, Hamlet)
        assert derivations(writer.text, Hamlet) == 1, writer.text
        events |= {sentence.event for sentence in parse_story(writer.text, Hamlet)}
    assert events == set(WORDINGS), (
        f"not one of the stories had {set(WORDINGS) - events}: try more seeds"
    )


def test_a_hidden_choice_would_be_found(monkeypatch):
    """The search above does count: a choice that the text does not show gives several
    derivations.
    """

    class Hamlet:
        first_names = ["Ada", "Bram"]
        story_places = ["the mill", "the bakery"]

    def tell_with_a_secret(writer, world):
        writer.choose(["thinks of salt", "thinks of honey"])
        writer.say(
            writer.choose(world.first_names) + " sat at " + writer.choose(world.story_places) + "."
        )

    monkeypatch.setitem(globals(), "tell_story", tell_with_a_secret)
    assert derivations("Ada sat at the mill.", Hamlet) == 2


# --- stories replay ------------------------------------------------------------------------------
@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_every_story_replays_without_a_contradiction(seed, held_out):
    document = told(seed, held_out)
    check = check_story(document.text, LARKHAVEN)
    assert check.coherent, (document.text, check.unparsed, check.contradictions, check.complete)
    assert " ".join(sentence.text for sentence in check.sentences) == document.text


def test_stories_have_the_size_that_a_small_model_can_hold():
    documents = [told(seed) for seed in range(1000)]
    lengths = [len(document.text) for document in documents]
    sentences = [len(parse_story(document.text, LARKHAVEN)) for document in documents]
    words = {
        word.lower() for document in documents for word in re.findall(r"[A-Za-z]+", document.text)
    }
    assert 6 <= min(sentences) and max(sentences) <= stories.LONGEST
    assert sum(length <= 900 for length in lengths) >= 0.995 * len(lengths) and max(lengths) <= 1000
    assert 800 <= len(words) <= 1500
    assert 6 <= sum(document.total_bits for document in documents) / sum(sentences) <= 12


def test_spans_cover_the_story_and_are_free_where_something_is_new():
    for seed in range(100):
        document = told(seed)
        assert document.spans[0].start == 0 and document.spans[-1].end == len(document.text)
        assert all(
            left.end == right.start
            for left, right in zip(document.spans, document.spans[1:], strict=False)
        )
        seen = ""
        for span in document.spans:
            text = document.text[span.start : span.end]
            if span.kind == "copy":
                assert re.sub("^an? ", "", text) in seen, f"{text!r} is called a copy, but of what?"
            if span.kind == "free":
                assert re.sub("^an? ", "", text) not in seen, f"{text!r} is called free, but is old"
            seen += text


def test_a_story_on_request_is_about_what_was_asked():
    for seed in range(100):
        noun = list(OBJECTS)[seed % len(OBJECTS)]
        text = told(seed, hero="Mara", noun=noun).text
        opening, goal = parse_story(text, LARKHAVEN)[:2]
        assert opening.slots["who"] == "Mara" and noun_of(goal.slots["thing"]) == noun
        assert check_story(text, LARKHAVEN).coherent


# --- what is kept out of training ----------------------------------------------------------------
def test_training_never_sees_what_is_held_out():
    unseen = {(event, pieces) for event, wordings in WORDINGS.items() for pieces in wordings.unseen}
    patterns = [
        re.compile("".join("(.+)" if is_slot else re.escape(text) for text, is_slot in pieces))
        for _, pieces in unseen
    ]
    for seed in range(300):
        for sentence in parse_story(told(seed).text, LARKHAVEN):
            if "thing" in sentence.slots:
                assert (sentence.event, noun_of(sentence.slots["thing"])) not in HELD_OUT_PAIRS
            if seed < 30:
                assert not any(pattern.fullmatch(sentence.text) for pattern in patterns), (
                    sentence.text
                )


def test_held_out_stories_are_all_held_out():
    for seed in range(200):
        sentences = parse_story(told(seed, held_out=True).text, LARKHAVEN)
        assert (sentences[1].event, noun_of(sentences[1].slots["thing"])) in HELD_OUT_PAIRS


# --- stories spoilt on purpose -------------------------------------------------------------------
_NAMED = ("who", "friend", "giver", "taker")
#: Sentences that may be left out without harm to the story.
_ORNAMENTS = {"thank", "sing"}
#: Events that fix where something is, so that another place must show up as a contradiction.
_PLACING = {"tell_place"}


def spoilt(seed: int):
    """Ways to spoil story number `seed`: (how, the sentences that are left)."""
    random = Random(seed)
    sentences = parse_story(told(f"spoil/{seed}").text, LARKHAVEN)
    texts = [sentence.text for sentence in sentences]
    people = sorted(
        {
            value
            for sentence in sentences
            for slot, value in sentence.slots.items()
            if slot in _NAMED
        }
    )
    things = sorted(
        {sentence.slots["thing"] for sentence in sentences if "thing" in sentence.slots}
    )

    def instead(index: int, *pairs: tuple[str, str]) -> list[str]:
        text = texts[index]
        for number, (old, _) in enumerate(pairs):
            text = text.replace(old, f"\0{number}")
        for number, (_, new) in enumerate(pairs):
            text = text.replace(f"\0{number}", new)
        return [*texts[:index], text, *texts[index + 1 :]]

    def having(condition) -> list[int]:
        return [index for index, sentence in enumerate(sentences) if condition(sentence)]

    index = random.choice(having(lambda sentence: sentence.event not in _ORNAMENTS))
    yield "drop a sentence", [*texts[:index], *texts[index + 1 :]]
    index = random.randrange(len(texts))
    yield "repeat a sentence", [*texts[: index + 1], *texts[index:]]
    pairs = having(
        lambda sentence: (
            len({sentence.slots[slot] for slot in _NAMED if slot in sentence.slots}) > 1
        )
    )
    if pairs:
        index = random.choice(pairs)
        one, other = sorted(
            {sentences[index].slots[slot] for slot in _NAMED if slot in sentences[index].slots}
        )
        yield "swap two names", instead(index, (one, other), (other, one))
        if index:
            stranger = random.choice([name for name in LARKHAVEN.first_names if name not in people])
            yield "a stranger's name", instead(index, (one, stranger))
    index = random.choice(having(lambda sentence: "thing" in sentence.slots))
    thing = sentences[index].slots["thing"]
    others = [other for table in OBJECTS.values() for other in table if other not in things]
    like = [other for other in others if with_article(other)[:2] == with_article(thing)[:2]]
    yield "another thing", instead(index, (thing, random.choice(like)))
    placing = having(lambda sentence: sentence.event in _PLACING)
    if placing:
        index = random.choice(placing)
        place = sentences[index].slots["place"]
        yield (
            "another place",
            instead(
                index, (place, random.choice([x for x in LARKHAVEN.story_places if x != place]))
            ),
        )


def test_spoilt_stories_are_caught():
    """What escapes is mostly no harm: a song sung once, thanks given the other way round between
    mutual helpers.
    """
    tried, caught = Counter(), Counter()
    for seed in range(300):
        for how, texts in spoilt(seed):
            tried[how] += 1
            caught[how] += not check_story(" ".join(texts), LARKHAVEN).coherent
    shares = {how: caught[how] / tried[how] for how in tried}
    print(shares)
    assert shares["repeat a sentence"] == 1.0 and shares["a stranger's name"] == 1.0, shares
    assert min(shares.values()) >= 0.95, shares


SENTENCES = [parse_story(told(seed).text, LARKHAVEN) for seed in range(41)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=14))
def test_any_jumble_of_sentences_gets_an_answer(picks):
    """A model may write anything: the check must say what is wrong with it, and never fail
    itself.
    """
    text = " ".join(SENTENCES[story][index % len(SENTENCES[story])].text for story, index in picks)
    check = check_story(text, LARKHAVEN)
    assert len(check.sentences) == len(picks) and not check.unparsed
    assert check.coherent or check.contradictions or not check.complete


PROMISE = "One grey morning Mara was at the bakery. Mara had promised to bring a big mug to Otto."


@pytest.mark.parametrize(
    "text, complaint",
    [
        (f"{PROMISE} Mara gave the red kite to Otto.", "the story has no red kite"),
        (
            f"{PROMISE} Mara went to the mill. Mara gave the big mug to Otto.",
            "gives the big mug, but nobody holds it",
        ),
        (
            f"{PROMISE} Mara took the big mug. Mara gave the big mug to Otto.",
            "and Otto is in no place yet",
        ),
        (
            f"{PROMISE} Mara took the big mug. That night Mara slept well.",
            "Otto does not have the big mug",
        ),
        (
            f"{PROMISE} Mara took the big mug. Mara took the big mug.",
            "Mara takes the big mug, but Mara holds it",
        ),
    ],
)
def test_a_contradiction_says_what_is_wrong(text, complaint):
    check = check_story(text, LARKHAVEN)
    assert not check.unparsed and not check.coherent
    assert complaint in " / ".join(check.contradictions)


def test_what_is_no_story_is_not_coherent():
    assert not check_story("", LARKHAVEN).complete
    strange = check_story(
        "One grey morning Mara was at the bakery. Mara flew to the moon.", LARKHAVEN
    )
    assert strange.unparsed == ["Mara flew to the moon."] and not strange.coherent
    newcomer = check_story("One grey morning Xerxes was at the bakery.", LARKHAVEN)
    assert newcomer.unparsed, "only people of Larkhaven are known"
