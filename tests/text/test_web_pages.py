import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.text.cleaning import strip_markup
from inkling.text.web_pages import text_of_html
from inkling.world.junk import Page

STORY = "<p>Ada bakes bread in Salt Street, and sells it at the harbour.</p>"
TEXT = "Ada bakes bread in Salt Street, and sells it at the harbour."


@pytest.mark.parametrize(
    ("page", "text"),
    [
        # a head that is never closed
        ("<html><head><title>T</title><body><p>Hello</p></body></html>", "Hello"),
        ("<head><title>T</title><p>Hello", "Hello"),
        ("<html><head><meta charset=utf-16><style>p {}</style>Hello", "Hello"),
        # what stands around the text, and is never closed
        (f"<nav><a href='/'>Home</a>{STORY}", TEXT),
        (f"<div><header>Larkhaven{STORY}</div>", f"Larkhaven\n\n{TEXT}"),
        (f"<aside>{STORY}", TEXT),
        (f"<div><button>Go</div>{STORY}", f"Go\n\n{TEXT}"),
        (f"<form><button>Go{STORY}</form>", f"Go\n\n{TEXT}"),
        (f"<a href='/'>Home<div>{STORY}</div>", TEXT),
        (f"<a name='top'>{STORY}", TEXT),
        # ... and closed
        (f"<nav>Home | News</nav>{STORY}<footer>This page uses cookies.</footer>", TEXT),
        (f"<NAV>Home | News</NAV >{STORY}", TEXT),
        (f"<article><header><h1>Ada</h1></header>{STORY}</article>", f"Ada\n\n{TEXT}"),
        # a form around the page, and a form in it
        (f"<form><nav>Home</nav>{STORY}<button>Send</button></form>", TEXT),
        (f"{STORY}<form>Search: <input><button>Go</button></form>", TEXT),
        (f"<div><form><div>{STORY}</div></form></div><p>Bye.</p>", f"{TEXT}\n\nBye."),
        # lines
        ("<pre>\ndef f():\n    return 1\n</pre>", "def f():\n    return 1"),
        ("<p>a\nb</p><pre>  c\n\n  d</pre>e\nf", "a b\n\n  c\n\n  d\n\ne f"),
        ("<p>one <b> two</b> three<br> four</p>", "one two three\nfour"),
        # blocks that are no <p>
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>c<td>d</table>", "a\n\nb\n\nc\n\nd"),
        ("<dl><dt>a<dd>b</dl><figure>c<figcaption>d</figcaption></figure>", "a\n\nb\n\nc\n\nd"),
        # what no browser shows as text
        ("<p>a</p><template>b</template><select><option>c</select><textarea>d</textarea>", "a"),
        # characters
        ("1 < 2 &amp; 3 &lt; 4 &eacute;&#128512;&#x80;", "1 < 2 & 3 < 4 é😀€"),
        ("<p>a\0b\ud800c", "a\ufffdb\ufffdc"),
        ("<!A<![/", ""),
        ("<p>x<![>y", "xy"),
        ("", ""),
    ],
)
def test_the_text_is_what_a_browser_shows(page, text):
    assert text_of_html(page) == text


def test_every_page_of_tags_is_taken_for_one():
    for page in ("<article>Ada.</article>", "<table><tr><td>Ada.</table>", "<h1>Ada.</h1>"):
        assert strip_markup([Page("u", page)])[0].text == "Ada."
    for text in ("a<b and b>c", "<3 <prefix> <bread>"):
        assert strip_markup([Page("u", text)])[0].text == text


SHOWN = "div p section article main ul ol li table tr td th h1 h3 blockquote pre b i span em a"
OFTEN_OPEN = "div p li td tr span b section nav header footer aside form button"
words = st.text(st.sampled_from("abc<>&\"'é東😀;#"), min_size=1, max_size=4)
trees = st.recursive(
    words,
    lambda inside: st.tuples(
        st.sampled_from([(tag, True) for tag in SHOWN.split()])
        | st.sampled_from([(tag, False) for tag in OFTEN_OPEN.split()]),
        st.lists(inside, max_size=4),
    ),
    max_leaves=25,
)


def written(tree) -> str:
    if isinstance(tree, str):
        return f" {html.escape(tree)} "
    (tag, closed), inside = tree
    return f"<{tag}>{''.join(map(written, inside))}" + f"</{tag}>" * closed


def words_of(tree) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    return [word for part in tree[1] for word in words_of(part)]


@settings(max_examples=300, deadline=None)
@given(trees)
def test_every_word_that_is_shown_comes_back_in_order(tree):
    assert text_of_html(written(tree)).split() == words_of(tree)


tags = st.sampled_from(
    "<p> </p> <div </div> <a <a href=x> </a> <nav> </nav> <form> </form> <pre> </pre> <!-- --> <!["
    " <!A <script> </script> <title> <table> <td> <svg> <frameset> <body> </body> </html> &#x"
    " &#xD800; &amp &notit; <plaintext> <template> = \" ' > < / \0 \ud800 \ufffe x".split(" ")
)


@settings(max_examples=300, deadline=None)
@given(st.lists(tags | st.text(max_size=3), max_size=30).map("".join))
def test_nothing_that_stands_in_a_page_raises(page):
    text_of_html(page).encode("utf-8")
