"""How often a worker calls, and how much it carries, by a clock of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.contract.sync import SyncRequest
from headrace.contract.workers import Registered
from headrace.cost import units
from headrace.settings import Settings
from headrace.worker.dialogue import MANY_BYTES, SLOW, Dialogue
from headrace.worker.journal import Journal
from headrace.worker.options import WorkerOptions
from headrace.worker.outbox import SYNC_BYTES, Outbox
from headrace.worker.timing import GAP, LOGS_WAIT, Timing

KEY = (uuid4(), 1)


class Bag:
    """Takes requests instead of the courier."""

    def __init__(self) -> None:
        self.requests: list[SyncRequest] = []

    def sync(self, request: SyncRequest, timeout: float) -> None:
        self.requests.append(request)


class Talk:
    """A dialogue whose calls take as long as is said."""

    def __init__(self, home: Path) -> None:
        self.now = 100.0
        self.bag = Bag()
        self.outbox = Outbox()
        options = WorkerOptions(pool="p", name="w", settings=Settings(home))
        self.dialogue = Dialogue(options, self.bag, self.outbox, Journal(home / "journal"))  # type: ignore[arg-type]
        self.dialogue.timing = Timing(lambda: self.now)
        values = {"session": uuid4(), "work_pool_name": "p", "type": "process", "queues": []}
        values |= {"lease_seconds": 60, "sync_within_seconds": 15, "idle_sync_seconds": 120}
        values |= {"pool_revision": 1, "control_queue_url": "", "sqs": {"region": "r"}}
        self.dialogue.resume(Registered.model_validate(values), 0)
        self.told = 0
        self.call()

    def log(self, count: int, size: int = 10) -> None:
        at = datetime.now(UTC).isoformat()
        rows = [{"at": at, "level": 20, "name": "n", "message": "x" * size} for _ in range(count)]
        self.outbox.add_logs(KEY, self.told + 1, rows)
        self.told += count

    def call(self, took: float = 0.01) -> int:
        """One call and its answer; the bytes of log that it carried."""
        batch = self.dialogue.go(1, 0, [])
        self.now += took
        self.dialogue.answered(1, 15)
        return sum(piece.size for piece in batch.pieces) if batch else 0

    def due_in(self) -> float:
        due = self.dialogue.timing.due_at(crowded=True)
        assert due is not None
        return due - self.now


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_a_run_that_never_stops_printing_costs_what_the_model_says(talk: Talk) -> None:
    begun, calls = talk.now, 0
    for half_seconds in range(2 * 3600):
        while talk.due_in() + talk.now <= begun + half_seconds / 2:
            talk.now += max(talk.due_in(), 0)
            talk.call()
            calls += 1
        talk.now = max(talk.now, begun + half_seconds / 2)
        talk.log(1)
        talk.dialogue.logs_came(talk.now - begun)
    assert calls == pytest.approx(units.most_log_syncs(3600), rel=0.1)
    assert calls <= units.most_log_syncs(3600) + 1
    assert talk.outbox.log_bytes < 5000


def test_lines_of_a_young_run_and_many_bytes_go_soon(talk: Talk) -> None:
    talk.log(1)
    talk.dialogue.logs_came(0.0)
    assert talk.due_in() == pytest.approx(LOGS_WAIT)
    talk.call()
    talk.log(1)
    talk.dialogue.logs_came(3600.0)
    assert talk.due_in() > 5
    talk.log(10, MANY_BYTES // 10)
    talk.dialogue.logs_came(3600.0)
    assert talk.due_in() == pytest.approx(LOGS_WAIT)


def test_what_did_not_fit_follows_soon(talk: Talk) -> None:
    talk.log(30, SYNC_BYTES // 20)
    talk.dialogue.logs_came(3600.0)
    assert talk.call() > SYNC_BYTES / 2
    assert talk.due_in() < LOGS_WAIT


@pytest.mark.parametrize("away", [0.0, 0.2])
def test_slow_is_what_takes_longer_than_without_logs(talk: Talk, away: float) -> None:
    """Where the API is far away every call takes long, and smaller ones would be no quicker."""
    for _ in range(3):
        talk.call(away)
    talk.log(40_000, 100)
    sizes = [talk.call(away + SLOW / 2) for _ in range(2)]
    assert min(sizes) > SYNC_BYTES / 2
    assert talk.call(away + SLOW * 1.1) > SYNC_BYTES / 2
    assert talk.call(away) <= SYNC_BYTES / 2


def test_asked_for_its_queues_while_a_call_is_under_way_it_asks_with_the_next(talk: Talk) -> None:
    """The answer to come was perhaps composed before the pool changed."""
    talk.dialogue.timing.soon()
    talk.dialogue.go(1, 0, [])
    talk.dialogue.ask_for_queues()
    talk.dialogue.answered(1, 15)
    assert talk.due_in() <= GAP
    talk.call()
    talk.dialogue.timing.soon()
    talk.call()
    assert [request.pool_revision for request in talk.bag.requests[-3:]] == [1, None, 1]


def test_without_a_session_nothing_is_asked(talk: Talk) -> None:
    talk.dialogue.abandon()
    talk.dialogue.ask_for_queues()
    assert talk.dialogue.timing.due_at(crowded=False) == float("inf")
