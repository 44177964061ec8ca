"""Parameters from JSON to Python: what is read as what, and what is said of the rest."""

from __future__ import annotations

import collections
import enum
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import pytest

from headrace import ParameterError, flow


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Address:
    zip: str
    since: date | None = None


@dataclass
class Person:
    name: str
    addresses: list[Address]


@dataclass
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("it is odd")


class Options(TypedDict):
    depth: int
    until: NotRequired[date]


class Point(NamedTuple):
    x: int
    y: int = 7


class Opaque:
    pass


ID = "0198c2a0-0000-7000-8000-000000000001"

READS = [
    (int, "5", 5),
    (int, " -5 ", -5),
    (int, 5.0, 5),
    (int, 10**30, 10**30),
    (float, 1, 1.0),
    (float, "1e3", 1000.0),
    (float, "NaN", pytest.approx(float("nan"), nan_ok=True)),
    (bool, "true", True),
    (bool, "No", False),
    (bool, 0, False),
    (str, "x", "x"),
    (None, None, None),
    (bytes, "aGk=", b"hi"),
    (datetime, "2025-01-31T12:00:00Z", datetime(2025, 1, 31, 12, tzinfo=UTC)),
    (datetime, "2025-01-31", datetime(2025, 1, 31)),  # noqa: DTZ001 - as written, without a zone
    (date, "2025-01-31", date(2025, 1, 31)),
    (time, "12:30", time(12, 30)),
    (timedelta, "PT1H30M", timedelta(minutes=90)),
    (timedelta, "-P1DT0.5S", -timedelta(days=1, seconds=0.5)),
    (timedelta, "P1W", timedelta(weeks=1)),
    (timedelta, "1:30:00", timedelta(minutes=90)),
    (timedelta, "2 days, 0:00:01", timedelta(days=2, seconds=1)),
    (timedelta, 1.5, timedelta(seconds=1.5)),
    (uuid.UUID, ID, uuid.UUID(ID)),
    (Decimal, "1.10", Decimal("1.10")),
    (Decimal, 1.1, Decimal("1.1")),
    (Path, "a/b", Path("a/b")),
    (complex, "1+2j", 1 + 2j),
    (list[int], ["1", 2], [1, 2]),
    (list[int], (1, 2), [1, 2]),
    (set[int], [1, 1, 2], {1, 2}),
    (frozenset[int], [1], frozenset({1})),
    (collections.deque[int], ["1"], collections.deque([1])),
    (tuple[int, ...], ["1", 2], (1, 2)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[()], [], ()),
    (Sequence[date], ["2025-01-31"], [date(2025, 1, 31)]),
    (dict[int, date], {"1": "2025-01-31"}, {1: date(2025, 1, 31)}),
    (int | str, "5", "5"),
    (int | None, "5", 5),
    (date | None, None, None),
    (date | int, "2025-01-31", date(2025, 1, 31)),
    (float | int, 1, 1),
    (Literal["a", 1], 1, 1),
    (Literal[Colour.RED], "red", Colour.RED),
    (Colour, "red", Colour.RED),
    (Colour, "BLUE", Colour.BLUE),
    (Level, 1, Level.LOW),
    (Mode, 3, Mode.READ | Mode.WRITE),
    (Address, {"zip": "1", "since": "2025-01-31"}, Address("1", date(2025, 1, 31))),
    (Person, {"name": "a", "addresses": [{"zip": "1"}]}, Person("a", [Address("1")])),
    (Options, {"depth": "1", "until": "2025-01-31"}, {"depth": 1, "until": date(2025, 1, 31)}),
    (Point, {"x": 1}, Point(1, 7)),
    (Point, [1, 2], Point(1, 2)),
    (dict[str, list[Colour | None]], {"a": ["red", None]}, {"a": [Colour.RED, None]}),
]

REFUSED = [
    (int, "5.5", "a whole number"),
    (int, 5.5, "a whole number"),
    (int, True, "a whole number"),
    (int, None, "a whole number"),
    (int, "9" * 5000, "a whole number"),
    (float, True, "a number"),
    (float, "x", "a number"),
    (bool, 2, "true or false"),
    (bool, "maybe", "true or false"),
    (str, 5, "a string"),
    (None, 0, "null"),
    (bytes, "é", "base64"),
    (datetime, "soon", "date and time"),
    (date, 20250131, "a date"),
    (timedelta, "P", "duration"),
    (timedelta, 1e300, "duration"),
    (uuid.UUID, "x", "a UUID"),
    (Decimal, "x", "decimal"),
    (list[int], "12", "a list"),
    (list[int], {"a": 1}, "a list"),
    (set[Any], [[1]], "hashable"),
    (tuple[int, str], [1], "a list of 2"),
    (dict[str, int], [1], "an object"),
    (int | None, "x", "a whole number or null"),
    (Literal["a", 1], True, "one of 'a', 1"),
    (Colour, "green", "one of 'red', 'blue'"),
    (Level, True, "one of 1"),
    (Opaque, {}, "a Opaque, which cannot be given as JSON"),
    (Person, "ann", "an object (Person)"),
    (Even, {"number": 3}, "Even refuses it: it is odd"),
    (Point, [1, 2, 3], "an object (Point)"),
]


