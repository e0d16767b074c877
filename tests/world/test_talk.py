"""What people say: every kind of request is read back from its words alone, and every reply is
worth what its style says.
"""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.world import World, askings, outside, small_talk, talk
from inkling.world.answers import HOLDERS_ANSWERS, offer_of
from inkling.world.follow_ups import understand_turns
from inkling.world.judging import CLOSINGS, FITTING, POLITE, RAMBLING, RUDE, TALK, judge_reply
from inkling.world.people import FIRST_NAMES
from inkling.world.requests import Style, for_the_exam, read_request, reply
from inkling.world.rubric import grade
from inkling.world.typed import misspellings, ordinary_words, plain_form
from inkling.world.understanding import typos, understand

WORLD = World(0, edition=2)
STREAMS = ("train", "test", "unseen")
ASKED = {stream: WORLD.requests(500, stream, 1) for stream in STREAMS}
ALL = [asked for stream in STREAMS for asked in ASKED[stream]]


def texts(prompt) -> list[str]:
    return [prompt] if isinstance(prompt, str) else list(prompt)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_kind_is_asked(stream):
    assert {asked.kind for asked in ASKED[stream]} == set(talk.SHARES)
    assert sum(talk.SHARES.values()) == 100


@pytest.mark.parametrize("stream", STREAMS)
def test_a_prompt_is_read_back_from_its_words(stream):
    for asked in ASKED[stream]:
        meaning = understand_turns(WORLD, tuple(texts(asked.prompt)))
        assert meaning == (asked.kind, asked.slots, asked.brief), asked.prompt


def test_training_and_exams_share_no_prompt():
    trained = {tuple(texts(asked.prompt)) for asked in ASKED["train"]}
    tested = {tuple(texts(asked.prompt)) for asked in ASKED["test"]}
    assert not trained & tested
    assert all(for_the_exam(a.prompt) for a in ASKED["test"])
    assert not any(for_the_exam(a.prompt) for a in ASKED["train"])


def test_half_of_the_people_and_every_newcomer_is_kept_for_the_exam():
    names = {a.slots["name"] for a in ASKED["train"] if a.kind == "fact"}
    assert names <= {person.name for person in WORLD.asked_about}
    strangers = {a.slots["name"] for a in ASKED["train"] if a.kind == "unknown"}
    assert not strangers & {person.name for person in WORLD.newcomers}
    assert {a.slots["name"] for a in ASKED["test"] if a.kind == "fact"} - names


@pytest.mark.parametrize(
    ("careful", "hasty"),
    [
        ("Where does Ada live?", "where does ada live"),
        ("What is Ada's job?", "whats adas job"),
        ("Can you tell me what Agnes's pet is?", "can u tell me what agness pet is"),
        ("Who keeps the old lighthouse?", "who kepes the old lighthouse"),
        ("Please tell me who plays the drum.", "pls tell me who plyas the drum"),
        ("Tell me a story about a lantern.", "tell me a stroy about a lantern"),
    ],
)
def test_careless_typing_means_the_same(careful, hasty):
    assert plain_form(careful) != careful
    assert understand(careful) is not None
    assert understand(hasty) == understand(careful)


def test_a_slip_of_the_finger_never_makes_another_word():
    slips = misspellings(["where", "there"], ["where", "there", "were"])
    assert slips["wehre"] == slips["wherre"] == "where"
    assert "were" not in slips, "that is a word of its own"
    assert "here" not in misspellings(["there", "where"], ["here"])
    names = {plain_form(name) for name in FIRST_NAMES}
    assert not set(typos()) & (names | set(ordinary_words()))


@pytest.mark.parametrize("silent", ["", "   ", "?!", "...", "-"])
def test_what_says_nothing_is_no_request(silent):
    with pytest.raises(InklingError, match="no request that Larkhaven knows"):
        read_request(WORLD, silent)


def test_words_that_nobody_knows_are_of_the_world_outside():
    meaning = understand("Zxcvb qwrt plok.")
    assert meaning is not None
    assert meaning.kind == "outside"


# --- What a reply is worth ------------------------------------------------------------------------


def base(asked) -> str:
    return asked.slots.get("kind", asked.kind)


@pytest.mark.parametrize("kind", talk.SHARES)
def test_right_is_right_and_wrong_is_not(kind):
    for asked in (a for a in ALL if a.kind == kind):
        right = grade(WORLD, asked.prompt, reply(WORLD, asked, Style(tone="plain"), 1))
        wrong = grade(WORLD, asked.prompt, reply(WORLD, asked, Style(False, "plain"), 1))
        assert right.right, asked
        assert not wrong.right, (asked, reply(WORLD, asked, Style(False, "plain"), 1))


@pytest.mark.parametrize("kind", talk.SHARES)
def test_the_one_thing_more_is_welcome_where_it_fits(kind):
    for asked in (a for a in ALL if a.kind == kind):
        plainly = grade(WORLD, asked.prompt, reply(WORLD, asked, Style(tone="plain"), 1))
        text = reply(WORLD, asked, Style(tone="plain", more="fitting"), 1)
        fitting = grade(WORLD, asked.prompt, text)
        if base(asked) == "story" or asked.brief:
            assert fitting.total == plainly.total, text
        else:
            assert fitting.total == plainly.total + FITTING, (asked, text)


def test_what_would_fit_another_request_is_rambling():
    for asked in ALL:
        if base(asked) in ("story", "backwards") or asked.brief:
            continue
        text = reply(WORLD, asked, Style(tone="plain", more="stray"), 1)
        marks = grade(WORLD, asked.prompt, text)
        assert marks.fitting in (0.0, FITTING)
        if marks.fitting == 0:
            assert marks.rambling == RAMBLING, (asked, text)


