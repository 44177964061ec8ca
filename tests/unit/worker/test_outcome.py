"""Receipts and exit statuses become conclusions."""

from __future__ import annotations

import pytest

from headrace.contract.states import StateType
from headrace.contract.sync import ReportKind
from headrace.worker.events import ENGINE_SLACK
from headrace.worker.outcome import conclude, explain

COMPLETED = {"t": "receipt", "state_type": "COMPLETED", "message": "ok", "result": [1]}
FAILED = {
    "t": "receipt",
    "state_type": "FAILED",
    "message": "boom",
    "error": {"type": "ValueError", "message": "m" * 20_000, "traceback": "t"},
    "retry": {"wanted": True, "after": 5},
}


def exited(status: int | None, why: str | None = None, **more: object) -> dict[str, object]:
    return {"t": "exited", "status": status, "why": why, **more}


def test_a_receipt_beats_the_exit_status() -> None:
    done = conclude(COMPLETED, exited(-9), engine=True, timeout=None)
    assert (done.kind, done.state_type, done.result) == (ReportKind.ENDED, StateType.COMPLETED, [1])


def test_a_failure_carries_its_error_and_retry_wish() -> None:
    done = conclude(FAILED, exited(1), engine=True, timeout=None)
    assert done.state_type is StateType.FAILED
    assert done.error is not None
    assert done.error.type == "ValueError"
    assert done.error.message.endswith("[cut]")
    assert done.retry is not None
    assert done.retry.after == 5


def test_what_finished_before_the_cancel_is_completed() -> None:
    done = conclude(COMPLETED, exited(0, "cancel"), engine=True, timeout=None)
    assert done.state_type is StateType.COMPLETED


def test_a_flow_that_exits_when_told_to_end_has_not_completed() -> None:
    left = {**COMPLETED, "by_exit": True}
    before = conclude(left, exited(0, "cancel", said_before=True), engine=True, timeout=None)
    after = conclude(left, exited(0, "cancel", said_before=False), engine=True, timeout=None)
    returned = conclude(COMPLETED, exited(0, "cancel", said_before=False), engine=True, timeout=None)
    by_itself = conclude(left, exited(0, said_before=False), engine=True, timeout=None)
    assert [done.kind for done in (before, after, returned, by_itself)] == [
        ReportKind.ENDED,
        ReportKind.CANCELLED,
        ReportKind.ENDED,
        ReportKind.ENDED,
    ]


@pytest.mark.parametrize(
    ("why", "state"),
    [("timeout", StateType.FAILED), ("stop", StateType.CRASHED), ("lease", StateType.CRASHED)],
)
def test_a_command_that_obeys_when_told_to_end_has_not_completed(why: str, state: StateType) -> None:
    assert conclude(None, exited(0, why), engine=False, timeout=5).state_type is state


@pytest.mark.parametrize("receipt", [None, FAILED])
def test_a_cancel_is_a_cancel(receipt: dict[str, object] | None) -> None:
    done = conclude(receipt, exited(-15, "cancel"), engine=True, timeout=None)
    assert done.kind is ReportKind.CANCELLED


def test_processes_that_could_not_be_killed_are_named() -> None:
    left = [{"pid": 5, "name": "sudo"}]
    done = conclude(None, exited(-9, "cancel", left=left), engine=True, timeout=None)
    assert "sudo (5)" in (done.message or "")
    assert "gone" not in (done.message or "")


def test_a_timeout_has_its_name() -> None:
    for engine, until in ((True, 5 + ENGINE_SLACK), (False, 5)):
        done = conclude(None, exited(-15, "timeout"), engine=engine, timeout=until)
        assert (done.state_type, done.state_name) == (StateType.FAILED, "TimedOut")
        assert done.message == "Ran longer than its timeout of 5 s and was ended."


@pytest.mark.parametrize(("why", "words"), [("lease", "lease ran out"), ("stop", "worker was stopped")])
def test_what_the_worker_ended_itself_says_why(why: str, words: str) -> None:
    done = conclude(None, exited(-15, why), engine=True, timeout=None)
    assert done.state_type is StateType.CRASHED
    assert words in (done.message or "")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "left before"),
        (1, "before it could report"),
        (-9, "out of memory"),
        (-11, "segmentation"),
        (None, "nobody"),
    ],
)
def test_an_engine_without_a_receipt_has_crashed(status: int | None, words: str) -> None:
    done = conclude(None, exited(status), engine=True, timeout=None)
    assert done.state_type is StateType.CRASHED
    assert words in (done.message or "")


@pytest.mark.parametrize(
    ("status", "state"),
    [(0, StateType.COMPLETED), (3, StateType.FAILED), (137, StateType.FAILED), (-9, StateType.CRASHED)],
)
def test_a_commands_exit_status_decides(status: int, state: StateType) -> None:
    assert conclude(None, exited(status), engine=False, timeout=None).state_type is state


@pytest.mark.parametrize(
    "receipt", [{}, {"state_type": "HAPPY"}, {"state_type": "FAILED", "retry": {"after": -1}}]
)
def test_a_receipt_that_makes_no_sense_is_a_crash(receipt: dict[str, object]) -> None:
    done = conclude(receipt, exited(0), engine=True, timeout=None)
    assert done.state_type is StateType.CRASHED


@pytest.mark.parametrize(
    ("status", "words"),
    [(126, "executable"), (127, "not found"), (137, "memory"), (143, "SIGTERM"), (77, "77"), (-64, "")],
)
def test_statuses_in_words(status: int, words: str) -> None:
    assert words in explain(status)
