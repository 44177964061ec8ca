"""Python values in JSON's terms: what parameters' defaults and flows' results become on the wire."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

MOST_VALUES = 200_000
"""More single values than this are taken for too large, before memory is spent on them."""
MOST_DEEP = 100
"""Lists and objects in one another: as the wire has it, whose readers and writers give up at some depth."""


class NotJsonable(ValueError):
    """A value has no JSON form, or is too large for one."""


def jsonable(value: Any, most: float = MOST_VALUES) -> Any:
    """The value as JSON's dict, list, str, int, float, bool and None. Raises `NotJsonable`, also over `most` values.

    Dates and durations become ISO 8601, bytes base64, sets lists, dataclasses and models objects, and the
    floats that JSON cannot hold strings ("NaN", "Infinity").
    """
    try:
        return _Writer(most).write(value)
    except RecursionError:
        raise NotJsonable("it is nested too deeply, or holds itself") from None


def is_deep(value: object) -> bool:
    """Whether lists and dicts are nested in it over `MOST_DEEP` levels deep."""
    level = [value]
    for _ in range(MOST_DEEP + 1):
        level = [
            member
            for part in level
            if isinstance(part, (dict, list))
            for member in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return False
    return True


class _Writer:
    def __init__(self, most: float) -> None:
        self._most = self._left = most
        self._depth = 0

    def write(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise NotJsonable(f"it has more than {self._most:,} values")
        kind = type(value)
        if value is None or kind is bool or kind is str or kind is int:
            return value
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            self._down()
            whole: Any = [self.write(one) for one in value]
        elif isinstance(value, Mapping):
            self._down()
            whole = {self._key(key): self.write(one) for key, one in value.items()}
        else:
            return self._other(value)
        self._depth -= 1
        return whole

    def _down(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEEP:
            raise NotJsonable(f"it is nested more than {MOST_DEEP} levels deep, or holds itself")

    def _key(self, key: Any) -> str:
        plain = self.write(key)
        if plain is None or isinstance(plain, bool):
            return {None: "null", True: "true", False: "false"}[plain]
        if isinstance(plain, (list, dict)):
            raise NotJsonable(f"a key of it is a {type(key).__name__}")
        return str(plain)

    def _other(self, value: Any) -> Any:
        for find in (_enum_value, _known_class, _object_parts):
            found = find(value)
            if found is not _NOTHING:
                return self.write(found)
        for plain in (str, int):  # classes derived from these
            if isinstance(value, plain):
                return plain(value)
        raise NotJsonable(f"a {type(value).__name__} has no JSON form")


_NOTHING = object()


def _float(value: float) -> float | str:
    if value - value == 0:
        return float(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _enum_value(value: Any) -> Any:
    enum = sys.modules.get("enum")
    return value.value if enum is not None and isinstance(value, enum.Enum) else _NOTHING


def _known_class(value: Any) -> Any:
    """Values of the standard library's classes, told by module and name: none is imported for this."""
    for cls in type(value).__mro__:
        write = _CLASSES.get(f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}")
        if write is not None:
            return write(value)
    return _NOTHING


def _object_parts(value: Any) -> Any:
    if isinstance(value, type):
        return _NOTHING
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name, one in fields.items() if _is_stored(one)}
    if hasattr(value, "_fields") and isinstance(value, tuple):
        return value._asdict()  # type: ignore[attr-defined]
    if hasattr(value, "__pydantic_serializer__"):
        return _model(value)
    return _NOTHING


def _is_stored(field: Any) -> bool:
    return str(field._field_type) == "_FIELD"


def _model(value: Any) -> Any:
    try:
        return value.model_dump(mode="json")
    except Exception as error:  # serialisers of the user's own may raise anything
        raise NotJsonable(f"a {type(value).__name__} could not be dumped: {error}") from error


def _set(value: Any) -> list[Any]:
    """Sorted where that is possible, so that the same set is written the same way each time."""
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _base64(value: Any) -> str:
    from base64 import b64encode

    return b64encode(value).decode("ascii")


def _duration(value: Any) -> str:
    sign, length = ("-", -value) if value.days < 0 else ("", value)
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{length.microseconds:06d}" if length.microseconds else ""
    days = f"{length.days}D" if length.days else ""
    return f"{sign}P{days}T{hours}H{minutes}M{seconds}{fraction}S"


_CLASSES: dict[str, Callable[[Any], Any]] = {
    "builtins.set": _set,
    "builtins.frozenset": _set,
    "builtins.bytes": _base64,
    "builtins.bytearray": _base64,
    "builtins.complex": str,
    "collections.deque": list,
    "datetime.date": lambda value: value.isoformat(),  # also datetime
    "datetime.time": lambda value: value.isoformat(),
    "datetime.timedelta": _duration,
    "decimal.Decimal": str,
    "pathlib.PurePath": str,
    "uuid.UUID": str,
    "zoneinfo.ZoneInfo": str,
}
