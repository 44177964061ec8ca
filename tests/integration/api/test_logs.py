"""Log records: by `POST /logs` and by sync, read in pages."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from headrace.contract.sizes import MESSAGE_BYTES
from tests.support.plane import Rig


@pytest.fixture
def run(plane: Rig) -> Any:
    """A run to write logs for."""
    plane.pool()
    return plane.run(plane.deployment())


def record(plane: Rig, run: Any, second: float, message: str, level: int = 20, **more: Any) -> dict[str, Any]:
    at = (plane.clock.now + timedelta(seconds=second)).isoformat()
    base = {"name": "n", "level": level, "message": message, "timestamp": at, "flow_run_id": run["id"]}
    return {**base, **more}


def read(plane: Rig, run: Any, **body: Any) -> list[str]:
    logs = {"flow_run_id": {"any_": [run["id"]]}, **body.pop("logs", {})}
    return [row["message"] for row in plane.ok("POST", "/logs/filter", {"logs": logs, **body})]


def pages(plane: Rig, run: Any, **body: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(400):
        sent = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, **body}
        reply = plane.call("POST", "/logs/filter", {**sent, **({"cursor": cursor} if cursor else {})})
        assert len(reply.body) <= body.get("limit", 200)
        found += [row["message"] for row in reply.body]
        cursor = reply.headers.get("Headrace-Next-Cursor")
        if cursor is None:
            return found
    raise AssertionError("the log has no end")


@pytest.mark.parametrize("limit", [1, 7, 200])
@pytest.mark.parametrize("sort", ["TIMESTAMP_ASC", "TIMESTAMP_DESC"])
def test_pages_are_whole_and_in_order(plane: Rig, run: Any, sort: str, limit: int) -> None:
    lines = [f"line {number}" for number in range(120)]
    for start in range(0, 120, 5):
        plane.ok("POST", "/logs/", [record(plane, run, n, lines[n]) for n in range(start, start + 5)])
    found = pages(plane, run, sort=sort, limit=limit)
    assert found == (lines if sort.endswith("ASC") else lines[::-1])


@pytest.mark.parametrize("sort", ["TIMESTAMP_ASC", "TIMESTAMP_DESC"])
def test_a_page_reads_few_chunks_however_long_the_log_is(plane: Rig, run: Any, sort: str) -> None:
    for start in range(0, 4000, 200):
        plane.ok("POST", "/logs/", [record(plane, run, n, f"line {n}") for n in range(start, start + 200)])
    asked = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": sort, "limit": 100}
    cursor = plane.call("POST", "/logs/filter", asked).headers["Headrace-Next-Cursor"]
    before = len(plane.aws.calls)
    assert len(plane.ok("POST", "/logs/filter", {**asked, "cursor": cursor})) == 100
    queries = [call for call in list(plane.aws.calls)[before:] if call.operation == "Query"]
    assert [call.params["Limit"] for call in queries] == [2]


def test_a_batch_is_put_in_order(plane: Rig, run: Any) -> None:
    plane.ok("POST", "/logs", [record(plane, run, second, str(second)) for second in (3, 1, 2)])
    assert read(plane, run) == ["1", "2", "3"]


def test_offset_counts_what_the_filter_lets_through(plane: Rig, run: Any) -> None:
    plane.ok("POST", "/logs", [record(plane, run, n, str(n), 10 + 10 * (n % 2)) for n in range(20)])
    odd = [str(n) for n in range(1, 20, 2)]
    assert read(plane, run, logs={"level": {"ge_": 20}}, offset=3, limit=4) == odd[3:7]
    assert read(plane, run, logs={"level": {"le_": 10}}) == [str(n) for n in range(0, 20, 2)]


def test_filters_by_time_and_task_run(plane: Rig, run: Any) -> None:
    one, two = str(uuid4()), str(uuid4())
    rows = [record(plane, run, n, str(n), task_run_id=(one, two, None)[n % 3]) for n in range(9)]
    plane.ok("POST", "/logs", rows)
    times = {"after_": rows[2]["timestamp"], "before_": rows[5]["timestamp"]}
    assert read(plane, run, logs={"timestamp": times}) == ["2", "3", "4", "5"]
    assert read(plane, run, logs={"task_run_id": {"any_": [one]}}) == ["0", "3", "6"]
    assert read(plane, run, logs={"task_run_id": {"any_": [one, two]}}) == ["0", "1", "3", "4", "6", "7"]
    assert read(plane, run, logs={"task_run_id": {"any_": []}}) == []


def test_a_repeated_batch_is_stored_once(plane: Rig, run: Any) -> None:
    batch = [record(plane, run, 1, "a"), record(plane, run, 2, "b")]
    for _ in range(2):
        plane.ok("POST", "/logs", batch)
    assert read(plane, run) == ["a", "b"]
    ids = [row["id"] for row in plane.ok("POST", "/logs/filter", _of(run))]
    assert ids == [row["id"] for row in plane.ok("POST", "/logs/filter", _of(run))]
    assert len(set(ids)) == 2


def test_logs_come_with_sync_and_a_repeat_is_stored_once(plane: Rig, run: Any) -> None:
    worker = plane.worker()
    worker.claim()
    batch = {
        "run": run["id"],
        "attempt": 1,
        "seq": 1,
        "records": [{"at": plane.clock.now.isoformat(), "level": 20, "name": "n", "message": "hello"}],
    }
    for _ in range(2):
        worker.sync(logs=[batch])
    worker.sync(logs=[{**batch, "seq": 2, "records": [{**batch["records"][0], "message": "again"}]}])
    worker.sync(logs=[{**batch, "seq": 3, "records": []}])
    assert read(plane, run) == ["hello", "again"]


@pytest.mark.parametrize("by", ["post", "sync"])
def test_a_huge_message_is_cut_with_a_mark(plane: Rig, run: Any, by: str) -> None:
    text = Random(3).randbytes(700_000).hex()
    if by == "post":
        plane.ok("POST", "/logs", [record(plane, run, 0, text)])
    else:
        worker = plane.worker()
        row = {"at": plane.clock.now.isoformat(), "level": 20, "name": "n", "message": text}
        worker.sync(logs=[{"run": run["id"], "attempt": 1, "seq": 1, "records": [row]}])
    (kept,) = read(plane, run)
    assert kept.startswith(text[:MESSAGE_BYTES])
    assert kept.endswith("[cut: the message had 1400000 bytes]")


def test_a_batch_larger_than_an_item_is_split(plane: Rig, run: Any) -> None:
    lines = [Random(n).randbytes(40_000).hex() for n in range(30)]
    plane.ok("POST", "/logs", [record(plane, run, n, line) for n, line in enumerate(lines)])
    assert pages(plane, run, limit=7) == lines


def test_records_of_no_run_are_taken_and_dropped(plane: Rig, run: Any) -> None:
    plane.ok("POST", "/logs", [record(plane, run, 0, "worker", flow_run_id=None)])
    assert read(plane, run) == []


@pytest.mark.parametrize(
    "message", ["", "\x00\x01", "\U0001f600", "a\nb\r\n", '"quoted"', "\u2028", "\x1b[31m"]
)
def test_any_text_survives(plane: Rig, run: Any, message: str) -> None:
    plane.ok("POST", "/logs", [record(plane, run, 0, message)])
    assert read(plane, run) == [message]


def test_logs_are_forgotten_in_time(plane: Rig, run: Any) -> None:
    plane.ok("POST", "/logs", [record(plane, run, 0, "old")])
    plane.clock.forward(60 * 86_400 + 1)
    assert read(plane, run) == []


def _of(run: Any) -> dict[str, Any]:
    return {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
