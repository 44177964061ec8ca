"""A control plane with one thing of every kind in it, and a picture of all that it stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

import botocore.session
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from tests.support.plane import Rig

ACCOUNT, REGION = "123456789012", "us-east-1"
SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "string", "default": "a"}},
    "required": ["x"],
}
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Scene:
    """The rig, and the ids of what is in it by the names that the tables use."""

    rig: Rig
    ids: dict[str, str] = field(default_factory=dict)

    def fill(self, value: Any) -> Any:
        """`<name>` replaced by the id of that name, in texts and all that contains texts."""
        if isinstance(value, str):
            for name, identity in self.ids.items():
                value = value.replace(f"<{name}>", identity)
            return value
        if isinstance(value, dict):
            return {key: self.fill(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.fill(member) for member in value]
        return value

    def picture(self) -> tuple[object, object]:
        """Everything stored: the items of the table, and the queues with their messages."""
        table = dynamodb_backends[ACCOUNT][REGION].tables["headrace-local"]
        items = {
            (str(pk), str(sk)): item.to_json()
            for pk, partition in table.items.items()
            for sk, item in partition.items()
        }
        queues = {
            name: [message.body for message in queue._messages]
            for name, queue in sqs_backends[ACCOUNT][REGION].queues.items()
        }
        return items, queues


def build(rig: Rig) -> Scene:
    """Pools `pool` (with a further queue and a live worker `w1`) and `other`, and runs in several states."""
    scene = Scene(rig, {"nobody": NOBODY})
    ids = scene.ids
    rig.pool()
    rig.pool("other")
    rig.pool("limited", concurrency_limit=2)
    queue = rig.ok("POST", "/work_pools/pool/queues", {"name": "second", "concurrency_limit": 3})
    ids["queue"] = queue["id"]
    ids["default"] = rig.ok("GET", "/work_pools/pool/queues/default")["id"]
    worker = rig.worker(limit=3)
    ids["session"] = worker.session
    ids["elsewhere"] = rig.worker("other", "w9").session
    running_only = rig.deployment(name="plain")
    done, running = (rig.run(running_only) for _ in range(2))
    for grant in worker.claim(2):
        worker.start(grant)
    worker.end(done["run"] if "run" in done else done["id"])
    ids |= {"done": done["id"], "running": running["id"], "plain": running_only["id"]}
    schedule = {"schedule": {"cron": "0 4 * * *"}, "slug": "nightly"}
    deployment = rig.deployment(
        parameter_openapi_schema=SCHEMA, parameters={"x": 1}, tags=["db"], schedules=[schedule]
    )
    ids |= {"deployment": deployment["id"], "flow": deployment["flow_id"]}
    ids["schedule"] = deployment["schedules"][0]["id"]
    ids["run"] = rig.run(deployment, parameters={"x": 2})["id"]
    rig.ok("PATCH", f"/deployments/{ids['deployment']}", {"description": "of a second version"})
    rig.ok("POST", f"/deployments/{ids['deployment']}/create_flow_run", {"work_queue_name": "second"})
    bare = {"flow_id": ids["flow"], "name": "a subflow"}
    ids["bare"] = rig.ok("POST", "/flow_runs", bare)["id"]
    rig.pool("other-with-runs")
    rig.run(rig.deployment(name="waits", pool="other-with-runs"))
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 2})
    rig.ok("POST", "/logs", [_record(ids["run"])])
    ids["new"] = str(uuid4())
    ids["variable"] = rig.ok("POST", "/variables", {"name": "rows", "value": 7})["id"]
    ids["key"] = rig.ok("POST", "/api_keys", {"name": "ci", "role": "viewer"})["id"]
    ids["bundle"] = _bundle(rig.plane.ports.settings.bucket)
    return scene


def _bundle(bucket: str) -> str:
    """The digest of a bundle that is in the bucket."""
    content = b"code"
    digest = sha256(content).hexdigest()
    client = botocore.session.get_session().create_client("s3", region_name=REGION)
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=f"bundles/{digest}.zip", Body=content)
    return f"sha256:{digest}"


def _record(run: str) -> dict[str, object]:
    return {
        "name": "log",
        "level": 20,
        "message": "hello",
        "timestamp": "2026-03-02T12:00:00Z",
        "flow_run_id": run,
    }
