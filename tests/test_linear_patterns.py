"""No text from outside makes a pattern try again and again: twice the text, twice the time.

Each function of the library that runs a pattern is found by a scan of the source, and stands here:
in a row, with how a text from outside gets to it, or among those that never meet one.
"""

import ast
import contextlib
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tiny
from conftest import ROOT

from inkling.assistant.tastes import features
from inkling.closing.limits import admits
from inkling.files import InklingError
from inkling.labs.capstone_library import read_facts
from inkling.labs.rlhf_rubric import read_rubric
from inkling.labs.rlhf_samples import polite_words
from inkling.reading.bm25 import words
from inkling.reading.conversation import wants_passages
from inkling.reading.finder import Finder
from inkling.reading.orders import drop_orders
from inkling.reading.passages import Passage, chunk
from inkling.reading.rag import Answer, parse_answer
from inkling.reading.reading_exam import Task, is_right
from inkling.reading.retrieval import WordRetriever
from inkling.reading.shelves import stated_facts
from inkling.real.book_search import BookQuestion
from inkling.text.cleaning import (
    drop_low_quality,
    drop_rude,
    remove_secrets,
    repair_encoding,
    strip_markup,
    without_secrets,
)
from inkling.text.duplicates import words_of
from inkling.text.web_pages import text_of_html
from inkling.training.evaluate import names_value
from inkling.world import World
from inkling.world.junk import Page
from inkling.world.requests import Request, Style, read_request, reply
from inkling.world.story_reader import check_story

LIBRARY = ROOT / "inkling"
SIZE = 40_000  # characters; twice as many may take twice as long
MOST, FLOOR = 3.2, 0.01  # times as long, and seconds that do not count
NO_DOUBT = 2.4  # times as long, in a single try


@cache
def world(edition: int = 1) -> World:
    return World(0, edition)


def on_pages(step: Callable[[list[Page]], Any]) -> Callable[[str], Any]:
    return lambda text: step([Page("", text)])


def graded(text: str) -> None:
    """By the judge of each kind of request, but for stories, which `check_story` reads."""
    asked: dict[str, str] = {}
    for request in world().requests(60):
        asked.setdefault(request.kind, str(request.prompt))
    for prompt in (asked[kind] for kind in asked.keys() - {"story"}):
        world().gold_reward(prompt, text)


@cache
def asked_of_each_kind() -> list[tuple[Request, str]]:
    """One request of each kind of the second edition, but for stories, and a right reply."""
    asked: dict[str, Request] = {}
    for request in world(2).requests(100):
        asked.setdefault(request.slots.get("kind", request.kind), request)
    del asked["story"]
    return [(request, reply(world(2), request, Style(), 0)) for request in asked.values()]


def judged(text: str) -> None:
    """Each judge reads a tenth of the text, after what is right: there are many judges."""
    for request, right in asked_of_each_kind():
        world(2).gold_reward(request.prompt, f"{right} {text[: len(text) // 10]}")


def read_by_the_exam(text: str) -> None:
    name = world().first_names[0]
    task = Task("", (name, "trade"), "baker", [], None)
    is_right(world(), task, Answer(text, [], None, False))


RUBRIC = read_rubric("1 each ab\n1 a name from the question\n1 ab\n1 each sentence\n1 over 3 words")


FINDER = Finder(WordRetriever([Passage("0", "She is a smith.", "Ada Cobb")]))


class Row(NamedTuple):
    """A function and what is to be given to it over and over, beside what all are given; `covers`:
    the functions with patterns that it leads to, by module.
    """

    call: Callable[[str], Any]
    covers: dict[str, str]
    units: tuple[str, ...] = ()


