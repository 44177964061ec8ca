"""The table of transitions against one that was written from the design alone."""

from __future__ import annotations

from itertools import product

import pytest

from chalicelib.domain.errors import WrongState
from chalicelib.domain.transitions import HELD, TERMINAL, TRANSITIONS, Cause, allowed, check
from headrace.contract.states import DEFAULT_NAME, ENDED, StateType

BY_HAND = """
SCHEDULED  -> PENDING:    claim
SCHEDULED  -> CANCELLED:  user, rule
SCHEDULED  -> SCHEDULED:  user, rule
PENDING    -> RUNNING:    report
PENDING    -> SCHEDULED:  release, lease
PENDING    -> CRASHED:    report
PENDING    -> FAILED:     report
PENDING    -> CANCELLING: user, rule
RUNNING    -> COMPLETED:  report
RUNNING    -> FAILED:     report
RUNNING    -> CRASHED:    report, lease
RUNNING    -> SCHEDULED:  report, lease
RUNNING    -> PAUSED:     report
RUNNING    -> CANCELLING: user, rule
CANCELLING -> CANCELLED:  report, lease
CANCELLING -> COMPLETED:  report
PAUSED     -> SCHEDULED:  user
PAUSED     -> CANCELLED:  user
COMPLETED  -> SCHEDULED:  rerun
FAILED     -> SCHEDULED:  rerun
CRASHED    -> SCHEDULED:  rerun
CANCELLED  -> SCHEDULED:  rerun
"""


def by_hand() -> set[tuple[str, str, str]]:
    """(from, to, by) of every line above."""
    found = set()
    for line in BY_HAND.strip().splitlines():
        way, _, causes = line.partition(":")
        before, _, after = way.partition("->")
        found |= {(before.strip(), after.strip(), cause.strip()) for cause in causes.split(",")}
    return found


def test_every_pair_of_states_by_every_cause() -> None:
    """All 567 combinations: those of the table, and nothing else."""
    combinations = list(product(StateType, StateType, Cause))
    assert len(combinations) == 9 * 9 * 7
    found = {(a.value, b.value, cause.value) for a, b, cause in combinations if allowed(a, b, cause)}
    assert found == by_hand()


DEEDS = {
    StateType.SCHEDULED: "be scheduled",
    StateType.PAUSED: "be paused",
    StateType.CANCELLING: "be cancelled",
    StateType.CANCELLED: "be cancelled",
}


@pytest.mark.parametrize("before", StateType)
def test_check_refuses_the_rest_and_names_both_states(before: StateType) -> None:
    for after, cause in product(StateType, Cause):
        if allowed(before, after, cause):
            check(before, after, cause)
            continue
        with pytest.raises(WrongState) as caught:
            check(before, after, cause)
        assert before.value in caught.value.message
        assert after.value in caught.value.message or DEEDS.get(after, "?") in caught.value.message
        assert caught.value.code == "wrong_state"


def test_the_hint_says_what_is_possible() -> None:
    with pytest.raises(WrongState) as caught:
        check(StateType.RUNNING, StateType.CANCELLED, Cause.USER)
    assert caught.value.message == "The run is RUNNING: it cannot be made CANCELLED by hand."
    assert caught.value.hint == "It can be cancelled."
    with pytest.raises(WrongState) as caught:
        check(StateType.COMPLETED, StateType.RUNNING, Cause.REPORT)
    assert "retry" in (caught.value.hint or "")
    with pytest.raises(WrongState) as caught:
        check(StateType.COMPLETED, StateType.CANCELLING, Cause.USER)
    assert caught.value.message == "The run is over (COMPLETED): it cannot be cancelled."


def test_terminal_is_what_only_a_rerun_leaves() -> None:
    derived = {
        state
        for state, row in TRANSITIONS.items()
        if row and all(causes == {Cause.RERUN} for causes in row.values())
    }
    assert derived == TERMINAL == ENDED
    assert {state.value for state in TERMINAL} == {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def test_every_state_has_a_row_a_name_and_a_way_to_an_end() -> None:
    assert set(TRANSITIONS) == set(StateType) == set(DEFAULT_NAME)
    reached = set(TERMINAL)
    for _ in StateType:
        reached |= {state for state, row in TRANSITIONS.items() if reached & set(row)}
    assert reached == set(StateType)


def test_no_worker_can_bring_a_run_back_from_its_end() -> None:
    for state, after, cause in product(TERMINAL, StateType, set(Cause) - {Cause.RERUN}):
        assert not allowed(state, after, cause)


def test_a_held_run_is_never_cancelled_at_once() -> None:
    """CANCELLED means that the process is gone: only its worker, or the loss of it, can say so."""
    for state, cause in product(HELD, (Cause.USER, Cause.RULE)):
        assert not allowed(state, StateType.CANCELLED, cause)
