"""Is this machine ready for the labs? `python -m inkling selftest` says so in about ten
seconds.

Each line says "ok", "note" (the labs run, but you may want to know) or "not ok", and
then what to do about it. Nothing here reaches the network, and nothing is written but
one small file that is removed again.
"""

import importlib.metadata
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from inkling import checkpoints
from inkling.files import InklingError

OK, NOTE, BAD = "ok", "note", "not ok"
PYTHON = (3, 10)
PACKAGE = "inkling-book"
# What shows the labs. What they import is what the package itself asks for.
SHOWN_BY = ("jupyterlab>=4.0", "ipykernel>=6.0")
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets",
    "anywidget": "anywidget",
}
CHECKPOINTS = ("base", "sft", "reward", "rlhf", "embedder", "rag", "ten_minutes")
MEMORY, DISK = 2 * 2**30, 500 * 10**6
# What running every cell of a lab once takes on the machine where a training step takes
# REFERENCE_STEP seconds.
LAB_SECONDS = {
    "tokenizer": 15,
    "attention": 25,
    "pretrain": 30,
    "sampling": 25,
    "rater": 30,
    "rlhf": 30,
    "rag": 45,
    "capstone": 60,
}
REFERENCE_STEP = 0.05
# seconds a training step, tokens a second: beyond these a lab is no fun
SLOW_STEP, SLOW_WRITING = 0.5, 30
SLOW = "Slow: plug the laptop in, close other programs, or take Binder or Colab."
INSTALL = (
    "Run `make lab` again; by hand: pip install -r requirements.txt, then pip install"
    " --no-deps -e ."
)

AGAIN = (
    "Get them again: git checkout -- inkling/checkpoints, or pip install"
    " --force-reinstall --no-deps inkling-book."
)


class Result(NamedTuple):
    """One line of the self-test. state: OK, NOTE or BAD. found: what is there. todo:
    what to do about it.
    """

    name: str
    state: str
    found: str
    todo: str = ""


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Result:
    """Python is new enough."""
    found = ".".join(map(str, version))
    if tuple(version) < PYTHON:
        least = ".".join(map(str, PYTHON))
        return Result(
            "Python",
            BAD,
            found,
            f"Install Python {least} or newer; then `make lab PYTHON=python3.12`, say.",
        )
    return Result("Python", OK, found)


def check_packages() -> Result:
    """All that the installed package asks for, and what shows the labs, is there and
    new enough. In a copy of the repository: is it also the one the book pins?
    """
    from packaging.requirements import Requirement
    from packaging.version import InvalidVersion

    try:
        asked = importlib.metadata.requires(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return Result("packages", BAD, f"{PACKAGE} itself is not installed", INSTALL)
    missing, old, there = [], [], {}
    for wanted in map(Requirement, [*asked, *SHOWN_BY]):
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue  # for another system, or an extra that nobody asked for
        name = wanted.name
        try:
            there[name] = importlib.metadata.version(name)
            fits = wanted.specifier.contains(there[name], prereleases=True)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        except InvalidVersion:  # a build of somebody's own: its name says nothing
            fits = False
        if not fits:
            old.append(f"{name} is {there[name]}, needed is {wanted.specifier}")
    if missing or old:
        found = "; ".join([f"missing: {', '.join(missing)}"] * bool(missing) + old)
        return Result("packages", BAD, found, INSTALL)
    pins = Path(__file__).resolve().parents[1] / "requirements.txt"
    pinned = (
        dict(re.findall(r"^(\S+)==(\S+)$", pins.read_text("utf-8"), re.MULTILINE))
        if pins.is_file()
        else {}
    )
    other = [
        f"{n} {v}, not {pinned[n]}"
        for n, v in there.items()
        if n in pinned and pinned[n] != v.split("+")[0]
    ]
    if other:
        found = f"all there, but {'; '.join(other)}"
        return Result(
            "packages", NOTE, found, f"The book was tested with those. {INSTALL}"
        )
    return Result(
        "packages",
        OK,
        f"{len(there)} there, torch {there.get('torch', '')}".removesuffix(", torch "),
    )


def cores() -> int:
    """How many cores this process may use."""
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )


def check_cores() -> Result:
    """There are two cores; with one the labs run, at half the speed."""
    n = cores()
    if n < 2:
        todo = (
            "The labs run on one core, at about half the speed. Close other programs"
            " while one trains."
        )
        return Result("cores", NOTE, "1", todo)
    return Result("cores", OK, str(n))


