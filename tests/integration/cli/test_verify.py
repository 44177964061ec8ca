"""`headrace deployment schedule verify` against real use cases."""

from __future__ import annotations

from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli

LINE = ("deployment", "schedule", "verify", "flow/main", "--output", "json")


def test_a_period_of_more_moments_than_one_answer_tells_is_asked_for_in_parts(
    cli: Cli, plane: Rig, bridge: Bridge
) -> None:
    plane.pool()
    plane.deployment(schedules=[{"schedule": {"interval": 60}, "slug": "each-minute"}])
    plane.ok(
        "POST",
        f"/deployments/{plane.ok('GET', '/deployments/name/flow/main')['id']}/create_flow_runs",
        {"flow_runs": [{"occurrence": {"schedule_slug": "each-minute", "time": "2026-03-01T00:00:00Z"}}]},
    )
    done = cli(*LINE, "--from", "2026-03-01T00:00Z", "--to", "2026-03-01T23:59Z")
    assert (done.code, len({row["due"] for row in done.json})) == (1, 1440)
    assert done.err == "Error: 1439 of 1440 moments have no run.\n"
    well = cli(*LINE, "--from", "2026-03-01T00:00Z", "--to", "2026-03-01T00:00:30Z")
    assert (well.code, len(well.json)) == (0, 1)