TABLE = {
    "words": Row(
        words, {"reading/bm25": "words folded _pieces"}, ("a\u0301\u0323", "\uff9e\u0323")
    ),
    "chunk": Row(
        lambda text: chunk(text, overlap=1),
        {"reading/passages": "count_words split_sentences sentence_spans"},
        ("。", "東\u0301", '."', "a  "),
    ),
    "drop_orders": Row(
        lambda text: drop_orders([Passage("", text)]),
        {"reading/orders": "drop_orders"},
        ("<|", "ignore ", "|>", "<|x", "reply with ", "system", "new rule"),
    ),
    "parse_answer": Row(
        lambda text: parse_answer(text, []), {"reading/rag": "parse_answer"}, ("[1", "[1] ", "[1]")
    ),
    "Finder.spelled": Row(FINDER.spelled, {"reading/finder": "Finder.spelled"}, ("ada ", "adas'")),
    "wants_passages": Row(
        lambda text: wants_passages(text, about=False, named=True),
        {"reading/conversation": "wants_passages"},
        ("do not ", "never heard "),
    ),
    "is_right": Row(read_by_the_exam, {"reading/reading_exam": "is_right"}, ("baker ",)),
    "stated_facts": Row(
        lambda text: stated_facts(Passage("", text), ["Ada"]),
        {"reading/shelves": "_statements stated_facts"},
        ("Ada ", "She is ", "Ada is a "),
    ),
    "BookQuestion.right": Row(
        BookQuestion("", (), ("14", "a token")).right,
        {"real/book_search": "BookQuestion.right"},
        ("14", "14.", "a token1"),
    ),
    "strip_markup": Row(
        on_pages(strip_markup),
        {
            "text/cleaning": "strip_markup",
            "text/web_pages": "_unclosed _Blocks.end_block _Blocks.data text_of_html",
        },
        ("<p>", "<p ", "</", "<!--", "<a>x", "<nav>", "<![CDATA[", "&amp", "<pre>\n"),
    ),
    "text_of_html": Row(text_of_html, {}, ("<p>", "<!--", "<a>x", "<nav>", "<pre> \n")),
    "repair_encoding": Row(repair_encoding, {"text/cleaning": "repair_encoding"}, ("Ã", "²")),
    "without_secrets": Row(
        without_secrets,
        {"text/cleaning": "without_secrets"},
        ("+1 ", "(1", "1234-", "1234 ", "password ", "a@b.", "login: ", "a.a"),
    ),
    "remove_secrets": Row(on_pages(remove_secrets), {"text/cleaning": "remove_secrets"}, ("a@",)),
    "drop_low_quality": Row(on_pages(drop_low_quality), {"text/cleaning": "quality_faults"}),
    "drop_rude": Row(on_pages(drop_rude), {"text/cleaning": "drop_rude"}, ("nitwit", "bilge ")),
    "words_of": Row(words_of, {"text/duplicates": "words_of"}),
    "encode": Row(
        lambda text: tiny.tokenizer().encode(text, allow_special=False),
        {"text/tokenizer": "Tokenizer._encode_ordinary longest_of"},
        ("'", "'l", " \x1c", "<|end", "街"),
    ),
    "names_value": Row(
        lambda text: names_value(text, "baker", ["baker", "smith"]),
        {"training/evaluate": "names_value"},
        ("baker ", "bake"),
    ),
    "read_request": Row(
        lambda text: read_request(world(), text),
        {"world/requests": "_prompt_patterns"},
        ("What is ", "Who ", "Tell me "),
    ),
    "gold_reward": Row(
        graded,
        {
            "world/rubric": ("grade claims _judge_fact _judge_unknown _judge_how_to _judge_harm"),
            "world/story_reader": "Lexicon.__init__",
        },
        ("I will not ", "do not know. "),
    ),
    "judge_reply": Row(
        judged,
        {
            "world/judging": (
                "_fact _harm _how_to _outside _statement_patterns _topic _unknown claimed"
                " judge_reply sentences_of whole"
            )
        },
        ("I will not ", "do not know. ", "Gladly. ", "Ada is a baker. ", "Ada "),
    ),
    "read_request of edition 2": Row(
        lambda text: read_request(world(2), text),
        {},
        ("what is ", "hello ", "so ", "tell me ", "please "),
    ),
    "check_story": Row(
        lambda text: check_story(text, world()),
        {"world/story_reader": "Lexicon.skeleton _parse"},
        ('." ', "a boat ", "Ada. "),
    ),
    "features": Row(lambda text: features(text, text), {"assistant/tastes": "features"}),
    "admits": Row(admits, {"closing/limits": "admits"}, ("do not ", "not ")),
    "read_facts": Row(read_facts, {"labs/capstone_library": "read_facts"}, ("\r",)),
    "read_rubric": Row(
        lambda text: read_rubric(f"+1 {text}"),
        {"labs/rlhf_rubric": "read_rubric"},
        ("+1 ", "over "),
    ),
    "Rubric.score": Row(
        lambda text: RUBRIC.score(text, text),
        {"labs/rlhf_rubric": "Rule.count _phrase"},
        ("ab", "Ab "),
    ),
    "polite_words": Row(
        lambda text: polite_words([""], [text]), {"labs/rlhf_samples": "polite_words"}, ("thank",)
    ),
}

#: Function -> why no text from outside gets there, or why it cannot take long.
ELSEWHERE = {
    "labs/capstone_island spans_with": "the island's own pages",
    "live/bundle _modules": "the book's own JavaScript",
    "live/bundle bundle": "the book's own JavaScript",
    "real/book_text read_book": "the book's own table of contents",
    "real/book_text heading_anchor": "the book's own headings",
    "real/book_text term_anchor": "the book's own glossary",
    "real/myst_text directive_of": "the book's own pages",
    "real/myst_text block_text": "the book's own pages",
    "real/myst_text _box_text": "the book's own pages",
    "real/myst_text role_text": "the book's own pages",
    "selftest check_packages": "versions of packages, and requirements.txt",
    "selftest free_memory": "the system's own file",
    "text/readers _text_of": "looks for one character",
    "world/talk written": "the town's own wordings",
    "world/understanding Patterns.add": "the town's own wordings",
    "world/understanding _pattern": "the town's own wordings",
    "text/tokenizer compile_pattern": "compiles a pattern and runs none",
}

