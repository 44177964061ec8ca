"""Bad inputs of what a worker asks for the code of a run."""

from __future__ import annotations

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_deployments import HUGE, TAGS, VALUES, each
from tests.integration.api.bad_pools import NAMES
from tests.integration.api.scene import NOBODY

_W = "/work_pools/pool/workers"
_SEEN = f"{_W}/w1/flow_runs/<run>"
ROWS: dict[str, list[Bad]] = {
    "POST /work_pools/{pool}/workers/{worker}/create_flow_run": [
        *each("parameters", VALUES),
        *each("tags", TAGS),
        *each("name", NAMES[3:]),
        Bad("another worker", 409, path=f"{_W}/w2/create_flow_run"),
        Bad("another pool", 409, path="/work_pools/other/workers/w1/create_flow_run"),
        Bad("another worker's session", 409, patch={"session": "<elsewhere>"}),
        Bad("nobody's session", 409, patch={"session": NOBODY}),
        Bad("no session", patch={"session": GONE}),
        Bad("a run that waits", 409, patch={"run": "<run>"}),
        Bad("a run that is over", 409, patch={"run": "<done>"}),
        Bad("nobody's run", 409, patch={"run": NOBODY}),
        Bad("a run that is no id", patch={"run": "me"}),
        Bad("another attempt", 409, patch={"attempt": 2}),
        Bad("attempt 0", patch={"attempt": 0}),
        Bad("no attempt", patch={"attempt": GONE}),
        Bad("no deployment", patch={"deployment": GONE}),
        Bad("an unknown deployment", 404, patch={"deployment": "flow/none"}),
        Bad("a deployment without its flow", patch={"deployment": "main"}),
        Bad("a deployment without a name", patch={"deployment": "flow/"}),
        Bad("a deployment of three parts", patch={"deployment": "flow/main/x"}),
        Bad("a deployment of 402 characters", patch={"deployment": f"flow/{'x' * 397}"}),
        Bad("an empty call", patch={"call": ""}),
        Bad("a call of 201 characters", patch={"call": "c" * 201}),
        Bad("an unknown parameter", patch={"parameters": {"z": 1}}),
        Bad("job variables over 32 KB", 413, patch={"job_variables": {"x": HUGE}}),
        Bad("a job variable of the wrong type", patch={"job_variables": {"timeout": "abc"}}),
        Bad("an unknown job variable", patch={"job_variables": {"nope": 1}}),
        Bad("labels over 32 KB", 413, patch={"labels": {"x": HUGE}}),
        Bad("a key of 501 characters", patch={"idempotency_key": "k" * 501}),
        Bad("an empty key", patch={"idempotency_key": ""}),
        Bad("at no time", patch={"scheduled_time": "soon"}),
        Bad("in the year 1", patch={"scheduled_time": "0001-01-01T00:00:00+05:00"}),
        Bad("as a child, maybe", patch={"as_child": "maybe"}),
    ],
    "GET /work_pools/{pool}/workers/{worker}/flow_runs/{run_id}": [
        Bad("no session", path=_SEEN),
        Bad("a session that is no id", path=f"{_SEEN}?session=mine"),
        Bad("nobody's session", 409, path=f"{_SEEN}?session={NOBODY}"),
        Bad("another worker's session", 409, path=f"{_SEEN}?session=<elsewhere>"),
        Bad("another worker", 409, path=f"{_W}/w2/flow_runs/<run>?session=<session>"),
    ],
}
