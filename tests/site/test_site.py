"""The website: it builds without a warning, its links and pictures are whole, it needs no other
machine, and it can be read at 1280 and at 360 pixels, light and dark, by keyboard and by screen
reader.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import inkling_site
import pytest
from bs4 import BeautifulSoup
from conftest import COSTS, NOTEBOOKS, ROOT, Site

ALLOWED_CONSOLE = "THEBE_JS_URL"  # the theme declares it twice; harmless, and not ours
WIDTHS = {"desktop": 1280, "phone": 360}


@pytest.fixture(scope="module")
def soups(site: Site) -> dict[Path, BeautifulSoup]:
    """The parsed pages of the book."""
    return {
        page: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in site.pages
    }


def name_of(site: Site, page: Path) -> str:
    return page.relative_to(site.folder).as_posix()


# --- what the pages say ---------------------------------------------------------------------------


def test_the_site_has_every_page_of_the_table_of_contents(site):
    wanted = re.findall(r"(?:file|root): *(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert {name_of(site, page) for page in site.pages} == {f"{page}.html" for page in wanted}
    assert (site.folder / "index.html").exists(), (
        "the address of the folder itself must lead to the book"
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebooks_page_has_its_outputs(site, soups, notebook):
    page = site.folder / Path(notebook).with_suffix(".html")
    assert soups[page].select(".cell_output"), f"{notebook} shows no output: was it run?"


def test_no_page_shows_an_error_or_a_warning_of_the_machinery(site, soups):
    for page, soup in soups.items():
        text = soup.select_one("article").get_text(" ")
        for trace in (
            "Traceback (most recent call last)",
            "without encryption",
            "FutureWarning",
            "DeprecationWarning",
        ):
            assert trace not in text, f"{name_of(site, page)} shows {trace!r}"
        assert not re.search(r"<Figure size|<matplotlib\.|<Axes:|object at 0x", text), name_of(
            site, page
        )


def test_every_picture_has_alt_text(site, soups):
    for page, soup in soups.items():
        for image in soup.select("img"):
            alt = (image.get("alt") or "").strip()
            where = f"{name_of(site, page)}: {image.get('src', '')[:80]}"
            assert alt, f"no alt text: {where}"
            assert not re.search(r"\S\.(png|svg|jpe?g|gif)$", alt), f"a path as alt text: {where}"


def test_headings_come_in_order(site, soups):
    for page, soup in soups.items():
        levels = [
            int(h.name[1])
            for h in soup.select("article h1, article h2, article h3, article h4, article h5")
        ]
        assert levels[:1] == [1] and levels.count(1) == 1, (
            f"{name_of(site, page)} needs exactly one top heading, first"
        )
        for above, below in zip(levels, levels[1:], strict=False):
            assert below <= above + 1, (
                f"{name_of(site, page)}: a level {below} heading follows a level {above} one"
            )


def test_links_inside_the_site_lead_somewhere(site, soups):
    ids: dict[Path, set[str]] = {}
    for page, soup in soups.items():
        for link in soup.select("a[href], img[src], link[href], script[src]"):
            address = link.get("href") or link.get("src")
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            where = f"{name_of(site, page)} -> {address}"
            assert target.exists(), f"nothing there: {where}"
            if parts.fragment and target.suffix == ".html" and link.name == "a":
                if target not in ids:
                    parsed = soups.get(target) or BeautifulSoup(
                        target.read_text(encoding="utf-8"), "html.parser"
                    )
                    ids[target] = {tag["id"] for tag in parsed.select("[id]")}
                assert unquote(parts.fragment) in ids[target], f"no such place on the page: {where}"


def test_links_in_the_repositorys_own_texts_lead_somewhere():
    for text in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text.read_text(encoding="utf-8")):
            if not urlsplit(target).scheme:
                assert (ROOT / target).exists(), (
                    f"{text.name} links to {target}, which is not there"
                )


def test_no_page_loads_anything_from_another_machine(site):
    loads = re.compile(
        r"""<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=["'](?:https?:)?//"""
    )
    for page in site.folder.rglob("*.html"):
        found = loads.findall(page.read_text(encoding="utf-8"))
        assert not found, f"{name_of(site, page)}: {found[:3]}"


