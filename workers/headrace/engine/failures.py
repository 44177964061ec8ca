"""An exception as a receipt tells it: type, message, and a traceback of the user's frames."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import headrace
from headrace.engine.records import clean
from headrace.retries import type_name

TRACEBACK_LENGTH = 100_000
MESSAGE_LENGTH = 10_000

_OURS = os.path.dirname(os.path.abspath(headrace.__file__)) + os.sep  # noqa: PTH100, PTH120
_IMPORT = "<frozen importlib"


def describe_error(error: BaseException, hint: str | None = None) -> dict[str, Any]:
    """The `error` of a receipt."""
    told = {
        "type": clean(type_name(type(error)))[:300],
        "message": shorten(message_of(error), MESSAGE_LENGTH),
        "traceback": shorten(traceback_of(error), TRACEBACK_LENGTH),
    }
    return {**told, "hint": shorten(hint, 1000)} if hint else told


def message_of(error: BaseException) -> str:
    """What the exception says; one that cannot say it still has its type."""
    try:
        return clean(str(error))
    except Exception:  # noqa: BLE001 - `__str__` is the user's code
        return f"<{type(error).__name__} whose message cannot be shown>"


def traceback_of(error: BaseException) -> str:
    """The traceback without the frames of Headrace and of the import system, causes included."""
    try:
        whole = traceback.TracebackException.from_exception(error, compact=True)
        _trim(whole, set())
        return clean("".join(whole.format()))
    except Exception as failure:  # noqa: BLE001 - source lines and reprs are the user's: anything may happen
        return f"{type_name(type(error))}: {message_of(error)}\n(no traceback: {type(failure).__name__})\n"


def _trim(told: traceback.TracebackException | None, seen: set[int]) -> None:
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    frames = [frame for frame in told.stack if not frame.filename.startswith((_OURS, _IMPORT))]
    told.stack[:] = _without_loop(frames)
    for inner in (told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())):
        _trim(inner, seen)


def _without_loop(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """The frames from the first that is not the event loop's: how an async flow was started tells nothing."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not asyncio.__file__:
        return frames
    folder = os.path.dirname(asyncio.__file__) + os.sep  # noqa: PTH120
    own = (index for index, frame in enumerate(frames) if not frame.filename.startswith(folder))
    return frames[next(own, 0) :]


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters: the beginning and the end, with a mark between them."""
    if len(text) <= limit:
        return text
    mark = f"\n... [cut: {len(text):,} characters in all] ...\n"
    tail = (limit - len(mark)) // 2
    return text[: limit - len(mark) - tail] + mark + text[len(text) - tail :]
