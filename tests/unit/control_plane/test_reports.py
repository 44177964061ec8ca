"""What becomes of a report: every kind in every state, and the fence."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from chalicelib.domain.reports import Applied, Kind, Outcome, Told, apply
from chalicelib.domain.retry import RetryPolicy
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import HELD, TERMINAL
from headrace.contract.states import StateType
from tests.unit.control_plane.made import OTHER, SESSION, in_state, later

S = StateType
ENDS = {
    # kind, state told: after PENDING, after RUNNING, after CANCELLING; None is refused
    (Kind.STARTED, None): ("RUNNING", "RUNNING", "CANCELLING"),
    (Kind.ENDED, None): ("CRASHED", "CRASHED", "CANCELLED"),
    (Kind.ENDED, S.COMPLETED): ("COMPLETED", "COMPLETED", "COMPLETED"),
    (Kind.ENDED, S.FAILED): ("FAILED", "FAILED", "CANCELLED"),
    (Kind.ENDED, S.CRASHED): ("CRASHED", "CRASHED", "CANCELLED"),
    (Kind.ENDED, S.CANCELLED): (None, None, None),
    (Kind.ENDED, S.SCHEDULED): (None, None, None),
    (Kind.ENDED, S.PENDING): (None, None, None),
    (Kind.ENDED, S.RUNNING): (None, None, None),
    (Kind.ENDED, S.PAUSED): (None, None, None),
    (Kind.ENDED, S.CANCELLING): (None, None, None),
    (Kind.RELEASED, None): ("SCHEDULED", None, "CANCELLED"),
    (Kind.CANCELLED, None): ("CRASHED", "CRASHED", "CANCELLED"),
}
HELD_IN_ORDER = (S.PENDING, S.RUNNING, S.CANCELLING)


def tell(run: Run, kind: Kind, state: StateType | None = None, dice: float = 0.5, **more: Any) -> Applied:
    base: dict[str, Any] = {"session": SESSION, "attempt": run.attempt or 1, "seq": run.reported + 1}
    told = Told(**{**base, "kind": kind, "at": later(5), "state_type": state, **more})
    return apply(run, told, later(6), dice)


@pytest.mark.parametrize(("kind", "state"), ENDS, ids=lambda value: str(value))
def test_every_report_of_a_run_that_is_held(kind: Kind, state: StateType | None) -> None:
    for before, after in zip(HELD_IN_ORDER, ENDS[kind, state], strict=True):
        run = in_state(before)
        done = tell(run, kind, state)
        if after is None:
            assert (done.outcome, done.run) == (Outcome.REFUSED, run)
            assert before.value in (done.message or "")
            continue
        assert (done.outcome, done.run.state.type.value) == (Outcome.ACCEPTED, after)
        assert done.run.reported == run.reported + 1
        if done.run.state.type not in HELD:
            assert (done.run.session, done.run.slots) == (None, ())
        else:
            assert (done.run.session, done.run.slots) == (SESSION, run.slots)


def test_log_volume_adds_up_over_attempts_and_a_repeat_adds_nothing() -> None:
    run = replace(in_state(S.RUNNING), log_bytes=100)
    done = tell(run, Kind.ENDED, S.COMPLETED, log_bytes=20)
    assert done.run.log_bytes == 120
    again = tell(done.run, Kind.ENDED, S.COMPLETED, attempt=run.attempt, seq=done.run.reported, log_bytes=20)
    assert (again.outcome, again.run.log_bytes) == (Outcome.REPEATED, 120)


@pytest.mark.parametrize("kind", Kind)
def test_a_run_that_nobody_holds_takes_no_report(kind: Kind) -> None:
    for state in set(StateType) - HELD:
        run = in_state(state)
        done = tell(run, kind, S.COMPLETED)
        assert (done.outcome, done.run) == (Outcome.FENCED, run)


def test_a_report_never_leaves_a_terminal_state() -> None:
    for state, kind, told, attempt, seq in product(TERMINAL, Kind, (None, *StateType), (0, 1, 2), (1, 2, 3)):
        run = in_state(state)
        done = tell(run, kind, told, attempt=attempt, seq=seq)
        assert done.run == run
        assert done.outcome in (Outcome.FENCED, Outcome.REPEATED)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", HELD_IN_ORDER)
def test_the_fence(state: StateType, kind: Kind) -> None:
    run = in_state(state)
    for changed in ({"attempt": run.attempt - 1}, {"attempt": run.attempt + 1}, {"session": OTHER}):
        done = tell(run, kind, S.COMPLETED, **changed)
        assert (done.outcome, done.run) == (Outcome.FENCED, run)
        assert done.message
    old = tell(replace(run, attempt=3), kind, S.COMPLETED, attempt=2)
    assert old.message == "Attempt 2 is over: the run is at attempt 3."


def test_a_repeat_is_known_and_changes_nothing() -> None:
    run = in_state(S.PENDING)
    told = Told(SESSION, 1, 1, Kind.STARTED, later(5), pid=9)
    first = apply(run, told, later(6), 0)
    again = apply(first.run, told, later(7), 0)
    assert (first.outcome, again.outcome, again.run) == (Outcome.ACCEPTED, Outcome.REPEATED, first.run)
    ended = tell(first.run, Kind.ENDED, S.COMPLETED)
    assert tell(ended.run, Kind.ENDED, S.COMPLETED, seq=2).outcome is Outcome.REPEATED
    assert tell(ended.run, Kind.STARTED, seq=1).outcome is Outcome.REPEATED


def test_an_end_without_a_start_counts_as_started() -> None:
    done = tell(in_state(S.PENDING), Kind.ENDED, S.COMPLETED, result=3).run
    assert (done.run_count, done.result, done.state.type) == (1, 3, S.COMPLETED)
    assert [state.type for state in done.history] == [S.SCHEDULED, S.PENDING, S.RUNNING]


def test_what_failed_before_it_started_is_not_retried() -> None:
    run = replace(in_state(S.PENDING), retry_policy=RetryPolicy(retries=5))
    done = tell(run, Kind.ENDED, S.FAILED, message="No such repository.").run
    assert (done.state.type, done.run_count, done.state.message) == (S.FAILED, 0, "No such repository.")


@pytest.mark.parametrize("state", [S.FAILED, S.CRASHED])
def test_a_failure_with_retries_left_waits_again(state: StateType) -> None:
    run = replace(in_state(S.RUNNING), retry_policy=RetryPolicy(retries=1, delay=10, jitter=1))
    done = tell(run, Kind.ENDED, state, error={"type": "ValueError", "message": "no"}, dice=0.5).run
    assert (done.state.type, done.state.name) == (S.SCHEDULED, "AwaitingRetry")
    assert done.due == done.state.scheduled_time == later(6 + 15)
    assert (done.session, done.slots, done.error) == (None, (), {"type": "ValueError", "message": "no"})
    assert (done.attempts[-1].state_type, done.attempts[-1].ended) == (S.FAILED, done.state.timestamp)
    assert done.total_run_time == 3.0
    last = tell(replace(run, run_count=2), Kind.ENDED, state).run
    assert last.state.type is state


@pytest.mark.parametrize(
    ("wish", "retried"),
    [
        ({"retry_wanted": False}, False),
        ({"retry_wanted": True}, True),
        ({"error": {"type": "KeyError"}}, False),
        ({"error": {"type": "app.errors.Busy"}}, True),
        ({"retry_wanted": True, "retry_after": 7}, True),
        ({}, False),
    ],
    ids=str,
)
def test_a_retry_by_type_and_by_wish(wish: dict[str, Any], retried: bool) -> None:
    run = replace(in_state(S.RUNNING), retry_policy=RetryPolicy(retries=1, on=("Busy",)))
    done = tell(run, Kind.ENDED, S.FAILED, **wish).run
    assert (done.state.type is S.SCHEDULED) == retried
    if "retry_after" in wish:
        assert done.due == later(6 + 7)


def test_a_cancel_beats_a_failure_and_a_finish_beats_a_cancel() -> None:
    run = replace(in_state(S.CANCELLING), retry_policy=RetryPolicy(retries=5), cancel_reason="enough")
    failed = tell(run, Kind.ENDED, S.FAILED).run
    assert (failed.state.type, failed.state.message) == (S.CANCELLED, "enough")
    assert tell(run, Kind.ENDED, S.COMPLETED, result=1).run.result == 1
    assert tell(run, Kind.CANCELLED, message="killed").run.state.message == "killed"


def test_a_released_run_keeps_its_place() -> None:
    run = in_state(S.PENDING, due=later(-60))
    done = tell(run, Kind.RELEASED).run
    assert (done.due, done.run_count, done.attempt) == (later(-60), 0, 1)


def test_a_clock_that_is_off_never_turns_the_states_around() -> None:
    for at in (later(-1000), later(+1000)):
        done = tell(in_state(S.RUNNING), Kind.ENDED, S.COMPLETED, at=at).run
        times = [state.timestamp for state in (*done.history, done.state)]
        assert times == sorted(times)
        assert max(times) <= later(6)
        assert done.total_run_time >= 0