# --- the repository's address ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/ann/book.git", "https://github.com/ann/book"),
        ("https://token@github.com/ann/book", "https://github.com/ann/book"),
        ("git@github.com:ann/book.git", "https://github.com/ann/book"),
        ("ssh://git@gitlab.com/ann/book.git", "https://gitlab.com/ann/book"),
        ("/srv/git/book.git", ""),
        ("", ""),
    ],
)
def test_the_repositorys_address_comes_from_its_remote(remote, address):
    assert inkling_site.web_address(remote) == address


def test_the_repositorys_address_in_ci_is_the_forks(tmp_path):
    assert (
        inkling_site.repository_url({"GITHUB_REPOSITORY": "bob/fork"}, tmp_path)
        == "https://github.com/bob/fork"
    )
    assert inkling_site.repository_url({}, tmp_path) == ""


def test_a_change_in_the_library_makes_cached_outputs_stale(tmp_path):
    (tmp_path / "inkling").mkdir()
    (tmp_path / "requirements.txt").write_text("torch==1\n")
    (tmp_path / "inkling" / "a.py").write_text("x = 1\n")
    before = inkling_site.library_fingerprint(tmp_path)
    assert inkling_site.library_fingerprint(tmp_path) == before
    (tmp_path / "inkling" / "a.py").write_text("x = 2\n")
    after = inkling_site.library_fingerprint(tmp_path)
    assert after != before
    (tmp_path / "inkling" / ".ruff_cache").mkdir()
    (tmp_path / "inkling" / ".ruff_cache" / "x").write_text("what a tool left")
    assert inkling_site.library_fingerprint(tmp_path) == after, "a linter's run changes no page"
    cache = tmp_path / "cache"
    assert inkling_site.library_fingerprint(tmp_path, cache) == after, "nothing was fetched"
    (cache / "smollm2").mkdir(parents=True)
    (cache / "smollm2" / "model.gguf").write_bytes(b"GGUF")
    assert inkling_site.library_fingerprint(tmp_path, cache) != after, (
        "a page that missed the model must run again"
    )


# --- in a browser ---------------------------------------------------------------------------------


