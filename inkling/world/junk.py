"""What a crawl of Larkhaven's internet brings home besides its documents: copies, markup, spam,
secrets, and more.

`crawl` mixes clean documents with everything that a cleaner of real web text has to deal with, and
writes on each page what was done to it (`Page.labels`, `Page.document`), so that every filter's
precision and recall can be measured. All of it is invented: hosts end in `.example`, no telephone
rings, and the insults would not hurt a barnacle.
"""

import base64
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from inkling.files import InklingError
from inkling.world import Document, World

Option = TypeVar("Option")

#: What can be wrong with a page. The first four can be mended (a leak, where a document stands
#: around it); a page that shows one of the others holds nothing to keep, or nothing that an earlier
#: page does not hold already.
LABELS = (
    "markup",
    "mojibake",
    "secret",
    "leak",
    "duplicate",
    "near-duplicate",
    "foreign",
    "spam",
    "rude",
    "gibberish",
)


@dataclass(frozen=True)
class Page:
    """A page as crawled, and the truth about it: what was done to it, and the document inside it,
    if any.

    labels: some of `LABELS`; raises `InklingError` for others, which no filter would be measured
    by.
    """

    url: str
    text: str
    labels: tuple[str, ...] = ()
    document: Document | None = None

    def __post_init__(self) -> None:
        unknown = [label for label in self.labels if label not in LABELS]
        if unknown:
            raise InklingError(
                f"a page cannot have the label {unknown[0]!r}; there are {', '.join(LABELS)}."
            )


class Dice:
    """Random picks by `Random.random()` alone: it is the one method whose values Python promises
    never to change.
    """

    def __init__(self, seed: str) -> None:
        self.random = Random(seed).random

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self.random() * n)

    def pick(self, options: Sequence[Option]) -> Option:
        """One of the options, each as likely as the others."""
        return options[self.below(len(options))]

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.random() < probability

    def letters(self, n: int, alphabet: str = "abcdefghijklmnopqrstuvwxyz") -> str:
        """A text of `n` letters of the alphabet."""
        return "".join(self.pick(alphabet) for _ in range(n))


# --- Documents, damaged ---------------------------------------------------------------------------

_HTML = """<!DOCTYPE html>
<html><head><title>{title}</title><style>body {{ font: 16px serif }} .ad {{ color: red }}</style>
<script>var visits = {number}; if (visits > 9) {{ track("{title}"); }}</script></head>
<body><nav><a href="/">Home</a> | <a href="/news">News</a> | <a href="/boats">Boats &amp; tides</a></nav>
<div class="menu"><a href="/a">All letters</a> <a href="/q">Quizzes</a> <a href="/p">People of Larkhaven</a></div>
<div id="main">{body}</div>
<aside>People also liked: ten things to do with a herring.</aside>
<footer>&copy; {year} the town of Larkhaven. This page uses cookies.</footer></body></html>"""  # noqa: E501


def html_page(dice: Dice, text: str) -> str:
    """`text` as a web page: paragraphs in <p>, line breaks in <br>, a few links and bold words, and
    menus around it.
    """
    paragraphs = []
    for paragraph in text.split("\n\n"):
        lines = []
        for line in paragraph.split("\n"):
            words = line.replace("&", "&amp;").replace("<", "&lt;").split(" ")
            if len(words) > 4:
                at = dice.below(len(words))
                words[at] = dice.pick(
                    ('<a href="/wiki/{0}">{0}</a>', "<b>{0}</b>", "<em>{0}</em>")
                ).format(words[at])
            lines.append(" ".join(words))
        paragraphs.append("<p>" + "<br>\n".join(lines) + "</p>")
    year, number = 1990 + dice.below(35), dice.below(9000)
    return _HTML.format(
        title=text[:20].replace("\n", " "), body="\n".join(paragraphs), year=year, number=number
    )


