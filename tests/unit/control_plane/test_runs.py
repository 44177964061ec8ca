"""Every change of a run, as a pure function."""

from __future__ import annotations

import pytest

from chalicelib.domain import runs
from chalicelib.domain.errors import WrongState
from chalicelib.domain.runs import HISTORY, PAST_MESSAGE
from chalicelib.domain.transitions import Cause
from headrace.contract.states import StateType
from tests.unit.control_plane.made import NOW, OTHER, RUN, SESSION, a_run, default_name, in_state, later

S = StateType


@pytest.mark.parametrize("state", StateType)
def test_what_a_run_says_of_itself(state: StateType) -> None:
    run = in_state(state)
    assert run.is_held == (state in (S.PENDING, S.RUNNING, S.CANCELLING)) == (run.session is not None)
    assert run.is_terminal == (state in (S.COMPLETED, S.FAILED, S.CRASHED, S.CANCELLED))
    assert run.state.name == default_name(state)
    assert [past.seq for past in (*run.history, run.state)] == list(range(run.state.seq + 1))


def test_a_claim_starts_a_new_attempt() -> None:
    run = runs.claimed(a_run(line="tag:db", reported=7, attempt=2), SESSION, "w1", ["a", "b"], later(1))
    assert (run.attempt, run.session, run.worker_name, run.slots) == (3, SESSION, "w1", ("a", "b"))
    assert (run.line, run.reported, run.infrastructure_pid) == (None, 0, None)
    assert (run.attempts[-1].attempt, run.attempts[-1].worker, run.attempts[-1].started) == (3, "w1", None)
    assert not run.has_started


def test_only_a_waiting_run_can_be_claimed() -> None:
    for state in set(StateType) - {S.SCHEDULED}:
        with pytest.raises(WrongState):
            runs.claimed(in_state(state), OTHER, "w2", (), later(9))


def test_the_life_of_a_run_is_counted() -> None:
    run = in_state(S.RUNNING)
    assert (run.run_count, run.start_time, run.infrastructure_pid) == (1, later(2), "42")
    assert run.has_started
    run = runs.back_to_scheduled(run, Cause.REPORT, later(5), later(10), name="AwaitingRetry")
    assert (run.total_run_time, run.session, run.slots) == (3.0, None, ())
    run = runs.claimed(run, OTHER, "w2", (), later(11))
    assert not run.has_started
    run = runs.started(run, later(12), later(12), None, 1)
    assert (run.run_count, run.state.name, run.start_time) == (2, "Retrying", later(2))
    run = runs.ended(run, S.COMPLETED, Cause.REPORT, later(20), result=5)
    assert (run.total_run_time, run.end_time, run.result) == (11.0, later(20), 5)
    assert [attempt.worker for attempt in run.attempts] == ["w1", "w2"]
    assert [attempt.ended for attempt in run.attempts] == [later(5), later(20)]


def test_a_rerun_forgets_the_outcome_and_keeps_the_past() -> None:
    over = runs.ended(in_state(S.RUNNING), S.FAILED, Cause.REPORT, later(9), error={"type": "E"})
    again = runs.back_to_scheduled(over, Cause.RERUN, later(20), later(20))
    assert (again.state.type, again.result, again.error, again.expires_at) == (S.SCHEDULED, None, None, None)
    assert (again.attempt, len(again.attempts), again.listed_at) == (1, 1, NOW)
    assert again.attempts == over.attempts


def test_the_past_stays_small() -> None:
    run = a_run()
    text = "m" * 10_000
    for number in range(60):
        run = runs.claimed(run, SESSION, "w", (), later(number))
        run = runs.back_to_scheduled(run, Cause.RELEASE, later(number), NOW, message=text)
    assert (len(run.history), len(run.attempts)) == (HISTORY, HISTORY)
    assert run.state.message == text
    assert max(len(past.message or "") for past in run.history) == PAST_MESSAGE + 3
    assert max(len(attempt.message or "") for attempt in run.attempts) == PAST_MESSAGE + 3
    assert run.attempt == 60


def test_a_states_id_is_its_own_and_lasting() -> None:
    assert runs.state_id(RUN, 1) == runs.state_id(RUN, 1)
    assert len({runs.state_id(run, seq) for run in (RUN, OTHER) for seq in range(5)}) == 10


def test_nothing_is_spent_by_a_run_that_never_started() -> None:
    run = runs.ended(in_state(S.PENDING), S.CRASHED, Cause.REPORT, later(100))
    assert (run.total_run_time, run.start_time, run.end_time) == (0.0, None, later(100))
