"""Lists, sets, tuples and dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from headrace.parameters.errors import Misfit, Problem
from headrace.parameters.kinds import Definitions, Kind, Schema

_SEQUENCES = (list, tuple, set, frozenset)


def read_all(parts: Iterable[tuple[str | int, Kind, Any]]) -> list[Any]:
    """Read every part, and raise one `Misfit` for all that do not fit."""
    values: list[Any] = []
    problems: list[Problem] = []
    for key, kind, value in parts:
        try:
            values.append(kind.read(value))
        except Misfit as misfit:
            problems += misfit.under(key)
    if problems:
        raise Misfit(problems)
    return values


class Items(Kind):
    """A list, set or the like, of items of one kind."""

    def __init__(self, make: Callable[[Iterable[Any]], Any], accepts: type, item: Kind) -> None:
        self._make = make
        self._accepts = accepts
        self._item = item
        self._unique = make in (set, frozenset)
        self.expects = "a list"

    def schema(self, definitions: Definitions) -> Schema:
        """An array of the items' schema."""
        schema: Schema = {"type": "array", "items": self._item.schema(definitions)}
        return {**schema, "uniqueItems": True} if self._unique else schema

    def read(self, value: Any) -> Any:
        """A list or the like becomes what the hint says; JSON has lists only."""
        if not isinstance(value, (*_SEQUENCES, self._accepts)) or isinstance(value, (str, bytes, Mapping)):
            raise self.misfit(value)
        if not isinstance(value, Collection):
            return value  # a generator given to an `Iterable`: reading it here would use it up
        given: list[Any] = list(value)
        items = read_all((index, self._item, one) for index, one in enumerate(given))
        if isinstance(value, self._accepts) and all(a is b for a, b in zip(given, items, strict=True)):
            return value
        try:
            return self._make(items)
        except TypeError:
            raise Misfit.because("its items must be hashable, to be a set") from None


class FixedTuple(Kind):
    """A tuple with a kind for each place."""

    def __init__(self, items: list[Kind]) -> None:
        self._items = items
        self.expects = f"a list of {len(items)}"

    def schema(self, definitions: Definitions) -> Schema:
        """An array with a schema for each place."""
        size = len(self._items)
        items = [kind.schema(definitions) for kind in self._items]
        return {"type": "array", "prefixItems": items, "minItems": size, "maxItems": size}

    def read(self, value: Any) -> Any:
        """A list of the right length becomes a tuple."""
        if not isinstance(value, (list, tuple)) or len(value) != len(self._items):
            raise self.misfit(value)
        parts = enumerate(zip(self._items, value, strict=True))
        items = read_all((index, kind, one) for index, (kind, one) in parts)
        if isinstance(value, tuple) and all(a is b for a, b in zip(value, items, strict=True)):
            return value
        return tuple(items)


class Dictionary(Kind):
    """A dictionary; JSON's keys are strings, and are read into what the hint says."""

    expects = "an object"

    def __init__(self, key: Kind, value: Kind) -> None:
        self._key = key
        self._value = value

    def schema(self, definitions: Definitions) -> Schema:
        """An object of any members."""
        return {"type": "object", "additionalProperties": self._value.schema(definitions) or True}

    def read(self, value: Any) -> Any:
        """Keys and values are read, each by its kind."""
        if not isinstance(value, Mapping):
            raise self.misfit(value)
        keys = read_all((str(key), self._key, key) for key in value)
        values = read_all((str(key), self._value, one) for key, one in value.items())
        unchanged = all(a is b for a, b in zip(value, keys, strict=True)) and all(
            a is b for a, b in zip(value.values(), values, strict=True)
        )
        return value if unchanged else dict(zip(keys, values, strict=True))
