"""Ten thousand runs that may not start, and one that may: real server, real workers."""

from __future__ import annotations

from datetime import datetime

import httpx

from tests.support.town import Town

MANY = 10_000
AT_ONCE = 1_000
TRIES = 3


def _queue_up(home: Town, deployment: str, count: int, tag: str) -> None:
    identity = home.get(f"/deployments/name/{deployment}")["id"]
    for part in range(count // AT_ONCE):
        body = {"flow_runs": [{"tags": [tag]}] * AT_ONCE, "idempotency_key": f"{tag}-{part}"}
        path = f"{home.api}/deployments/{identity}/create_flow_runs"
        answer = httpx.post(path, json=body, timeout=60).raise_for_status().json()
        assert answer["made"] == AT_ONCE


def _waited(home: Town, deployment: str) -> float:
    """Seconds from when a run was made, and rung for, to its claim."""
    found = home.until(home.trigger(deployment), "COMPLETED")
    claimed = next(state for state in found["state_history"] if state["type"] == "PENDING")
    return (
        datetime.fromisoformat(claimed["timestamp"]) - datetime.fromisoformat(found["created"])
    ).total_seconds()


def test_one_that_can_start_does_so_before_thousands_that_cannot(home: Town) -> None:
    """It is claimed within a second of being rung, beyond what that takes now in a pool where nothing waits.

    Where the pause comes when they stand ready: `integration/scale/test_ten_thousand_waiting.py`.
    """
    home.run("work-pool", "create", "--type", "process", "calm")
    home.run("concurrency-limit", "create", "limited", "0")
    home.deploy("fail")
    home.run("deployment", "pause", "fail/main")
    home.deploy("add", "--param", "x=1")
    home.deploy("quick", pool="calm")
    _queue_up(home, "fail/main", MANY // 2, "paused")
    _queue_up(home, "add/main", MANY // 2, "limited")
    worker = home.worker()
    home.worker("w2", pool="calm")
    waits = [(_waited(home, "quick/main"), _waited(home, "add/main")) for _ in range(TRIES)]
    print(f"seconds from made to claimed, in a calm pool and in the crowd: {waits}")
    assert min(crowd for _, crowd in waits) < min(calm for calm, _ in waits) + 1.0
    assert worker.text().count("started, pid") == TRIES, "none of those that wait was started"