def flow_of(hint: Any) -> Any:
    def f(x): ...

    f.__annotations__["x"] = hint
    return flow(f)


@pytest.mark.parametrize(("hint", "given", "expected"), READS, ids=lambda value: str(value)[:40])
def test_reads(hint: Any, given: Any, expected: Any) -> None:
    value = flow_of(hint).validate_parameters({"x": given})["x"]
    assert value == expected
    if not isinstance(expected, type(pytest.approx(0))):
        assert type(value) is type(expected)


@pytest.mark.parametrize(("hint", "given", "reason"), REFUSED, ids=lambda value: str(value)[:40])
def test_refuses(hint: Any, given: Any, reason: str) -> None:
    with pytest.raises(ParameterError) as caught:
        flow_of(hint).validate_parameters({"x": given})
    [(path, told)] = caught.value.problems
    assert path == "x"
    assert reason in told


@pytest.mark.parametrize(
    "hint", [list[int], dict[str, int], Sequence[int], tuple[int, int], Options, Any, Opaque]
)
def test_a_value_that_fits_is_passed_on_as_the_same_object(hint: Any) -> None:
    value = {list[int]: [1], dict[str, int]: {"a": 1}, Sequence[int]: range(3), Options: {"depth": 1}}.get(
        hint
    )
    value = value if value is not None else (1, 2) if hint == tuple[int, int] else Opaque()
    assert flow_of(hint).validate_parameters({"x": value})["x"] is value


def test_a_generator_given_to_an_iterable_is_not_used_up() -> None:
    @flow
    def total(numbers: Iterable[int]) -> int:
        return sum(numbers)

    assert total(n for n in range(4)) == 6


def test_everything_wrong_is_told_at_once_with_its_place() -> None:
    @flow(name="deep")
    def f(person: Person, counts: dict[str, int], limit: int): ...

    given = {
        "person": {"name": 1, "addresses": [{"zip": "1"}, {"zip": 2, "sinse": "x"}]},
        "counts": {"a": "x"},
        "limits": 3,
    }
    with pytest.raises(ParameterError) as caught:
        f.validate_parameters(given)
    assert caught.value.problems == [
        ("limit", "is required"),
        ("person.name", "expected a string, got 1"),
        ("person.addresses[1].sinse", "is not a field"),
        ("person.addresses[1].zip", "expected a string, got 2"),
        ("counts.a", "expected a whole number, got 'x'"),
        ("limits", "is not a parameter of it; did you mean 'limit'?"),
    ]
    assert str(caught.value).startswith(
        "the parameters do not fit flow 'deep': limit: is required; person.name: "
    )


def test_missing_fields_of_a_dataclass_are_told() -> None:
    with pytest.raises(ParameterError, match=r"x\.name: is required; x\.addresses: is required"):
        flow_of(Person).validate_parameters({"x": {}})


def test_a_flow_without_parameters_takes_none() -> None:
    with pytest.raises(ParameterError, match="it takes no parameters"):
        flow(lambda: None).validate_parameters({"a": 1})


def test_kwargs_take_what_is_left_and_check_it() -> None:
    @flow
    def f(a: int, *more: int, **rest: int) -> Any:
        return a, more, rest

    assert f.validate_parameters({"a": "1", "more": ["2"], "z": "3"}) == {"a": 1, "more": [2], "z": 3}
    assert f("1", "2", z="3") == (1, (2,), {"z": 3})
    with pytest.raises(ParameterError, match="z: expected a whole number"):
        f(1, z="x")


def test_positional_only_and_keyword_only_parameters_arrive() -> None:
    @flow
    def f(a: int, /, b: int = 2, *, c: int) -> Any:
        return a, b, c

    assert f("1", c="3") == (1, 2, 3)


def test_a_long_value_is_not_shown_whole() -> None:
    with pytest.raises(ParameterError) as caught:
        flow_of(int).validate_parameters({"x": "y" * 10_000})
    assert len(str(caught.value)) < 250
