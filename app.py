"""The Chalice app: registers the routes and declares the timed handler, nothing else."""

from __future__ import annotations

from chalice.app import Chalice, CloudWatchEvent, Rate

from chalicelib.api.routes import register, serve
from chalicelib.entry import control_plane

app = Chalice(app_name="headrace", configure_logs=False)
register(app)
serve(control_plane)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def tick(event: CloudWatchEvent) -> None:
    """Each minute: leases, slots, rings, schedules."""
    control_plane().tick()
