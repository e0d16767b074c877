"""The site's own extension, `book/_ext/inkling_site.py`, for the tools: its folder is searched by
Sphinx and by the tests only.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book" / "_ext"))
import inkling_site  # noqa: E402

__all__ = ["inkling_site"]
