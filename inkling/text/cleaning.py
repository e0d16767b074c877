"""Cleaning a crawl, step by step: each step is a function from a list of pages to a
list of pages.

A step mends pages (their text changes) or drops them; it never looks at a page's
labels, which are there to measure it. The order matters: what can be mended is mended
first, so that copies which differ only in their damage become equal.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import regex

from inkling.text.duplicates import shingles, word_numbers, words_of
from inkling.text.ngram import NGramModel
from inkling.text.web_pages import text_of_html
from inkling.world.junk import WINDOWS_1252, Page

WORD = re.compile(r"\w+")


def mended(page: Page, text: str) -> Page:
    """The page with this text; the same page if it is the same text."""
    return page if text == page.text else replace(page, text=text)


# --- Mend: markup, encoding, secrets --------------------------------------------------

_LOOKS_LIKE_HTML = re.compile(
    r"<(!doctype|html|head|body|article|section|main|form|table|div|span|ul|ol|pre|p|br"
    r"|h[1-6])[\s/>]",
    re.IGNORECASE,
)


def strip_markup(pages: list[Page]) -> list[Page]:
    """Web pages become plain text."""
    return [
        mended(p, text_of_html(p.text)) if _LOOKS_LIKE_HTML.search(p.text) else p
        for p in pages
    ]


BYTE_OF = {character: byte for byte, character in enumerate(WINDOWS_1252)}
#: A typesetter's characters that mean no more than plain ones: curly quotes and the
#: ellipsis, ligatures, spaces of other widths, and what nobody sees (but not the
#: joiners, which Persian, Hindi and emoji need).
PLAIN = str.maketrans(
    dict(
        zip("\u2018\u2019\u201c\u201d\u2026", ["'", "'", '"', '"', "..."], strict=True)
    )
    | dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", "ff fi fl ffi ffl st st".split(), strict=True))
    | dict.fromkeys(
        "\u00a0\u202f\u205f" + "".join(map(chr, range(0x2000, 0x200B))), " "
    )
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", None)
)
# No script puts thirty marks on a letter ("stream-safe", Unicode annex 15), and to put
# thousands of them into their order takes minutes.
TOO_MANY_MARKS = regex.compile(r"\p{M}{31}")


def repair_encoding(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252, as often as it was; then plain letters
    for ligatures, hard spaces and curly quotes, and é in one character, not two.

    If every character has a byte in Windows-1252, and the bytes are valid UTF-8, then
    it is no accident: French words that were read rightly do not pass this test. What
    has a meaning of its own stays: 10² is not 102, and 2½ is not 21⁄2.
    """
    while not text.isascii():
        try:
            text = bytes([BYTE_OF[character] for character in text]).decode("utf-8")
        except (KeyError, UnicodeDecodeError):
            break
    if text.isascii():
        return text
    text = text.translate(PLAIN)
    return text if TOO_MANY_MARKS.search(text) else unicodedata.normalize("NFC", text)


def fix_encoding(pages: list[Page]) -> list[Page]:
    """Mojibake becomes text again, and a typesetter's signs become plain ones."""
    return [mended(page, repair_encoding(page.text)) for page in pages]


#: What must not be learnt. An international number, one with a bracket or two hyphens,
#: sixteen digits, a password. (An address is looked for from where its name begins: to
#: try again from each letter of a long line would take the square of its length.)
SECRETS = {
    "e-mail address": r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+",
    "telephone number": (
        r"\+\d[\d ]{7,}\d|\(\d{3,5}\) ?\d{6,}|\b\d{3,4}-\d{3,4}-\d{3,4}\b"
    ),
    "card number": r"\b(?:\d{4}[ -]?){3}\d{4}\b",
    "password": r"(?i:password|login)\b.{0,30}?(?:\bis|:) \S*\d",
}
_SECRET = re.compile("|".join(SECRETS.values()))
_SENTENCE_END = re.compile(r"(?<=[.!?]) ")


