"""Which state may follow which, and by whose word. Everything about transitions lives in this file.

Two rules. The table is the only place that knows: "terminal" is derived from it, and what users install
(`headrace.contract.states.ENDED`) is tested against it. And a pair that the table does not have raises and
changes nothing. The diagram in `docs/reference/states.md` is generated from it.
"""

from __future__ import annotations

from enum import StrEnum

from chalicelib.domain.errors import WrongState
from headrace.contract.states import StateType

S = StateType


class Cause(StrEnum):
    """By whose word a run changes its state."""

    CLAIM = "claim"  # a worker's session takes it
    USER = "user"  # a person, a script or an automation
    RULE = "rule"  # overlap, catch-up, lateness, a collision
    REPORT = "report"  # the worker that holds it, or its own engine where it has no pool
    RELEASE = "release"  # handed back before its start
    LEASE = "lease"  # its session is gone
    RERUN = "rerun"  # a person starts a finished run again


TRANSITIONS: dict[StateType, dict[StateType, frozenset[Cause]]] = {
    S.SCHEDULED: {
        S.PENDING: frozenset({Cause.CLAIM}),
        S.CANCELLED: frozenset({Cause.USER, Cause.RULE}),
        # A new due time or name for a run that still waits (a retry sooner, Late, a slot awaited).
        S.SCHEDULED: frozenset({Cause.USER, Cause.RULE}),
    },
    S.PENDING: {
        S.RUNNING: frozenset({Cause.REPORT}),
        S.SCHEDULED: frozenset({Cause.RELEASE, Cause.LEASE}),
        S.CRASHED: frozenset({Cause.REPORT}),
        S.FAILED: frozenset({Cause.REPORT}),
        S.CANCELLING: frozenset({Cause.USER, Cause.RULE}),
    },
    S.RUNNING: {
        S.COMPLETED: frozenset({Cause.REPORT}),
        S.FAILED: frozenset({Cause.REPORT}),
        S.CRASHED: frozenset({Cause.REPORT, Cause.LEASE}),
        S.SCHEDULED: frozenset({Cause.REPORT, Cause.LEASE}),
        # Only runs without a pool: a worker has no way to pause what it runs.
        S.PAUSED: frozenset({Cause.REPORT}),
        S.CANCELLING: frozenset({Cause.USER, Cause.RULE}),
    },
    S.CANCELLING: {
        S.CANCELLED: frozenset({Cause.REPORT, Cause.LEASE}),
        S.COMPLETED: frozenset({Cause.REPORT}),
    },
    S.PAUSED: {
        S.SCHEDULED: frozenset({Cause.USER}),
        S.CANCELLED: frozenset({Cause.USER}),
    },
    S.COMPLETED: {S.SCHEDULED: frozenset({Cause.RERUN})},
    S.FAILED: {S.SCHEDULED: frozenset({Cause.RERUN})},
    S.CRASHED: {S.SCHEDULED: frozenset({Cause.RERUN})},
    S.CANCELLED: {S.SCHEDULED: frozenset({Cause.RERUN})},
}
"""From a state, to a state, by these causes. Every state has a row."""

TERMINAL = frozenset(
    state for state, row in TRANSITIONS.items() if all(causes == {Cause.RERUN} for causes in row.values())
)
"""States that only an explicit rerun leaves."""

HELD = frozenset({S.PENDING, S.RUNNING, S.CANCELLING})
"""States in which a worker session holds the run, and the run holds its slots."""


_DEED = {
    S.SCHEDULED: "be scheduled",
    S.PAUSED: "be paused",
    S.CANCELLING: "be cancelled",
    S.CANCELLED: "be cancelled",
}
"""What a person does with a run to have it in a state."""


def allowed(before: StateType, after: StateType, cause: Cause) -> bool:
    """Whether the table has this transition."""
    return cause in TRANSITIONS[before].get(after, frozenset())


def check(before: StateType, after: StateType, cause: Cause) -> None:
    """Raise `WrongState`, naming both states, for a transition that the table does not have."""
    if not allowed(before, after, cause):
        raise refusal(before, after, cause)


def refusal(before: StateType, after: StateType, cause: Cause) -> WrongState:
    """Why a run cannot go from one state to another by this cause, and what to do instead."""
    if before in TERMINAL:
        text = f"The run is over ({before.value}): it cannot {_DEED.get(after, f'become {after.value}')}."
        return WrongState(text, hint="`headrace flow-run retry` starts it again.")
    if cause is not Cause.USER:
        return WrongState(f"A {before.value} run cannot become {after.value} by {cause.value}.")
    possible = dict.fromkeys(_DEED[to] for to, causes in TRANSITIONS[before].items() if cause in causes)
    hint = f"It can {' or '.join(possible)}." if possible else None
    return WrongState(f"The run is {before.value}: it cannot be made {after.value} by hand.", hint=hint)
