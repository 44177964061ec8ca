"""Bad inputs of flow runs, logs, concurrency limits, and of what the system says of itself."""

from __future__ import annotations

from typing import Any

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_deployments import HUGE, TAGS, VALUES, each
from tests.integration.api.bad_pools import LIMIT, NAMES, PAGES
from tests.integration.api.scene import NOBODY

STATES: list[tuple[str, Any]] = [
    ("no state", GONE),
    ("state null", None),
    ("a state that is a text", "CANCELLED"),
    ("a state without a type", {}),
    ("a state of an unknown type", {"type": "DONE"}),
    ("a type in small letters", {"type": "cancelled"}),
    ("a name of 101 characters", {"type": "CANCELLED", "name": "n" * 101}),
    ("a message that is too long", {"type": "CANCELLED", "message": "m" * 10_001}),
    ("a message that is a number", {"type": "CANCELLED", "message": 7}),
    ("an unknown member of the state", {"type": "CANCELLED", "colour": "red"}),
    ("details that are a text", {"type": "SCHEDULED", "state_details": "soon"}),
    ("no time", {"type": "SCHEDULED", "state_details": {"scheduled_time": "soon"}}),
    (
        "a time in the year 1",
        {"type": "SCHEDULED", "state_details": {"scheduled_time": "0001-01-01T00:00:00+05:00"}},
    ),
    ("a time of 400 digits", {"type": "SCHEDULED", "state_details": {"scheduled_time": int("9" * 400)}}),
    ("an id that is none", {"type": "CANCELLED", "id": "mine"}),
]


def _filter(**members: Any) -> dict[str, Any]:
    return {"flow_runs": members}


def _logs(**members: Any) -> dict[str, Any]:
    return {"logs": {"flow_run_id": {"any_": ["<run>"]}, **members}}


_TAG_NAMES = [("no name", GONE), ("a name null", None), ("an empty name", ""), ("only the kind", "tag:")]