def without_secrets(text: str) -> str:
    """`text` without the sentences that hold an e-mail address, a telephone or card
    number, or a password.
    """
    lines = []
    for line in text.split("\n"):
        if _SECRET.search(line):
            line = " ".join(
                s for s in _SENTENCE_END.split(line) if not _SECRET.search(s)
            )
            if not line:
                continue
        lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def remove_secrets(pages: list[Page]) -> list[Page]:
    """Whole sentences go. Large corpora mask instead, say with "|||EMAIL_ADDRESS|||"
    (Dolma, Soldaini et al. 2024).
    """
    return [
        mended(page, without_secrets(page.text)) if _SECRET.search(page.text) else page
        for page in pages
    ]


# --- Drop: other languages, low quality, rudeness -------------------------------------

#: A little text of each language that a page may be in; the crawl's generator has none
#: of these sentences. Their line ends count, so they stay as they are.
SAMPLES = {
    "English": (
        """
It was a quiet morning when the old woman opened her shop. She asked her neighbour what he would like to buy, and he
said that he had come for bread and cheese, and to hear the news. There was a letter on the table. Who wrote it?
Nobody knew, but the children thought that it was from a sailor who had left them years ago. They were happy to read
it again and again. When it began to rain, all of them went home, and the street was empty until the evening. Her
brother had worked on a ship for most of his life, and he could tell you how the wind would turn before you felt it.
Every spring he painted the door of his house, always in another colour. Some people laughed about that, but he did
not mind. When the others asked why he took so much trouble, he said that a house should look as if somebody lived
there. Have you ever seen such a thing? There is nothing better than to sit outside after work, while the light goes
slowly."""  # noqa: E501
    ),
    "French": (
        """
C'était un matin tranquille quand la vieille dame ouvrit sa boutique. Elle demanda à son voisin ce qu'il voulait
acheter, et il répondit qu'il était venu pour du pain et du fromage, et pour entendre les nouvelles. Il y avait une
lettre sur la table. Qui l'avait écrite? Personne ne le savait, mais les enfants pensaient qu'elle venait d'un marin
parti depuis des années. Ils étaient heureux de la relire. Quand il se mit à pleuvoir, tous rentrèrent chez eux. Son
frère avait travaillé sur un navire pendant presque toute sa vie, et il pouvait vous dire comment le vent allait
tourner avant qu'on le sente. Chaque printemps il peignait la porte de sa maison, toujours d'une autre couleur. Les
gens riaient, mais cela lui était égal. Quand les autres lui demandaient pourquoi il se donnait tant de mal, il disait
qu'une maison doit avoir l'air habitée. Avez-vous déjà vu une chose pareille? Il n'y a rien de mieux que de rester
dehors après le travail."""  # noqa: E501
    ),
    "Swedish": (
        """
Det var en lugn morgon när den gamla kvinnan öppnade sin butik. Hon frågade grannen vad han ville köpa, och han sade
att han hade kommit för bröd och ost, och för att höra nyheterna. Det låg ett brev på bordet. Vem hade skrivit det?
Ingen visste, men barnen trodde att det var från en sjöman som hade lämnat dem för många år sedan. De var glada att
läsa det igen. När det började regna gick alla hem, och gatan var tom ända till kvällen. Hennes bror hade arbetat på
ett fartyg under större delen av sitt liv, och han kunde säga hur vinden skulle vända innan man kände den. Varje vår
målade han dörren till sitt hus, alltid i en annan färg. Några skrattade åt det, men han brydde sig inte. När de andra
frågade varför han gjorde sig så mycket besvär, sade han att ett hus ska se ut som om någon bor där. Har du någonsin
sett något sådant? Det finns inget bättre än att sitta ute efter arbetet, medan ljuset sakta försvinner."""  # noqa: E501
    ),
}


def languages(texts: list[str], width: int = 200, margin: float = 0.5) -> list[str]:
    """The language of each text, by its first `width` characters: English, unless
    another language's character trigrams find them less surprising by more than
    `margin` bits a character. (A list of names looks like any language.)

    Classifying by character n-grams is Cavnar and Trenkle's idea (1994); the model is
    that of the chapter before. All texts are scored as one long sequence, since numpy
    is quick on long arrays and slow on many short ones.
    """
    if not texts:
        return []
    windows = "".join(text[:width].replace("\n", " ").ljust(width) for text in texts)
    lengths = np.array([[max(1, min(len(text), width))] for text in texts])
    # a mean over the text's own characters, not the padding
    share = (np.arange(width) < lengths) / lengths
    alphabet = sorted(set("".join(SAMPLES.values())))
    bits = []
    for sample in SAMPLES.values():
        model = NGramModel(3, vocabulary=alphabet).fit(sample.split("\n"))
        bits.append(
            (model.token_bits(windows)[:-1].reshape(len(texts), width) * share).sum(
                axis=1
            )
        )
    bits[0] -= margin
    return [list(SAMPLES)[i] for i in np.argmin(bits, axis=0)]


