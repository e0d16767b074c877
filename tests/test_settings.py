"""Settings that cannot be are refused where they are made, in every config of the library."""

import dataclasses
import importlib
import math
import pkgutil
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import inkling
from inkling.files import InklingError
from inkling.settings import check

#: What decides a run: every dataclass of the library with one of these at the end of its name.
ENDINGS = ("Config", "Recipe", "Course", "Experiment", "Sampling")
#: Not settings of a run: the file format of another program.
OTHERS = {"LlamaConfig"}


def configs() -> list[type]:
    found = {}
    for module in pkgutil.walk_packages(inkling.__path__, "inkling."):
        if module.name.endswith("__main__"):
            continue
        for name, thing in vars(importlib.import_module(module.name)).items():
            if dataclasses.is_dataclass(thing) and name.endswith(ENDINGS) and name not in OTHERS:
                found[thing.__qualname__] = thing
    return [found[name] for name in sorted(found)]


FIELDS = [
    (config, field.name, typing.get_type_hints(config)[field.name])
    for config in configs()
    for field in dataclasses.fields(config)
]
NUMBERS = (int, float, int | None, float | None)


def made_with(config, **changes):
    needed = {
        field.name: 512
        for field in dataclasses.fields(config)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    return config(**needed | changes)


def test_the_configs_are_found():
    names = {config.__name__ for config in configs()}
    assert names >= {
        "TrainConfig",
        "SFTConfig",
        "RewardConfig",
        "PPOConfig",
        "GRPOConfig",
        "DPOConfig",
        "EmbedderConfig",
        "ReadingConfig",
        "Course",
        "Experiment",
        "ModelConfig",
        "Sampling",
        "Recipe",
        "AlignRecipe",
        "EmbedderRecipe",
        "RAGRecipe",
    }
    assert sum(hint in NUMBERS for _, _, hint in FIELDS) > 80


@pytest.mark.parametrize("config", configs(), ids=lambda config: config.__name__)
def test_no_field_of_numbers_takes_what_is_none_or_none_of_its_kind(config):
    """NaN, infinity, text, a list, less than nothing; None where there must be a number."""
    made_with(config)
    for owner, name, hint in FIELDS:
        if owner is not config or hint not in NUMBERS:
            continue
        wrong = [math.nan, -math.inf, -1, "3", [3], 1j]
        wrong += [1.5, True, math.inf] if hint in (int, int | None) else [math.inf]
        wrong += [] if type(None) in typing.get_args(hint) else [None]
        for value in wrong:
            with pytest.raises(InklingError, match=name):
                made_with(config, **{name: value})
                raise AssertionError(f"{config.__name__}({name}={value!r}) was taken")


@given(st.floats(allow_nan=True) | st.integers() | st.text() | st.none() | st.booleans())
@settings(max_examples=100, deadline=None)
def test_each_kind_takes_what_it_says_and_nothing_else(value):
    @dataclasses.dataclass
    class Some:
        some: object

    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    expected = {
        "counts": type(value) is int and value >= 1,
        "from_zero": type(value) is int and value >= 0,
        "positive": number and 0 < value < math.inf,
        "not_negative": number and 0 <= value < math.inf,
        "shares": number and 0 <= value <= 1,
        "switches": isinstance(value, bool),
    }
    for kind, right in expected.items():
        for optional in ((), ("some",)):
            if right or (optional and value is None):
                check(Some(value), optional=optional, **{kind: ["some"]})
            else:
                with pytest.raises(InklingError, match="Some: some is .*; expected"):
                    check(Some(value), optional=optional, **{kind: ["some"]})
