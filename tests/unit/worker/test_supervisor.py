"""The life of a run, as decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from headrace.contract.sync import Command, Grant, ReportKind, Verdict
from headrace.worker.decisions import Abandon, Ack, Decision, Deliver, Key, Kill, Log, Prepare, Say, Start
from headrace.worker.events import Launch, Unprepared
from headrace.worker.supervisor import STEP_GRACE, Supervisor

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAUNCH = Launch(["x"], {}, "/", {"run": "r"}, None, 30.0, {}, stream=False)
D = TypeVar("D", bound=Decision)


def grant(run: UUID | None = None, attempt: int = 1, due: datetime = NOW) -> Grant:
    return Grant.model_validate(
        {
            "run": run or uuid4(),
            "attempt": attempt,
            "name": "n",
            "flow_name": "f",
            "work_queue_name": "q",
            "expected_start_time": due,
        }
    )


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def only(kind: type[D], decisions: list[Decision]) -> list[D]:
    return [decision for decision in decisions if isinstance(decision, kind)]


def reported(decisions: list[Decision]) -> list[ReportKind]:
    return [deliver.report.kind for deliver in only(Deliver, decisions)]


def verdict(key: Key, seq: int, word: str = "accepted") -> Verdict:
    return Verdict.model_validate({"run": key[0], "attempt": key[1], "seq": seq, "verdict": word})


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(2)


def begun(supervisor: Supervisor, run: UUID | None = None, attempt: int = 1) -> Key:
    given = grant(run, attempt)
    supervisor.granted(given, NOW)
    supervisor.prepared(given, LAUNCH, NOW)
    key = (given.run, given.attempt)
    supervisor.state(key, 1, {"t": "spawned", "pid": 5, "at": NOW.isoformat()})
    return key


def test_from_grant_to_told(supervisor: Supervisor) -> None:
    given = grant()
    key = (given.run, 1)
    assert supervisor.granted(given, NOW) == [Prepare(given)]
    assert supervisor.free == 1
    assert [start.key for start in only(Start, supervisor.prepared(given, LAUNCH, NOW))] == [key]
    supervisor.state(key, 1, {"t": "spawned", "pid": 5, "at": NOW.isoformat()})
    first = supervisor.state(key, 2, {"t": "started", "at": NOW.isoformat()})
    assert reported(first) == [ReportKind.STARTED]
    assert not only(Deliver, first)[0].urgent
    supervisor.state(key, 3, {"t": "receipt", "state_type": "COMPLETED", "at": NOW.isoformat()})
    last = supervisor.state(key, 4, {"t": "exited", "status": 0, "at": NOW.isoformat()})
    assert reported(last) == [ReportKind.ENDED]
    assert only(Deliver, last)[0].urgent
    assert supervisor.free == 2
    assert supervisor.refs()
    assert supervisor.verdict(verdict(key, 4)) == [Ack(key, 4)]
    assert not supervisor.refs()


def test_a_run_took_as_long_as_the_service_says(supervisor: Supervisor) -> None:
    """From where the flow began, not from where its process did."""
    key = begun(supervisor)
    began, ended = NOW + timedelta(seconds=0.5), NOW + timedelta(seconds=1.1)
    supervisor.state(key, 2, {"t": "started", "at": began.isoformat()})
    supervisor.state(key, 3, {"t": "receipt", "state_type": "COMPLETED", "at": ended.isoformat()})
    last = supervisor.state(key, 4, {"t": "exited", "status": 0, "at": ended.isoformat()})
    assert [said.text for said in only(Say, last)] == ["n (f): Completed after 0.6 s"]


def test_the_same_grant_and_the_same_state_twice_change_nothing(supervisor: Supervisor) -> None:
    key = begun(supervisor)
    assert supervisor.granted(grant(key[0]), NOW) == []
    assert supervisor.state(key, 1, {"t": "spawned", "pid": 5}) == []


def test_an_early_run_waits_for_its_time(supervisor: Supervisor) -> None:
    later = NOW + timedelta(seconds=1)
    given = grant(due=later)
    supervisor.granted(given, NOW)
    assert supervisor.prepared(given, LAUNCH, NOW) == []
    assert supervisor.next_due() == later
    assert only(Start, supervisor.due(later))
    assert supervisor.next_due() is None


def test_a_clock_that_is_behind_delays_nothing_for_long(supervisor: Supervisor) -> None:
    given = grant(due=NOW + timedelta(hours=1))
    supervisor.granted(given, NOW)
    supervisor.prepared(given, LAUNCH, NOW)
    assert only(Start, supervisor.due(NOW + timedelta(seconds=2)))


def test_what_cannot_be_prepared_is_over(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    decisions = supervisor.unprepared(Unprepared(given, "no code", notes=("what a step said",)), NOW)
    assert only(Deliver, decisions)[0].report.message == "no code"
    assert only(Log, decisions)[0].lines == ("what a step said",)
    assert supervisor.free == 2


def test_a_leaving_worker_hands_back(supervisor: Supervisor) -> None:
    given = grant()
    key = (given.run, 1)
    supervisor.granted(given, NOW)
    assert supervisor.drain(NOW) == [Abandon(key, STEP_GRACE)]
    assert supervisor.prepared(given, LAUNCH, NOW) == []
    assert len(supervisor.live()) == 1, "its steps may have processes yet"
    back = [*supervisor.abandoned(key, NOW), *supervisor.granted(grant(), NOW)]
    assert [(one.report.kind, one.report.at) for one in only(Deliver, back)] == [
        (ReportKind.RELEASED, NOW)
    ] * 2
    assert (supervisor.free, supervisor.live()) == (0, [])


def test_told_to_leave_it_hands_back_and_says_so_once(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    command = Command.model_validate({"kind": "drain"})
    assert only(Abandon, supervisor.command(command, NOW)) and supervisor.offered == 0
    assert reported(supervisor.abandoned((given.run, 1), NOW)) == [ReportKind.RELEASED]
    assert supervisor.command(command, NOW) == []


@pytest.mark.parametrize("is_prepared", [True, False])
def test_cancel_before_the_start_is_told_when_its_steps_are_gone(
    supervisor: Supervisor, is_prepared: bool
) -> None:
    given = grant(due=NOW + timedelta(seconds=1))
    key = (given.run, 1)
    supervisor.granted(given, NOW)
    if is_prepared:
        supervisor.prepared(given, LAUNCH, NOW)
    command = Command.model_validate({"kind": "cancel", "run": given.run})
    decisions = supervisor.command(command, NOW)
    assert (only(Abandon, decisions), reported(decisions)) == ([Abandon(key, STEP_GRACE)], [])
    assert supervisor.prepared(given, LAUNCH, NOW) == []
    assert supervisor.unprepared(Unprepared(given, "ended"), NOW) == []
    assert supervisor.free == 1
    assert reported(supervisor.abandoned(key, NOW)) == [ReportKind.CANCELLED]
    assert supervisor.abandoned(key, NOW) == []
    assert supervisor.free == 2


def test_one_that_is_handed_back_may_be_cancelled_yet(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    supervisor.drain(NOW)
    command = Command.model_validate({"kind": "cancel", "run": given.run})
    assert only(Abandon, supervisor.command(command, NOW)) == []
    assert reported(supervisor.abandoned((given.run, 1), NOW)) == [ReportKind.CANCELLED]


def test_a_new_attempts_steps_begin_after_those_of_the_old_one_are_gone(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    new = grant(given.run, attempt=2)
    assert supervisor.granted(new, NOW) == [Abandon((given.run, 1), 0.0)]
    assert supervisor.abandoned((given.run, 1), NOW) == [Prepare(new)]


def test_steps_that_the_lease_ended_are_no_failure_of_the_run(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    decisions = supervisor.unprepared(Unprepared(given, "exit code -9", too_late=True), NOW)
    assert reported(decisions) == [ReportKind.RELEASED]


def test_cancel_kills_once_and_reports_when_gone(supervisor: Supervisor) -> None:
    key = begun(supervisor)
    command = Command.model_validate({"kind": "cancel", "run": key[0], "attempt": 1})
    assert only(Kill, supervisor.command(command, NOW)) == [Kill(key, "cancel", None)]
    assert supervisor.command(command, NOW) == []
    last = supervisor.state(key, 2, {"t": "exited", "status": -15, "why": "cancel", "at": NOW.isoformat()})
    assert reported(last) == [ReportKind.CANCELLED]


def test_a_cancel_of_another_attempt_is_not_ours(supervisor: Supervisor) -> None:
    key = begun(supervisor, attempt=2)
    command = Command.model_validate({"kind": "cancel", "run": key[0], "attempt": 1})
    assert supervisor.command(command, NOW) == []


def test_a_fenced_run_is_killed_without_a_word_to_the_service(supervisor: Supervisor) -> None:
    key = begun(supervisor)
    assert only(Kill, supervisor.verdict(verdict(key, 1, "fenced"))) == [Kill(key, "fenced", 0)]
    assert supervisor.refs() == []
    last = supervisor.state(key, 2, {"t": "exited", "status": -9, "why": "fenced"})
    assert reported(last) == []
    assert only(Ack, last) == [Ack(key, 2)]
    assert supervisor.free == 2


def test_a_new_attempt_starts_after_the_old_one_is_gone(supervisor: Supervisor) -> None:
    old = begun(supervisor)
    new = grant(old[0], attempt=2)
    assert only(Kill, supervisor.granted(new, NOW)) == [Kill(old, "fenced", 0)]
    assert supervisor.due(NOW) == []
    supervisor.state(old, 2, {"t": "exited", "status": -9, "why": "fenced"})
    assert supervisor.due(NOW) == [Prepare(new)]
    started = only(Start, supervisor.prepared(new, LAUNCH, NOW))
    assert [start.key for start in started] == [(new.run, 2)]


@pytest.mark.parametrize("go_on", [True, False])
def test_a_closed_session_disowns_its_runs(supervisor: Supervisor, go_on: bool) -> None:
    key = begun(supervisor)
    waiting = grant()
    supervisor.granted(waiting, NOW)
    decisions = supervisor.disowned(go_on=go_on)
    assert only(Kill, decisions) == ([] if go_on else [Kill(key, "fenced", 0)])
    assert only(Abandon, decisions) == [Abandon((waiting.run, 1), 0.0)]
    assert supervisor.refs() == []
    assert supervisor.abandoned((waiting.run, 1), NOW) == []
    assert len(supervisor.live()) == 1
    assert supervisor.verdict(verdict(key, 1, "fenced")) == [Ack(key, 1)]


def test_a_dead_keeper_crashes_its_runs(supervisor: Supervisor) -> None:
    key = begun(supervisor)
    waiting = grant()
    supervisor.granted(waiting, NOW)
    decisions = supervisor.keeper_died(supervisor.started(), NOW)
    assert [deliver.report.run for deliver in only(Deliver, decisions)] == [key[0]]
    assert only(Deliver, decisions)[0].report.seq == 2
    assert supervisor.free == 1


def test_a_long_reason_is_cut_and_not_lost(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    decisions = supervisor.unprepared(Unprepared(given, "no such folder: " + "a" * 12_000), NOW)
    message = only(Deliver, decisions)[0].report.message or ""
    assert len(message) == 10_000
    assert message.startswith("no such folder: aaa")
    assert message.endswith("[cut]")


@pytest.mark.parametrize(
    "more",
    [{"result": nested(300)}, {"result": nested(3000)}, {"result": "\ud800"}, {"message": "\ud800"}],
    ids=["deep", "deeper", "no text", "no message"],
)
def test_a_run_whose_end_cannot_be_told_is_a_crash_and_no_one_elses(
    supervisor: Supervisor, more: dict[str, object]
) -> None:
    key = begun(supervisor)
    supervisor.state(key, 2, {"t": "receipt", "state_type": "COMPLETED", **more})
    decisions = supervisor.state(key, 3, {"t": "exited", "status": 0})
    report = only(Deliver, decisions)[0].report
    assert report.state_type == "CRASHED"
    assert "cannot be told" in (report.message or "")
    assert report.model_dump_json()
    assert "Crashed" in only(Say, decisions)[0].text


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00", "9999-12-31T23:59:59-10:00", "soon", [], None])
def test_an_odd_time_of_the_childs_is_now(supervisor: Supervisor, at: object) -> None:
    decisions = supervisor.state(begun(supervisor), 2, {"t": "started", "at": at})
    assert only(Deliver, decisions)[0].report.at.year < 9999


def test_a_takeover_replays_and_tells_only_what_is_new(supervisor: Supervisor) -> None:
    given = grant()
    supervisor.granted(given, NOW)
    start = only(Start, supervisor.prepared(given, LAUNCH, NOW))[0]
    states = [
        {"t": "spawned", "pid": 5},
        {"t": "started"},
        {"t": "receipt", "state_type": "COMPLETED"},
        {"t": "exited", "status": 0},
    ]
    other = Supervisor(2)
    run = {"run": str(given.run), "attempt": 1, "meta": start.meta, "states": states, "states_acked": 2}
    assert reported(other.adopt(run)) == [ReportKind.ENDED]
    told = Supervisor(2)
    assert reported(told.adopt({**run, "states_acked": 4})) == []
    assert told.refs() == []
