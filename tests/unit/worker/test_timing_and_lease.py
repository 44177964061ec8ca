"""When to sync, and until when runs are ours."""

from __future__ import annotations

import pytest

from headrace.worker.lease import Lease
from headrace.worker.timing import (
    COMPANY,
    FULL_GAP,
    GAP,
    LOGS_WAIT,
    LOGS_WAIT_MOST,
    Timing,
    gap_of,
    logs_wait,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timing(clock: Clock) -> Timing:
    timing = Timing(clock)
    timing.sent()
    timing.answered(120)
    return timing


def test_the_first_call_goes_at_once(clock: Clock) -> None:
    assert Timing(clock).due_at(crowded=False) == 100.0


def test_an_idle_worker_calls_when_the_service_wants_it(timing: Timing) -> None:
    assert timing.due_at(crowded=False) == 220.0


def test_a_start_waits_for_company_and_an_end_does_not(timing: Timing) -> None:
    timing.soon(COMPANY)
    assert timing.due_at(crowded=True) == 100.0 + COMPANY
    timing.soon()
    assert timing.due_at(crowded=False) == 100.0


def test_a_busy_worker_keeps_a_gap(timing: Timing) -> None:
    timing.soon()
    assert timing.due_at(crowded=True) == 100.0 + GAP


@pytest.mark.parametrize(
    ("free", "limit", "hungry", "gap"),
    [
        (4, 8, False, 0.0),  # a request for four runs: no need to wait
        (3, 8, False, FULL_GAP),
        (49, 100, False, FULL_GAP),
        (50, 100, False, 0.0),
        (2, 4, False, GAP),  # half of few slots is no load for a request
        (1, 1, False, GAP),
        (8, 8, True, GAP),  # nothing waits: who comes next is rung for
    ],
)
def test_a_worker_that_work_waits_for_calls_at_once_for_several_runs(
    free: int, limit: int, hungry: bool, gap: float
) -> None:
    assert gap_of(free, limit, hungry=hungry) == gap


def test_logs_of_a_young_run_go_soon_and_of_an_old_one_together() -> None:
    waits = [logs_wait(age) for age in (0, 1, 2, 4, 8, 16, 32, 64, 3600)]
    assert waits == sorted(waits)
    assert waits[:5] == [LOGS_WAIT, 1.0, 2.0, 4.0, 8.0]
    assert waits[5:] == [LOGS_WAIT_MOST] * 4


def test_one_call_at_a_time(timing: Timing) -> None:
    timing.sent()
    timing.soon()
    assert timing.due_at(crowded=False) is None


def test_failures_back_off_and_are_news_once(timing: Timing, clock: Clock) -> None:
    news, waits = [], []
    for _ in range(12):
        timing.sent()
        news.append(timing.failed())
        timing.soon()
        due = timing.due_at(crowded=False)
        assert due is not None
        waits.append(due - clock.now)
        clock.now = due
    assert news == [True] + [False] * 11
    assert max(waits) <= 10
    timing.sent()
    assert timing.answered(120) == pytest.approx(clock.now - 100.0)
    assert timing.away_since is None


def test_the_lease_counts_from_the_sending_and_gives_notice(clock: Clock) -> None:
    lease = Lease(clock)
    assert lease.renewed(100.0, 60)
    assert (lease.deadline, lease.term_at) == (160.0, 154.0)
    assert not lease.renewed(99.0, 60)
    clock.now = 159.9
    assert not lease.over
    clock.now = 160.0
    assert lease.over
