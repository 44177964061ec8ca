"""What a hint means: the JSON Schema that it gives and how a value is read; the simplest kinds of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.jsonable import jsonable
from headrace.parameters.errors import Misfit, Problem, show

Schema = dict[str, Any]


class Definitions:
    """The schema's `definitions`: one for each class, under its name or, where two share it, numbered."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names: dict[object, str] = {}

    def reference(self, owner: object, name: str, make: Callable[[], Schema]) -> Schema:
        """A reference to the definition of `owner`, which is made when it is first asked for."""
        if owner not in self._names:
            free = self.free_name(name)
            self._names[owner] = free
            self.schemas[free] = {}  # taken, so that a class may hold itself
            self.schemas[free] = make()
        return {"$ref": f"#/definitions/{self._names[owner]}"}

    def free_name(self, name: str) -> str:
        """`name`, or with a number behind it when it is taken."""
        free, number = name, 1
        while free in self.schemas:
            number += 1
            free = f"{name}_{number}"
        return free


class Kind:
    """One hint. A value that already is what the hint asks for is read as itself, the same object."""

    expects = "a value"

    def schema(self, definitions: Definitions) -> Schema:
        """The JSON Schema of values that can be read; empty means any."""
        return {}

    def read(self, value: Any) -> Any:
        """The Python value for a JSON (or Python) value. Raises `Misfit`."""
        return value

    def misfit(self, value: object) -> Misfit:
        """What to raise for a value of another kind."""
        return Misfit.because(f"expected {self.expects}, got {show(value)}")


class Scalar(Kind):
    """A kind without parts: what it expects, its schema, and a function that reads or raises."""

    def __init__(self, expects: str, schema: Schema, reader: Callable[[Any], Any]) -> None:
        self.expects = expects
        self._schema = schema
        self._reader = reader

    def schema(self, definitions: Definitions) -> Schema:
        """The schema given."""
        return dict(self._schema)

    def read(self, value: Any) -> Any:
        """What the function makes of the value."""
        try:
            return self._reader(value)
        except (TypeError, ValueError, ArithmeticError):
            raise self.misfit(value) from None


class Instance(Kind):
    """A class that JSON has no form for: its instances pass (a direct call), nothing else does."""

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self.expects = f"a {cls.__name__}, which cannot be given as JSON"

    def read(self, value: Any) -> Any:
        """Instances as they are."""
        try:
            fits = isinstance(value, self._cls)
        except TypeError:
            return value  # a protocol that cannot be checked
        if not fits:
            raise self.misfit(value)
        return value


class Choice(Kind):
    """`Literal`: one of a few values."""

    def __init__(self, choices: tuple[Any, ...]) -> None:
        self._choices = choices
        self._json = [jsonable(choice) for choice in choices]
        self.expects = "one of " + ", ".join(show(one) for one in self._json)

    def schema(self, definitions: Definitions) -> Schema:
        """An enumeration of the choices."""
        schema: Schema = {"enum": list(self._json)}
        name = json_type(self._json)
        return {**schema, "type": name} if name else schema

    def read(self, value: Any) -> Any:
        """The choice that the value equals; 1 does not equal true here."""
        for choice, as_json in zip(self._choices, self._json, strict=True):
            if value is choice or (type(value) is type(as_json) and value == as_json):
                return choice
        raise self.misfit(value)


class AnyOf(Kind):
    """A union: the member that the value already is, else the first that can read it."""

    def __init__(self, kinds: list[Kind]) -> None:
        self._kinds = kinds
        self.expects = " or ".join(kind.expects for kind in kinds)

    def schema(self, definitions: Definitions) -> Schema:
        """Any of the members' schemas."""
        members = [kind.schema(definitions) for kind in self._kinds]
        return {"anyOf": members} if all(members) else {}

    def read(self, value: Any) -> Any:
        """As the member that the value already is, else as the first that can read it."""
        missed: list[list[Problem]] = []
        first: list[Any] = []
        for kind in self._kinds:
            try:
                read = kind.read(value)
            except Misfit as misfit:
                missed.append(misfit.problems)
            else:
                if read is value:
                    return value
                first.append(read)
        if first:
            return first[0]
        # A problem deep inside the value says more than "this or that was expected".
        deep = [problems for problems in missed if any(place for place, _ in problems)]
        raise Misfit(deep[0]) if len(deep) == 1 else self.misfit(value)


def json_type(values: list[Any]) -> str | None:
    """The JSON type that all values share, if they do."""
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    found = {names.get(type(value)) for value in values}
    return found.pop() if len(found) == 1 else None
