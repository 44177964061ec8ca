"""Classes with named fields (dataclass, TypedDict, NamedTuple) and enumerations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property
from typing import Any

from headrace.jsonable import NotJsonable, jsonable
from headrace.parameters.containers import read_all
from headrace.parameters.errors import Misfit, Problem
from headrace.parameters.kinds import Definitions, Kind, Schema, json_type

REQUIRED = object()
"""Stands for a default where there is none."""

OMITTED = object()
"""Stands for a default that exists and that nobody can tell beforehand, or that need not be told."""


class Field:
    """One field of a class: its name, kind and default."""

    def __init__(self, name: str, kind: Kind, default: object = REQUIRED) -> None:
        self.name = name
        self.kind = kind
        self.default = default

    def schema(self, definitions: Definitions) -> Schema:
        """The field as a property, with its title and its default where JSON has a form for it."""
        schema = {"title": self.name, **self.kind.schema(definitions)}
        if self.default is REQUIRED or self.default is OMITTED:
            return schema
        if self.default is not None and _is_secret(schema):
            return schema  # the text of one is nobody's business
        try:
            return {**schema, "default": jsonable(self.default)}
        except NotJsonable:
            return schema


class Structure(Kind):
    """A class whose values are JSON objects. The fields are looked up late: a class may hold itself."""

    def __init__(self, cls: Any, fields: Callable[[], list[Field]]) -> None:
        self._cls = cls
        self._find_fields = fields
        self.expects = f"an object ({cls.__name__})"

    @cached_property
    def fields(self) -> list[Field]:
        """The fields that the class is made from."""
        return self._find_fields()

    def schema(self, definitions: Definitions) -> Schema:
        """A reference to the class's definition."""
        return definitions.reference(self._cls, self._cls.__name__, lambda: self._define(definitions))

    def _define(self, definitions: Definitions) -> Schema:
        schema: Schema = {
            "title": self._cls.__name__,
            "type": "object",
            "properties": {field.name: field.schema(definitions) for field in self.fields},
            "additionalProperties": False,
        }
        required = [field.name for field in self.fields if field.default is REQUIRED]
        return {**schema, "required": required} if required else schema

    def read(self, value: Any) -> Any:
        """An object with the right fields becomes an instance."""
        if self._is_one(value):
            return value
        given = self._named(value)
        problems = self._strangers_and_gaps(given)
        present = [field for field in self.fields if field.name in given]
        values: list[Any] = []
        try:
            values = read_all((field.name, field.kind, given[field.name]) for field in present)
        except Misfit as misfit:
            problems += misfit.problems
        if problems:
            raise Misfit(problems)
        try:
            return self._cls(**{field.name: one for field, one in zip(present, values, strict=True)})
        except Exception as error:  # whatever the user's own checks raise is a reason
            raise Misfit.because(f"{self._cls.__name__} refuses it: {error}") from error

    def _is_one(self, value: Any) -> bool:
        return isinstance(value, self._cls)

    def _named(self, value: Any) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        raise self.misfit(value)

    def _strangers_and_gaps(self, given: Mapping[str, Any]) -> list[Problem]:
        known = {field.name for field in self.fields}
        unknown: list[Problem] = [((str(name),), "is not a field") for name in given if name not in known]
        missing = [field for field in self.fields if field.default is REQUIRED and field.name not in given]
        return unknown + [((field.name,), "is required") for field in missing]


class NamedTupleStructure(Structure):
    """A NamedTuple, which a list may stand for as well."""

    def _named(self, value: Any) -> Mapping[str, Any]:
        if isinstance(value, (list, tuple)) and len(value) <= len(self.fields):
            return {field.name: one for field, one in zip(self.fields, value, strict=False)}
        return super()._named(value)


class TypedDictStructure(Structure):
    """A TypedDict: its values are plain dictionaries."""

    def read(self, value: Any) -> Any:
        """The dictionary itself when no value in it had to be converted."""
        made = super().read(value)
        same = isinstance(value, dict) and all(made[key] is value[key] for key in made)
        return value if same else made

    def _is_one(self, value: Any) -> bool:
        return False  # no instance can be told from any other dictionary


class Enumeration(Kind):
    """An Enum: by member, by value, or by name."""

    def __init__(self, cls: type[Enum]) -> None:
        self._cls = cls
        self._json = {name: _value_of(member) for name, member in cls.__members__.items()}
        shown = ", ".join(repr(one) for one in list(self._json.values())[:20])
        self.expects = f"one of {shown}{', ...' if len(self._json) > 20 else ''}"

    def schema(self, definitions: Definitions) -> Schema:
        """A reference to the definition, which lists the values."""
        return definitions.reference(self._cls, self._cls.__name__, self._define)

    def _define(self) -> Schema:
        values = [_value_of(member) for member in self._cls]
        schema: Schema = {"title": self._cls.__name__, "enum": values}
        name = json_type(values)
        return {**schema, "type": name} if name else schema

    def read(self, value: Any) -> Any:
        """The member of that value or name."""
        if isinstance(value, self._cls):
            return value
        for name, as_json in self._json.items():
            if type(value) is type(as_json) and value == as_json:
                return self._cls[name]
        if isinstance(value, str) and value in self._json:
            return self._cls[value]
        if isinstance(value, bool):
            raise self.misfit(value)  # to Python True is 1; to whoever writes JSON it is not
        try:
            return self._cls(value)  # flags, and classes with a `_missing_` of their own
        except (ValueError, TypeError, KeyError):
            raise self.misfit(value) from None


def _is_secret(schema: Schema) -> bool:
    return any(one.get("x-secret") for one in (schema, *schema.get("anyOf", ())))


def _value_of(member: Enum) -> Any:
    try:
        return jsonable(member.value)
    except NotJsonable:
        return member.name
