"""Reads what a flow says of itself: `python -m headrace.cli.inspect_flow ENTRYPOINT`.

User code runs here and never in the command line's own process. The answer is one JSON object on the
original stdout; what user code prints while it is loaded goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

TAIL = 12
"""Lines of a traceback that are shown."""


def main(entrypoint: str) -> int:
    """Load the flow and answer; the exit code only says that there was an answer."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        json.dump(_answer(entrypoint), answer, default=str)
    return 0


def _answer(entrypoint: str) -> dict[str, Any]:
    from headrace.engine.load import LoadError

    try:
        return {"flow": _describe(entrypoint)}
    except LoadError as error:
        return {"error": {"message": str(error), "hint": error.hint, "traceback": _tail(error.error)}}
    except BaseException as error:  # noqa: BLE001 - whatever a flow's options raise is the answer
        return {"error": {"message": f"{type(error).__name__}: {error}", "traceback": _tail(error)}}


def _describe(entrypoint: str) -> dict[str, Any]:
    from headrace.engine.load import load_flow
    from headrace.project.facts import facts_of

    return facts_of(load_flow(entrypoint))


def _tail(error: BaseException | None) -> str | None:
    """The end of the traceback, which is where the user's own code stands."""
    from headrace.engine.failures import traceback_of

    return None if error is None else "\n".join(traceback_of(error).rstrip().splitlines()[-TAIL:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