def free_memory() -> int | None:
    """Bytes of memory that new programs can have here, a container's limit included;
    None if nothing tells.
    """
    free = []
    try:
        import psutil  # JupyterLab's kernels bring it

        free.append(psutil.virtual_memory().available)
    except ImportError:
        meminfo = Path("/proc/meminfo")
        if meminfo.is_file():
            free += [
                1024 * int(kb)
                for kb in re.findall(r"MemAvailable: *(\d+) kB", meminfo.read_text())
            ]
    try:
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            free.append(int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass  # no container, or one that does not tell
    return max(0, min(free)) if free else None


def check_memory() -> Result:
    """A lab's 2 GB of memory are free."""
    free = free_memory()
    if free is None:
        return Result(
            "memory",
            NOTE,
            "this system does not tell",
            "The labs need 2 GB. Close what you do not use.",
        )
    found = f"{free / 2**30:.1f} GB free"
    if free < MEMORY:
        todo = (
            "Close browser tabs, programs and notebooks (Kernel, Shut Down All"
            " Kernels), or take Binder or Colab."
        )
        return Result(
            "memory", BAD, f"{found}, the labs need {MEMORY / 2**30:.0f}", todo
        )
    return Result("memory", OK, found)


def check_disk(folder: str | os.PathLike = ".") -> Result:
    """There is room, and this folder can be written to: a notebook that cannot be saved
    loses your answers.
    """
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free"
    if free < DISK:
        return Result(
            "disk",
            BAD,
            f"{found}, the labs need {DISK / 1e9:g}",
            "Delete what you do not need.",
        )
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 65536)
            file.flush()
    except OSError as error:
        todo = "Start the labs in a folder that is yours."
        return Result(
            "disk",
            BAD,
            f"{Path(folder).resolve()} cannot be written to: {error.strerror or error}",
            todo,
        )
    return Result("disk", OK, found)


def damage(file: Path) -> str:
    """What is wrong with a safetensors file, as far as its size and its table of
    contents tell; "" if nothing is.
    """
    size = file.stat().st_size
    with open(file, "rb") as handle:
        start = handle.read(8)
        if start == b"version ":
            return "is only a pointer: the weights were not fetched. Run `git lfs pull`"
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > size - 8:
            return f"is cut short at {size:,} bytes"
        try:
            tensors = json.loads(handle.read(length))
            end = max(
                entry["data_offsets"][1]
                for name, entry in tensors.items()
                if name != "__metadata__"
            )
        except (ValueError, KeyError, TypeError):
            return "is damaged: its table of contents cannot be read"
    return (
        ""
        if size == 8 + length + end
        else f"has {size:,} bytes instead of {8 + length + end:,}"
    )


def check_checkpoints(names: Iterable[str] = CHECKPOINTS) -> Result:
    """Each shipped model is whole, and opens: its weights fit its config, and none is
    infinite or not a number.
    """
    faults, n = [], 0
    for name in names:
        try:
            folder = checkpoints.path(name)
        except InklingError:
            faults.append(f"{name} is missing")
            continue
        files = sorted(folder.glob("*.safetensors"))
        found = [
            f"{name}/{file.name} {what}" for file in files if (what := damage(file))
        ]
        found += (
            []
            if (folder / "tokenizer.json").is_file()
            else [f"{name}/tokenizer.json is missing"]
        )
        if not found:
            try:
                found = _opened(name, folder)
            except (InklingError, OSError, ValueError) as error:
                found = [f"{name}: {error}"]
        faults += found
        n += 1
    if faults:
        return Result("checkpoints", BAD, "; ".join(faults), AGAIN)
    return Result("checkpoints", OK, f"{n} whole")


def _opened(name: str, folder: Path) -> list[str]:
    """What is wrong with a checkpoint once it is open."""
    import torch

    from inkling.model.transformer import Transformer
    from inkling.text.tokenizer import Tokenizer

    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        model, tokenizer = (
            Transformer.from_pretrained(folder),
            Tokenizer.load(folder / "tokenizer.json"),
        )
    faults = [
        f"{name}: {complaint.message}"
        for complaint in complaints
        if complaint.category is UserWarning
    ]
    if not all(bool(torch.isfinite(weight).all()) for weight in model.parameters()):
        faults.append(f"{name} has weights that are no numbers")
    if tokenizer.vocab_size != model.config.vocab_size:
        faults.append(
            f"{name}: its tokenizer has {tokenizer.vocab_size} tokens, its model"
            f" {model.config.vocab_size}"
        )
    return faults


def check_writing(seconds: float = 1.0) -> Result:
    """The base model writes for a second: tokens a second."""
    from inkling.training.generate import stream

    model, tokenizer = checkpoints.load("base")
    tokens, began = [], time.perf_counter()
    for token in stream(
        model,
        [tokenizer.eos_id],
        model.config.context_length - 2,
        temperature=0.8,
        seed=1,
    ):
        tokens.append(token)
        if time.perf_counter() - began > seconds:
            break
    rate = len(tokens) / (time.perf_counter() - began)
    words = " ".join(tokenizer.decode(tokens[:14]).split())
    if rate < SLOW_WRITING:
        return Result("writing", NOTE, f"{rate:.0f} tokens a second", SLOW)
    return Result("writing", OK, f'{rate:.0f} tokens a second: "{words} ..."')


