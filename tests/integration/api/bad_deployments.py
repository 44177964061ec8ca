"""Bad inputs of flows, deployments and schedules."""

from __future__ import annotations

from typing import Any

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_pools import LIMIT, NAMES, PAGES
from tests.integration.api.scene import NOBODY

DEEP: Any = {}
for _ in range(120):
    DEEP = {"a": DEEP}
HUGE = "x" * 110_000
TAGS: list[tuple[str, Any]] = [
    ("tags that are one text", "db"),
    ("tags null", None),
    ("a tag that is a number", [1]),
    ("an empty tag", [""]),
    ("a tag of 101 characters", ["t" * 101]),
    ("a tag with NUL", ["a\x00b"]),
    ("51 tags", [f"t{number}" for number in range(51)]),
]
POLICIES: list[tuple[str, Any]] = [
    ("a policy that is a number", 3),
    ("retries below 0", {"retries": -1}),
    ("retries over 1,000", {"retries": 1001}),
    ("a delay below 0", {"delay": -1}),
    ("a delay of ages", {"delay": 1e300}),
    ("a delay of ages in a list", {"delay": [1, 1e300]}),
    ("no delays", {"delay": []}),
    ("a longest delay of ages", {"max_delay": 1e300}),
    ("a jitter over 1", {"jitter": 1.1}),
    ("a shrinking backoff", {"backoff": 0.5}),
    ("types that are one text", {"on": "ValueError"}),
    ("an unknown member of the policy", {"tries": 3}),
]
VALUES: list[tuple[str, Any]] = [
    ("parameters null", None),
    ("parameters in an array", [1]),
    ("parameters nested too deeply", {"x": 1, "y": DEEP}),
]
SCHEMAS: list[tuple[str, Any]] = [
    ("a schema of no object", {"type": "array"}),
    ("a schema with an unknown type", {"type": "object", "properties": {"x": {"type": "no"}}}),
    ("a schema that refers elsewhere", {"properties": {"x": {"$ref": "http://example.com/s.json"}}}),
    ("a schema that is a text", "object"),
]
SPECS: list[tuple[str, Any]] = [
    ("no schedule", None),
    ("an empty schedule", {}),
    ("two kinds at once", {"cron": "0 4 * * *", "interval": 60}),
    ("cron with a mistake", {"cron": "0 25 * * *"}),
    ("cron of six fields", {"cron": "0 0 4 * * *"}),
    ("cron that never comes", {"cron": "0 0 31 2 *"}),
    ("an unknown zone", {"cron": "0 4 * * *", "timezone": "Mars/Base"}),
    ("an interval of 0", {"interval": 0}),
    ("an interval of ages", {"interval": 1e300}),
    ("an interval in words", {"interval": "often"}),
    ("an anchor that nobody means", {"interval": 60, "anchor_date": "0001-01-01T00:00:00+05:00"}),
    ("an rrule with a mistake", {"rrule": "FREQ=SOMETIMES"}),
    ("an unknown member of the schedule", {"cron": "0 4 * * *", "colour": "red"}),
]
OPTIONS: list[tuple[str, Any, Any]] = [
    ("an unknown catch-up", "catchup", "maybe"),
    ("an unknown overlap", "overlap", "often"),
    ("an unknown dst", "dst", "ignore"),
    ("a jitter below 0", "jitter", -1),
    ("a jitter over an hour", "jitter", 3601),
    ("a lateness of 0", "max_lateness", 0),
    ("a lateness of ages", "max_lateness", 1e300),
    ("a slug with a slash", "slug", "a/b"),
    ("an empty slug", "slug", ""),
    ("a slug of 101 characters", "slug", "s" * 101),
    ("active: maybe", "active", "maybe"),
]


def each(member: str, values: list[tuple[str, Any]]) -> list[Bad]:
    """A row for each wrong value of a member."""
    return [Bad(why, patch={member: value}) for why, value in values]


