"""Many runs by one request, under faults: the same request again makes exactly the runs asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from chalicelib.api.routes import serve
from chalicelib.services.bulk import Bulk
from chalicelib.services.lines import Lines
from chalicelib.storage.bulk import BulkStore
from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig
from tests.support.world import World

ROUTE = "POST /deployments/{deployment_id}/create_flow_runs"
LARGE = {"text": " ".join(str(number) for number in range(1500))}


def _ready(rig: Rig) -> Scene:
    rig.pool()
    schedule = {"schedule": {"cron": "0 * * * *"}, "slug": "s"}
    deployment = rig.deployment(schedules=[schedule], parameters={"size": 1})
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    ports = rig.plane.ports
    in_threes = Bulk(ports, Lines(ports), rig.plane.runs, BulkStore(ports.runs, most_actions=3))
    rig.plane = replace(rig.plane, bulk=in_threes)
    serve(lambda: rig.plane)
    return Scene(workers=[rig.worker(limit=10)], deployment=deployment)


def _send(rig: Rig, scene: Scene) -> Reply:
    hour = rig.clock.now.replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=1)
    rows = [
        {"parameters": LARGE},
        {"occurrence": {"schedule_slug": "s", "time": hour}},
        {"idempotency_key": "own"},
        {"scheduled_time": rig.clock.now.replace(hour=13)},
        {},
    ]
    path = f"/deployments/{scene.deployment['id']}/create_flow_runs"
    reply = rig.call("POST", path, {"flow_runs": rows, "idempotency_key": "k"})
    if reply.status < 300:
        scene.made = [row["id"] for row in reply.body["flow_runs"]]
    return reply


def _exactly(rig: Rig, scene: Scene, now: World) -> None:
    assert set(now.runs) == {UUID(run) for run in scene.made}
    assert len(scene.made) == 5
    assert rig.read(scene.made[0])["parameters"] == {**LARGE, "size": 1}


SCENARIOS = [Scenario("create many runs", ROUTE, _ready, _send, _exactly)]
