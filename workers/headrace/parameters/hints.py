"""From a type hint to its kind."""

from __future__ import annotations

import collections
import collections.abc
import sys
import types
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from headrace.parameters import pydantic_hints
from headrace.parameters.containers import Dictionary, FixedTuple, Items
from headrace.parameters.kinds import AnyOf, Choice, Instance, Kind
from headrace.parameters.scalars import SCALARS, SecretKind, path_kind
from headrace.parameters.structures import (
    OMITTED,
    REQUIRED,
    Enumeration,
    Field,
    NamedTupleStructure,
    Structure,
    TypedDictStructure,
)
from headrace.secret import Secret

ANY = Kind()

_ITEMS: dict[Any, tuple[Callable[..., Any], type]] = {
    list: (list, list),
    set: (set, set),
    frozenset: (frozenset, frozenset),
    tuple: (tuple, tuple),
    collections.deque: (collections.deque, collections.deque),
    collections.abc.Set: (set, collections.abc.Set),
    collections.abc.MutableSet: (set, collections.abc.MutableSet),
    collections.abc.Sequence: (list, collections.abc.Sequence),
    collections.abc.MutableSequence: (list, collections.abc.MutableSequence),
    collections.abc.Collection: (list, collections.abc.Collection),
    collections.abc.Iterable: (list, collections.abc.Iterable),
}
_DICTIONARIES = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class Kinds:
    """The kinds of one function's hints; classes are looked at once, so that they may hold each other."""

    def __init__(self) -> None:
        self._structures: dict[type, Kind] = {}

    def of(self, hint: Any) -> Kind:
        """The kind of a hint; a hint that means nothing here accepts everything."""
        if hint is None:
            return SCALARS["builtins.NoneType"]
        if pydantic_hints.is_pydantic(hint):
            return pydantic_hints.PydanticKind(hint)
        if get_origin(hint) is not None:
            return self._generic(get_origin(hint), get_args(hint))
        if isinstance(hint, type):
            return self._class(hint)
        return self._special(hint)

    def _generic(self, origin: Any, args: tuple[Any, ...]) -> Kind:
        if origin is Annotated or str(origin) in ("typing.Required", "typing.NotRequired", "typing.Final"):
            return self.of(args[0])
        if origin in (Union, types.UnionType):
            return AnyOf([self.of(arg) for arg in args])
        if origin is Literal:
            return Choice(args)
        if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
            return FixedTuple([self.of(arg) for arg in args if arg != ()])
        if origin in _ITEMS:
            return self._items(origin, self.of(args[0]))
        if origin in _DICTIONARIES:
            return Dictionary(self.of(args[0]), self.of(args[1]))
        return self._class(origin) if isinstance(origin, type) and origin not in _OPAQUE else ANY

    def _items(self, origin: Any, item: Kind) -> Kind:
        make, accepts = _ITEMS[origin]
        return Items(make, accepts, item)

    def _class(self, cls: Any) -> Kind:
        if cls is Secret:
            return SecretKind()
        scalar = SCALARS.get(f"{cls.__module__}.{cls.__qualname__}")
        if scalar is not None:
            return scalar
        if cls in _ITEMS:
            return self._items(cls, ANY)
        if cls in _DICTIONARIES:
            return Dictionary(ANY, ANY)
        if cls is object or cls in _OPAQUE:
            return ANY
        return self._user_class(cls)

    def _user_class(self, cls: Any) -> Kind:
        if issubclass(cls, Enum) and cls.__members__:
            return Enumeration(cls)
        pathlib = sys.modules.get("pathlib")
        if pathlib is not None and issubclass(cls, pathlib.PurePath):
            return path_kind(cls)
        if cls not in self._structures:
            self._structures[cls] = self._structure(cls)
        return self._structures[cls]

    def _structure(self, cls: Any) -> Kind:
        if hasattr(cls, "__dataclass_fields__"):
            return Structure(cls, lambda: self._dataclass_fields(cls))
        if issubclass(cls, dict) and hasattr(cls, "__required_keys__"):
            return TypedDictStructure(cls, lambda: self._typed_dict_fields(cls))
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return NamedTupleStructure(cls, lambda: self._named_tuple_fields(cls))
        return Instance(cls)

    def _dataclass_fields(self, cls: Any) -> list[Field]:
        from dataclasses import MISSING, fields

        hints = hints_of(cls)
        found = []
        for one in (one for one in fields(cls) if one.init):
            default: object = REQUIRED if one.default is MISSING else one.default
            if one.default_factory is not MISSING:
                plain = one.default_factory in (list, dict, set, tuple)
                default = one.default_factory() if plain else OMITTED
            found.append(Field(one.name, self.of(hints.get(one.name, Any)), default))
        return found

    def _typed_dict_fields(self, cls: Any) -> list[Field]:
        found = []
        for name, hint in hints_of(cls).items():
            # Under `from __future__ import annotations` the class itself cannot tell: it has seen strings.
            mark = str(get_origin(hint))
            required = mark != "typing.NotRequired" and (
                mark == "typing.Required" or name in cls.__required_keys__
            )
            found.append(Field(name, self.of(hint), REQUIRED if required else OMITTED))
        return found

    def _named_tuple_fields(self, cls: Any) -> list[Field]:
        hints = hints_of(cls)
        return [
            Field(name, self.of(hints.get(name, Any)), cls._field_defaults.get(name, REQUIRED))
            for name in cls._fields
        ]

    def _special(self, hint: Any) -> Kind:
        if hasattr(hint, "__supertype__"):  # NewType
            return self.of(hint.__supertype__)
        if hasattr(hint, "__value__"):  # a `type X = ...` statement
            return self.of(hint.__value__)
        if isinstance(hint, TypeVar):
            return (
                AnyOf([self.of(one) for one in hint.__constraints__])
                if hint.__constraints__
                else self.of(hint.__bound__ or Any)
            )
        return ANY


_OPAQUE = (type, collections.abc.Callable, collections.abc.Awaitable, collections.abc.Iterator)


def hints_of(owner: Any) -> dict[str, Any]:
    """The hints of a function or class, resolved; each that cannot be (a name missing) means any value."""
    try:
        return get_type_hints(owner, include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating the user's expressions may raise anything
        return {name: _resolve(owner, hint) for name, hint in _raw_hints(owner).items()}


def _raw_hints(owner: Any) -> dict[str, Any]:
    """The hints as written, of a class with those that it inherits."""
    classes = reversed(owner.__mro__) if isinstance(owner, type) else (owner,)
    found: dict[str, Any] = {}
    for one in classes:
        found.update(getattr(one, "__annotations__", None) or {})
    return found


def _resolve(owner: Any, hint: Any) -> Any:
    module = sys.modules.get(getattr(owner, "__module__", ""), None)
    names = getattr(owner, "__globals__", None) or getattr(module, "__dict__", {})
    probe = types.SimpleNamespace(__annotations__={"hint": hint})
    try:
        return get_type_hints(probe, globalns=names, include_extras=True)["hint"]
    except Exception:  # noqa: BLE001 - as above
        return Any
