"""The readable text of a web page.

The parser is libxml2's, by way of lxml: it reads whatever people write between angle
brackets as a browser would, in linear time. It calls a target for each start, end and
piece of text; what is a paragraph and what is a menu is decided here.
"""

import re
from collections import Counter
from typing import Any

from lxml import etree

#: Elements whose text a browser does not show, or shows in a control.
UNSEEN = frozenset(
    "title script style template textarea select datalist button iframe noembed"
    " noframes".split()
)
#: What stands around the text of a page.
AROUND = frozenset("nav aside header footer".split())
#: Elements that begin on a line of their own (HTML standard, section 15.3).
BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl"
    " dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html"
    " legend li listing main menu nav ol p plaintext pre search section summary table"
    " tbody td tfoot th thead tr ul xmp".split()
)
AS_TYPED = frozenset("pre listing plaintext xmp".split())

_SPACE = re.compile(r"[ \t\r\n\f]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAY_STAY_OPEN = re.compile(
    r"<(/?)(a|nav|aside|header|footer|form|button|select|datalist|template)[\s/>]",
    re.IGNORECASE,
)


def _unclosed(html: str) -> set[str]:
    """Which of those elements begin more often than they end."""
    tags = Counter(
        (tag.lower(), bool(slash)) for slash, tag in _MAY_STAY_OPEN.findall(html)
    )
    return {tag for tag, _ in tags if tags[tag, False] > tags[tag, True]}


class _Blocks:
    """Collects a page's blocks of text, each with the region that it stands in.

    Region 0 is the page; each nav, aside, header, footer and form has one of its own.
    An element that is never closed would swallow the rest of the page, so it gets none
    and hides nothing: better a menu too many than a page too few. For the same reason a
    link that is never closed ends with its block. A header inside of an article is its
    headline.
    """

    def __init__(self, unclosed: set[str]):
        self.unclosed = unclosed
        self.blocks: list[tuple[str, int]] = []
        self.pieces: list[str] = []
        self.link_letters = 0
        # how many elements of each kind are open
        self.unseen = self.link = self.as_typed = self.articles = 0
        self.parents, self.letters, self.is_form = [0], [0], [False]
        self.region, self.outer = 0, []

    def end_block(self) -> None:
        text = "".join(self.pieces)
        if not self.as_typed:
            lines = re.sub(" +", " ", text).split("\n")
            text = "\n".join(line.strip(" ") for line in lines)
        text = text.strip("\n") if self.as_typed else text.strip("\n ")
        # A menu gives itself away: most of it is links.
        if text.strip() and self.link_letters <= len(text) / 2:
            self.blocks.append((text, self.region))
            self.letters[self.region] += len(text)
        self.pieces, self.link_letters = [], 0
        if "a" in self.unclosed:
            self.link = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in BLOCKS:
            self.end_block()
        elif tag == "br":
            self.pieces.append("\n")
        self.unseen += tag in UNSEEN and tag not in self.unclosed
        self.as_typed += tag in AS_TYPED
        self.articles += tag in ("article", "main")
        self.link += tag == "a" and "href" in attributes
        if tag in AROUND or tag == "form":
            self.outer.append(self.region)
            if tag not in self.unclosed and not (tag == "header" and self.articles):
                self.parents.append(self.region)
                self.letters.append(0)
                self.is_form.append(tag == "form")
                self.region = len(self.parents) - 1

    def end(self, tag: str) -> None:
        if tag in BLOCKS:
            self.end_block()
        hides = tag in UNSEEN and tag not in self.unclosed
        self.unseen = max(0, self.unseen - hides)
        self.as_typed = max(0, self.as_typed - (tag in AS_TYPED))
        self.articles = max(0, self.articles - (tag in ("article", "main")))
        self.link = max(0, self.link - (tag == "a"))
        if (tag in AROUND or tag == "form") and self.outer:
            self.region = self.outer.pop()

    def data(self, data: str) -> None:
        if not self.unseen:
            # in HTML a line break in the source is a space
            piece = data if self.as_typed else _SPACE.sub(" ", data)
            self.pieces.append(piece)
            self.link_letters += len(piece) * bool(self.link)

    def comment(self, text: str) -> None:
        """Nobody sees comments."""

    def close(self) -> None:
        self.end_block()

    def text(self) -> str:
        # What stands in a form counts for what is around the form, too.
        for region in range(len(self.parents) - 1, 0, -1):
            if self.is_form[region]:
                self.letters[self.parents[region]] += self.letters[region]
        # A form with most of the text in it is the page itself.
        kept = [True]
        for region in range(1, len(self.parents)):
            is_page = (
                self.is_form[region] and 2 * self.letters[region] > self.letters[0]
            )
            kept.append(is_page and kept[self.parents[region]])
        return "\n\n".join(text for text, region in self.blocks if kept[region])


def text_of_html(html: str) -> str:
    """The readable text of a web page: no tags, scripts or navigation, and no block
    that is mostly links. Lines of a `<pre>` stay as they are.

    Menus give themselves away by their link density (Kohlschuetter et al. 2010,
    "Boilerplate detection using shallow text features").
    """
    blocks = _Blocks(_unclosed(html))
    target: Any = blocks  # lxml's stubs want one that takes bytes as well
    parser = etree.HTMLParser(target=target, huge_tree=True)
    parser.feed(_LONE_SURROGATE.sub("\ufffd", html))
    parser.close()
    return blocks.text()
