"""The Chalice app: registers the routes and declares the timed handler, nothing else."""

from __future__ import annotations

from chalice.app import Chalice, CloudWatchEvent, Rate

from chalicelib.api import (
    bundles,
    deployments,
    flow_runs,
    flows,
    limits,
    logs,
    schedules,
    system,
    work_pools,
    work_queues,
    workers,
)
from chalicelib.api.endpoint import serve
from chalicelib.wiring import control_plane

app = Chalice(app_name="headrace", configure_logs=False)
serve(control_plane)
for module in (
    system,
    work_pools,
    work_queues,
    workers,
    flows,
    deployments,
    schedules,
    flow_runs,
    logs,
    limits,
    bundles,
):
    app.register_blueprint(module.blueprint, url_prefix="/api")


@app.schedule(Rate(1, unit=Rate.MINUTES))
def tick(event: CloudWatchEvent) -> None:
    """Each minute: leases, slots, rings, schedules."""
    control_plane().tick()
