"""What several test files share: the built site, a server for it, a browser, and what each notebook
cost.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import inkling_site
import learner_copies
import listings
import make_book
import offline
import pytest
from notebook_runs import (
    AT_ONCE,
    ENVIRONMENT,
    NAMESPACE,
    ONE_THREAD,
    ROOT,
    SOLVED,
    Cost,
    Runs,
    kept_cost,
    run_measured,
    run_notebook,
)

NOTEBOOKS = [path.relative_to(ROOT).as_posix() for path in listings.notebooks()]
SOLVED_LABS = [
    f"labs/{path.name}{SOLVED}" for path in learner_copies.masters() if path.stem != "start"
]
SITE = "the site"  # among the names of the runs
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Chromium phones home on its own; these keep its requests out of the test's log.
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# --- the site -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """The built website."""

    folder: Path
    log: str

    @property
    def pages(self) -> list[Path]:
        """Every page of the book itself, without the search page, the index and redirects."""
        return sorted(
            [*(self.folder / "book").rglob("*.html"), *(self.folder / "labs").rglob("*.html")]
        )


class Build:
    """The site's build, with the network off and warnings being errors, as a process of its own.

    Pages are made anew, so that every warning is seen again; executed notebooks come from the
    cache, which `make book` and the runs of the notebooks fill. Those that are not there (with the
    library as it is now) run.
    """

    def __init__(self, give_up: threading.Event) -> None:
        output = ROOT / "_build" / "test"
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        self.html = output / "_build" / "html"
        self.cost = run_measured(
            offline.command(make_book.site_command("--path-output", str(output)), NAMESPACE),
            offline.environment(ENVIRONMENT),
            timeout=45 * 60,
            give_up=give_up,
        )

    def site(self) -> Site:
        """The site that came of it; without one the test that asks fails."""
        if self.cost.returncode != 0:
            code, log = self.cost.returncode, self.cost.output[-6000:]
            pytest.fail(f"the site does not build (exit code {code}):\n{log}", pytrace=False)
        return Site(self.html, self.cost.output)


def stage(item: pytest.Item) -> int:
    """Tests run in this order: 0, those that need neither notebooks nor the site; 1, the notebooks;
    2, the site.
    """
    fixtures = getattr(item, "fixturenames", ())
    if "site" in fixtures:
        return 2
    return int("notebook_runs" in fixtures or item.name == "test_whole_book_within_fifteen_minutes")


# What is done for readers on Binder and Colab, and by whoever publishes: with bash, on Linux. The
# full job of CI tests it.
PUBLISHING = {"test_launch.py", "test_published.py", "test_release.py", "test_workflows.py"}


@pytest.hookimpl(tryfirst=True)  # before `-m fast` chooses
def pytest_collection_modifyitems(items):
    items.sort(key=stage)  # a stable sort: within a stage nothing moves
    for item in items:
        browser = "browser" in getattr(item, "fixturenames", ())
        if stage(item) == 0 and not browser and item.path.name not in PUBLISHING:
            item.add_marker("fast")


def pytest_runtestloop(session):
    """Begin with the notebooks on one of the cores, while the tests that need none of them run on
    the other.

    What a notebook's run leaves goes into the site. So its build comes after the pages' notebooks,
    and beside the runs of the solved labs.
    """
    if session.config.option.collectonly:
        return
    stages = {stage(item) for item in session.items}
    wanted = [
        i.callspec.params["name"] for i in session.items if stage(i) == 1 and hasattr(i, "callspec")
    ]
    pages = [name for name in wanted if name in NOTEBOOKS]
    solved = [name for name in wanted if name not in NOTEBOOKS]
    folder = Path(tempfile.mkdtemp(prefix="inkling-notebooks-"))
    cache = inkling_site.executed_notebooks()

    def run(name: str, give_up: threading.Event) -> Cost | Build:
        if name != SITE:
            kept = kept_cost(name, cache) if cache and name in NOTEBOOKS else None
            return kept or run_notebook(name, folder, ONE_THREAD, give_up, cache)
        runs.ended(pages)
        return Build(give_up)

    runs = Runs([*pages, *([SITE] if 2 in stages else []), *solved], run)
    session.config.inkling_runs, session.config.inkling_folder = runs, folder
    if wanted and 0 in stages and AT_ONCE > 1:
        import torch  # a second or two that a session without notebooks need not pay

        torch.set_num_threads(1)
        runs.begin()


def pytest_sessionfinish(session):
    if runs := getattr(session.config, "inkling_runs", None):
        runs.close()
        shutil.rmtree(session.config.inkling_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def notebook_runs(pytestconfig) -> Runs:
    """The runs of the notebooks that were asked for in this session, and of no others."""
    return pytestconfig.inkling_runs


@pytest.fixture(scope="session")
def site(notebook_runs) -> Site:
    """The built website."""
    return notebook_runs.result(SITE).site()


@pytest.fixture
def axes():
    """Empty axes to draw on."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(folder: Path):
    """Inside, the address of a web server on this machine that has what lies in a folder."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(scope="session")
def server(site: Site):
    """The address of a web server that serves the built site."""
    with serving(site.folder) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium. Without one: a failure in CI, a skip that says so elsewhere."""
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        message = (
            f"no browser: install one of {', '.join(BROWSERS)} (Debian: apt-get install chromium)"
        )
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


# --- what the notebooks cost ----------------------------------------------------------------------

COSTS: dict[str, Cost] = {}  # filled by test_notebooks.py


def pytest_terminal_summary(terminalreporter):
    if COSTS:
        terminalreporter.section("what the notebooks cost")
        for name, cost in COSTS.items():
            terminalreporter.write_line(
                f"{name:40} {cost.seconds:6.1f} s  {cost.peak_bytes / 2**20:6.0f} MiB"
            )
        total = sum(cost.seconds for cost in COSTS.values())
        terminalreporter.write_line(f"{'all (one thread each, two at a time)':40} {total:6.1f} s")
