"""Bad inputs of work pools, work queues and workers."""

from __future__ import annotations

from typing import Any

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.requests_that_work import REPORT
from tests.integration.api.scene import NOBODY

WIDE = "\U0001f600" * 130
"""130 characters of 520 bytes."""
NAMES: list[tuple[str, Any]] = [
    ("no name", GONE),
    ("a name that is null", None),
    ("a name that is a number", 7),
    ("an empty name", ""),
    ("a name of spaces", "   "),
    ("a name of 201 characters", "n" * 201),
    ("a name of 520 bytes", WIDE),
    ("a slash in a name", "a/b"),
    ("a percent sign in a name", "50%"),
    ("NUL in a name", "a\x00b"),
    ("a line break in a name", "a\nb"),
    ("a name that URLs take for a folder", ".."),
]
RESERVED: list[tuple[str, Any]] = [("a name that is a step of the API", "filter")]
LIMIT = [
    ("a negative limit", -1),
    ("a limit over the most", 5001),
    ("a limit with a fraction", 1.5),
    ("a limit in words", "many"),
    ("a limit of 400 digits", int("9" * 400)),
    ("a limit that is an object", {}),
]
PAGES = [
    Bad("limit 0", patch={"limit": 0}),
    Bad("a negative limit", patch={"limit": -1}),
    Bad("limit over 200", patch={"limit": 201}),
    Bad("a limit in words", patch={"limit": "all"}),
    Bad("limit null", patch={"limit": None}),
    Bad("a negative offset", patch={"offset": -1}),
    Bad("offset over 1,000", patch={"offset": 1001}),
    Bad("a cursor that is a number", patch={"cursor": 7}),
    Bad("a cursor of our own making", patch={"cursor": "bm90LW91cnM"}),
    Bad("a cursor with odd characters", patch={"cursor": "\x00\U0010ffff"}),
    Bad("a cursor that is no base64", patch={"cursor": "%%%"}),
    Bad("an empty cursor", patch={"cursor": ""}),
    Bad("a cursor that is too long", patch={"cursor": "a" * 2001}),
    Bad("NaN as a limit", raw=b'{"limit": NaN}'),
]
TEMPLATE = {"job_configuration": {"command": "{{ command }}"}, "variables": {"type": "object"}}


def _each(member: str, values: list[tuple[str, Any]]) -> list[Bad]:
    return [Bad(why, patch={member: value}) for why, value in values]


def _names_in(member: str) -> list[Bad]:
    return [
        Bad("a filter that is a text", patch={member: "x"}),
        Bad("names that are one text", patch={member: {"name": {"any_": "x"}}}),
        Bad("names that are numbers", patch={member: {"name": {"any_": [1]}}}),
        Bad("a pattern of names", patch={member: {"name": {"like_": "a%"}}}),
        Bad("too many names", patch={member: {"name": {"any_": ["x"] * 201}}}),
        Bad("an unknown filter", patch={member: {"colour": {}}}),
        Bad("filters by or", patch={member: {"operator": "or_"}}),
    ]


_PAUSE = [("paused: null", None), ("paused: maybe", "maybe"), ("paused: 7", 7)]
_FATE = [
    Bad("cancel_runs: maybe", path="<path>?cancel_runs=maybe"),
    Bad("to cancel and to move", path="<path>?cancel_runs=true&move_to=other"),
    Bad("waiting runs and nothing said", 409, path="<path>"),
    Bad("to a queue that does not exist", 404, path="<path>?move_to=other/none"),
    Bad("to a pool that does not exist", 404, path="<path>?move_to=none/default"),
    Bad("to no queue at all", 404, path="<path>?move_to=%2F"),
]


def _fate(path: str) -> list[Bad]:
    return [Bad(row.why, row.status, path=(row.path or "").replace("<path>", path)) for row in _FATE]


_REGISTER = "/work_pools/pool/workers/w2/sessions"
_SYNC = "/work_pools/pool/workers/w1/sync"