def open_page(browser, address: str, width: int, scheme: str):
    """Open an address in a fresh context. Returns (page, requests, complaints of the console)."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address, wait_until="load")
    page.wait_for_load_state("networkidle")
    return page, requests, [text for text in complaints if ALLOWED_CONSOLE not in text]


def scroll_through(page) -> None:
    """Let everything that loads when it comes into view come into view, and wait for pictures."""
    page.evaluate(
        "async () => { for (let y = 0; y < document.body.scrollHeight; y += 600) {"
        " window.scrollTo(0, y); await new Promise(r => setTimeout(r, 15)); } window.scrollTo(0,"
        " 0); }"
    )
    page.wait_for_function("() => [...document.images].every(i => i.complete)")


def faults_of(
    browser, address: str, width: int, scheme: str, server: str
) -> tuple[list[str], list[str]]:
    """What a reader of this page on such a screen would stumble over, and what axe says of it at a
    desktop's width.
    """
    page, requests, complaints = open_page(browser, address, width, scheme)
    scroll_through(page)
    eye = faults_for_the_eye(page, requests, complaints, scheme, server)
    axe = accessibility_faults(page) if width == WIDTHS["desktop"] else []
    page.context.close()
    return eye, axe


@pytest.fixture(scope="session")
def visit(site, server, browser):
    """Every page, opened once on such a screen: {name: what `faults_of` says}."""

    @functools.cache
    def visit(size: str, scheme: str) -> dict[str, tuple[list[str], list[str]]]:
        names = [name_of(site, page) for page in site.pages]
        return {
            name: faults_of(browser, f"{server}/{name}", WIDTHS[size], scheme, server)
            for name in names
        }

    return visit


def faults_for_the_eye(
    page, requests: list[str], complaints: list[str], scheme: str, server: str
) -> list[str]:
    """What a reader of this opened page would stumble over."""
    faults = [f"console: {text[:300]}" for text in complaints]
    faults += [f"asks another machine: {url}" for url in requests if not own(url, server)]
    overflow = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    if overflow > 0:
        faults.append(
            f"{overflow} px wider than the screen; sticking out: {page.evaluate(STICKS_OUT)}"
        )
    faults += [f"picture does not load: {src}" for src in page.evaluate(BROKEN_PICTURES)]
    faults += [f"squeezed picture: {what}" for what in page.evaluate(SQUEEZED_PICTURES)]
    if page.evaluate("() => document.documentElement.dataset.theme") != scheme:
        faults.append(f"does not follow the reader's {scheme} colour scheme")
    return faults


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WIDTHS)
def test_pages_read_well(visit, size, scheme):
    faults = {name: eye for name, (eye, _) in visit(size, scheme).items()}
    assert not any(faults.values()), "\n".join(
        f"{name}: {fault}" for name in faults for fault in faults[name]
    )


def own(url: str, server: str) -> bool:
    return url.startswith((server + "/", "data:", "blob:"))


BROKEN_PICTURES = """() => [...document.querySelectorAll('article img')]
    .filter(i => i.complete && i.naturalWidth === 0 && i.offsetParent !== null)
    .map(i => i.src.slice(0, 120))"""
# Drawn in another shape than their own, by more than 2 %.
SQUEEZED_PICTURES = """() => [...document.querySelectorAll('article img')]
    .filter(i => i.naturalWidth > 0 && i.offsetParent !== null)
    .map(i => [i, i.getBoundingClientRect()])
    .filter(([i, box]) => !(Math.abs(
        box.width / box.height * i.naturalHeight / i.naturalWidth - 1) <= 0.02))
    .map(([i, box]) => `${Math.round(box.width)} x ${Math.round(box.height)} px instead of ` +
        `${i.naturalWidth} : ${i.naturalHeight}: ${i.src.slice(-76)}`)"""
STICKS_OUT = """() => [...document.querySelectorAll('article *')]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1).slice(0, 4)
    .map(e => e.tagName + '.' + e.className)"""


@pytest.mark.timeout(600)
def test_pages_work_straight_from_the_disk(site, browser):
    problems = []
    for file in site.pages:
        page, requests, complaints = open_page(browser, file.as_uri(), 1280, "light")
        scroll_through(page)
        name = name_of(site, file)
        problems += [f"{name}: console: {text[:300]}" for text in complaints]
        away = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
        problems += [f"{name}: asks another machine: {url}" for url in away]
        page.context.close()
    assert not problems, "\n".join(problems)


def accessibility_faults(page) -> list[str]:
    """What axe calls serious or critical in the opened page's article."""
    from axe_playwright_python.sync_playwright import Axe

    result = Axe().run(
        page, context={"include": [["article"]]}, options={"resultTypes": ["violations"]}
    )
    faults = []
    for violation in result.response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            nodes = [
                f"{n['target']} {n.get('failureSummary', '')[:300]}" for n in violation["nodes"][:3]
            ]
            faults.append(f"{violation['id']} ({len(violation['nodes'])}): {nodes}")
    return faults


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_accessibility_fault(visit, scheme):
    faults = {name: axe for name, (_, axe) in visit("desktop", scheme).items()}
    assert not any(faults.values()), "\n".join(
        f"{name}: {fault}" for name in faults for fault in faults[name]
    )


BAD_PAGE = """<!doctype html><html lang="en" data-theme="light"><title>Bad</title><body><article>
<img src="none.png" width="20" height="20">
<img alt="A square" style="width: 40px; height: 90px" src="data:image/svg+xml,
%3Csvg xmlns='http://www.w3.org/2000/svg' width='60' height='60'/%3E">
<p style="color: #ccc; background: #fff">Pale words.</p>
<div style="width: 900px">Wide.</div>
<script>console.error("something broke"); fetch("http://192.0.2.1/").catch(() => {});</script>
</article></body></html>"""