# -- the scan --------------------------------------------------------------------------------------


def is_engine(node: ast.AST) -> bool:
    """`re.search`, `regex.compile` and their like, not what only names a type or a flag."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("re", "regex")
        and node.attr not in ("Pattern", "Match", "escape", "error")
        and node.attr.islower()
    )


def patterns_of(tree: ast.Module) -> set[str]:
    """The names of the patterns that a module compiles."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and any(map(is_engine, ast.walk(node.value)))
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body, f"{node.name}.")


def users(root: Path) -> set[str]:
    """ "module function" of each that runs a pattern, its module's or one that it imported."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in root.rglob("*.py")}
    patterns = set().union(*map(patterns_of, trees.values()))
    found = set()
    for path, tree in trees.items():
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        taken = {alias.name for node in imports for alias in node.names} & patterns
        known = patterns_of(tree) | taken
        module = path.relative_to(root).with_suffix("").as_posix()
        for name, function in functions(tree.body):
            inside = list(ast.walk(function))
            if any(is_engine(n) or (isinstance(n, ast.Name) and n.id in known) for n in inside):
                found.add(f"{module} {name}")
    return found


def test_no_function_with_a_pattern_is_left_out():
    covered = {
        f"{module} {name}"
        for row in TABLE.values()
        for module, names in row.covers.items()
        for name in names.split()
    }
    assert not covered & ELSEWHERE.keys()
    assert users(LIBRARY) == covered | ELSEWHERE.keys(), "give it a row, or a reason"


def test_the_scan_finds_patterns_in_every_form(tmp_path):
    (tmp_path / "a.py").write_text(
        "import re\nA = [re.compile('x')]\ndef f(t): return A[0].sub('', t)\n"
        "class B:\n    def g(self, t): return re.search('x', t)\ndef h(t: re.Pattern): pass\n"
    )
    (tmp_path / "b.py").write_text("from a import A\ndef f(t): return A.findall(t)\n")
    assert users(tmp_path) == {"a f", "a B.g", "b f"}


# -- the times -------------------------------------------------------------------------------------


def seconds(call: Callable[[str], Any], text: str) -> float:
    """CPU time of this thread: what else runs on the machine does not count."""
    started = time.thread_time()
    with contextlib.suppress(InklingError):  # a refusal is an answer, too
        call(text)
    return time.thread_time() - started


def is_linear(call: Callable[[str], Any], make: Callable[[int], str], size: int = SIZE) -> bool:
    """Whether twice the text takes at most about twice the time, by the best of three tries.

    Fewer do where there is no doubt: a core that gets faster between two measurements makes four
    times look like three, and a single try would be taken in.
    """
    short, long = make(size), make(2 * size)
    once = twice = float("inf")
    for _ in range(3):
        twice = min(twice, seconds(call, long))
        if twice <= FLOOR:
            return True
        once = min(once, seconds(call, short))
        if twice <= NO_DOUBT * once + FLOOR:
            return True
        if once > 1:  # there is no doubt, and no time for more tries
            return False
    return twice <= MOST * once + FLOOR


#: What patterns look for, again and again, and never what ends it.
UNITS = (
    *"a .1-_<[(\"'`|*#@é東\n",
    *("A", "a ", "1 ", ". ", ".\n", "\n ", "a.", "a\n\n", "\x1c", "\u0301\u0323"),
)


@pytest.mark.parametrize("name", TABLE)
def test_twice_the_text_takes_twice_the_time(name):
    row = TABLE[name]
    seconds(row.call, "a")  # what is made once is made
    slow = [
        unit
        for unit in (*UNITS, *row.units)
        if not is_linear(row.call, lambda n, unit=unit: f"b{unit * (n // len(unit))}b")
    ]
    assert not slow, f"{name} takes more than twice the time for twice as many of {slow}"


@pytest.mark.parametrize("pattern", [r"\s*\n", r"<\|.*?\|>", r"\s*\[\d\]$", r"[\w.]+@"])
def test_a_pattern_that_tries_again_and_again_is_seen(pattern):
    """The forms that four of these functions had."""
    search = re.compile(pattern).search
    assert not all(
        is_linear(search, lambda n, unit=unit: unit * (n // len(unit)), SIZE // 8)
        for unit in (" ", "<|", "a")
    )