def _info(**members: Any) -> dict[str, Any]:
    return {"info": {"host": "h", **members}}


def _report(**members: Any) -> dict[str, Any]:
    return {"reports": [{k: v for k, v in {**REPORT, **members}.items() if v is not GONE}]}


ROWS: dict[str, list[Bad]] = {
    "POST /work_pools": [
        *_each("name", [*NAMES, *RESERVED]),
        *_each("concurrency_limit", LIMIT),
        *_each("is_paused", _PAUSE),
        Bad("a name that is taken", 409, patch={"name": "pool"}),
        Bad("a name that is taken, but for spaces", 409, patch={"name": " pool "}),
        Bad("a type that does not exist", patch={"type": "mainframe"}),
        Bad("an empty type", patch={"type": ""}),
        Bad("a description that is too long", patch={"description": "d" * 2001}),
        Bad("a template without its parts", patch={"base_job_template": {"a": 1}}),
        Bad("a template that is an array", patch={"base_job_template": []}),
        Bad(
            "a placeholder that no variable fills",
            patch={"base_job_template": {**TEMPLATE, "job_configuration": {"a": "{{ nothing }}"}}},
        ),
        Bad("a template over 100 KB", 413, patch={"base_job_template": {**TEMPLATE, "x": "x" * 110_000}}),
        Bad("NaN in a template", raw=b'{"name": "fresh", "base_job_template": {"a": NaN}}'),
    ],
    "GET /work_pools/{pool}": [Bad("a name with a query", 404, path="/work_pools/nobody?limit=1")],
    "PATCH /work_pools/{pool}": [
        *_each("concurrency_limit", LIMIT),
        *_each("is_paused", _PAUSE),
        Bad("the name", patch={"name": "other"}),
        Bad("the type", patch={"type": "docker"}),
        Bad("template null", patch={"base_job_template": None}),
        Bad("a template without its parts", patch={"base_job_template": {"a": 1}}),
    ],
    "DELETE /work_pools/{pool}": [
        *_fate("/work_pools/other-with-runs"),
        Bad("a pool with runs that are going", 409, path="/work_pools/pool"),
        Bad("the same, to be cancelled", 409, path="/work_pools/pool?cancel_runs=true"),
        Bad("to the pool that goes", path="/work_pools/other-with-runs?move_to=other-with-runs/default"),
        Bad("to the pool that goes, by its name", path="/work_pools/other-with-runs?move_to=other-with-runs"),
    ],
    "POST /work_pools/filter": [
        *PAGES,
        *_names_in("work_pools"),
        Bad("pools by id", patch={"work_pools": {"id": {"any_": [NOBODY]}}}),
    ],
    "POST /work_pools/{pool}/get_scheduled_flow_runs": [
        Bad("limit 0", patch={"limit": 0}),
        Bad("limit over 200", patch={"limit": 201}),
        Bad("queues that are one text", patch={"work_queue_names": "default"}),
        Bad("a queue with a slash", patch={"work_queue_names": ["a/b"]}),
        Bad("too many queues", patch={"work_queue_names": ["q"] * 101}),
        Bad("no time", patch={"scheduled_before": "soon"}),
        Bad("a year that nobody means", patch={"scheduled_before": "0001-01-01T00:00:00+05:00"}),
        Bad("a time beyond all clocks", patch={"scheduled_after": "9999-12-31T23:59:59-05:00"}),
    ],
    "POST /work_pools/{pool}/concurrency_status": [
        Bad("page 0", patch={"page": 0}),
        Bad("page 51", patch={"page": 51}),
        Bad("limit 0", patch={"limit": 0}),
        Bad("limit 201", patch={"limit": 201}),
        Bad("a page in words", patch={"page": "first"}),
    ],
    "POST /work_pools/{pool}/queues": [
        *_each("name", [*NAMES, *RESERVED]),
        *_each("concurrency_limit", LIMIT),
        *_each("is_paused", _PAUSE),
        Bad("a name that is taken", 409, patch={"name": "second"}),
        Bad("the default queue again", 409, patch={"name": "default"}),
        Bad("priority 0", patch={"priority": 0}),
        Bad("a priority beyond all", patch={"priority": 1_000_001}),
        Bad("a priority in words", patch={"priority": "high"}),
        Bad("a filter, which no queue has any more", patch={"filter": {"tags": []}}),
        Bad("a description that is too long", patch={"description": "d" * 2001}),
    ],
    "GET /work_pools/{pool}/queues/{name}": [],
    "POST /work_pools/{pool}/queues/filter": [*PAGES, *_names_in("work_queues")],
    "POST /work_queues/filter": [*PAGES, *_names_in("work_queues")],
    "GET /work_queues/{queue_id}": [],
    "POST /work_pools/{pool}/skip_late": [],
    "POST /work_pools/{pool}/misfits/filter": [*PAGES],
    "PATCH /work_queues/{queue_id}": [
        *_each("concurrency_limit", LIMIT),
        *_each("is_paused", _PAUSE),
        Bad("the name", patch={"name": "other"}),
        Bad("priority null", patch={"priority": None}),
        Bad("priority 0", patch={"priority": 0}),
    ],
    "DELETE /work_queues/{queue_id}": [
        *_fate("/work_queues/<queue>"),
        Bad("the default queue", 409, path="/work_queues/<default>"),
        Bad("to itself", path="/work_queues/<queue>?move_to=second"),
        Bad("to itself, by its full name", path="/work_queues/<queue>?move_to=pool/second"),
    ],
    "GET /work_queues/{queue_id}/status": [],
    "POST /work_queues/{queue_id}/get_runs": [
        Bad("limit 0", patch={"limit": 0}),
        Bad("limit 201", patch={"limit": 201}),
        Bad("no time", patch={"scheduled_before": "soon"}),
    ],
    "POST /work_queues/{queue_id}/concurrency_status": [
        Bad("page 0", patch={"page": 0}),
        Bad("limit 0", patch={"limit": 0}),
    ],
    "POST /work_pools/{pool}/workers/{worker}/sessions": [
        *[
            Bad(f"worker is {name}", path=f"/work_pools/pool/workers/{name}/sessions")
            for name in ("a%2Fb", "%00", "%20", "n" * 201, "..", "50%25", "%3Cb%3E", "heartbea%74")
        ],
        Bad("no session", patch={"session": GONE}),
        Bad("a session that is no id", patch={"session": "mine"}),
        Bad("no info", patch={"info": GONE}),
        Bad("a type that the pool is not of", 409, patch=_info(type="docker")),
        Bad("a limit of 0", patch=_info(limit=0)),
        Bad("a limit over 1,000", patch=_info(limit=1001)),
        Bad("a queue that the pool has not", patch=_info(work_queues=["none"])),
        Bad("a version that is too long", patch=_info(version="v" * 101)),
        Bad("a pid of 400 digits", patch=_info(pid=int("9" * 400))),
        Bad("a worker that is online on another host", 409, path="/work_pools/pool/workers/w1/sessions"),
        Bad("another worker's session", 409, patch={"session": "<elsewhere>"}),
        Bad(
            "another worker's session, by a worker that is online",
            409,
            patch={"session": "<elsewhere>", "info": {"host": "host"}},
            path="/work_pools/pool/workers/w1/sessions",
        ),
        Bad(
            "online on another host, and a predecessor that is another pool's",
            409,
            patch={"predecessor": "<elsewhere>"},
            path="/work_pools/pool/workers/w1/sessions",
        ),
        Bad("lost runs without attempts", patch={"lost": [{"run": NOBODY}]}),
        Bad("attempt 0 of a lost run", patch={"lost": [{"run": NOBODY, "attempt": 0}]}),
    ],
    "DELETE /work_pools/{pool}/workers/{worker}/sessions/{session_id}": [
        Bad("another worker's session", 409, path="/work_pools/pool/workers/w1/sessions/<elsewhere>"),
        Bad("its session under another name", 409, path="/work_pools/pool/workers/w2/sessions/<session>"),
        Bad("its session in another pool", 409, path="/work_pools/other/workers/w1/sessions/<session>"),
    ],
    "POST /work_pools/{pool}/workers/{worker}/sync": [
        Bad("an unknown worker", 409, path="/work_pools/pool/workers/nobody/sync"),
        Bad("another worker's session", 409, patch={"session": "<elsewhere>"}),
        Bad("nobody's session", 409, patch={"session": NOBODY}),
        Bad("another pool", 409, path="/work_pools/other/workers/w1/sync"),
        Bad("no session", patch={"session": GONE}),
        Bad("seq 0", patch={"seq": 0}),
        Bad("a seq of 400 digits", patch={"seq": int("9" * 400)}),
        Bad("seq null", patch={"seq": None}),
        Bad("slots below 0", patch={"slots": -1}),
        Bad("want below 0", patch={"want": -1}),
        Bad("want over 1,000", patch={"want": 1001}),
        Bad("held that is no list", patch={"held": {}}),
        Bad("held without attempts", patch={"held": [{"run": NOBODY}]}),
        Bad("hints that are no ids", patch={"hints": ["nope"]}),
        Bad("too many hints", patch={"hints": [NOBODY] * 101}),
        Bad("a report of an unknown kind", patch=_report(kind="exploded")),
        Bad("a report of an unknown state", patch=_report(state_type="DONE")),
        Bad("a report without a time", patch=_report(at=GONE)),
        Bad("a report of the year 1", patch=_report(at="0001-01-01T00:00:00+05:00")),
        Bad("a report of attempt 0", patch=_report(attempt=0)),
        Bad("a report with a seq of 400 digits", patch=_report(seq=int("9" * 400))),
        Bad("a report with a pid of 400 digits", patch=_report(pid=int("9" * 400))),
        Bad("an error without its shape", patch=_report(error="boom")),
        Bad("a retry before now", patch=_report(retry={"wanted": True, "after": -1})),
        Bad("logs without an attempt", patch={"logs": [{"run": NOBODY, "seq": 1, "records": []}]}),
        Bad(
            "a log level below 0",
            patch={
                "logs": [
                    {
                        "run": NOBODY,
                        "attempt": 1,
                        "seq": 1,
                        "records": [
                            {"at": "2026-03-02T12:00:00Z", "level": -1, "name": "n", "message": "m"},
                        ],
                    }
                ]
            },
        ),
    ],
    "POST /work_pools/{pool}/workers/{worker}/drain": [
        *(
            Bad(f"an unknown worker {name:.20}", 404, path=f"/work_pools/pool/workers/{name}/drain")
            for name in ("nobody", "W1", "w1%20", "%00", "x" * 200, "50%25", "filter")
        ),
        Bad("another pool's worker", 404, path="/work_pools/pool/workers/w9/drain"),
        Bad("its worker in another pool", 404, path="/work_pools/other/workers/w1/drain"),
        Bad("a pool that is not there", 404, path="/work_pools/none/workers/w1/drain"),
    ],
    "POST /work_pools/{pool}/workers/filter": [
        *PAGES,
        Bad("an unknown status", patch={"workers": {"status": {"any_": ["ASLEEP"]}}}),
        Bad("a status that is a text", patch={"workers": {"status": "ONLINE"}}),
        Bad("workers by what no index serves", patch={"workers": {"last_heartbeat_time": {"after_": "x"}}}),
    ],
    "POST /work_pools/{pool}/workers/heartbeat": [
        *_each("name", [*NAMES, *RESERVED]),
        Bad("an interval of 0", patch={"heartbeat_interval_seconds": 0}),
        Bad("an interval over a day", patch={"heartbeat_interval_seconds": 86_401}),
    ],
}