def training_step(seconds: float = 1.5) -> float:
    """Seconds of one training step of the base model's size, on 4 rows of 128 tokens:
    the best of a few.
    """
    import torch

    from inkling.training.pretrain import summed_loss

    model, _ = checkpoints.load("base")
    rows = torch.randint(
        model.config.vocab_size, (4, 129), generator=torch.Generator().manual_seed(0)
    )
    times, began = [], time.perf_counter()
    while len(times) < 2 or (time.perf_counter() - began < seconds and len(times) < 20):
        start = time.perf_counter()
        summed_loss(model, rows).backward()
        # plain gradient descent: loading torch's optimizers would take longer than all
        # of this
        with torch.no_grad():
            for weight in model.parameters():
                assert weight.grad is not None  # every weight has a part in the loss
                weight -= 1e-5 * weight.grad
                weight.grad = None
        times.append(time.perf_counter() - start)
    return min(times)


def check_training() -> Result:
    """A training step, and what it says about the labs on this machine."""
    step = training_step()
    total = sum(LAB_SECONDS.values()) * max(0.5, step / REFERENCE_STEP)
    found = (
        f"{1000 * step:.0f} ms a step; all cells of all labs once: about"
        f" {max(1, round(total / 60))} min"
    )
    if step > SLOW_STEP:
        return Result("training", NOTE, found, SLOW)
    return Result("training", OK, found)


def check_widgets() -> Result:
    """JupyterLab has the extensions that draw sliders, buttons and live figures."""
    from jupyter_core.paths import jupyter_path

    places = [Path(place) for place in jupyter_path("labextensions")]
    missing = [
        f"{extension} (package {package})"
        for extension, package in EXTENSIONS.items()
        if not any((place / extension / "package.json").is_file() for place in places)
    ]
    if missing:
        found = f"JupyterLab lacks {', '.join(missing)}"
        return Result(
            "widgets", BAD, found, f"{INSTALL} Then reload JupyterLab's page."
        )
    return Result("widgets", OK, "sliders, buttons and live figures will show")


def check_kernel() -> Result:
    """Notebooks start the Python that has the library, and this machine lets a browser
    and a kernel talk to it.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            socket.create_connection(listener.getsockname(), timeout=3).close()
    except OSError as error:
        todo = (
            "A firewall or a security program blocks 127.0.0.1, over which the browser"
            " reaches JupyterLab. Allow it."
        )
        return Result(
            "kernel", BAD, f"no connection to this machine itself: {error}", todo
        )
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Result(
            "kernel",
            BAD,
            "no kernel called python3",
            f"python -m ipykernel install --sys-prefix. {INSTALL}",
        )
    if os.path.isabs(program) and os.path.realpath(program) != os.path.realpath(
        sys.executable
    ):
        todo = (
            "python -m ipykernel install --sys-prefix, in the environment that has the"
            " library."
        )
        return Result(
            "kernel",
            NOTE,
            f"notebooks start {program}, and this is {sys.executable}",
            todo,
        )
    return Result(
        "kernel", OK, "starts this Python; the ports of this machine can be reached"
    )


CHECKS: dict[str, Callable[[], Result]] = {
    "Python": check_python,
    "packages": check_packages,
    "cores": check_cores,
    "memory": check_memory,
    "disk": check_disk,
    "widgets": check_widgets,
    "kernel": check_kernel,
    "checkpoints": check_checkpoints,
    "writing": check_writing,
    "training": check_training,
}


def attempt(name: str, check: Callable[[], Result]) -> Result:
    """The result of a check; one that breaks is "not ok" and says with what."""
    try:
        return check()
    except InklingError as error:
        return Result(name, BAD, str(error), "See the lines above.")
    except ImportError as error:
        return Result(
            name, BAD, f"needs a package that cannot be loaded: {error}", INSTALL
        )
    except Exception as error:  # whoever stops at the first surprise tells no more
        return Result(
            name,
            BAD,
            f"{type(error).__name__}: {error}",
            f"Please report this line as an issue. {INSTALL}",
        )


def line(result: Result) -> str:
    """A result as it is printed; what to do stands below it."""
    text = f"{result.state:7} {result.name:12} {result.found}"
    return f"{text}\n{'':7} {'':12} -> {result.todo}" if result.todo else text


def selftest(checks: dict[str, Callable[[], Result]] | None = None) -> bool:
    """Print each check's line as it comes, and a verdict. Returns whether the machine
    is ready.
    """
    began, bad = time.monotonic(), []
    for name, check in (CHECKS if checks is None else checks).items():
        result = attempt(name, check)
        print(line(result), flush=True)
        bad += [result.name] * (result.state == BAD)
    verdict = (
        "This machine is ready for the labs."
        if not bad
        else f"Not ready yet: {', '.join(bad)}."
    )
    print(f"\n{verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    return not bad
