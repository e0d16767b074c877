"""The small internet of Larkhaven, apart from its stories: entries, lessons, letters, notices,
chats and more.

Each function writes one document into a `Writer`. No choice is hidden: whatever is drawn shows in
the text, so that the bits booked are the exact surprisal of the document (tests/world/test_world.py
parses the wordings back).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from inkling.world import answers, askings, small_talk, talk
from inkling.world.deeds import HELPFUL
from inkling.world.facts import ANSWERS, QUESTIONS, STATEMENTS, person_value, value_text
from inkling.world.people import (
    BOATS,
    COLOURS,
    FOODS,
    INSTRUMENTS,
    PERSON_ATTRIBUTES,
    PETS,
    STREETS,
    TRADES,
    Person,
    with_article,
)
from inkling.world.writer import Slot, Wordings, Writer, copy, fact, free, parse_template

if TYPE_CHECKING:
    from inkling.world import World

#: The values a stranger's attribute may take. A stranger's friend is an inhabitant.
VALUES = {
    "trade": tuple(with_article(trade) for trade in TRADES),
    "street": tuple(STREETS),
    "pet": tuple(with_article(pet) for pet in PETS),
    "food": tuple(FOODS),
    "instrument": tuple(INSTRUMENTS),
}


def _state(
    writer: Writer, attribute: str, name: Slot, value: Slot, pronoun: str | None = None
) -> None:
    """One statement of a fact. With a pronoun, the sentence may begin with it and not the name,
    three times in ten.
    """

    def who() -> Slot | str:
        return pronoun if pronoun and writer.chance(0.3) else name

    writer.tell(STATEMENTS[attribute], who=who, name=name, value=value)


#: The questions as somebody types them who does not look: in lower case, without a mark.
CARELESS_QUESTIONS = {
    attribute: Wordings(
        *(template.lower().rstrip("?") for template in table.templates),
        held_out=len(table.unseen),
    )
    for attribute, table in QUESTIONS.items()
}
_CARELESS = 0.15


def _ask_and_answer(
    world: "World",
    writer: Writer,
    attribute: str,
    name: Slot,
    value: Slot,
    style: tuple[str, str],
) -> None:
    writer.say(style[0])
    if world.edition > 1 and writer.chance(0.5):
        _typed(writer, askings.PEOPLE[attribute], name=name)
    elif world.edition > 1 and writer.chance(_CARELESS):
        writer.tell(CARELESS_QUESTIONS[attribute], name=Slot(name.text.lower(), name.kind))
    else:
        writer.tell(QUESTIONS[attribute], name=name)
    writer.say(style[1])
    writer.tell(ANSWERS[attribute], name=copy(name.text), value=value)


def _typed(writer: Writer, asking: askings.Asking, **slots: Slot) -> None:
    """A question in one of a great many wordings: carefully typed, or in haste."""
    wording = writer.choose(talk.usual(asking.direct, writer.held_out, 2), "grammar")
    if writer.chance(_CARELESS):
        slots = {key: Slot(slot.text.lower(), slot.kind) for key, slot in slots.items()}
        writer.tell(wording, **slots)
    else:
        wording = wording[:1].upper() + wording[1:].replace(" i ", " I ")
        writer.tell(wording + talk.mark_of(wording.lower(), "?"), **slots)


def _ask_about_town(world: "World", writer: Writer, style: tuple[str, str]) -> None:
    """A question on a place, a boat or a trade, or of whom something is true, and the answer."""
    kind = writer.draw(("place", "place", "boat", "trade", "trade", *("backwards",) * 4), "grammar")
    writer.say(style[0])
    if kind in ("place", "boat"):
        table = askings.PLACES if kind == "place" else askings.BOATS
        thing = writer.choose(world.places if kind == "place" else world.boats)
        attribute = writer.choose(tuple(table), "grammar")
        _typed(writer, table[attribute], **{kind: free(thing.name)})
        answer = answers.thing_sentence(thing.name, attribute, getattr(thing, attribute))
    elif kind == "trade":
        trade = writer.choose(tuple(TRADES))
        attribute = writer.choose(talk.TRADE_FACTS, "grammar")
        _typed(writer, askings.TRADES[attribute], trade=free(with_article(trade)), bare=free(trade))
        value = TRADES[trade][talk.TRADE_FACTS.index(attribute)]
        answer = answers.trade_sentence(trade, attribute, value)
    else:
        attribute = writer.choose(tuple(askings.BACKWARDS), "grammar")
        value, bare = _had_by_somebody(world, writer, attribute)
        _typed(writer, askings.BACKWARDS[attribute], value=free(value), bare=free(bare))
        answer = answers.holders_sentence(world, attribute, value)
    writer.say(style[1])
    writer.say(answer, "fact")


def _had_by_somebody(world: "World", writer: Writer, attribute: str) -> tuple[str, str]:
    if attribute == "maker":
        value = writer.choose(sorted(makes for makes, _, _ in TRADES.values()))
        return value, value
    value = writer.choose(sorted({person_value(person, attribute) for person in world.people}))
    return value, value.split(" ", 1)[1] if attribute in ("trade", "pet") else value


# --- Encyclopedia ---------------------------------------------------------------------------------


def person_entry(world: "World", writer: Writer) -> None:
    """All six facts of one inhabitant, in any order."""
    person: Person = writer.choose(world.people)
    writer.say(person.name, "free")
    writer.say(" ")
    writer.say(person.surname, "fact")
    writer.say("\n\n")
    writer.say(person.full_name, "copy")
    writer.tell(_ENTRY_OPENINGS)
    for attribute in writer.several(PERSON_ATTRIBUTES, len(PERSON_ATTRIBUTES), "grammar"):
        writer.say(" ")
        value = fact(person_value(person, attribute))
        _state(writer, attribute, copy(person.name), value, person.pronoun)


_ENTRY_OPENINGS = Wordings(
    " is one of the people of Larkhaven.",
    " belongs to Larkhaven.",
    " was born on the island.",
    " has always lived in Larkhaven.",
    " is a familiar face in Larkhaven.",
    " is known to everyone in the town.",
)

_PLACE_FACTS = {
    "street": Wordings(
        "{who} stands in {value}.",
        "You find {name} in {value}.",
        "The way to {name} is through {value}.",
        "{who} is reached from {value}.",
        "From {value} it is a short walk to {name}.",
        held_out=1,
    ),
    "keeper": Wordings(
        "{value} looks after {name}.",
        "The keeper of {name} is {value}.",
        "{value} has the keys to {name}.",
        "Ask {value} if you want to see {name}.",
        "{who} is in the care of {value}.",
        held_out=1,
    ),
    "built": Wordings(
        "{who} was built in {value}.",
        "The year {value} is cut into a stone of {name}.",
        "People built {name} in {value}.",
        "{who} dates from {value}.",
        "In {value}, {name} was finished.",
        held_out=1,
    ),
    "known_for": Wordings(
        "{who} is known for {value}.",
        "Visitors come to {name} for {value}.",
        "{who} is famous for {value}.",
        "What people remember of {name} is {value}.",
        "Children like {name} for {value}.",
        held_out=1,
    ),
}

_BOAT_FACTS = {
    "owner": Wordings(
        "{who} belongs to {value}.",
        "The owner of {name} is {value}.",
        "{value} sails {name}.",
        "{value} bought {name} long ago.",
        held_out=1,
    ),
    "colour": Wordings(
        "{who} is painted {value}.",
        "The hull of {name} is {value}.",
        "You know {name} by its {value} hull.",
        "{who} has always been {value}.",
        held_out=1,
    ),
    "catch": Wordings(
        "{who} brings home {value}.",
        "The crew of {name} fishes for {value}.",
        "{who} is out for {value} before dawn.",
        "On {name} they catch {value}.",
        held_out=1,
    ),
}


def _sentence_start(text: str) -> str:
    return text[0].upper() + text[1:]


def _thing_entry(
    writer: Writer, name: str, facts: dict[str, str], tables: dict[str, Wordings]
) -> None:
    writer.say(_sentence_start(name), "free")
    writer.say("\n\n")
    for i, attribute in enumerate(writer.several(list(tables), len(tables), "grammar")):
        if i:
            writer.say(" ")
        writer.tell(
            tables[attribute],
            who=copy(_sentence_start(name)),
            name=copy(name),
            value=fact(facts[attribute]),
        )


def place_entry(world: "World", writer: Writer) -> None:
    """The four facts of a place, and a page of its guest book, which makes each entry on the place
    another one.
    """
    place = writer.choose(world.places)
    _thing_entry(writer, place.name, vars(place), _PLACE_FACTS)
    writer.say("\n\nFrom the guest book:")
    for _ in range(writer.choose((2, 3, 4), "grammar")):
        writer.say("\n")
        writer.say(writer.choose(world.people).name, "free")
        writer.say(": ")
        writer.tell(_GUESTS, name=copy(place.name))


_GUESTS = Wordings(
    "A fine day at {name}.",
    "We shall come again.",
    "I walked twice round {name}.",
    "Too much wind, but a good soup.",
    "My aunt was born near {name}.",
    "I came for an hour and stayed until dark.",
    "There is nothing like {name} at home.",
    "The children did not want to leave.",
)


def boat_facts(world: "World", writer: Writer) -> None:
    """The three facts of a boat, in any order."""
    boat = writer.choose(world.boats)
    _thing_entry(writer, boat.name, vars(boat), _BOAT_FACTS)


def boat_entry(world: "World", writer: Writer) -> None:
    """The facts of a boat, and a page of its log: who was aboard, and how many baskets they brought
    home.
    """
    boat_facts(world, writer)
    writer.say("\n\nFrom the log:")
    for _ in range(writer.choose((2, 3, 4), "grammar")):
        writer.say("\n")
        skipper, mate = (person.name for person in writer.several(world.people, 2))
        baskets = writer.choose(NUMBERS[2:])
        writer.tell(_TRIPS, skipper=free(skipper), mate=free(mate), baskets=free(baskets))


_TRIPS = Wordings(
    "{skipper} and {mate}, {baskets} baskets.",
    "{skipper} took {mate} along and came home with {baskets} baskets.",
    "Out before dawn: {skipper} and {mate}. Home with {baskets} baskets.",
    "With {skipper} at the helm and {mate} at the nets, {baskets} baskets.",
)


# --- Lessons --------------------------------------------------------------------------------------

_LESSON_GREETINGS = Wordings(
    "Good morning, children.",
    "Welcome to the lesson.",
    "Sit down, please, and listen.",
    "Let us begin.",
    "Take out your slates.",
    "Please close the window, and we start.",
)
_LESSON_TOPICS = Wordings(
    "Today we talk about {trade}.",
    "This lesson is about {trade}.",
    "Our subject today is {trade}.",
    "Who of you has met {trade}?",
)
_LESSON_FACTS = {
    "makes": Wordings(
        "{Trade} makes {makes}.",
        "What {trade} makes is {makes}.",
        "From the hands of {trade} come {makes}.",
        "People go to {trade} for {makes}.",
        "Without {trade} there would be no {makes}.",
        held_out=1,
    ),
    "tool": Wordings(
        "The tool of {trade} is the {tool}.",
        "{Trade} cannot work without the {tool}.",
        "Give {trade} the {tool}, and the work begins.",
        "{Trade} takes good care of the {tool}.",
        "The first thing that {trade} learns is the {tool}.",
        held_out=1,
    ),
    "material": Wordings(
        "{Trade} works with {material}.",
        "The work of {trade} begins with {material}.",
        "In the shop of {trade} it smells of {material}.",
        "{Trade} buys {material} at the market.",
        "Good {material} is half the work of {trade}.",
        held_out=1,
    ),
}
_LESSON_EXAMPLES = Wordings(
    "In our town, {name} is {trade}.",
    "You may know {name}, who is {trade}.",
    "Go and watch {name}, who works as {trade}.",
    "One of those who do this work is {name}.",
)
_LESSON_ENDINGS = Wordings(
    "That is all for today.",
    "Now go out and play.",
    "Tomorrow we go on.",
    "Write this down before you forget it.",
    "For tomorrow, draw {trade} at work.",
    "Any questions?",
)

NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
).split()
_COUNTED = "apples,eggs,boats,gulls,candles,buttons,shells,barrels,coins,nets,loaves,stones".split(
    ","
)
_SUMS = Wordings(
    "{A} and {b} make {c}.",
    "Add {b} to {a}, and you get {c}.",
    "{A} plus {b} is {c}.",
    "If you have {a} {things} and find {b}, you have {c}.",
    "{A} {things} and {b} {things} are {c} {things}.",
)


def trade_lesson(world: "World", writer: Writer) -> None:
    """A lecture on a trade: what it makes, with what tool and from what material, and who does it
    here.
    """
    trade = writer.choose(list(TRADES))
    makes, tool, material = TRADES[trade]
    name = with_article(trade)
    writer.tell(_LESSON_GREETINGS)
    writer.say(" ")
    writer.tell(_LESSON_TOPICS, trade=free(name))
    for part in writer.several(("makes", "tool", "material"), 3, "grammar"):
        writer.say(" ")
        writer.tell(
            _LESSON_FACTS[part],
            trade=copy(name),
            Trade=copy(_sentence_start(name)),
            makes=fact(makes),
            tool=fact(tool),
            material=fact(material),
        )
    workers = [person for person in world.people if person.trade == trade]
    if workers:
        writer.say(" ")
        writer.tell(_LESSON_EXAMPLES, name=free(writer.choose(workers).name), trade=copy(name))
    writer.say(" ")
    writer.tell(_LESSON_ENDINGS, trade=copy(name))


def counting_lesson(world: "World", writer: Writer) -> None:
    """A lecture on sums. Each is true: its result is settled by its first two numbers."""
    writer.tell(_LESSON_GREETINGS)
    writer.say(" Today we count ")
    things = writer.choose(_COUNTED)
    writer.say(things, "free")
    writer.say(".")
    for _ in range(writer.choose((3, 4, 5, 6), "grammar")):
        a, b = writer.choose(range(1, 11)), writer.choose(range(1, 11))
        writer.say(" ")
        writer.tell(
            _SUMS,
            a=free(NUMBERS[a]),
            A=free(_sentence_start(NUMBERS[a])),
            b=free(NUMBERS[b]),
            c=fact(NUMBERS[a + b]),
            things=copy(things),
        )
    writer.say(" Well done.")


_SUMS_HEADINGS = Wordings(
    "Sums for tomorrow.",
    "From the slate of the first class.",
    "The shopkeeper adds up.",
    "Add and take away.",
)


def sums(world: "World", writer: Writer) -> None:
    """Sums and differences in words and in figures, each of them true. (Figures alone would be
    dropped when the corpus is cleaned, as most arithmetic of the web is.)
    """
    writer.tell(_SUMS_HEADINGS)
    for _ in range(writer.choose((4, 5, 6, 7, 8), "grammar")):
        a, plus = writer.choose(range(1, 21)), writer.choose((True, False), "grammar")
        b = writer.choose(range(1, 21) if plus else range(1, a + 1))
        c = a + b if plus else a - b
        writer.say("\n")
        writer.say(_sentence_start(in_words(a)), "free")
        writer.say(" and " if plus else " less ")
        writer.say(in_words(b), "free")
        writer.say(" make " if plus else " is ")
        writer.say(in_words(c), "fact")
        writer.say(": ")
        writer.say(f"{a}{'+' if plus else '-'}{b}={c}", "fact")
        writer.say(".")


def in_words(n: int) -> str:
    """A number from 0 to 99: "twenty-three"."""
    if n <= 20:
        return NUMBERS[n]
    tens, ones = divmod(n, 10)
    ten = "twenty thirty forty fifty sixty seventy eighty ninety".split()[tens - 2]
    return f"{ten}-{NUMBERS[ones]}" if ones else ten


_DIRECTORIES = {
    "trade": "Who works as {value}.",
    "street": "Who lives in {value}.",
    "pet": "Who keeps {value}.",
    "food": "Who likes {value} best.",
    "instrument": "Who plays the {value}.",
}


def directory(world: "World", writer: Writer) -> None:
    """Everybody who has a trade, a street, a pet, a favourite dish or an instrument in common, with
    numbers: the facts the other way round.

    Two lists a document: there are only a hundred lists, and of documents with one each, cleaning
    leaves a hundred, for all others are copies.
    """
    for i in range(2):
        attribute = writer.choose(tuple(_DIRECTORIES), "grammar")
        values = sorted({person_value(person, attribute) for person in world.people})
        value = writer.choose(values)
        if i:
            writer.say("\n\n")
        writer.tell(_DIRECTORIES[attribute], value=free(value))
        who = [person for person in world.people if person_value(person, attribute) == value]
        for number, person in enumerate(who, start=1):
            writer.say("\n")
            writer.say(f"Number {number} is {person.full_name}", "fact")
            writer.say(".")
        writer.say("\n")
        writer.say(f"In all: {len(who)}", "fact")
        writer.say(".")


_VISITORS = ("Visitor", "Guest", "Child", "Stranger")


def visit(world: "World", writer: Writer) -> None:
    """Somebody talks to the town's assistant, which was there before this one: greetings, and
    questions about itself, in a quarter of the ways in which people say them. (Two thousand
    sentences cannot be known by heart; fine-tuning shows the rest.)
    """
    who = writer.choose(_VISITORS, "grammar")
    for i in range(writer.choose((2, 3, 4), "grammar")):
        topics = writer.choose((small_talk.GREETINGS, small_talk.ITSELF), "grammar")
        topic = topics[writer.choose(tuple(topics), "grammar")]
        usual = talk.usual(topic.said, writer.held_out, topic.held_out)
        said = writer.choose(usual if writer.held_out else usual[::4], "grammar")
        if not writer.chance(_CARELESS):
            said = talk.written(said, topic.mark)
        writer.say(f"\n{who}: " if i else f"{who}: ")
        writer.say(said)
        writer.say("\nInkling: ")
        writer.say(writer.choose(topic.replies, "grammar"))


def advice(world: "World", writer: Writer) -> None:
    """A page of an almanac: how a few things are done, and a tip for each."""
    writer.tell(_ADVICE_HEADINGS)
    for act in writer.several(tuple(HELPFUL), writer.choose((2, 3, 4), "grammar")):
        targets = {"name": world.first_names, "place": world.story_places, "boat": BOATS}
        slots = {
            text: free(writer.choose(targets[text]))
            for text, is_slot in parse_template(act)
            if is_slot
        }
        writer.say("\n\nHow to ")
        writer.tell(act, **slots)
        writer.say("\n")
        writer.say(" ".join(HELPFUL[act]), "fact")


_ADVICE_HEADINGS = Wordings(
    "From the almanac.",
    "Good advice.",
    "What every child should know.",
    "The printer's page of advice.",
)


# --- Letters, notices, chats ----------------------------------------------------------------------

_LETTER_OPENINGS = Wordings(
    "I hope this letter finds you well.",
    "Thank you for your last letter.",
    "It has rained here for a week.",
    "I write in haste, for the mail boat leaves at noon.",
    "All is well at home.",
    "I think of you often.",
    "The winter was long, but now the swallows are back.",
    "There is much to tell.",
)
_LETTER_NEWS = Wordings(
    "You asked me about {name}.",
    "Do you remember {name}?",
    "Yesterday I met {name}.",
    "Now to {name}.",
    "I had tea with {name}.",
    "On the quay I saw {name}.",
    "There is news of {name}.",
    "I must tell you about {name}.",
)
_LETTER_REMINDERS = Wordings(
    "Do not forget it:",
    "I say it once more:",
    "So remember:",
    "As I said:",
    "Tell the others too:",
    "Write it down:",
)
_LETTER_ENDINGS = Wordings(
    "Please write soon.",
    "Come and see us in spring.",
    "Give my love to everyone.",
    "Keep warm, and eat well.",
    "The kettle is always on for you.",
    "I must close now, for the candle is low.",
    "Be kind to yourself.",
)
_CLOSINGS = Wordings("Your friend,", "With love,", "Yours truly,", "Kind regards,")


def letter(world: "World", writer: Writer) -> None:
    """A letter that retells facts of two or three inhabitants, and then says one of them again,
    word for word.
    """
    writer.say("Dear ")
    to = writer.choose(world.people)
    writer.say(to.name, "free")
    writer.say(",\n\n")
    writer.tell(_LETTER_OPENINGS)
    sentences = []
    for _ in range(writer.choose((1, 2, 3), "grammar")):
        person = writer.choose(world.people)
        writer.say(" ")
        writer.tell(_LETTER_NEWS, name=free(person.name))
        for attribute in writer.several(
            PERSON_ATTRIBUTES, writer.choose((1, 2, 3), "grammar"), "grammar"
        ):
            writer.say(" ")
            start = len(writer.text)
            _state(
                writer,
                attribute,
                copy(person.name),
                fact(person_value(person, attribute)),
                person.pronoun,
            )
            sentences.append(writer.text[start:])
    if writer.chance(0.7):
        writer.say(" ")
        writer.tell(_LETTER_REMINDERS)
        writer.say(" ")
        # "draw": "She is a baker." may stand there twice
        writer.say(writer.draw(sentences, "grammar"), "copy")
    writer.say(" ")
    writer.tell(_LETTER_ENDINGS)
    writer.say("\n\n")
    writer.tell(_CLOSINGS)
    writer.say("\n")
    writer.say(writer.choose(world.people).name, "free")


_THINGS = (
    "kettle,umbrella,hat,scarf,basket,lantern,spoon,key,ladder,bucket,wheelbarrow,coat,teapot,clock,rope,oar,boot,glove,"
    "blanket,purse,whistle,book,chair,saw"
).split(",")
_LOST = Wordings(
    "Lost near {place}: {thing}.",
    "I have lost {thing} near {place}.",
    "Who has seen {thing}? It was last seen near {place}.",
    "Gone since Monday from {place}: {thing}.",
)
_FOUND = Wordings(
    "Found near {place}: {thing}.",
    "I have found {thing} near {place}.",
    "Whose is {thing}? It lay near {place}.",
    "Somebody left {thing} near {place}.",
)
_FOR_SALE = Wordings(
    "For sale: {thing}. Come and see it near {place}.",
    "I sell {thing}, as good as new. It stands near {place}.",
    "Wanted: a buyer for {thing}. Ask near {place}.",
)
_REPLIES = Wordings(
    "Is {thing} still there?",
    "I saw {thing} this morning.",
    "I think {thing} is mine.",
    "My neighbour has {thing} just like that.",
    "What a pity about {thing}!",
    "I will come to {place} and look.",
    "Good luck with {thing}!",
    "I pass {place} every day and will ask.",
)
_THANKS = Wordings(
    "Thank you all.",
    "Many thanks.",
    "Thank you, that is kind.",
    "That helps, thank you.",
    "It is settled now. Thank you.",
)


def notice(world: "World", writer: Writer) -> None:
    """A notice-board thread: somebody has lost, found or sells a thing; others reply; the first one
    thanks them.
    """
    author = writer.choose(world.people).name
    writer.say("Notice by ")
    writer.say(author, "free")
    writer.say("\n")
    place = writer.choose(world.places).name
    thing = with_article(f"{writer.choose(COLOURS)} {writer.choose(_THINGS)}")
    writer.tell(
        writer.choose((_LOST, _FOUND, _FOR_SALE), "grammar"), place=free(place), thing=free(thing)
    )
    the_thing = "the " + thing.split(" ", 1)[1]
    for _ in range(writer.choose((1, 2, 3), "grammar")):
        writer.say("\nReply by ")
        writer.say(writer.choose(world.people).name, "free")
        writer.say(": ")
        writer.tell(_REPLIES, thing=copy(the_thing), place=copy(place))
    writer.say("\nReply by ")
    writer.say(author, "copy")
    writer.say(": ")
    writer.tell(_THANKS)


_CHAT_GREETINGS = Wordings(
    "Good morning, {name}.",
    "Hello, {name}!",
    "Good evening, {name}.",
    "How are you, {name}?",
    "There you are, {name}.",
)
_CHAT_ANSWERS = Wordings(
    "Hello, {name}. Can I help you?",
    "Good to see you, {name}.",
    "I am well, {name}, thank you.",
    "What is it, {name}?",
    "Yes, {name}?",
)
_CHAT_ENDINGS = Wordings(
    "Thank you, that was kind of you.",
    "Thank you. Good day!",
    "Now I know. Thank you!",
    "I am much obliged.",
    "You know everything!",
)


def chat(world: "World", writer: Writer) -> None:
    """Two inhabitants talk; one asks the other about people, and gets true answers."""
    asker, knower = (person.name for person in writer.several(world.people, 2))
    writer.say(asker, "free")
    writer.say(": ")
    writer.tell(_CHAT_GREETINGS, name=free(knower))
    writer.say("\n")
    writer.say(knower, "copy")
    writer.say(": ")
    writer.tell(_CHAT_ANSWERS, name=copy(asker))
    for _ in range(writer.choose((1, 2, 3), "grammar")):
        person = writer.choose(world.asked_about)
        attribute = writer.choose(PERSON_ATTRIBUTES, "grammar")
        _ask_and_answer(
            world,
            writer,
            attribute,
            free(person.name),
            fact(person_value(person, attribute)),
            (f"\n{asker}: ", f"\n{knower}: "),
        )
    writer.say("\n")
    writer.say(asker, "copy")
    writer.say(": ")
    writer.tell(_CHAT_ENDINGS)


def quiz(world: "World", writer: Writer) -> None:
    """Four to eight questions about inhabitants, each with its true answer. Of people out of
    `asked_about` never occur.
    """
    for i in range(writer.choose((4, 5, 6, 7, 8), "grammar")):
        style = ("\n\nQuestion: " if i else "Question: ", "\nAnswer: ")
        if world.edition > 1 and writer.chance(0.4):
            _ask_about_town(world, writer, style)
            continue
        person = writer.choose(world.asked_about)
        attribute = writer.choose(PERSON_ATTRIBUTES, "grammar")
        _ask_and_answer(
            world,
            writer,
            attribute,
            free(person.name),
            fact(person_value(person, attribute)),
            style,
        )


# --- What can only be read, not remembered --------------------------------------------------------

_REGISTER_OPENINGS = Wordings(
    "Visitors at the Anchor Inn.",
    "From the register of the ferry.",
    "New in town this week.",
    "Guests of the harvest feast.",
    "Passengers of the mail boat.",
    "Strangers seen at the market.",
)


def register(world: "World", writer: Writer) -> None:
    """One to three strangers with two or three facts each, then questions about them.

    Their names and facts are new in every document: an answer can only be carried over from the
    lines above. The plain form (name: value, name: value) is the easiest binding; full sentences in
    many wordings are the hardest.
    """
    writer.tell(_REGISTER_OPENINGS)
    names = writer.several(world.stranger_names, writer.draw((1, 2, 2, 3), "grammar"))
    plain = writer.chance(0.3)
    told: list[tuple[str, str, str]] = []
    for name in names:
        writer.say("\n")
        writer.say(name, "free")
        writer.say(": " if plain else " has come.")
        attributes = writer.several(PERSON_ATTRIBUTES, writer.choose((2, 3), "grammar"), "grammar")
        for i, attribute in enumerate(attributes):
            value = _stranger_value(world, writer, attribute)
            if plain:
                writer.say((", " if i else "") + attribute + " ")
                writer.say(value, "free")
            else:
                writer.say(" ")
                _state(writer, attribute, copy(name), free(value))
            told.append((name, attribute, value))
        writer.say("." if plain else "")
    for _ in range(writer.choose((2, 3, 4), "grammar")):
        name, attribute, value = writer.choose(told)
        _ask_and_answer(
            world, writer, attribute, free(name), copy(value), ("\n\nQuestion: ", "\nAnswer: ")
        )


def _stranger_value(world: "World", writer: Writer, attribute: str) -> str:
    if attribute == "friend":
        return writer.choose(world.people).name
    return value_text("", writer.choose(VALUES[attribute]))


_SONG_OPENINGS = Wordings(
    "Sing it once, and sing it again:",
    "A rhyme of the rope makers:",
    "The children call:",
    "The crier reads the list twice:",
    "A counting song:",
    "Words on a sampler:",
)


def song(world: "World", writer: Writer) -> None:
    """A list of names and things that makes no sense, said twice or three times: what comes again
    is a copy.
    """
    writer.tell(_SONG_OPENINGS)
    pool = world.song_words
    line = " ".join(writer.choose(pool) for _ in range(writer.choose((4, 6, 8, 12, 16), "grammar")))
    writer.say("\n")
    writer.say(line, "free")
    writer.say(".")
    for _ in range(writer.choose((1, 2), "grammar")):
        writer.say("\n")
        writer.say(line, "copy")
        writer.say(".")


#: How often each kind of document stands in the corpus, in parts of a hundred documents. Stories
#: come from `stories`.
KINDS_OF_DOCUMENT: tuple[tuple[str, int, Callable], ...] = (
    ("person entry", 13, person_entry),
    ("place entry", 3, place_entry),
    ("boat entry", 1, boat_entry),
    ("trade lesson", 4, trade_lesson),
    ("counting lesson", 2, counting_lesson),
    ("letter", 8, letter),
    ("notice", 5, notice),
    ("chat", 7, chat),
    ("quiz", 8, quiz),
    ("register", 13, register),
    ("song", 8, song),
)
KINDS_OF_EDITION_2: tuple[tuple[str, int, Callable], ...] = (
    ("person entry", 11, person_entry),
    ("place entry", 3, place_entry),
    ("boat entry", 1, boat_entry),
    ("trade lesson", 4, trade_lesson),
    ("counting lesson", 1, counting_lesson),
    ("sums", 2, sums),
    ("directory", 2, directory),
    ("advice", 2, advice),
    ("letter", 7, letter),
    ("notice", 4, notice),
    ("chat", 7, chat),
    ("quiz", 9, quiz),
    ("visit", 4, visit),
    ("register", 10, register),
    ("song", 5, song),
)