ROWS: dict[str, list[Bad]] = {
    "POST /flow_runs": [
        *each("parameters", VALUES),
        *each("tags", TAGS),
        *each("name", NAMES[3:]),
        Bad("no flow", patch={"flow_id": GONE}),
        Bad("a flow that is no id", patch={"flow_id": "flow"}),
        Bad("nobody's flow", 404, patch={"flow_id": NOBODY}),
        Bad("a deployment", patch={"deployment_id": NOBODY}),
        Bad("to begin as RUNNING", patch={"state": {"type": "RUNNING"}}),
        Bad("to begin as COMPLETED", patch={"state": {"type": "COMPLETED"}}),
        Bad("parameters over 100 KB", 413, patch={"parameters": {"x": HUGE}}),
        Bad("labels over 32 KB", 413, patch={"labels": {"x": HUGE}}),
        Bad("a version that is too long", patch={"flow_version": "v" * 201}),
        Bad("an empty key", patch={"idempotency_key": ""}),
    ],
    "GET /flow_runs/{run_id}": [],
    "PATCH /flow_runs/{run_id}": [
        *each("parameters", VALUES),
        *each("tags", TAGS),
        *each("name", [("name null", None), *NAMES[3:]]),
        Bad("the state", patch={"state": {"type": "COMPLETED"}}),
        Bad(
            "parameters of a run that goes", 409, patch={"parameters": {"x": 5}}, path="/flow_runs/<running>"
        ),
        Bad(
            "parameters of a run that is over", 409, patch={"parameters": {"x": 5}}, path="/flow_runs/<done>"
        ),
        Bad("parameters over 100 KB", 413, patch={"parameters": {"x": HUGE}}),
        Bad("job variables over 32 KB", 413, patch={"job_variables": {"x": HUGE}}),
        Bad("a job variable of the wrong type", patch={"job_variables": {"timeout": "abc"}}),
        Bad("an unknown job variable", patch={"job_variables": {"nope": 1}}),
        Bad("a pid that is too long", patch={"infrastructure_pid": "9" * 301}),
        Bad("NaN as a parameter", raw=b'{"parameters": {"x": NaN}}'),
    ],
    "DELETE /flow_runs/{run_id}": [Bad("a run that goes", 409, path="/flow_runs/<running>")],
    "PATCH /flow_runs/{run_id}/labels": [
        Bad("a label null", body={"team": None}),
        Bad("a label that is an object", body={"team": {"name": "data"}}),
        Bad("a label that is an array", body={"team": ["data"]}),
        Bad("a label without a name", body={"": "data"}),
        Bad("a name of 201 characters", body={"n" * 201: "data"}),
        Bad("NaN as a label", raw=b'{"share": NaN}'),
        Bad("labels over 32 KB", 413, body={"team": HUGE}),
    ],
    "POST /flow_runs/{run_id}/set_state": [
        *each("state", STATES),
        Bad("force: maybe", patch={"force": "maybe"}),
        Bad("force null", patch={"force": None}),
    ],
    "POST /flow_runs/filter": [
        *PAGES,
        Bad("ids that are none", patch=_filter(id={"any_": ["nope"]})),
        Bad("too many ids", patch=_filter(id={"any_": [NOBODY] * 201})),
        Bad("an unknown type", patch=_filter(state={"type": {"any_": ["DONE"]}})),
        Bad("a type that is a text", patch=_filter(state={"type": "RUNNING"})),
        Bad("by or", patch=_filter(operator="or_")),
        Bad("states by or", patch=_filter(state={"operator": "or_"})),
        Bad("a pattern of names", patch=_filter(name={"like_": "a%"})),
        Bad("by what no index serves", patch=_filter(start_time={"after_": "2026-01-01T00:00:00Z"})),
        Bad("runs without a deployment", patch=_filter(deployment_id={"is_null_": True})),
        Bad("deployments that are none", patch=_filter(deployment_id={"any_": ["nope"]})),
        Bad(
            "31 deployments",
            patch=_filter(deployment_id={"any_": [f"{n:08}{NOBODY[8:]}" for n in range(31)]}),
        ),
        Bad("no time", patch=_filter(expected_start_time={"after_": "soon"})),
        Bad(
            "a year that nobody means",
            patch=_filter(expected_start_time={"before_": "9999-12-31T23:59:59-05:00"}),
        ),
        Bad(
            "backwards",
            patch=_filter(
                expected_start_time={"after_": "2026-02-01T00:00:00Z", "before_": "2026-01-01T00:00:00Z"}
            ),
        ),
        Bad("an unknown order", patch={"sort": "BY_LUCK"}),
        Bad("pools by id", patch={"work_pools": {"id": {"any_": [NOBODY]}}}),
        Bad("queues by id", patch={"work_pool_queues": {"id": {"any_": [NOBODY]}}}),
        Bad("by task runs", patch={"task_runs": {}}),
    ],
    "GET /flow_runs/{run_id}/why": [],
    "POST /logs": [
        *each("name", [("no name", GONE), ("name null", None), ("a name of 301 characters", "n" * 301)]),
        *each(
            "level",
            [("no level", GONE), ("a level below 0", -1), ("a level over 1,000", 1001), ("INFO", "INFO")],
        ),
        *each("message", [("no message", GONE), ("message null", None), ("a message in an object", {})]),
        *each(
            "timestamp",
            [("no time", GONE), ("not a time", "soon"), ("the year 1", "0001-01-01T00:00:00+05:00")],
        ),
        Bad("a run that is no id", patch={"flow_run_id": "mine"}),
        Bad("half a pair in a message", raw=b'[{"name": "n", "level": 20, "message": "\\udfff"}]'),
        Bad("a good one, then a bad one", body=[{"name": "n"}, 7]),
    ],
    "POST /logs/filter": [
        *(bad for bad in PAGES if bad.patch != {"limit": 201}),
        Bad("limit over 1,000", patch={"limit": 1001}),
        Bad("no run", patch={"logs": GONE}),
        Bad("runs null", patch={"logs": {"flow_run_id": None}}),
        Bad("no run at all", patch={"logs": {"flow_run_id": {"any_": []}}}),
        Bad("two runs", patch={"logs": {"flow_run_id": {"any_": ["<run>", NOBODY]}}}),
        Bad("a run that is no id", patch={"logs": {"flow_run_id": {"any_": ["nope"]}}}),
        Bad("a level in words", patch=_logs(level={"ge_": "INFO"})),
        Bad("by text, which no index serves", patch=_logs(text={"query": "boom"})),
        Bad("no time", patch=_logs(timestamp={"after_": "soon"})),
        Bad("too many task runs", patch=_logs(task_run_id={"any_": [NOBODY] * 11})),
        Bad("an unknown order", patch={"sort": "BY_LUCK"}),
    ],
    "POST /v2/concurrency_limits": [
        *each("name", [*_TAG_NAMES, ("a name of 101 characters", "n" * 101), ("NUL in a name", "a\x00b")]),
        *each("limit", [("no limit", GONE), ("limit null", None), *LIMIT]),
        Bad("a tag that has one", 409, patch={"name": "db"}),
        Bad("a tag that has one, by its full name", 409, patch={"name": "tag:db"}),
        Bad("not active, which no limit can be", patch={"active": False}),
        Bad("slots that decay", patch={"slot_decay_per_second": 0.5}),
        Bad("slots that are taken", patch={"active_slots": 1}),
    ],
    "GET /v2/concurrency_limits/{name}": [
        Bad("a kind without a name", 404, path="/v2/concurrency_limits/pool:")
    ],
    "PATCH /v2/concurrency_limits/{name}": [
        *each("limit", [("no limit", GONE), ("limit null", None), *LIMIT]),
        Bad("a pool's limit", 409, path="/v2/concurrency_limits/pool:limited"),
        Bad("a queue's limit", 409, path="/v2/concurrency_limits/queue:pool%2Fsecond"),
        Bad("a limit of a pool that has none", 404, path="/v2/concurrency_limits/pool:nobody"),
    ],
    "DELETE /v2/concurrency_limits/{name}": [
        Bad("a pool's limit", 409, path="/v2/concurrency_limits/pool:limited"),
        Bad("a queue's limit", 409, path="/v2/concurrency_limits/queue:pool%2Fsecond"),
        Bad("a limit of a pool that has none", 404, path="/v2/concurrency_limits/pool:nobody"),
    ],
    "POST /v2/concurrency_limits/filter": PAGES,
    "GET /collections/views/{view}": [],
    "POST /bundles": [
        *each("digest", [("no digest", GONE), ("digest null", None), ("a digest of another kind", "md5:0")]),
        *each(
            "digest",
            [("a digest that is cut off", f"sha256:{'0' * 63}"), ("in capitals", f"sha256:{'A' * 64}")],
        ),
        *each(
            "digest",
            [("a path in a digest", "sha256:../../x"), ("a digest and more", f"sha256:{'0' * 64}\n")],
        ),
        *each("size", [("no size", GONE), ("size 0", 0), ("a size below 0", -1), ("a size in words", "big")]),
        Bad("a size over 100 MB", 413, patch={"size": 100_000_001}),
        Bad("a size of 400 digits", 413, patch={"size": int("9" * 400)}),
    ],
    "GET /bundles/{digest}": [
        Bad("nobody's bundle", 404, path=f"/bundles/sha256:{'1' * 64}"),
        *[
            Bad(f"the digest {digest:.20}", path=f"/bundles/{digest}")
            for digest in ("nope", "%00", "..", "a%2Fb", "sha256:", f"md5:{'0' * 64}", f"sha256:{'0' * 65}")
        ],
        *[
            Bad(f"the digest {digest:.20}", path=f"/bundles/{digest}")
            for digest in (f"sha256:{'A' * 64}", f"sha256:{'0' * 64}%0A", "x" * 3000, "sha256:%ED%A0%80")
        ],
    ],
}
