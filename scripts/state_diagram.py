"""`docs/reference/states.md`, written from the table of transitions: `python -m scripts.state_diagram`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chalicelib.domain.transitions import HELD, TERMINAL, TRANSITIONS, Cause
from headrace.contract.states import DEFAULT_NAME, StateName, StateType

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "states.md"
BY_WHOM = {
    Cause.CLAIM: "a worker's session takes the run",
    Cause.USER: "a person, a script or an automation",
    Cause.RULE: "a rule of the schedule or deployment: overlap, catch-up, lateness, a full limit",
    Cause.REPORT: "the worker that holds the run reports it, or its own engine where it has no pool",
    Cause.RELEASE: "the worker hands the run back before it has started",
    Cause.LEASE: "the worker's session is gone",
    Cause.RERUN: "a person starts a finished run again",
}


def page() -> str:
    """The whole page."""
    names = [name for name in StateName if name not in DEFAULT_NAME.values()]
    return "\n".join(
        [
            "# States of a flow run",
            "",
            "<!-- Written by `make docs` from chalicelib/domain/transitions.py. -->",
            "",
            "Whatever is not drawn here cannot happen: a transition that the table does not have is refused,",
            "and changes nothing.",
            "",
            "```mermaid",
            *_diagram(),
            "```",
            "",
            "| from | to | by |",
            "|---|---|---|",
            *(f"| {before} | {after} | {causes} |" for before, after, causes in _rows()),
            "",
            "| word | who or what it is |",
            "|---|---|",
            *(f"| {cause} | {BY_WHOM[cause]} |" for cause in Cause),
            "",
            f"Over: {_listed(TERMINAL)}. Only a rerun leaves these.",
            "",
            f"Held by a worker's session, and counted by limits: {_listed(HELD)}.",
            "",
            f"Besides the names of its types, a state may be called {', '.join(names)},",
            "or by a name of the flow's own.",
            "",
        ]
    )


def _diagram() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {StateType.SCHEDULED}"
    for before, after, causes in _rows():
        yield f"    {before} --> {after}: {causes}"
    for state in StateType:
        if state in TERMINAL:
            yield f"    {state} --> [*]"


def _rows() -> Iterator[tuple[str, str, str]]:
    for before, row in TRANSITIONS.items():
        for after, causes in row.items():
            yield before.value, after.value, ", ".join(cause for cause in Cause if cause in causes)


def _listed(states: frozenset[StateType]) -> str:
    return ", ".join(state for state in StateType if state in states)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print("Wrote docs/reference/states.md")
