"""Ten thousand runs that may not start, and one that may: real server, real worker."""

from __future__ import annotations

from datetime import datetime

import httpx

from tests.support.town import Town

MANY = 10_000
AT_ONCE = 1_000


def _queue_up(home: Town, deployment: str, count: int, tag: str) -> None:
    identity = home.get(f"/deployments/name/{deployment}")["id"]
    for part in range(count // AT_ONCE):
        body = {"flow_runs": [{"tags": [tag]}] * AT_ONCE, "idempotency_key": f"{tag}-{part}"}
        path = f"{home.api}/deployments/{identity}/create_flow_runs"
        answer = httpx.post(path, json=body, timeout=60).raise_for_status().json()
        assert answer["made"] == AT_ONCE


def test_one_that_can_start_does_so_before_thousands_that_cannot(home: Town) -> None:
    home.deploy("fail")
    home.run("deployment", "pause", "fail/main")
    home.run("concurrency-limit", "create", "limited", "0")
    home.deploy("add", "--param", "x=1")
    _queue_up(home, "fail/main", MANY // 2, "paused")
    _queue_up(home, "add/main", MANY // 2, "limited")
    home.worker()
    run = home.trigger("add/main")
    found = home.until(run, "COMPLETED")
    waited = datetime.fromisoformat(found["start_time"]) - datetime.fromisoformat(found["created"])
    print(f"it started {waited.total_seconds():.3f} s after it was made")
    assert waited.total_seconds() < 20, "it waited for a tick, not for its doorbell"
    waiting = home.ask("flow-run", "ls", "--state", "RUNNING")
    assert waiting == []
