"""`headrace deploy`: the flow is read in a process of its own, and becomes a deployment of this folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.cli import inspection
from headrace.project.sources import LOCAL as PULL_STEP
from tests.unit.cli import canned
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, error

FLOWS = '''
import os
import sys

from headrace import flow

print("said while being loaded")
sys.modules["headrace"].loaded_by = os.getpid()


@flow(name="hello", version="7", retries=2, retry_delay_seconds=[1, 5], timeout_seconds=60)
def hello(x: int, word: str = "mill"):
    """Greets.

    Args:
        x: How often.
    """


def plain():
    """No flow yet."""
'''
BROKEN = {
    "import nowhere_to_be_found": "nowhere_to_be_found",
    "def hello(:": "syntax error",
    "raise RuntimeError('no mill')": "no mill",
    "import os; os._exit(9)": "ended the process (exit code 9)",
    "import sys; sys.exit('bye')": "ended the process",
    "hello = 7": "hello",
    "": "hello",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "flows.py").write_text(FLOWS, encoding="utf-8")
    return folder


def sent(api: FakeApi, path: str) -> Any:
    return next(one.body for one in api.sent("POST") if one.path == path)


def test_takes_over_what_the_flow_says(cli: Cli, api: FakeApi, project: Path) -> None:
    result = cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")

    assert result.code == 0, result.err
    assert sent(api, "/flows/")["name"] == "hello"
    body = sent(api, "/deployments/")
    assert body["flow_id"] == canned.FLOW_ID
    assert body["description"] == "Greets."
    assert body["version"] == "7"
    assert body["timeout_seconds"] == 60
    assert (body["retry_policy"]["retries"], body["retry_policy"]["delay"]) == (2, [1, 5])
    assert body["parameter_openapi_schema"]["required"] == ["x"]
    assert body["entrypoint"] == "flows.py:hello"
    assert body["pull_steps"] == [{PULL_STEP: {"directory": str(project)}}]
    assert "said while being loaded" not in result.out


def test_names_the_worker_that_is_there(cli: Cli, api: FakeApi, project: Path) -> None:
    mine, other = canned.WORKER | {"work_queues": []}, canned.WORKER | {"work_queues": ["of-others"]}
    path = "/work_pools/my-process-pool/workers/filter"
    api.on("POST", path, Answer([mine, mine | {"status": "OFFLINE"}, other]))
    line = ("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")
    out = cli(*line).out
    assert f"Its worker:      {mine['name']} serves the pool now\n" in out
    assert "Start a worker" not in out
    api.on("POST", path, Answer([mine, mine, mine]))
    assert f"{mine['name']} and 2 more serve the pool now\n" in cli(*line).out


def test_says_what_comes_next(cli: Cli, api: FakeApi, project: Path) -> None:
    api.on("POST", "/work_pools/my-process-pool/workers/filter", Answer([]))
    api.on("GET", "/deployments/name/hello/first", error(404, "not_found", "There is no such deployment."))
    out = cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool").out

    assert out.startswith("Created deployment 'hello/first', version 0, id ")
    assert "Schedule 'nightly': cron 0 4 * * * (Europe/Berlin).\n" in out
    assert "headrace worker start --pool my-process-pool\n" in out
    assert "headrace deployment run hello/first --watch\n" in out


def test_options_stand_over_the_flow(cli: Cli, api: FakeApi, project: Path) -> None:
    options = (
        "-q fast --description Mine --version 8 --tag a --tag b --param x=3 --param word=5 --paused --cron @daily"
        " --timezone Europe/Paris --job-variable env.A=1 --concurrency-limit 2 --collision-strategy CANCEL_NEW"
    )

    cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool", *options.split())

    body = sent(api, "/deployments/")
    expected = {
        "work_queue_name": "fast",
        "description": "Mine",
        "version": "8",
        "tags": ["a", "b"],
        "parameters": {"x": 3, "word": "5"},
        "paused": True,
        "schedules": [{"schedule": {"cron": "@daily", "timezone": "Europe/Paris"}}],
        "job_variables": {"env.A": 1},
        "concurrency_limit": 2,
        "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
    }
    assert {name: body[name] for name in expected} == expected


def test_what_is_not_said_is_not_sent(cli: Cli, api: FakeApi, project: Path) -> None:
    cli("deploy", "flows.py:plain", "-n", "first", "-p", "my-process-pool")

    unsaid = {"paused", "schedules", "concurrency_limit", "tags", "job_variables", "work_queue_name"}
    assert not unsaid & set(sent(api, "/deployments/"))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({}, "Nothing changed: deployment 'hello/first' is still version 2, id "),
        ({"revision": 8}, "Updated deployment 'hello/first', still version 2, id "),
        (
            {"revision": 8, "version_number": 3, "latest_version_number": 3},
            "Updated deployment 'hello/first', version 3, id ",
        ),
        (
            {"revision": 8, "latest_version_number": 3, "pinned": True},
            "Made version 3 of deployment 'hello/first', id ",
        ),
    ],
)
def test_an_existing_one_is_updated(
    cli: Cli, api: FakeApi, project: Path, after: dict[str, Any], said: str
) -> None:
    before = canned.DEPLOYMENT | {"version_number": 2, "latest_version_number": 2, "revision": 7}
    api.on("GET", "/deployments/name/hello/first", Answer(before))
    api.on("POST", "/deployments/", Answer(before | after, 200))

    assert cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool").out.startswith(said)


@pytest.mark.parametrize(("code", "said"), BROKEN.items(), ids=list(BROKEN.values()))
def test_a_flow_that_does_not_load_changes_nothing(
    cli: Cli, api: FakeApi, project: Path, code: str, said: str
) -> None:
    (project / "flows.py").write_text(code, encoding="utf-8")

    result = cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")

    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert "headrace/cli" not in result.err
    assert api.changes() == []


def test_a_flow_whose_file_does_not_end_is_told(
    cli: Cli, api: FakeApi, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "flows.py").write_text("import threading\nthreading.Event().wait()\n", encoding="utf-8")
    monkeypatch.setattr(inspection, "TIMEOUT", 0.5)

    result = cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")

    assert (result.code, api.changes()) == (1, [])
    assert "Loading flows.py:hello took longer than 0.5 s" in result.err
    assert "while it is imported" in result.err and "--no-check" in result.err


def test_who_waits_at_a_terminal_for_a_flow_to_load_is_told(
    cli: Cli, api: FakeApi, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "QUIET", 0)
    line = ("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")
    assert "Loading" not in cli(*line).err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    result = cli(*line)
    assert (result.code, "Loading flows.py:hello ..." in result.err) == (0, True)


def test_the_users_traceback_is_shown(cli: Cli, api: FakeApi, project: Path) -> None:
    (project / "flows.py").write_text("def dig():\n    1 / 0\n\n\ndig()\n", encoding="utf-8")

    err = cli("deploy", "flows.py:dig", "-n", "first", "-p", "my-process-pool").err

    assert 'flows.py", line 2, in dig' in err
    assert "ZeroDivisionError" in err


def test_the_flow_is_not_loaded_in_this_process(cli: Cli, api: FakeApi, project: Path) -> None:
    import headrace

    cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")

    assert getattr(headrace, "loaded_by", None) != os.getpid()


def test_an_unknown_pool_is_told_before_anything_is_made(cli: Cli, api: FakeApi, project: Path) -> None:
    api.on("GET", "/work_pools/none", error(404, "not_found", "There is no work pool 'none'."))

    result = cli("deploy", "flows.py:hello", "-n", "first", "-p", "none")

    assert (result.code, api.changes()) == (1, [])
    assert "no work pool 'none'" in result.err


def test_a_file_beside_cannot_pass_for_a_module_of_ours(cli: Cli, api: FakeApi, project: Path) -> None:
    (project / "json.py").write_text("raise AssertionError('not this one')", encoding="utf-8")

    assert cli("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool").code == 0


@pytest.mark.parametrize("more", [(), ("--no-check",)])
def test_a_task_is_refused(cli: Cli, api: FakeApi, project: Path, more: tuple[str, ...]) -> None:
    (project / "steps.py").write_text("from headrace import task\n@task\ndef fetch(): ...\n")
    done = cli("deploy", "steps.py:fetch", "-n", "main", "-p", "my-process-pool", *more)
    assert (done.code, api.changes()) == (1, [])
    assert "'fetch' in steps.py is a task, not a flow" in done.err
    assert "--no-check" not in done.err
