"""A value written as JSON and read back by its hint is the value again, for every kind that has a JSON form."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, NamedTuple, NotRequired, Optional, TypedDict
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.domain import json_schema
from headrace import flow
from headrace.jsonable import jsonable


class Colour(enum.Enum):
    RED = "red"
    SIX = 6
    PAIR = (1, 2)


@dataclass
class Leaf:
    when: datetime
    size: Decimal
    note: str | None = None


@dataclass
class Tree:
    leaf: Leaf
    children: list[Tree] = field(default_factory=list)


class Settings(TypedDict):
    ratio: float
    path: NotRequired[PurePosixPath]


class Pair(NamedTuple):
    key: UUID
    span: timedelta


TEXT = st.text()
PATHS = st.lists(st.text("abc.", min_size=1), min_size=1).map(lambda parts: PurePosixPath(*parts))
LEAVES = st.builds(Leaf, st.datetimes(), st.decimals(allow_nan=False), st.none() | TEXT)
TREES = st.recursive(
    st.builds(Tree, LEAVES), lambda inner: st.builds(Tree, LEAVES, st.lists(inner, max_size=2)), max_leaves=4
)

SIMPLE: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, TEXT),
    (int, st.integers()),
    (float, st.floats(allow_nan=False)),
    (bool, st.booleans()),
    (None, st.none()),
    (bytes, st.binary()),
    (complex, st.complex_numbers(allow_nan=False, allow_infinity=False)),
    (datetime, st.datetimes(timezones=st.none() | st.timezones())),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas()),
    (UUID, st.uuids()),
    (Decimal, st.decimals(allow_nan=False)),
    (PurePosixPath, PATHS),
    (Colour, st.sampled_from(Colour)),
    (Leaf, LEAVES),
    (Tree, TREES),
    (Settings, st.fixed_dictionaries({"ratio": st.floats(allow_nan=False)}, optional={"path": PATHS})),
    (Pair, st.builds(Pair, st.uuids(), st.timedeltas())),
]
KEYS = [pair for pair in SIMPLE if pair[0] in (str, int, date, UUID, Decimal, PurePosixPath)]


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """A hint and a value of it."""
    hint, values = draw(st.sampled_from(SIMPLE))
    shape = draw(
        st.sampled_from(["plain", "list", "tuple", "many", "dict", "optional"] if depth else ["plain"])
    )
    if shape == "plain":
        return hint, draw(values)
    hint, value = draw(typed_values(depth - 1))
    if shape == "list":
        return list[hint], [value, value]
    if shape == "tuple":
        other_hint, other = draw(st.sampled_from(SIMPLE))
        return tuple[hint, other_hint], (value, draw(other))
    if shape == "many":
        return tuple[hint, ...], (value,) * draw(st.integers(0, 2))
    if shape == "dict":
        key_hint, keys = draw(st.sampled_from(KEYS))
        return dict[key_hint, hint], {draw(keys): value}
    return Optional[hint], draw(st.sampled_from([value, None]))  # noqa: UP045 - the hint may be None itself


@settings(max_examples=400, deadline=None)
@given(typed_values())
def test_reading_what_was_written_gives_the_value_back(pair: tuple[Any, Any]) -> None:
    hint, value = pair

    def f(x): ...

    f.__annotations__["x"] = hint
    wire = json.loads(json.dumps(jsonable(value), allow_nan=False))
    assert flow(f).validate_parameters({"x": wire})["x"] == value


@settings(max_examples=150, deadline=None)
@given(typed_values())
def test_what_was_written_passes_the_services_check_against_the_schema(pair: tuple[Any, Any]) -> None:
    hint, value = pair

    def f(x): ...

    f.__annotations__["x"] = hint
    schema = flow(f).parameter_schema()
    assert json_schema.schema_problems(schema, "schema") == []
    text = json.dumps(jsonable(value))
    assume("Infinity" not in text)  # the schema of a float speaks of numbers; JSON has no infinite one
    wire = json.loads(text)
    assert json_schema.problems(schema, {"x": wire}, "parameters") == []
