"""Tables as files: written by each release before it goes out, read by every later one.

`python -m tests.integration.upgrade.tables` writes `tests/fixtures/tables/<version>.ndjson` with this code:
one item of the table a line, as DynamoDB keeps it. A released version's file is never written again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from botocore.session import get_session

from headrace import __version__
from tests.support.plane import Rig, rig

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "tables"
LARGE = {"text": " ".join(str(number) for number in range(1500))}


def fill(plane: Rig) -> None:
    """A little of everything that the table may hold."""
    plane.pool("pool", concurrency_limit=8)
    plane.ok("POST", "/work_pools/pool/queues", {"name": "low", "priority": 5})
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    plane.ok("POST", "/api_keys", {"name": "ci", "role": "deployer"})
    plane.ok("POST", "/variables/", {"name": "rows", "value": {"most": 10}, "tags": ["etl"]})
    schedules = [
        {"schedule": {"cron": "* * * * *"}, "slug": "minutes", "overlap": "skip"},
        {"schedule": {"rrule": "FREQ=DAILY"}, "slug": "daily", "parameters": {"x": 2}, "jitter": 5},
    ]
    main = plane.deployment("etl", "main", schedules=schedules, parameters={"x": 1}, tags=["etl"])
    other = plane.deployment("etl", "other", concurrency_limit=1, retry_policy={"retries": 2, "delay": 30})
    plane.ok("PATCH", f"/deployments/{other['id']}", {"description": "a second version"})
    worker = plane.worker(limit=8)
    names = ("completed", "failed", "running", "cancelling")
    for name in names:
        run = plane.run(main, name=name, parameters=LARGE)
        worker.sync(want=1, hints=[run["id"]])
        worker.start(run["id"])
        if name == "completed":
            record = {"flow_run_id": run["id"], "level": 20, "name": "flow", "message": "a line"}
            plane.ok("POST", "/logs", [{**record, "timestamp": plane.clock.now}])
            worker.end(run["id"], result={"rows": 3})
        elif name == "failed":
            worker.end(run["id"], "FAILED", message="no such file")
        elif name == "cancelling":
            state = {"state": {"type": "CANCELLING"}}
            plane.ok("POST", f"/flow_runs/{run['id']}/set_state", state)
    plane.run(main, name="holds", tags=["db"])
    plane.run(main, name="blocked", tags=["db"], work_queue_name="low")
    plane.run(main, name="waiting", idempotency_key="key")
    plane.plane.tick()


def dump(plane: Rig) -> list[str]:
    """Every item, as a line."""
    return lines(
        item.to_json()["Attributes"] for rows in plane.aws.table.items.values() for item in rows.values()
    )


def scanned(table: str = "headrace-local") -> list[Any]:
    """Every item of a table behind a socket."""
    pages = get_session().create_client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def lines(items: Iterable[Any]) -> list[str]:
    """Items as lines of a file."""
    return sorted(json.dumps(item, sort_keys=True, default=_bytes) for item in items)


def _bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    raise TypeError(type(value))


def load(plane: Rig, file: Path) -> None:
    """Put a file's items into an empty table, and make the queues that they speak of."""
    settings = plane.plane.ports.settings
    table, client = (get_session().create_client(name, settings.region) for name in ("dynamodb", "sqs"))
    for line in file.read_text().splitlines():
        item = json.loads(line, object_hook=_unbytes)
        table.put_item(TableName=settings.table, Item=item)
        document = json.loads(item["doc"]["S"]) if item.get("doc", {}).get("S", "").startswith("{") else {}
        for member in ("url", "control_queue_url"):
            if document.get(member):
                client.create_queue(QueueName=document[member].rpartition("/")[2])


def _unbytes(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if set(value) == {"base64"} else value


def run_named(plane: Rig, name: str) -> Any:
    """A run by its name."""
    runs = plane.ok("POST", "/flow_runs/filter", {"limit": 200})
    return plane.ok("GET", f"/flow_runs/{next(run['id'] for run in runs if run['name'] == name)}")


def session_of(run: Any) -> UUID:
    """The session that holds a run."""
    return UUID(run["attempts"][-1]["session"])


def main() -> None:
    """Write the file of this version."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with rig() as plane:
        fill(plane)
        dumped = dump(plane)
    path = FOLDER / f"{__version__}.ndjson"
    path.write_text("\n".join(dumped) + "\n")
    print(f"Wrote {path}: {len(dumped)} items")


if __name__ == "__main__":
    main()
