"""Bad inputs of the route that makes many runs."""

from __future__ import annotations

from typing import Any

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_deployments import HUGE, TAGS, VALUES
from tests.integration.api.bad_pools import NAMES
from tests.integration.api.scene import NOBODY


def _row(why: str, row: Any, status: int = 422) -> Bad:
    """A wrong row behind one that is right: nothing of either is made."""
    return Bad(f"a row: {why}", status, patch={"flow_runs": [{}, row]})


def _occurrence(why: str, slug: Any, time: Any) -> Bad:
    return _row(why, {"occurrence": {"schedule_slug": None if slug is GONE else slug, "time": time}})


PAST = "2026-03-01T00:00:00Z"
ROWS: dict[str, list[Bad]] = {
    "POST /deployments/{deployment_id}/create_flow_runs": [
        *(_row(why, {"parameters": value}) for why, value in VALUES if value is not GONE),
        *(_row(why, {"tags": value}) for why, value in TAGS if value is not GONE),
        *(_row(why, {"name": value}) for why, value in NAMES[3:] if value is not GONE),
        Bad("no runs", patch={"flow_runs": GONE}),
        Bad("an empty list", patch={"flow_runs": []}),
        Bad("an object for the list", patch={"flow_runs": {"a": {}}}),
        Bad("1,001 runs", patch={"flow_runs": [{}] * 1001}),
        Bad("no key at all", patch={"idempotency_key": GONE}),
        Bad("a key for the first row only", body={"flow_runs": [{"idempotency_key": "a"}, {}]}),
        Bad("an empty key", patch={"idempotency_key": ""}),
        Bad("a key of 401 characters", patch={"idempotency_key": "k" * 401}),
        Bad("a key that is a number", patch={"idempotency_key": 7}),
        Bad("two rows of one key", patch={"flow_runs": [{"idempotency_key": "a"}] * 2}),
        Bad("a row with the key of another", patch={"flow_runs": [{}, {"idempotency_key": "k#0"}]}),
        Bad("to enforce in words", patch={"enforce_parameter_schema": "perhaps"}),
        _row("no object", "run"),
        _row("null", None),
        _row("an unknown member", {"colour": "red"}),
        _row("a state", {"state": {"type": "SCHEDULED"}}),
        _row("a parameter of the wrong type", {"parameters": {"x": "many"}}),
        _row("an unknown parameter", {"parameters": {"z": 1}}),
        _row("parameters over 100 KB", {"parameters": {"x": 1, "y": HUGE}}, 413),
        _row("job variables over 32 KB", {"job_variables": {"x": HUGE}}, 413),
        _row("a job variable of the wrong type", {"job_variables": {"timeout": "abc"}}),
        _row("an unknown job variable", {"job_variables": {"nope": 1}}),
        _row("no time", {"scheduled_time": "soon"}),
        _row("a time in the year 1", {"scheduled_time": "0001-01-01T00:00:00+05:00"}),
        _row("an unknown queue", {"work_queue_name": "nobody"}, 404),
        _row("an empty key", {"idempotency_key": ""}),
        _row("a key and an occurrence", {"idempotency_key": "a", "occurrence": {}}),
        _occurrence("of no schedule", GONE, PAST),
        _occurrence("of an unknown schedule", "nobody", PAST),
        _occurrence("at no time", "nightly", "noon"),
        _occurrence("between two occurrences", "nightly", "2026-03-01T04:30:00Z"),
        _occurrence("that has not come yet", "nightly", "2027-03-01T04:00:00Z"),
        Bad(
            "nobody's deployment",
            404,
            path=f"/deployments/{NOBODY}/create_flow_runs",
        ),
    ],
}
