"""How a lab checks an exercise: it runs your answer on small cases and says what is wrong in your
words, not in ours.

A check never stops the notebook. An exercise that you have not done yet says so and waits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np


class Mistake(Exception):
    """A wrong answer, with the likely reason."""


def expect(condition: bool, reason: str) -> None:
    """Raise `Mistake(reason)` unless `condition` holds."""
    if not condition:
        raise Mistake(reason)


def as_number(found: Any) -> float:
    """What the reader's code returned, if it is a number; otherwise the mistake."""
    expect(
        isinstance(found, int | float | np.floating) and not isinstance(found, bool),
        f"Return a number; you return {found!r}.",
    )
    return float(found)


def judge(exercise: str, check: Callable[[], str]) -> bool:
    """Run `check`, print the verdict, and say whether the answer was right.

    Args:
        exercise: its name, as in the lab's text.
        check: raises `Mistake` for a wrong answer and returns a closing remark for a right one. Any
            other exception comes out of the reader's own code and is shown with its type.
    """
    try:
        remark = check()
    except NotImplementedError:
        print(f"[ ] {exercise}: not done yet.")
        return False
    except Mistake as mistake:
        print(f"[x] {exercise}: not right yet. {mistake}")
        return False
    except Exception as error:  # whatever the reader's code raises, the lab goes on
        print(f"[x] {exercise}: your code stops with {type(error).__name__}: {error}")
        return False
    print(f"[ok] {exercise}: right. {remark}")
    return True