def keep_english(pages: list[Page]) -> list[Page]:
    """Pages in other languages are dropped."""
    found = languages([page.text for page in pages])
    return [
        page
        for page, language in zip(pages, found, strict=True)
        if language == "English"
    ]


STOP_WORDS = frozenset(
    "the be to of and that have with a is in it for what you does".split()
)


def quality_faults(text: str) -> list[str]:
    """Which rules of thumb `text` breaks. After Gopher (Rae et al. 2021, appendix
    A.1.1) and C4 (Raffel et al. 2020).

    Gopher wants 50 to 100,000 words and two stop words out of eight; Larkhaven's
    notices are shorter, so 8 words do here, and one stop word of a longer list. The
    rules on capitals and exclamation marks are ours.
    """
    words = text.split()
    letters = sum(map(str.isalpha, text))
    n = max(len(words), 1)
    rules = {
        "fewer than 8 words": len(words) < 8,
        "mean word length outside 3 to 10": not 3 <= sum(map(len, words)) / n <= 10,
        "fewer than 80 % of words have a letter": (
            sum(any(map(str.isalpha, w)) for w in words) < 0.8 * n
        ),
        "no stop word": STOP_WORDS.isdisjoint(WORD.findall(text.lower())),
        "many symbols": sum(map(text.count, "#$*<>{}\ufffd")) > 0.1 * n,
        "shouting": (
            sum(map(str.isupper, text)) > 0.25 * letters or text.count("!") > 0.1 * n
        ),
    }
    return [name for name, broken in rules.items() if broken]


def drop_low_quality(pages: list[Page]) -> list[Page]:
    """Pages that break a rule of thumb are dropped: spam, and what was no text."""
    return [page for page in pages if not quality_faults(page.text)]


BLOCKED = re.compile(
    r"(?i)\b(nitwit|blockhead|numbskull|dunderhead|bilge rat|barnacle"
    r" brain|windbag|lummox)s?\b"
)


def drop_rude(pages: list[Page]) -> list[Page]:
    """Pages with a word of a block list are dropped, as in C4. Crude: a page that
    quotes the word goes as well.
    """
    return [page for page in pages if not BLOCKED.search(page.text)]


# --- Drop: leaked exam questions ------------------------------------------------------


def drop_exam_questions(pages: list[Page], questions: Iterable[str]) -> list[Page]:
    """Paragraphs that hold one of `questions`, word for word, are cut; a page of which
    nothing remains is dropped.

    After GPT-3 (Brown et al. 2020, appendix C), which looked for overlaps of 13 words;
    a question that is shorter counts as a whole.
    """
    grams = {tuple(words_of(question)[:13]) for question in questions} - {()}
    sizes = sorted({len(gram) for gram in grams})

    def leaked(text: str) -> bool:
        words = words_of(text)
        return any(
            tuple(words[i : i + n]) in grams
            for n in sizes
            for i in range(len(words) - n + 1)
        )

    # One quick look at all pages at once; only the suspects are then read word by word.
    numbers, text_index = word_numbers(
        [*(" ".join(gram) for gram in grams), *(page.text for page in pages)]
    )
    suspects = set()
    for n in sizes:
        hashes, index = shingles(numbers, text_index, n)
        suspects.update(
            (index[np.isin(hashes, hashes[index < len(grams)])] - len(grams)).tolist()
        )
    kept = []
    for i, page in enumerate(pages):
        if i in suspects:
            page = mended(
                page, "\n\n".join(p for p in page.text.split("\n\n") if not leaked(p))
            )
        if page.text:
            kept.append(page)
    return kept