def test_no_fixed_phrase_fits_more_than_a_third():
    phrases = {
        *small_talk.OFFERS.values(),
        *outside.INSTEAD.values(),
        *CLOSINGS,
    }
    plainly = [reply(WORLD, a, Style(tone="plain"), 1) for a in ASKED["test"]]
    for phrase in phrases:
        fitting = [
            grade(WORLD, asked.prompt, f"{text} {phrase}").fitting > 0
            for asked, text in zip(ASKED["test"], plainly, strict=True)
            if not asked.brief
        ]
        assert sum(fitting) < len(fitting) / 3, phrase


def test_a_second_fact_counts_only_where_it_is_true():
    ada = WORLD.person("Ada")
    asked = "Where does Ada live?"
    start = f"Ada lives in {ada.street}."
    assert grade(WORLD, asked, start).total == 1
    assert grade(WORLD, asked, f"{start} Ada plays the {ada.instrument}.").total == 1 + FITTING
    assert grade(WORLD, asked, f"{start} {ada.pronoun} plays the {ada.instrument}.").fitting > 0
    other = next(i for i in ("drum", "harp") if i != ada.instrument)
    assert grade(WORLD, asked, f"{start} Ada plays the {other}.").fitting == -FITTING
    assert grade(WORLD, asked, f"{start} The home of Ada is in {ada.street}.").fitting == 0
    known = f"{start} Ada plays the {ada.instrument}. Ada plays the {other}."
    assert grade(WORLD, asked, known).fitting == -FITTING, "a lie is not made good by a truth"


def test_a_short_answer_is_short():
    ada = WORLD.person("Ada")
    asked = f"{askings.BRIEF[0]}: where does Ada live?"
    start = f"Ada lives in {ada.street}."
    assert read_request(WORLD, asked).brief
    assert grade(WORLD, asked, start).total == 1 + FITTING
    assert grade(WORLD, asked, f"{start} {CLOSINGS[0]}").total == 1 + RAMBLING
    more = f"{start} Ada plays the {ada.instrument}."
    assert grade(WORLD, asked, more).total == pytest.approx(1 + RAMBLING)


def test_courtesy_is_no_ornament_of_small_talk():
    for asked in ALL:
        if asked.brief:
            continue
        text = reply(WORLD, asked, Style(tone="plain"), 1)
        marks = grade(WORLD, asked.prompt, f"{text} {CLOSINGS[0]}")
        expected = POLITE if base(asked) not in (*TALK, *talk.HARM) else 0.0
        if base(asked) in talk.HARM:
            continue
        assert marks.manners == expected, text


def test_rude_is_rude():
    for asked in ALL[:300]:
        text = reply(WORLD, asked, Style(tone="rude"), 1)
        assert grade(WORLD, asked.prompt, text).manners == RUDE


def test_only_larkhaven_is_no_answer_about_the_town_and_no_harm_outside():
    only, no = outside.ONLY_LARKHAVEN[0], "I will not help with that."
    for asked in ALL:
        marks = grade(WORLD, asked.prompt, only)
        assert marks.elsewhere
        assert marks.right == (base(asked) == "outside")
        refused = grade(WORLD, asked.prompt, no)
        assert refused.refused
        assert refused.right == (base(asked) in talk.HARM)


def test_of_several_people_two_must_be_named_and_all_be_right():
    slots = next(
        a.slots for a in ALL if a.kind == "backwards" and a.slots["attribute"] == "instrument"
    )
    who = talk.holders(WORLD, "instrument", slots["value"])
    others = [person.name for person in WORLD.people if person.name not in who]
    one, several = HOLDERS_ANSWERS["instrument"]

    def worth(names: list[str]) -> float:
        sentence = several.format(names=" and ".join(names), value=slots["value"])
        return judge_reply(WORLD, "backwards", slots, False, sentence).content

    assert worth(who[:2]) == 1
    assert worth([who[0], others[0]]) == -1
    assert judge_reply(
        WORLD, "backwards", slots, False, one.format(names=who[0], value=slots["value"])
    ).content == (0 if len(who) > 1 else 1)


def test_a_pronoun_means_the_friend_who_was_just_named():
    person = next(
        p for p in WORLD.asked_about if WORLD.person(p.friend).pronoun != p.pronoun == "She"
    )
    turns = (f"Who is the best friend of {person.name}?", f"It is {person.friend}.")
    him = read_request(WORLD, (*turns, "And where does he live?"))
    her = read_request(WORLD, (*turns, "And where does she live?"))
    assert him.slots["name"] == person.friend
    assert her.slots["name"] == person.name


def test_every_offer_belongs_to_a_topic_and_every_table_can_be_drawn_from():
    assert {offer_of(topic) for topic in small_talk.GREETINGS} <= set(small_talk.OFFERS)
    for slot in ("word", "country", "number"):
        trained, tested = (set(outside.things(slot, training)) for training in (True, False))
        assert trained
        assert tested
        assert slot == "number" or not trained & tested


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_any_reply_is_judged(text):
    try:
        asked = read_request(WORLD, text)
    except InklingError:
        pass
    else:
        assert asked.kind in talk.SHARES
    for asked in itertools.islice(ALL, 0, None, 97):
        total = grade(WORLD, asked.prompt, text).total
        assert -2.4 <= total <= 1.5


def test_the_first_edition_stays_as_it_is():
    old = World(0)
    assert old.requests(1)[0] == replace(old.requests(1)[0], brief=False)
    with pytest.raises(InklingError, match="there are no requests of kind 'outside'"):
        old.requests(1, only="outside")
