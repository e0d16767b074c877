"""Install what Binder and a JupyterHub's image would, as far as pip goes, and look at what came.

    python tools/binder_check.py                   with this Python; about five minutes
    python tools/binder_check.py --python python3.12

The steps are not written down again: they are Binder's (`binder/requirements.txt`, then
`binder/postBuild`), and the RUN lines of the Dockerfile, in a clone of what is committed and a
fresh environment. `make release-check` runs this. It fails where a step does, where anything of
CUDA has come, where what Binder has to carry is over 1 GB (packed, as a layer of an image is
stored and sent), or where JupyterLab or a hub's server does not begin at the start page.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START = "/lab/tree/workshop/start.ipynb"
LIMIT = 10**9  # bytes, packed
RUN_LINE = re.compile(r"^RUN (.+)$", re.MULTILINE)


class CheckError(Exception):
    """Something is not as it must be; the message says what."""


def say(text: str) -> None:
    print(f"[binder] {text}", flush=True)


def step(command: list[str], tree: Path, variables: dict[str, str]) -> None:
    """Run one of the steps, as a shell would in the repository's root."""
    start = time.monotonic()
    done = subprocess.run(command, cwd=tree, env=variables, capture_output=True, text=True)
    words = command[-1] if command[:2] == ["bash", "-c"] else " ".join(command)
    if done.returncode != 0:
        raise CheckError(f"{words} fails:\n{(done.stdout + done.stderr)[-2000:]}")
    say(f"{words}: {time.monotonic() - start:.0f} s")


def sizes(folder: Path) -> tuple[int, int]:
    """(bytes on the disk, bytes packed) of all files below `folder`."""
    whole = packed = 0
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            whole += len(content)
            packed += len(zlib.compress(content, 1))
    return whole, packed


def check_no_cuda(python: str, tree: Path, variables: dict[str, str]) -> None:
    code = (
        "import importlib.metadata as m, torch\n"
        "names = sorted(d.name.lower() for d in m.distributions())\n"
        "heavy = [n for n in names if n.startswith(('nvidia', 'triton', 'cuda'))]\n"
        "print(torch.version.cuda, heavy)"
    )
    said = subprocess.run(
        [python, "-c", code], cwd=tree, env=variables, capture_output=True, text=True
    )
    if said.stdout.strip() != "None []":
        raise CheckError(f"CUDA has come along: {said.stdout or said.stderr}")


def check_copies(folder: Path) -> None:
    """Refuse a folder that does not hold a learner's copy of every lab."""
    wanted = {path.name for path in (ROOT / "labs").glob("*.ipynb")}
    lost = wanted - {path.name for path in folder.glob("*.ipynb")}
    if lost or "<details>" in (folder / "tokenizer.ipynb").read_text(encoding="utf-8"):
        raise CheckError(f"{folder} does not hold the learner's copies: {sorted(lost)}")


def first_address(port: int, seconds: float = 90) -> str:
    """Where JupyterLab sends whoever asks for nothing particular."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/")
            return asked.getresponse().getheader("Location") or "/"
        except OSError:
            time.sleep(0.5)
    raise CheckError(f"JupyterLab does not answer within {seconds:.0f} s")


def check_lab_begins_at_the_start_page(tree: Path, variables: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["bash", "binder/start", "jupyter", "lab", "--no-browser", f"--port={port}"]
    command += ["--allow-root", "--IdentityProvider.token="]
    with subprocess.Popen(
        command, cwd=tree, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as lab:
        try:
            if not first_address(port).startswith(START):
                raise CheckError(f"JupyterLab begins at {first_address(port)}, not at {START}")
        finally:
            lab.terminate()


def check_hub_begins_at_the_start_page(tree: Path, home: Path, variables: dict[str, str]) -> None:
    """The image's entry point with its command. There is no hub here, so the server stops soon, but
    it says before where it would begin.
    """
    hub = {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0/", "JUPYTERHUB_SERVICE_PREFIX": "/"}
    hub |= {"JUPYTERHUB_API_TOKEN": "none", "JUPYTERHUB_API_URL": "http://127.0.0.1:9/"}
    hub |= {"JUPYTERHUB_USER": "ann", "JUPYTERHUB_CLIENT_ID": "none", "HOME": str(home)}
    settings = dict(re.findall(r"^(?:ENV|   ) (\w+)=(\S+)", dockerfile(), re.MULTILINE))
    command = [str(tree / "binder" / "home"), "jupyterhub-singleuser", "--allow-root"]
    try:
        done = subprocess.run(
            command, cwd=home, env=variables | settings | hub, capture_output=True, timeout=120
        )
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:  # it waits for its hub
        said = (late.stdout or b"") + (late.stderr or b"")
    check_copies(home / "workshop")
    if f"JUPYTERHUB_DEFAULT_URL: {START}".encode() not in said:
        raise CheckError(f"a hub's server does not begin at {START}:\n{said[-1500:].decode()}")


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def check(python: str, folder: Path) -> None:
    """All of it, in `folder`."""
    tree, home, environment = folder / "tree", folder / "home", folder / "environment"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tree)], check=True)
    subprocess.run([python, "-m", "venv", str(environment)], check=True)
    variables = os.environ | {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    before = sizes(environment)
    pip = ["python", "-m", "pip", "install", "-q", "--no-cache-dir"]  # as repo2docker calls it
    step([*pip, "-r", "binder/requirements.txt"], tree, variables)
    step(["binder/postBuild"], tree, variables)
    check_no_cuda(str(environment / "bin" / "python"), tree, variables)
    check_copies(tree / "workshop")
    after = sizes(environment)
    whole, packed = after[0] - before[0], after[1] - before[1]
    say(f"Binder: {whole / 1e6:.0f} MB on the disk, {packed / 1e6:.0f} MB packed, no CUDA")
    if packed > LIMIT:
        raise CheckError(f"that is over {LIMIT / 1e6:.0f} MB")
    check_lab_begins_at_the_start_page(tree, variables)
    say("JupyterLab begins at the start page")
    for line in RUN_LINE.findall(dockerfile()):
        if not line.startswith("useradd"):  # the one that is not pip's
            step(["bash", "-c", line], tree, variables)
    check_no_cuda(str(environment / "bin" / "python"), tree, variables)
    check_hub_begins_at_the_start_page(tree, home, variables)
    whole, packed = (now - then for now, then in zip(sizes(environment), before, strict=True))
    say(f"the hub's image: {whole / 1e6:.0f} MB on the disk, {packed / 1e6:.0f} MB packed")
    say("its server begins at the start page, with the learner's copies")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="default: the one that runs this")
    arguments = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("binder_check.py: Binder is Linux; run this there.", file=sys.stderr)
        return 1
    wanted = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    said = subprocess.run([arguments.python, "--version"], capture_output=True, text=True)
    if f" {wanted}." not in said.stdout:
        say(f"with {said.stdout.strip()}; Binder itself takes {wanted}")
    folder = Path(tempfile.mkdtemp(prefix="inkling-binder-"))
    try:
        check(arguments.python, folder)
    except CheckError as error:
        print(f"binder_check.py: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
