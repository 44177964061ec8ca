"""The JSON Schema of a flow's parameters, hint by hint."""

from __future__ import annotations

import collections.abc
import enum
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import pytest

from headrace import flow


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Opaque:
    pass


@dataclass
class Address:
    zip: str
    lines: list[str] = field(default_factory=list)


@dataclass
class Person:
    name: str
    address: Address
    boss: Person | None = None


class Options(TypedDict):
    depth: int
    dry: NotRequired[bool]


class Point(NamedTuple):
    x: int
    y: int = 0


UserId = NewType("UserId", int)
T = TypeVar("T")

NULL = {"type": "null"}
STRING = {"type": "string"}
INTEGER = {"type": "integer"}

TABLE = [
    (str, STRING),
    (int, INTEGER),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (None, NULL),
    (Any, {}),
    (object, {}),
    (bytes, {"type": "string", "format": "base64", "contentEncoding": "base64"}),
    (datetime, {"type": "string", "format": "date-time"}),
    (date, {"type": "string", "format": "date"}),
    (time, {"type": "string", "format": "time"}),
    (timedelta, {"anyOf": [{"type": "string", "format": "duration"}, {"type": "number"}]}),
    (uuid.UUID, {"type": "string", "format": "uuid"}),
    (Decimal, {"anyOf": [{"type": "number"}, {"type": "string", "format": "decimal"}]}),
    (Path, {"type": "string", "format": "path"}),
    (list, {"type": "array", "items": {}}),
    (list[int], {"type": "array", "items": INTEGER}),
    (set[str], {"type": "array", "items": STRING, "uniqueItems": True}),
    (collections.abc.Sequence[str], {"type": "array", "items": STRING}),
    (tuple[int, ...], {"type": "array", "items": INTEGER}),
    (tuple[int, str], {"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2, "maxItems": 2}),
    (dict, {"type": "object", "additionalProperties": True}),
    (dict[str, int], {"type": "object", "additionalProperties": INTEGER}),
    (collections.abc.Mapping[str, int], {"type": "object", "additionalProperties": INTEGER}),
    (Optional[int], {"anyOf": [INTEGER, NULL]}),  # noqa: UP045 - the old spelling is what is tested
    (Union[int, str], {"anyOf": [INTEGER, STRING]}),  # noqa: UP007 - as above
    (int | None, {"anyOf": [INTEGER, NULL]}),
    (int | Any, {}),
    (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
    (Literal["a", 1], {"enum": ["a", 1]}),
    (Annotated[int, "how many"], INTEGER),
    (UserId, INTEGER),
    (T, {}),
    (Opaque, {}),
    (type[int], {}),
    (collections.abc.Callable[[int], int], {}),
    ("NoSuchName", {}),
]


@pytest.mark.parametrize(("hint", "expected"), TABLE, ids=lambda value: str(value)[:40])
def test_each_hint_has_its_schema(hint: Any, expected: dict[str, Any]) -> None:
    def f(x): ...

    f.__annotations__["x"] = hint
    assert schema_of(f)["properties"]["x"] == {"title": "x", "position": 0, **expected}


def schema_of(function: Any) -> dict[str, Any]:
    return flow(function).parameter_schema()


def test_the_whole_has_prefects_shape() -> None:
    def f(x: int = 1, *, name: str): ...

    assert schema_of(f) == {
        "title": "Parameters",
        "type": "object",
        "properties": {
            "x": {"title": "x", "position": 0, "default": 1, "type": "integer"},
            "name": {"title": "name", "position": 1, "type": "string"},
        },
        "required": ["name"],
        "additionalProperties": False,
        "definitions": {},
    }


def test_a_flow_without_parameters_has_an_empty_schema() -> None:
    assert schema_of(lambda: None)["properties"] == {}


def test_enums_become_definitions() -> None:
    def f(colour: Colour = Colour.RED, level: Level | None = None): ...

    schema = schema_of(f)
    assert schema["properties"]["colour"] == {
        "title": "colour",
        "position": 0,
        "default": "red",
        "$ref": "#/definitions/Colour",
    }
    assert schema["definitions"]["Colour"] == {"title": "Colour", "enum": ["red", "blue"], "type": "string"}
    assert schema["definitions"]["Level"]["enum"] == [1, 2]
    assert schema["required"] == []


def test_dataclasses_become_definitions_even_when_they_hold_themselves() -> None:
    def f(person: Person): ...

    schema = schema_of(f)
    assert schema["definitions"]["Person"] == {
        "title": "Person",
        "type": "object",
        "properties": {
            "name": {"title": "name", "type": "string"},
            "address": {"title": "address", "$ref": "#/definitions/Address"},
            "boss": {
                "title": "boss",
                "anyOf": [{"$ref": "#/definitions/Person"}, NULL],
                "default": None,
            },
        },
        "required": ["name", "address"],
        "additionalProperties": False,
    }
    lines = schema["definitions"]["Address"]["properties"]["lines"]
    assert lines == {"title": "lines", "type": "array", "items": STRING, "default": []}


def test_typed_dicts_and_named_tuples_become_definitions() -> None:
    def f(options: Options, point: Point = Point(1)): ...  # noqa: B008 - an immutable default

    schema = schema_of(f)
    assert schema["definitions"]["Options"]["required"] == ["depth"]
    assert schema["definitions"]["Point"]["properties"]["y"]["default"] == 0
    assert schema["properties"]["point"]["default"] == {"x": 1, "y": 0}


def test_two_classes_of_one_name_keep_apart() -> None:
    other = enum.Enum("Colour", {"GREEN": "green"})

    def f(a, b): ...

    f.__annotations__ = {"a": Colour, "b": other}
    schema = schema_of(f)
    assert schema["properties"]["b"]["$ref"] == "#/definitions/Colour_2"
    assert schema["definitions"]["Colour_2"]["enum"] == ["green"]


@pytest.mark.parametrize(
    ("default", "written"),
    [
        (datetime(2025, 1, 31, 12), "2025-01-31T12:00:00"),  # noqa: DTZ001 - a time without a zone
        (timedelta(hours=1, minutes=30), "PT1H30M0S"),
        (Path("a/b"), "a/b"),
        ({"k": (1, 2)}, {"k": [1, 2]}),
        (frozenset({2, 1}), [1, 2]),
        (float("inf"), "Infinity"),
    ],
)
def test_defaults_are_written_as_json(default: Any, written: Any) -> None:
    def f(x: Any = default): ...

    assert schema_of(f)["properties"]["x"]["default"] == written


def test_a_default_without_json_form_is_left_out_and_not_required() -> None:
    def f(x: Any = object()): ...  # noqa: B008 - what is tested

    schema = schema_of(f)
    assert "default" not in schema["properties"]["x"]
    assert schema["required"] == []


def test_args_are_a_list_and_kwargs_open_the_schema() -> None:
    def f(*numbers: int, **rest: str): ...

    schema = schema_of(f)
    assert schema["properties"]["numbers"] == {
        "title": "numbers",
        "position": 0,
        "type": "array",
        "items": INTEGER,
        "default": [],
    }
    assert schema["additionalProperties"] == {"type": "string"}
    assert schema["required"] == []
    assert "rest" not in schema["properties"]


def test_kwargs_that_say_nothing_may_be_anything() -> None:
    def f(**rest): ...  # type: ignore[no-untyped-def]

    assert schema_of(f)["additionalProperties"] is True


def test_one_hint_that_cannot_be_resolved_does_not_hide_the_others() -> None:
    def f(a: Missing, b: int, c: Path): ...  # noqa: F821 - what is tested

    properties = schema_of(f)["properties"]
    assert properties["a"] == {"title": "a", "position": 0}
    assert properties["b"]["type"] == "integer"
    assert properties["c"]["format"] == "path"