def test_a_bad_page_does_not_pass(browser, tmp_path):
    (tmp_path / "bad.html").write_text(BAD_PAGE, encoding="utf-8")
    address = (tmp_path / "bad.html").as_uri()
    eye = " ".join(faults_of(browser, address, WIDTHS["phone"], "dark", tmp_path.as_uri())[0])
    for expected in (
        "something broke",
        "192.0.2.1",
        "wider than the screen",
        "none.png",
        "40 x 90 px instead of 60 : 60",
        "colour scheme",
    ):
        assert expected in eye, f"not found: {expected}, in {eye}"
    axe = " ".join(faults_of(browser, address, WIDTHS["desktop"], "light", tmp_path.as_uri())[1])
    assert "image-alt" in axe and "color-contrast" in axe, axe


def test_a_page_that_nbval_has_run_is_not_run_again(site):
    ran = [name for name in COSTS if name in NOTEBOOKS and COSTS[name].returncode == 0]
    again = [name for name in ran if f"{ROOT / name}: Executing notebook" in site.log]
    assert not again, f"their outputs were not found in the cache: {again}"


def test_mathematics_is_drawn(site, server, browser):
    with_maths = [page for page in site.pages if 'class="math' in page.read_text(encoding="utf-8")]
    assert with_maths, "no page has a formula: this test has nothing to look at"
    page, _, _ = open_page(browser, f"{server}/{name_of(site, with_maths[0])}", 1280, "light")
    page.wait_for_selector("article mjx-container svg", timeout=20_000)
    assert not page.query_selector("article mjx-merror"), "MathJax does not understand a formula"
    page.context.close()


def test_the_search_finds_a_word(site, server, browser):
    page, _, _ = open_page(browser, f"{server}/search.html?q=tokenizer", 1280, "light")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    page.context.close()


def test_the_keyboard_reaches_the_text(site, server, browser):
    """The first stop is a link that skips the menu, and following it leads into the article."""
    page, _, _ = open_page(browser, f"{server}/book/index.html", 1280, "light")
    page.keyboard.press("Tab")
    first = page.evaluate("() => document.activeElement.getAttribute('href')")
    assert first == "#main-content", f"the first Tab stop should skip to the text, but is {first}"
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("() => !!document.activeElement.closest('article')"):
            break
    assert page.evaluate("() => !!document.activeElement.closest('article a, article button')")
    outline = page.evaluate(
        "() => { const s = getComputedStyle(document.activeElement);"
        " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; }"
    )
    assert outline, "the focused link cannot be seen"
    page.context.close()


FOCUSED = ["body", '.cell_input pre[tabindex="0"]', "article summary", '.ink-tokens [tabindex="0"]']


def test_no_arrow_key_leaves_the_page(site, server, browser):
    """They move inside the live figures and scroll code, so they must not turn the book's pages."""
    chapter = next(page for page in site.pages if page.name == "attention.html")
    address = f"{server}/{name_of(site, chapter)}"
    page, _, _ = open_page(browser, address, 1280, "light")
    assert page.query_selector("link[rel=prev]") and page.query_selector("link[rel=next]")
    for focus in FOCUSED:
        for key in ("ArrowRight", "ArrowLeft"):
            if focus != "body":  # which has the focus as long as nothing else has
                page.locator(focus).locator("visible=true").first.focus()
            assert page.evaluate("focus => document.activeElement.matches(focus)", focus), focus
            page.keyboard.press(key)
            page.wait_for_timeout(300)  # by then a page that was asked for has taken over
            assert page.url == address, f"{key} on {focus} leads to {page.url}"
    page.context.close()


def test_the_colour_scheme_can_be_switched_by_hand(site, server, browser):
    page, _, _ = open_page(browser, f"{server}/book/index.html", 1280, "light")
    button = page.locator("button.theme-switch-button:visible").first
    seen = set()
    for _ in range(3):
        seen.add(page.evaluate("() => document.documentElement.dataset.theme"))
        button.click()
    assert seen == {"light", "dark"}
    page.context.close()