_COMMON = [
    *each("tags", TAGS),
    *each("retry_policy", POLICIES),
    *each("parameters", VALUES),
    *each("parameter_openapi_schema", SCHEMAS),
    *each("concurrency_limit", LIMIT),
    Bad("paused null", patch={"paused": None}),
    Bad("enforcing null", patch={"enforce_parameter_schema": None}),
    Bad("job variables null", patch={"job_variables": None}),
    Bad("an empty entrypoint", patch={"entrypoint": ""}),
    Bad("a description that is too long", patch={"description": "d" * 10_001}),
    Bad("a timeout of 0", patch={"timeout_seconds": 0}),
    Bad("an endless timeout", patch={"timeout_seconds": 1e300}),
    Bad("an unknown strategy", patch={"concurrency_options": {"collision_strategy": "FIGHT"}}),
    Bad("steps that are texts", patch={"pull_steps": ["git clone"]}),
    Bad("51 steps", patch={"pull_steps": [{}] * 51}),
    Bad("a pool that does not exist", 404, patch={"work_pool_name": "none"}),
    Bad("a queue that does not exist", 404, patch={"work_pool_name": "pool", "work_queue_name": "none"}),
    Bad("parameters over 100 KB", 413, patch={"parameters": {"x": HUGE}}),
    Bad("a schema over 100 KB", 413, patch={"parameter_openapi_schema": {"title": HUGE}}),
    Bad("job variables over 100 KB", 413, patch={"job_variables": {"x": HUGE}}),
    Bad("a step over 32 KB", 413, patch={"pull_steps": [{"x": HUGE}]}),
    *[
        Bad(f"a schedule: {why}", patch={"schedules": [{"schedule": value}]})
        for why, value in SPECS
        if value is not None
    ],
    Bad("a slug twice", patch={"schedules": [{"schedule": {"interval": 60}, "slug": "s"}] * 2}),
    Bad("too many schedules", patch={"schedules": [{"schedule": {"interval": 60}}] * 41}),
    Bad("a schedule that is a text", patch={"schedules": ["0 4 * * *"]}),
]
_SCHEDULES = "/deployments/<deployment>/schedules/<schedule>"

