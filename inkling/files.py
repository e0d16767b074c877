"""Files that are never half-written, the one kind of error that a reader is meant to
read, and which programs run.
"""

import importlib.metadata
import os
import platform
import subprocess
import tempfile
from pathlib import Path

import inkling


class InklingError(ValueError):
    """Something a reader gave us cannot be used. The message says what was wrong, what
    was expected, and what to do.
    """


def atomic_write(path: str | os.PathLike, data: bytes) -> None:
    """Write `data` to `path` so that the file is either the old one or the whole new
    one, never a part.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and
    then take the old file's place in one step (`os.replace`, atomic on POSIX and on
    Windows). If anything fails on the way (a full disk, say) the temporary file is
    removed, the old file is left as it was, and an `InklingError` says so.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part"
        )
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise InklingError(
            f"could not write {path}: {error.strerror or error}. Nothing was changed"
            " there. Free some disk space or choose another folder, then run the same"
            " thing again."
        ) from error


def commit() -> str | None:
    """The commit of the source that runs, where it runs from a git checkout: another
    source may make another corpus.

    With "-changed" behind it where the library differs from that commit.
    """
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, timeout=10
        ).stdout.strip()

    try:
        # Installed into an environment inside somebody's own repository, this file is
        # not one of that repository's, and its commit says nothing.
        ours = git("ls-files", "--", Path(__file__).name)
        if not (ours and (head := git("rev-parse", "HEAD"))):
            return None
        return head + (
            "-changed"
            if git("status", "--porcelain", "--untracked-files=no", "--", ".")
            else ""
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def versions() -> dict[str, str | None]:
    """The versions of all that has a say in the numbers: every card beside a checkpoint
    has them.
    """
    return {
        "inkling": inkling.__version__,
        "commit": commit(),
        "torch": importlib.metadata.version("torch"),
        "numpy": importlib.metadata.version("numpy"),
        "python": platform.python_version(),
    }
