"""What several test files share: the built site, a server for it, a browser, and what each notebook cost."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import listings
import offline
import psutil
import pytest
from notebook_runs import ONE_THREAD

# Threads that wait for each other sleep instead of spinning. On a machine that has something else to do, spinning makes
# a training step ten times as expensive. Set before torch is loaded, and inherited by every kernel and build.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = offline.namespace_works()
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


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds on the clock, and the peak memory of its process tree in bytes."""

    returncode: int
    seconds: float
    peak_bytes: int
    output: str


def run_measured(
    arguments: list[str],
    environment: dict[str, str],
    timeout: float,
    cwd: Path = ROOT,
    give_up: threading.Event | None = None,
) -> Cost:
    """Run a command and watch the memory of its whole process tree, without the tree's root (the test runner itself).

    It is killed when `timeout` seconds are over, or when `give_up` is set.
    """
    start, peak = time.monotonic(), 0
    process = subprocess.Popen(
        arguments, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read()), daemon=True)
    reader.start()
    root = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, memory_below(root))
        if time.monotonic() - start > timeout or (give_up is not None and give_up.is_set()):
            for child in [*root.children(recursive=True), root]:
                child.kill()
        time.sleep(0.2)
    reader.join(timeout=10)
    return Cost(process.returncode, time.monotonic() - start, peak, "".join(output))


def nbval(notebook: str | Path, cell_timeout: float, *options: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs a notebook with nbval, network off, and the environment for it."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", f"--nbval-cell-timeout={cell_timeout:.0f}", str(notebook)]
    command += ["-q", "-p", "no:cacheprovider", "--timeout=0", *options]
    variables = offline.environment()
    variables.pop("PYTEST_ADDOPTS", None)  # what was meant for this run, such as -k, is not meant for that one
    return offline.command(command, NAMESPACE), variables


def memory_below(process: psutil.Process) -> int:
    """Bytes held by the kernels (and what they started) below `process`.

    What each holds for itself, and what they share (the libraries) once. It is what they would need alone on a machine:
    that another notebook shares the same libraries at the moment makes it no smaller.
    """
    own, shared = 0, 0
    try:
        kernels = [child for child in process.children(recursive=True) if "ipykernel_launcher" in child.cmdline()]
        for member in [p for kernel in kernels for p in (kernel, *kernel.children(recursive=True))]:
            memory = member.memory_full_info()
            own, shared = own + memory.uss, max(shared, memory.rss - memory.uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass  # it ended while we looked
    return own + shared


# --- the site -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """The built website."""

    folder: Path
    log: str

    @property
    def pages(self) -> list[Path]:
        """Every page of the book itself, without the search page, the index and redirects."""
        return sorted([*(self.folder / "book").rglob("*.html"), *(self.folder / "labs").rglob("*.html")])


class Build:
    """The site's build, with the network off and warnings being errors, as a process of its own.

    Pages are made anew, so that every warning is seen again; executed notebooks come from the cache that `make book`
    uses when neither they nor the library have changed since. On a fresh machine it is empty and all of them run.
    """

    def __init__(self, threads: dict[str, str]) -> None:
        self.output = ROOT / "_build" / "test"
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        self.log = self.output / "log.txt"
        jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
        build = [*jupyter_book, "build", str(ROOT), "--path-output", str(self.output), "-W", "-n", "--keep-going"]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                offline.command(build, NAMESPACE), cwd=ROOT, env=offline.environment() | threads, stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def site(self) -> Site:
        """The site, once it is built."""
        try:
            self.process.wait(45 * 60)
        except subprocess.TimeoutExpired:
            self.stop()
        log = self.log.read_text(encoding="utf-8")
        if self.process.returncode != 0:
            code = self.process.returncode
            pytest.fail(f"the site does not build (exit code {code}):\n{log[-6000:]}", pytrace=False)
        return Site(self.output / "_build" / "html", log)

    def stop(self) -> None:
        if self.process.poll() is None:
            tree = psutil.Process(self.process.pid)
            for each in [*tree.children(recursive=True), tree]:
                each.kill()
            self.process.wait()


def stage(item: pytest.Item) -> int:
    """Tests run in this order: 0, those that need no site; 1, the notebooks; 2, those that look at the site."""
    fixtures = getattr(item, "fixturenames", ())
    if "runs" in fixtures or item.name == "test_whole_book_within_fifteen_minutes":
        return 1
    return 2 if "site" in fixtures else 0


def pytest_collection_modifyitems(items):
    items.sort(key=stage)  # a stable sort: within a stage nothing moves


def pytest_runtestloop(session):
    """Begin the site on one of the cores while the tests that do not need it run on the other."""
    stages = {stage(item) for item in session.items}
    if not session.config.option.collectonly and 2 in stages and len(stages) > 1:
        session.config.inkling_build = Build(ONE_THREAD)


def site_in_the_making(config: pytest.Config) -> subprocess.Popen | None:
    """The process that builds the site just now; None where none does."""
    build = getattr(config, "inkling_build", None)
    return build.process if build and build.process.poll() is None else None


def pytest_sessionfinish(session):
    if build := getattr(session.config, "inkling_build", None):
        build.stop()


@pytest.fixture(scope="session")
def site(pytestconfig) -> Site:
    """The built website. A build that nothing else has to run beside has the whole machine."""
    build = getattr(pytestconfig, "inkling_build", None) or Build({})
    pytestconfig.inkling_build = build
    return build.site()


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


@pytest.fixture(scope="session")
def server(site: Site):
    """The address of a web server on this machine that serves the built site."""
    handler = functools.partial(QuietHandler, directory=str(site.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium. Without one: a failure in CI, a skip that says so elsewhere."""
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        message = f"no browser: install one of {', '.join(BROWSERS)} (Debian: apt-get install chromium)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


# --- what the notebooks cost ----------------------------------------------------------------------------------------

NOTEBOOKS = [path.relative_to(ROOT).as_posix() for path in listings.notebooks()]
COSTS: dict[str, Cost] = {}  # filled by test_notebooks.py


def pytest_terminal_summary(terminalreporter):
    if COSTS:
        terminalreporter.section("what the notebooks cost")
        for name, cost in COSTS.items():
            terminalreporter.write_line(f"{name:40} {cost.seconds:6.1f} s  {cost.peak_bytes / 2**20:6.0f} MiB")
        total = sum(cost.seconds for cost in COSTS.values())
        terminalreporter.write_line(f"{'all (one thread each, two at a time)':40} {total:6.1f} s")
