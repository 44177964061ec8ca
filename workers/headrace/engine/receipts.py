"""Receipts: the one last event of a run, and the exit code that goes with it."""

from __future__ import annotations

import json
from typing import Any

from headrace.engine.channel import now
from headrace.engine.failures import MESSAGE_LENGTH, describe_error, message_of, shorten
from headrace.engine.load import LoadError
from headrace.engine.records import clean
from headrace.flows import Flow
from headrace.jsonable import NotJsonable, jsonable
from headrace.retries import Retry, type_name
from headrace.timeouts import RunTimedOut

RESULT_BYTES = 256 * 1024
REPR_LENGTH = 10_000

COMPLETED, FAILED, NOT_STARTED = 0, 1, 2
"""Exit codes of the child; a signal gives 128 and its number."""

Receipt = tuple[dict[str, Any], int]


def completed(result: Any, message: str = "") -> Receipt:
    """The flow returned."""
    return _receipt("COMPLETED", message, COMPLETED, **_result(result))


def failed(flow: Flow[..., Any], error: BaseException) -> Receipt:
    """The flow raised. A wish goes along where the code said more of retries than how many."""
    what = f"{type_name(type(error))}: {message_of(error)}"
    parts: dict[str, Any] = {"error": describe_error(error)}
    wish = retry_wish(flow, error)
    if wish is not None:
        parts["retry"] = wish
    name = None
    if isinstance(error, RunTimedOut):
        name, what = "TimedOut", message_of(error)
    return _receipt("FAILED", what, FAILED, name, **parts)


def retry_wish(flow: Flow[..., Any], error: BaseException) -> dict[str, Any] | None:
    """What the child knows of the next attempt and the control plane does not.

    How many retries there are, and after what delays, is the deployment's policy. The child tells what
    took the exception itself to tell: a `Retry` with its delay, and whether `retry_on` has the type or
    one that it derives from.
    """
    if isinstance(error, Retry):
        return {"wanted": True, "after": error.after}
    if flow.rules.on:
        return {"wanted": flow.rules.worth_it(error), "after": None}
    return None


def exited(flow: Flow[..., Any], error: SystemExit) -> Receipt:
    """The code called `sys.exit`: without a code, or with 0, it is done; else it failed."""
    if error.code is None or error.code == 0:
        receipt, code = completed(None, "the flow ended by sys.exit()")
        return {**receipt, "by_exit": True}, code
    receipt, code = failed(flow, error)
    how = f"sys.exit({error.code})" if isinstance(error.code, int) else f"sys.exit: {error.code}"
    return {**receipt, "message": shorten(clean(f"the flow ended by {how}"), MESSAGE_LENGTH)}, code


def stopped(number: int, name: str, error: BaseException) -> Receipt:
    """A signal ended the run from outside."""
    return _receipt("CRASHED", f"the run was stopped by {name}", 128 + number, error=describe_error(error))


def not_loaded(error: LoadError) -> Receipt:
    """The flow could not be loaded; where the user's code raised, its traceback is the one shown."""
    told = describe_error(error.error or error, error.hint)
    told = {**told, "message": shorten(message_of(error), MESSAGE_LENGTH)}
    if error.error is None:
        told["traceback"] = None
    parts: dict[str, Any] = {"error": told}
    if error.is_final:
        parts["retry"] = {"wanted": False, "after": None}
    return _receipt("CRASHED", message_of(error), NOT_STARTED, **parts)


def refused(error: Exception) -> Receipt:
    """The parameters do not fit: another attempt would not change that."""
    hint = "Correct the parameters of the run, or of its deployment or schedule."
    told = {**describe_error(error, hint), "traceback": None}
    wish = {"wanted": False, "after": None}
    return _receipt("FAILED", message_of(error), NOT_STARTED, error=told, retry=wish)


def broken(error: BaseException) -> Receipt:
    """Headrace itself failed."""
    message = f"Headrace's engine failed: {type_name(type(error))}: {message_of(error)}"
    return _receipt("CRASHED", message, FAILED, error=describe_error(error))


def _receipt(state_type: str, message: str, code: int, name: str | None = None, **parts: Any) -> Receipt:
    head = {"t": "receipt", "at": now(), "state_type": state_type, "state_name": name}
    return {**head, "message": shorten(message, MESSAGE_LENGTH), **parts}, code


def _result(value: Any) -> dict[str, Any]:
    """The result as JSON, or what can be shown of one that has no JSON form or is too large."""
    try:
        plain = jsonable(value)
        if len(json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")) <= RESULT_BYTES:
            return {"result": plain}
    except (NotJsonable, ValueError):
        pass  # shown instead, below; ValueError: an integer too long for its digits to be written
    except Exception:  # noqa: BLE001, S110 - properties and iterators of the user's own classes may raise
        pass
    return {"result_repr": shorten(clean(_shown(value)), REPR_LENGTH)}


def _shown(value: Any) -> str:
    from reprlib import Repr

    short = Repr()
    short.maxlist = short.maxtuple = short.maxdict = short.maxset = short.maxfrozenset = short.maxdeque = 200
    short.maxstring = short.maxother = short.maxlong = REPR_LENGTH
    try:
        return short.repr(value)
    except Exception as error:  # noqa: BLE001 - `__repr__` is the user's code
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
