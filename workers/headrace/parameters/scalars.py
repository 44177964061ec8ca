"""Numbers, texts, times and other values without parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headrace import secret
from headrace.parameters.errors import Misfit
from headrace.parameters.kinds import Definitions, Kind, Scalar, Schema

if TYPE_CHECKING:
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from uuid import UUID

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_NUMBER = r"(\d+(?:\.\d+)?)"
_ISO_DURATION = re.compile(
    rf"([+-])?P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.IGNORECASE,
)
_CLOCK_DURATION = re.compile(rf"(?:(-?\d+) days?, *)?(\d+):(\d\d)(?::{_NUMBER})?")


def _of(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _none(value: Any) -> None:
    if value is not None:
        raise TypeError


def _int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]+\s*", value):
        return int(value)
    raise TypeError


def _float(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError
    return float(value)


def _complex(value: Any) -> complex:
    if isinstance(value, bool) or not isinstance(value, (complex, float, int, str)):
        raise TypeError
    return value if isinstance(value, complex) else complex(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise TypeError


def _bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return value if isinstance(value, bytes) else bytes(value)
    from base64 import b64decode

    return b64decode(_of(value, str), validate=True)


def _datetime(value: Any) -> datetime:
    from datetime import datetime

    return value if isinstance(value, datetime) else datetime.fromisoformat(_of(value, str).strip())


def _date(value: Any) -> date:
    from datetime import date

    return value if isinstance(value, date) else date.fromisoformat(_of(value, str).strip())


def _time(value: Any) -> time:
    from datetime import time

    return value if isinstance(value, time) else time.fromisoformat(_of(value, str).strip())


def _timedelta(value: Any) -> timedelta:
    from datetime import timedelta

    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    text = _of(value, str).strip()
    iso = _ISO_DURATION.fullmatch(text)
    if iso and any(iso.groups()[1:]):
        weeks, days, hours, minutes, seconds = (float(part or 0) for part in iso.groups()[1:])
        length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        return -length if iso[1] == "-" else length
    clock = _CLOCK_DURATION.fullmatch(text)
    if not clock:
        raise ValueError
    days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _uuid(value: Any) -> UUID:
    from uuid import UUID

    return value if isinstance(value, UUID) else UUID(_of(value, str).strip())


def _decimal(value: Any) -> Decimal:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    return Decimal(str(value))


def path_kind(cls: type) -> Scalar:
    """A path class of `pathlib`."""

    def read(value: Any) -> Any:
        return value if isinstance(value, cls) else cls(_of(value, str))

    return Scalar("a path", {"type": "string", "format": "path"}, read)


class SecretKind(Kind):
    """`Secret`: JSON gives a reference, a direct call may give the text. What was given is never shown."""

    expects = 'a reference to a secret such as {"$secret": "env:NAME"}'

    def schema(self, definitions: Definitions) -> Schema:
        """The schema of a reference, marked as a secret's."""
        return dict(secret.SCHEMA)

    def read(self, value: Any) -> Any:
        """The secret."""
        try:
            return secret.read(value)
        except ValueError as error:
            found = secret.reference_in(value)
            what = f"the secret {found} is {error}" if found else "got something else, which is not shown"
            raise Misfit.because(f"expected {self.expects}; {what}") from None


SCALARS: dict[str, Scalar] = {
    "builtins.str": Scalar("a string", {"type": "string"}, lambda value: _of(value, str)),
    "builtins.int": Scalar("a whole number", {"type": "integer"}, _int),
    "builtins.float": Scalar("a number", {"type": "number"}, _float),
    "builtins.bool": Scalar("true or false", {"type": "boolean"}, _bool),
    "builtins.complex": Scalar("a complex number such as '1+2j'", {"type": "string"}, _complex),
    "builtins.NoneType": Scalar("null", {"type": "null"}, _none),
    "builtins.bytes": Scalar(
        "bytes in base64", {"type": "string", "format": "base64", "contentEncoding": "base64"}, _bytes
    ),
    "datetime.datetime": Scalar(
        "a date and time such as '2025-01-31T12:00:00Z'", {"type": "string", "format": "date-time"}, _datetime
    ),
    "datetime.date": Scalar("a date such as '2025-01-31'", {"type": "string", "format": "date"}, _date),
    "datetime.time": Scalar("a time such as '12:30:00'", {"type": "string", "format": "time"}, _time),
    "datetime.timedelta": Scalar(
        "a duration such as 'PT1H30M', '1:30:00' or a number of seconds",
        {"anyOf": [{"type": "string", "format": "duration"}, {"type": "number"}]},
        _timedelta,
    ),
    "uuid.UUID": Scalar("a UUID", {"type": "string", "format": "uuid"}, _uuid),
    "decimal.Decimal": Scalar(
        "a decimal number", {"anyOf": [{"type": "number"}, {"type": "string", "format": "decimal"}]}, _decimal
    ),
}
"""By module and name of the class, so that no module is imported that the flow does not use."""
