"""Every command does what it says: what it sends, what it prints, as a table and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cli.app import build
from headrace.cli.reference import commands
from tests.unit.cli.canned import DEPLOYMENT_ID, POOL_ID, QUEUE_ID, RUN_ID, SCHEDULE_ID, WORKER
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi

POOL, QUEUE, DEPLOYMENT = "my-process-pool", "default", "hello/first"
QUEUE_PATH, DEPLOYMENT_PATH = f"/work_queues/{QUEUE_ID}", f"/deployments/{DEPLOYMENT_ID}"
SCHEDULES = f"{DEPLOYMENT_PATH}/schedules"
SET_STATE = f"POST /flow_runs/{RUN_ID}/set_state"

# command line, words that its table shows, changes that it sends, whether its JSON is a list
CASES: list[tuple[str, list[str], list[str], bool]] = [
    ("work-pool create my-process-pool", ["Created", POOL_ID, "worker start"], ["POST /work_pools/"], False),
    ("work-pool ls", ["Name", "Type", "ID", POOL_ID, "process", "4", "● ready"], [], True),
    (f"work-pool inspect {POOL}", [POOL_ID, "job_configuration"], [], False),
    (f"work-pool update {POOL} --description x", ["Updated"], [f"PATCH /work_pools/{POOL}"], False),
    (f"work-pool pause {POOL}", ["Paused"], [f"PATCH /work_pools/{POOL}"], False),
    (f"work-pool resume {POOL}", ["Resumed"], [f"PATCH /work_pools/{POOL}"], False),
    (f"work-pool delete {POOL}", ["Deleted"], [f"DELETE /work_pools/{POOL}"], False),
    (f"work-pool skip-late {POOL}", ["2"], [f"POST /work_pools/{POOL}/skip_late"], False),
    (f"work-queue create q --pool {POOL}", ["Created", QUEUE_ID], [f"POST /work_pools/{POOL}/queues"], False),
    ("work-queue ls", ["default", QUEUE_ID, "● ready"], [], True),
    (f"work-queue ls --pool {POOL}", [QUEUE_ID], [], True),
    (f"work-queue inspect default --pool {POOL}", [QUEUE_ID, "Last polled"], [], False),
    ("work-queue update default --priority 3", ["Updated"], [f"PATCH {QUEUE_PATH}"], False),
    ("work-queue pause default", ["Paused"], [f"PATCH {QUEUE_PATH}"], False),
    ("work-queue resume default", ["Resumed"], [f"PATCH {QUEUE_PATH}"], False),
    ("work-queue delete default", ["Deleted"], [f"DELETE {QUEUE_PATH}"], False),
    ("worker ls", ["w1", POOL, "● online", "s ago", "mill"], [], True),
    (
        f"worker drain w1 --pool {POOL}",
        ["takes nothing new"],
        [f"POST /work_pools/{POOL}/workers/w1/drain"],
        False,
    ),
    ("flow ls", ["hello", "a, b"], [], True),
    ("deployment ls", ["hello/first", DEPLOYMENT_ID, POOL, "● ready"], [], True),
    (f"deployment inspect {DEPLOYMENT}", ["flows.py:hello", "nightly", "etl"], [], False),
    (f"deployment inspect {DEPLOYMENT_ID}", ["hello/first"], [], False),
    (f"deployment pause {DEPLOYMENT}", ["Paused"], [f"PATCH {DEPLOYMENT_PATH}"], False),
    (f"deployment resume {DEPLOYMENT}", ["Resumed"], [f"PATCH {DEPLOYMENT_PATH}"], False),
    (f"deployment delete {DEPLOYMENT}", ["Deleted"], [f"DELETE {DEPLOYMENT_PATH}"], False),
    (f"deployment versions {DEPLOYMENT}", ["1.0", "ana@laptop", "parameters.x"], [], True),
    (f"deployment diff {DEPLOYMENT} 1 2", ["version 1 -> 2", "schedules.nightly"], [], False),
    (f"deployment rollback {DEPLOYMENT} 1", ["Rolled"], [f"POST {DEPLOYMENT_PATH}/rollback"], False),
    (f"deployment pin {DEPLOYMENT} 1", ["Pinned"], [f"POST {DEPLOYMENT_PATH}/pin"], False),
    (f"deployment unpin {DEPLOYMENT}", ["not pinned"], [f"POST {DEPLOYMENT_PATH}/unpin"], False),
    (f"deployment skip-late {DEPLOYMENT}", ["2"], [f"POST {DEPLOYMENT_PATH}/skip_late"], False),
    (
        f"deployment run {DEPLOYMENT}",
        ["Created", RUN_ID, "flow-run watch"],
        [f"POST {DEPLOYMENT_PATH}/create_flow_run"],
        False,
    ),
    (
        f"deployment schedule create {DEPLOYMENT} --cron @daily",
        ["Added", "nightly"],
        [f"POST {SCHEDULES}"],
        True,
    ),
    (f"deployment schedule ls {DEPLOYMENT}", ["nightly", "cron 0 4 * * *", SCHEDULE_ID], [], True),
    (
        f"deployment schedule pause {DEPLOYMENT} nightly",
        ["Paused"],
        [f"PATCH {SCHEDULES}/{SCHEDULE_ID}"],
        False,
    ),
    (
        f"deployment schedule resume {DEPLOYMENT} nightly",
        ["Resumed"],
        [f"PATCH {SCHEDULES}/{SCHEDULE_ID}"],
        False,
    ),
    (
        f"deployment schedule delete {DEPLOYMENT} nightly",
        ["Deleted"],
        [f"DELETE {SCHEDULES}/{SCHEDULE_ID}"],
        False,
    ),
    (f"deployment schedule preview {DEPLOYMENT}", ["2026-03-02", "nightly"], [], True),
    (f"deployment schedule verify {DEPLOYMENT} nightly", ["2026-03-02", RUN_ID], [], True),
    ("flow-run ls", [RUN_ID, "brave-otter", "hello/first", "Completed"], [], True),
    (f"flow-run inspect {RUN_ID}", ["brave-otter", "Completed", '"x": 1'], [], False),
    (f"flow-run logs {RUN_ID}", ["INFO  first line", "WARNING  second line"], [], True),
    (f"flow-run watch {RUN_ID}", ["first line", "STATE  Completed after 2.0s"], [], False),
    (f"flow-run why {RUN_ID}", ["paused since"], [], False),
    (f"flow-run retry {RUN_ID}", ["scheduled once more"], [SET_STATE], False),
    (f"flow-run cancel {RUN_ID}", [f"{RUN_ID} is Cancelling"], [SET_STATE], True),
    (f"flow-run delete {RUN_ID}", ["Deleted"], [f"DELETE /flow_runs/{RUN_ID}"], True),
    ("concurrency-limit create db 3", ["At most 3", "'db'"], ["POST /v2/concurrency_limits/"], False),
    ("concurrency-limit update db 4", ["At most 4", "'db'"], ["PATCH /v2/concurrency_limits/db"], False),
    ("concurrency-limit ls", ["db", "3", "yes"], [], True),
    ("concurrency-limit inspect db", ["tag:db", "Held by", RUN_ID], [], False),
    ("concurrency-limit delete db", ["no longer"], ["DELETE /v2/concurrency_limits/db"], False),
    ('variable set rows [1,"a"]', ["'rows' is [1, \"a\"]"], ["PATCH /variables/name/rows"], False),
    ("variable get rows", ['[1, "a"]'], [], False),
    ("variable ls", ["rows", '[1, "a"]', "t"], [], True),
    ("variable unset rows", ["Deleted variable 'rows'"], ["DELETE /variables/name/rows"], False),
    ("profile create other --api-url http://h/api", ["Created", "http://h/api"], [], False),
    ("profile ls", ["No profiles"], [], True),
    ("profile inspect", ["HEADRACE_API_URL"], [], False),
    ("version", ["Headrace", "0.1.0", "Python"], [], False),
]
IDS = [case[0] for case in CASES]
ELSEWHERE = {
    *("import", "init", "deploy", "server start", "worker start", "profile use", "profile delete"),
    *("api-key create", "api-key ls", "api-key revoke", "login", "logout"),  # test_access.py
    *(f"cloud {word}" for word in ("up", "status", "logs", "policies", "upgrade", "down")),  # test_cloud.py
    *("cost actual", "cost estimate", "deployment backfill", "export", "import-data"),  # integration/cli
    "worker install",  # test_worker_install.py
}
ALWAYS_JSON = {"work-pool get-default-base-job-template"}


@pytest.mark.parametrize(("line", "words", "changes", "is_list"), CASES, ids=IDS)
def test_prints_for_people(
    cli: Cli, api: FakeApi, line: str, words: list[str], changes: list[str], is_list: bool
) -> None:
    result = cli(*line.split())

    assert (result.code, result.err) == (0, "")
    assert not [word for word in words if word not in result.out], result.out
    assert api.changes() == changes
    assert "\x1b" not in result.out


def test_a_worker_of_all_queues_says_all(cli: Cli, api: FakeApi) -> None:
    every = WORKER | {"work_queues": []}
    api.on("POST", "/work_pools/[^/]+/workers/filter", Answer([every]))

    assert "all" in cli("worker", "ls").out.split()


@pytest.mark.parametrize(("line", "words", "changes", "is_list"), CASES, ids=IDS)
def test_prints_json_and_nothing_else(
    cli: Cli, api: FakeApi, line: str, words: list[str], changes: list[str], is_list: bool
) -> None:
    result = cli(*line.split(), "-o", "json")

    assert result.code == 0
    assert isinstance(result.json, list if is_list else dict)
    assert api.changes() == changes


@pytest.mark.parametrize("line", [case[0] for case in CASES if case[0].split()[-1] == "ls"])
def test_a_list_fits_80_columns_with_its_ids_whole(cli: Cli, api: FakeApi, line: str) -> None:
    lines = cli(*line.split()).out.splitlines()

    assert max(map(len, lines)) <= 80


def test_every_command_is_tried_here() -> None:
    leaves = {
        path.removeprefix("headrace ") for path, command, _ in commands() if not hasattr(command, "commands")
    }
    tried = {name for name in leaves if any(line == name or line.startswith(f"{name} ") for line in IDS)}

    assert leaves - tried == ELSEWHERE | ALWAYS_JSON


def test_the_default_template_is_json(cli: Cli, api: FakeApi) -> None:
    assert cli("work-pool", "get-default-base-job-template", "--type", "process").json == {"variables": {}}


def test_only_the_branch_in_use_is_built() -> None:
    assert [len(group.typer_instance.registered_commands) for group in build(["flow"]).registered_groups] == [
        1 for _ in build(["flow"]).registered_groups
    ]


def test_an_import_counts_what_it_wrote_and_noted(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prefect.yaml").write_text("name: x\ndeployments:\n  - {name: a, entrypoint: 'f.py:f'}\n")
    result = cli("import", "prefect.yaml")
    assert (result.code, "1 deployment, 1 note above." in result.out) == (0, True), result