ROWS: dict[str, list[Bad]] = {
    "POST /flows": [
        *each("name", NAMES),
        *each("tags", TAGS),
        Bad("labels in an array", patch={"labels": []}),
        Bad("labels over 32 KB", 413, patch={"labels": {"x": HUGE}}),
    ],
    "GET /flows/{flow_id}": [],
    "POST /flows/filter": [
        *PAGES,
        Bad("flows by a text", patch={"flows": "x"}),
        Bad("ids that are none", patch={"flows": {"id": {"any_": ["nope"]}}}),
        Bad("a pattern of names", patch={"flows": {"name": {"like_": "a%"}}}),
        Bad("by or", patch={"flows": {"operator": "or_"}}),
        Bad("flows by their runs", patch={"flow_runs": {"name": {"any_": ["x"]}}}),
        Bad("flows by their deployments", patch={"deployments": {}}),
    ],
    "POST /deployments": [
        *_COMMON,
        *each("name", NAMES),
        Bad("no flow", patch={"flow_id": GONE}),
        Bad("a flow that is no id", patch={"flow_id": "flow"}),
        Bad("nobody's flow", 404, patch={"flow_id": NOBODY}),
        Bad("labels over 32 KB", 413, patch={"labels": {"x": HUGE}}),
        Bad(
            "a schedule and no pool",
            patch={"schedules": [{"schedule": {"interval": 60}}], "work_pool_name": None},
        ),
        Bad("a block of Prefect's", patch={"storage_document_id": NOBODY}),
        Bad(
            "a timeout of Infinity",
            raw=b'{"name": "x", "flow_id": "%s", "timeout_seconds": Infinity}' % NOBODY.encode(),
        ),
    ],
    "GET /deployments/{deployment_id}": [],
    "POST /deployments/{deployment_id}/skip_late": [],
    "GET /deployments/name/{flow}/{name}": [],
    "PATCH /deployments/{deployment_id}": [
        *_COMMON,
        Bad("the name", patch={"name": "other"}),
        Bad("the flow", patch={"flow_id": NOBODY}),
        Bad("no pool, but schedules", patch={"work_pool_name": None}),
    ],
    "DELETE /deployments/{deployment_id}": [
        Bad("runs that wait and nothing said", 409, path="/deployments/<deployment>"),
        Bad("runs that wait, and false", 409, path="/deployments/<deployment>?cancel_runs=false"),
        Bad("to another queue", path="/deployments/<deployment>?move_to=other"),
        Bad("cancel_runs: maybe", path="/deployments/<deployment>?cancel_runs=maybe"),
        Bad("both", path="/deployments/<deployment>?cancel_runs=1&move_to=other"),
    ],
    "POST /deployments/check": [
        Bad("no deployments", body={}),
        Bad("an empty list", patch={"deployments": []}),
        Bad("deployments by a text", patch={"deployments": "x"}),
        Bad("one that is a number", patch={"deployments": [3]}),
        Bad("one without a name", patch={"deployments": [{"flow_id": NOBODY}]}),
        Bad("a flow that is no id", patch={"deployments": [{"name": "a", "flow_id": "f"}]}),
        Bad("an unknown member", patch={"deployments": [{"name": "a", "flow_id": NOBODY, "pool": "x"}]}),
        Bad("101 deployments", patch={"deployments": [{"name": "a", "flow_id": NOBODY}] * 101}),
    ],
    "POST /deployments/filter": [
        *PAGES,
        Bad("ids that are none", patch={"deployments": {"id": {"any_": ["nope"]}}}),
        Bad("deployments by a text", patch={"deployments": "x"}),
        Bad("by tags, which no index serves", patch={"deployments": {"tags": {"all_": ["x"]}}}),
        Bad("by or", patch={"deployments": {"operator": "or_"}}),
        Bad("pools by id", patch={"work_pools": {"id": {"any_": [NOBODY]}}}),
        Bad("by their runs", patch={"flow_runs": {}}),
    ],
    "POST /deployments/{deployment_id}/create_flow_run": [
        *each("parameters", VALUES),
        *each("tags", TAGS),
        *each("name", NAMES[3:]),
        Bad("a parameter of the wrong type", patch={"parameters": {"x": "many"}}),
        Bad("an unknown parameter", patch={"parameters": {"z": 1}}),
        Bad("a parameter null", patch={"parameters": {"x": None}}),
        Bad("NaN as a parameter", raw=b'{"parameters": {"x": NaN}}'),
        Bad("Infinity as a parameter", raw=b'{"parameters": {"x": -Infinity}}'),
        Bad("a number beyond all", raw=b'{"parameters": {"x": 1e999}}'),
        Bad("parameters over 5 MB", 413, patch={"parameters": {"x": 1, "y": "x" * 5_300_000}}),
        Bad(
            "large parameters for the year after next",
            patch={
                "parameters": {"x": 1, "y": HUGE},
                "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2028-01-01T00:00:00Z"}},
            },
        ),
        Bad("job variables over 32 KB", 413, patch={"job_variables": {"x": HUGE}}),
        Bad("a job variable of the wrong type", patch={"job_variables": {"timeout": "abc"}}),
        Bad("an unknown job variable", patch={"job_variables": {"nope": 1}}),
        Bad("to begin as RUNNING", patch={"state": {"type": "RUNNING"}}),
        Bad("to begin as what is no state", patch={"state": {"type": "DONE"}}),
        Bad("to begin in a text", patch={"state": "SCHEDULED"}),
        Bad(
            "at no time", patch={"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "soon"}}}
        ),
        Bad(
            "in the year 1",
            patch={
                "state": {
                    "type": "SCHEDULED",
                    "state_details": {"scheduled_time": "0001-01-01T00:00:00+05:00"},
                }
            },
        ),
        Bad("an empty key", patch={"idempotency_key": ""}),
        Bad("a key of 501 characters", patch={"idempotency_key": "k" * 501}),
        Bad("a queue that does not exist", 404, patch={"work_queue_name": "none"}),
        Bad("a queue with a slash", patch={"work_queue_name": "a/b"}),
        Bad("a parent that is no id", patch={"parent_task_run_id": "me"}),
    ],
    "GET /deployments/{deployment_id}/schedules": [],
    "POST /deployments/{deployment_id}/schedules": [
        *each("schedule", SPECS),
        *[Bad(why, patch={member: value}) for why, member, value in OPTIONS],
        Bad("no schedule at all", patch={"schedule": GONE}),
        Bad("a slug that is taken", 409, patch={"slug": "nightly"}),
        Bad("an array of texts", body=["0 4 * * *"]),
        Bad("a slug twice", body=[{"schedule": {"interval": 60}, "slug": "s"}] * 2),
        Bad("too many schedules", body=[{"schedule": {"interval": 60}}] * 40),
        Bad("a parameter that the schema refuses", patch={"parameters": {"x": "many"}}),
        Bad("an unknown parameter", patch={"parameters": {"z": 1}}),
        Bad("parameters over 100 KB", 413, patch={"parameters": {"x": 1, "y": HUGE}}),
        Bad(
            "a plain deployment's parameters over 100 KB",
            413,
            patch={"parameters": {"y": HUGE}},
            path="/deployments/<plain>/schedules",
        ),
    ],
    "PATCH /deployments/{deployment_id}/schedules/{schedule_id}": [
        *each("schedule", SPECS),
        *[Bad(why, patch={member: value}) for why, member, value in OPTIONS],
        *[Bad(f"{member} null", patch={member: None}) for member in ("active", "slug", "catchup", "jitter")],
        Bad("a schedule of another deployment", 404, path="/deployments/<plain>/schedules/<schedule>"),
        Bad("a parameter that the schema refuses", patch={"parameters": {"x": "many"}}),
        Bad("parameters over 100 KB", 413, patch={"parameters": {"x": 1, "y": HUGE}}),
    ],
    "DELETE /deployments/{deployment_id}/schedules/{schedule_id}": [
        Bad("a schedule of another deployment", 404, path="/deployments/<plain>/schedules/<schedule>"),
    ],
    "POST /schedules/preview": [
        Bad("no schedule", body={}),
        Bad("four fields", body={"schedule": {"cron": "0 4 * *"}}),
        Bad("no such zone", body={"schedule": {"cron": "0 4 * * *", "timezone": "Mars/Olympus"}}),
        Bad("an interval of nothing", body={"schedule": {"interval": 0}}),
        Bad("a rule without a frequency", body={"schedule": {"rrule": "BYDAY=MO"}}),
        Bad("limit 101", body={"schedule": {"interval": 60}, "limit": 101}),
        Bad("a name that nothing has", body={"schedule": {"interval": 60}, "slug": "a"}),
    ],
    "GET /deployments/{deployment_id}/schedules/{schedule_id}/upcoming": [
        Bad("limit 0", path=f"{_SCHEDULES}/upcoming?limit=0"),
        Bad("limit 1001", path=f"{_SCHEDULES}/upcoming?limit=1001"),
        Bad("a limit in words", path=f"{_SCHEDULES}/upcoming?limit=all"),
        Bad("a limit of 400 digits", path=f"{_SCHEDULES}/upcoming?limit={'9' * 400}"),
        Bad("after no time", path=f"{_SCHEDULES}/upcoming?after=soon"),
        Bad("after a year that nobody means", path=f"{_SCHEDULES}/upcoming?after=0001-01-01T00:00:00Z"),
        Bad(
            "backwards", path=f"{_SCHEDULES}/upcoming?after=2026-03-02T00:00:00Z&before=2026-03-01T00:00:00Z"
        ),
    ],
    "GET /deployments/{deployment_id}/schedules/{schedule_id}/verify": [
        Bad("before no time", path=f"{_SCHEDULES}/verify?before=soon"),
        Bad("before the year 10,000", path=f"{_SCHEDULES}/verify?before=10000-01-01T00:00:00Z"),
        Bad("backwards", path=f"{_SCHEDULES}/verify?after=2026-03-02T00:00:00Z&before=2026-03-01T00:00:00Z"),
        Bad("a limit over what one answer lists", path=f"{_SCHEDULES}/verify?limit=1001"),
        Bad("an offset, which it has not", path=f"{_SCHEDULES}/verify?offset=3"),
    ],
}