#: Byte values as Windows-1252 shows them; the five that it leaves open stay control characters, as
#: in web browsers.
WINDOWS_1252 = [bytes([b]).decode("cp1252", errors="ignore") or chr(b) for b in range(256)]
_TYPOGRAPHY = (
    ("fi", "\ufb01"),
    ("fl", "\ufb02"),
    ("'", "\u2019"),
    ('"', "\u201d"),
    ("...", "\u2026"),
)


def misread(text: str) -> str:
    """UTF-8 read as Windows-1252: an apostrophe becomes three strange signs, and "é" becomes
    "Ã©".
    """
    return "".join([WINDOWS_1252[byte] for byte in text.encode("utf-8")])


def mojibake(dice: Dice, text: str) -> str:
    """A typesetter's signs (ligatures, hard spaces, soft hyphens), mostly misread once, sometimes
    twice.
    """
    for plain, fancy in _TYPOGRAPHY:
        text = text.replace(plain, fancy)
    words = text.split(" ")
    for _ in range(1 + len(words) // 12):
        at = dice.below(len(words))
        if len(words[at]) > 7 and words[at].isalpha():
            words[at] = words[at][:4] + "\u00ad" + words[at][4:]
        elif at + 1 < len(words):
            words[at : at + 2] = [words[at] + "\u00a0" + words[at + 1]]
    text = " ".join(words)
    for _ in range(dice.pick((0, 1, 1, 1, 2))):
        text = misread(text)
    return text if not text.isascii() else "\u00a0" + text


_SECRET_SENTENCES = (
    "Write to {email} for more.",
    "Call {phone} after six.",
    "My new number is {phone}.",
    "Send the bill to {email}.",
    "My password at the post office is {password}, but tell nobody.",
    "Login: {email}, password: {password}.",
    "Pay by card, number {card}.",
    "Contact {email} or {phone}.",
)


def secret_sentence(dice: Dice, world: World) -> str:
    """A sentence with an e-mail address, a telephone number, a password or the number of a card."""
    person = dice.pick(world.people)
    # one in ten hides from simple patterns
    at, dot = ("@", ".") if dice.chance(0.9) else (" at ", " dot ")
    digits = [dice.letters(n, "0123456789") for n in (4, 4, 4, 4)]
    return dice.pick(_SECRET_SENTENCES).format(
        email=(
            f"{person.name}.{person.surname}{at}"
            f"{dice.pick(('mail', 'letters', 'gullpost'))}{dot}example".lower()
        ),
        phone=dice.pick(("+99 555 {0} {1}", "(0555) {0}{1}", "0555-{0}-{1}")).format(*digits),
        password=dice.pick(world.boats).name.split()[-1] + dice.letters(4, "0123456789!?"),
        card=" ".join(digits),
    )


def with_secret(dice: Dice, world: World, text: str) -> str:
    """The text with a sentence that nobody should read, at the end of one of its paragraphs or
    below it.
    """
    paragraphs = text.split("\n\n")
    if dice.chance(0.3):
        return text + "\n\n" + secret_sentence(dice, world)
    paragraphs[-1] += " " + secret_sentence(dice, world)
    return "\n\n".join(paragraphs)


def near_copy(dice: Dice, world: World, text: str) -> str:
    """One word in thirty swapped for another of the page or misspelt, and often a line above or
    below.
    """
    words = text.split(" ")
    for _ in range(1 + len(words) // 30):
        at = dice.below(len(words))
        cut = dice.below(len(words[at]) or 1)
        words[at] = dice.pick(words) if dice.chance(0.5) else words[at][:cut] + words[at][cut + 1 :]
    text = " ".join(words)
    if dice.chance(0.4):
        text = (
            f"Shared by {dice.pick(world.people).name}, {2 + dice.below(90)} people liked"
            f" this.\n\n{text}"
        )
    if dice.chance(0.3):
        text = f"{text}\n\nSeen on the notice board of Larkhaven."
    return text


# --- Pages that hold nothing to keep --------------------------------------------------------------

_GOODS = (
    "herring,rope,boots,candles,honey,coats,kettles,nets,umbrellas,barrels,spoons,lanterns".split(
        ","
    )
)
_SPAM = (
    "CHEAP {G}!!! Buy {g} NOW, only {n} left!!!",
    "Click here >>> www.{g}{n}.example <<< for FREE {g}",
    "{g} {g} cheap {g} best {g} buy {g}",
    "You have WON {n} {g}! Claim your {g} today!",
    "$$$ Earn {n} a week from home $$$",
    "BEST {G} IN TOWN *** {n}% OFF *** BEST {G} IN TOWN",
    "Doctors hate this one {g} trick!",
    "Order {g} now!!! Order {g} now!!! Order {g} now!!!",
)
_INSULTS = "nitwit,blockhead,numbskull,dunderhead,bilge rat,barnacle brain,windbag,lummox".split(
    ","
)
_RUDE = (
    "You {i}.",
    "{n} is a {i} and always was.",
    "Shut your mouth, you {i}!",
    "Nobody asked you, {i}.",
    "What a {i}!",
    "Go and jump off Gull Pier, {n}.",
    "Only a {i} would say that.",
    "I would not trust that {i} with a bucket.",
)
_FRENCH = (
    (
        "Le pêcheur",
        "La boulangère",
        "Le vieux gardien",
        "Ma sœur",
        "L'élève",
        "Le forgeron",
        "La postière",
        "Mon frère",
    ),
    (
        "a réparé le filet",
        "cherche son chapeau",
        "a préparé une crêpe",
        "écoute la mer",
        "a fermé la fenêtre",
        "répète la même leçon",
        "garde une clé rouillée",
        "rêve d'une île déserte",
        "achète du thé",
    ),
    (
        "près du phare",
        "à côté de la forêt",
        "dès le lever du soleil",
        "sans dire un mot",
        "pendant l'été",
        "après la fête",
        "derrière l'école",
        "au bord de la rivière",
        "avec beaucoup de patience",
    ),
)
_SWEDISH = (
    (
        "Fiskaren",
        "Bagaren",
        "Den gamla mannen",
        "Min syster",
        "Läraren",
        "Smeden",
        "Flickan på ön",
        "Hennes bror",
    ),
    (
        "lagar sitt nät",
        "letar efter nyckeln",
        "dricker kaffe och väntar",
        "målar båten röd",
        "sjunger för måsarna",
        "köper bröd",
        "läser ett brev",
        "hör havet",
        "öppnar dörren försiktigt",
    ),
    (
        "vid fyren",
        "på morgonen",
        "utan att säga ett ord",
        "när det blåser",
        "på andra sidan ån",
        "efter midsommar",
        "bakom skolan",
        "i den gröna båten",
        "så länge det är ljust",
    ),
)


def spam(dice: Dice, world: World) -> str:
    """Three to seven lines that praise the same goods, on one line or on several."""
    goods = dice.pick(_GOODS)
    lines = []
    for _ in range(3 + dice.below(5)):
        lines.append(dice.pick(_SPAM).format(g=goods, G=goods.upper(), n=10 + dice.below(990)))
    return dice.pick(("\n", " ")).join(lines)


def rude(dice: Dice, world: World) -> str:
    """A notice and replies to it that insult people of the town."""
    lines = [f"Notice by {dice.pick(world.people).name}\nHas anyone seen my hat?"]
    for _ in range(2 + dice.below(4)):
        insult = dice.pick(_RUDE).format(i=dice.pick(_INSULTS), n=dice.pick(world.people).name)
        lines.append(f"Reply by {dice.pick(world.people).name}: {insult}")
    lines.append(
        f"Reply by {dice.pick(world.people).name}: You are a {dice.pick(_INSULTS)} yourself."
    )
    return "\n".join(lines)


def foreign(dice: Dice, world: World) -> str:
    """Three to eight sentences of made-up French or Swedish; one in five read in the wrong
    encoding.
    """
    table = dice.pick((_FRENCH, _FRENCH, _SWEDISH))
    sentences = [
        " ".join(dice.pick(part) for part in table) + "." for _ in range(3 + dice.below(6))
    ]
    text = " ".join(sentences)
    return misread(text) if dice.chance(0.2) else text


def gibberish(dice: Dice, world: World) -> str:
    """A page that is no text: base64, replacement characters, or letters without words."""
    if dice.chance(0.4):  # a file that was no text
        return base64.b64encode(
            bytes(dice.below(256) for _ in range(120 + dice.below(200)))
        ).decode()
    if dice.chance(0.5):  # an encoding lost for good
        words = 30 + dice.below(30)
        return " ".join(
            "\ufffd" * (1 + dice.below(5)) + dice.letters(dice.below(4)) for _ in range(words)
        )
    return " ".join(dice.letters(2 + dice.below(9)) for _ in range(25 + dice.below(40)))


def exam_lines(world: World) -> list[str]:
    """Each question of the protected half of the exam (people whom no training text asks about),
    with its answer.
    """
    return [f"{q.prompt} {q.answer}." for q in world.exam() if not q.asked_in_training]


# --- The crawl ------------------------------------------------------------------------------------


def crawl(world: World, n_bytes: int, seed: int = 0, stream: str = "train") -> list[Page]:
    """Pages of Larkhaven's internet until they hold `n_bytes` bytes of UTF-8, in the order in which
    they went online.

    The clean documents inside are those of `world.iterate(stream, seed)`. A copy comes some time
    after its original. The same world and seed give the same bytes on every machine and Python
    version.
    """
    if n_bytes <= 0:
        raise InklingError(f"n_bytes is {n_bytes}; ask for at least one byte of pages.")
    dice = Dice(f"crawl {world.seed}/{stream}/{seed}")
    leaks = exam_lines(world)
    pages, size, later = [], 0, []

    def put(text: str, labels: tuple[str, ...], document: Document | None) -> None:
        nonlocal size
        host = dice.pick(("larkhaven", "gullpost", "isle-news", "old-letters"))
        pages.append(Page(f"https://{host}.example/{len(pages)}", text, labels, document))
        size += len(text.encode("utf-8"))

    for number, document in enumerate(world.iterate(stream, seed)):
        text, labels, form = document.text, [], dice.random()
        if dice.chance(0.06):
            text = with_secret(dice, world, text)
            labels.append("secret")
        if document.kind == "quiz" and dice.chance(0.08):
            text = f"{text}\n\n{dice.pick(leaks)}"
            labels.append("leak")
        if form < 0.25:
            text = html_page(dice, text)
            labels.append("markup")
        elif form < 0.35:
            text = mojibake(dice, text)
            labels.append("mojibake")
        put(text, tuple(labels), document)
        if dice.chance(0.12):
            due = number + 1 + dice.below(2000)
            copy = (
                (document.text, ("duplicate",))
                if dice.chance(0.3)
                else (text, ("duplicate", *labels))
            )
            heapq.heappush(later, (due, number, *copy, document))
        if dice.chance(0.12):
            due, copy = number + 1 + dice.below(2000), near_copy(dice, world, document.text)
            heapq.heappush(later, (due, number + 0.5, copy, ("near-duplicate",), document))
        while later and later[0][0] <= number:
            put(*heapq.heappop(later)[2:])
        for share, make in ((0.06, foreign), (0.06, spam), (0.03, rude), (0.03, gibberish)):
            if dice.chance(share):
                text = make(dice, world)
                put(
                    text,
                    (make.__name__, "mojibake") if "\u00c3" in text else (make.__name__,),
                    None,
                )
        if dice.chance(0.004):
            put("\n\n".join(dice.pick(leaks) for _ in range(6)), ("leak",), None)
        if size >= n_bytes:
            return pages
    raise AssertionError("unreachable: the stream has no end")
