"""Files that are never half-written, and the one kind of error that a reader is meant to read."""

import os
import tempfile
from pathlib import Path


class InklingError(ValueError):
    """Something a reader gave us cannot be used. The message says what was wrong, what was expected, and what to do."""


def atomic_write(path: str | os.PathLike, data: bytes) -> None:
    """Write `data` to `path` so that the file is either the old one or the whole new one, never a part.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and then take the old file's place in
    one step (`os.replace`, atomic on POSIX and on Windows). If anything fails on the way (a full disk, say) the
    temporary file is removed, the old file is left as it was, and an `InklingError` says so.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
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
            f"could not write {path}: {error.strerror or error}. Nothing was changed there. "
            "Free some disk space or choose another folder, then run the same thing again."
        ) from error
