"""Cursors: where a list goes on, as text that survives a header and tells when it is not ours."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from chalicelib.domain.errors import FieldProblem, Invalid

_MARK = 6


def make(place: str, scope: str) -> str:
    """The cursor of a place in a list; `scope` says which list."""
    return urlsafe_b64encode(_mark(place, scope) + place.encode()).decode().rstrip("=")


def read(cursor: str, scope: str) -> str:
    """The place that `make` was given. Raises `Invalid` for anything else, also for another list's cursor."""
    try:
        place = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))[_MARK:].decode()
    except ValueError:
        raise foreign_cursor() from None
    if not place or make(place, scope) != cursor:
        raise foreign_cursor()
    return place


def check(place: str | None, form: re.Pattern[str]) -> str | None:
    """The place, which must have this form: the mark can be computed by anybody."""
    if place is not None and not form.fullmatch(place):
        raise foreign_cursor()
    return place


def foreign_cursor() -> Invalid:
    """The error for a text that no page of this list gave out."""
    problem = FieldProblem("cursor", "is not of this list", "what Headrace-Next-Cursor said, unchanged")
    return Invalid("cursor: is not a cursor of this list.", hint="Start without one.", errors=[problem])


def _mark(place: str, scope: str) -> bytes:
    """Tells slips from cursors; it is no signature, and what is read is checked where it is used."""
    return sha256(f"{scope}\n{place}".encode()).digest()[:_MARK]
