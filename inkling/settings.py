"""What is given is checked where it is given: settings where they are made, before any
time is spent on a run that could end in nothing but numbers that are none.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from inkling.files import InklingError

Texts = TypeVar("Texts", bound=Iterable)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


#: kind of setting -> what it must be, in words, and as a test
_KINDS = {
    "counts": ("a whole number, 1 or more", lambda value: _is_count(value, 1)),
    "from_zero": ("a whole number, 0 or more", lambda value: _is_count(value, 0)),
    "positive": (
        "a finite number above 0",
        lambda value: _is_number(value) and 0 < value < math.inf,
    ),
    "not_negative": (
        "a finite number, 0 or more",
        lambda value: _is_number(value) and 0 <= value < math.inf,
    ),
    "shares": (
        "a number from 0 to 1",
        lambda value: _is_number(value) and 0 <= value <= 1,
    ),
    "switches": ("True or False", lambda value: isinstance(value, bool)),
}


def check(
    config: Any,
    *,
    optional: Iterable[str] = (),
    choices: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    **kinds: Iterable[str],
) -> None:
    """Raise `InklingError` for a setting that cannot be, and name it, its value and
    what it must be.

    kinds: names of fields under "counts" (whole, from 1), "from_zero" (whole, from 0),
    "positive", "not_negative" (finite numbers), "shares" (from 0 to 1) and "switches".
    choices: field -> all that it may be. optional: fields that may also be None.
    """
    optional = set(optional)
    for kind, names in kinds.items():
        expected, is_right = _KINDS[kind]
        for name in names:
            value = getattr(config, name)
            if not (is_right(value) or (value is None and name in optional)):
                raise InklingError(
                    f"{type(config).__name__}: {name} is {value!r}; expected {expected}"
                    + (", or None." if name in optional else ".")
                )
    for name, allowed in choices.items():
        value = getattr(config, name)
        if value not in allowed:
            raise InklingError(
                f"{type(config).__name__}: {name} is {value!r}; choose"
                f" {' or '.join(map(repr, allowed))}."
            )


def several(texts: Texts, name: str = "texts") -> Texts:
    """The same texts, if they are several. Raises `InklingError` for a single string,
    which Python would read letter by letter.
    """
    if isinstance(texts, (str, bytes)):
        raise InklingError(
            f"{name} is one string, and it would be read letter by letter: pass a list,"
            " [text]."
        )
    return texts
