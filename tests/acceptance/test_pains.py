"""Code, secrets, deploy: what hurts users of flow orchestrators most, and the tests that fail if it comes back.

Each pain is a row of `PAINS`; a test below sees that the tests named there exist. Those that need the whole
system together are in this file.
"""

from __future__ import annotations

import ast
import base64
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import boto3
import httpx
import pytest

from tests.integration.sources.conftest import Origin, Site, backend, origin, site
from tests.support.git_host import GitHost, git
from tests.support.town import HEADRACE, Town, eventually

__all__ = ["backend", "origin", "site"]

ROOT = Path(__file__).parents[2]
SOURCES = "tests/integration/sources"
PAINS = {
    "each run clones the repository anew": [
        "tests/acceptance/test_pains.py::test_eight_private_runs_make_one_fetch_and_show_no_secret",
        f"{SOURCES}/test_git.py::test_eight_runs_at_once_make_one_fetch",
        f"{SOURCES}/test_git.py::test_several_processes_make_one_fetch",
        f"{SOURCES}/test_ssh.py::test_a_repository_is_cloned_once",
    ],
    "deploying a hundred flows makes a hundred clones": [
        "tests/unit/cli/test_deploy_project.py::test_many_deployments_ask_git_as_often_as_few_and_fetch_nothing",
    ],
    "a second clone fails, since the folder is there": [
        f"{SOURCES}/test_git.py::test_a_pinned_commit_is_fetched_once_and_kept",
        f"{SOURCES}/test_cache.py::test_a_failing_maker_leaves_nothing_and_the_next_one_makes",
        f"{SOURCES}/test_cache.py::test_leftovers_of_the_killed_are_swept",
    ],
    "a shallow clone cannot be brought up to date": [
        f"{SOURCES}/test_git.py::test_commits_in_any_order_with_all_their_history",
        f"{SOURCES}/test_git.py::test_the_tip_of_a_branch_is_followed",
    ],
    "a branch is forced elsewhere or deleted, or the cache is full": [
        f"{SOURCES}/test_git.py::test_a_forced_branch",
        f"{SOURCES}/test_git.py::test_a_deleted_branch",
        f"{SOURCES}/test_cache.py::test_git_trees_under_eviction",
        f"{SOURCES}/test_worker.py::test_what_a_run_uses_stays_when_its_worker_is_killed",
    ],
    "git credentials in command lines, configuration, logs, table": [
        "tests/acceptance/test_pains.py::test_eight_private_runs_make_one_fetch_and_show_no_secret",
        f"{SOURCES}/test_git.py::test_a_private_repository_leaves_no_secret_anywhere",
        f"{SOURCES}/test_git.py::test_wrong_and_missing_credentials_are_explained_without_them",
        f"{SOURCES}/test_ssh.py::test_the_key_stays_in_its_file",
        "tests/unit/cli/test_deploy_options.py::test_a_password_of_the_clone_is_never_sent",
    ],
    "secrets are resolved when deploying, and then stand in clear": [
        "tests/acceptance/test_pains.py::test_a_secret_in_the_project_file_is_refused_and_not_stored",
        "tests/unit/project/test_project_file.py::test_a_mistake_is_told_with_its_line",
        "tests/unit/cli/test_deploy_options.py::test_a_plain_secret_is_refused_before_anything_is_written_or_sent",
        "tests/unit/domain/test_pull_steps.py::test_a_secret_is_refused_and_not_repeated",
        "tests/acceptance/test_secrets.py::test_the_secret_reaches_the_flow_and_nothing_else",
        "tests/unit/cli/test_worker_install.py::test_the_key_is_in_a_file_of_mode_600_and_nowhere_else",
    ],
    "the API key stands in the DEBUG logs": [
        "tests/acceptance/test_access.py::test_a_worker_with_an_address_and_a_key_runs_bundles_and_git",
    ],
    "deployments stay that left the project": [
        "tests/acceptance/test_deploying.py::test_a_project_is_planned_deployed_synced_and_renamed",
        "tests/acceptance/test_deploying.py::test_a_sync_asks_before_it_deletes",
        "tests/unit/project/test_plan.py::test_sync_leaves_of_the_project_just_what_the_file_has",
    ],
    "the wizard asks in CI, or an answer has no flag, or flags have one place only": [
        "tests/acceptance/test_deploying.py::test_without_a_terminal_nothing_is_asked",
        "tests/acceptance/test_deploying.py::test_half_a_terminal_is_none",
        "tests/acceptance/test_pains.py::test_flags_may_stand_anywhere",
        "tests/unit/cli/test_deploy_options.py::test_the_command_line_says_it_all",
    ],
    "large parameters": [
        "tests/acceptance/test_pains.py::test_parameters_over_the_limit_are_refused_with_the_limit",
    ],
    "the table grows, and lists become slow": [
        "tests/integration/api/test_growth.py::test_all_that_work_leaves_behind_expires",
        "tests/integration/api/test_retention.py::test_a_finished_run_and_its_log_are_kept_for_the_time_set_and_no_longer",
    ],
}
FLOW = """
import os
from headrace import flow

@flow(log_prints=True)
def private(number: int):
    print("number", number, "from", __file__)
    return sorted(os.environ)
"""


@pytest.mark.parametrize("name", sorted({name for names in PAINS.values() for name in names}))
def test_each_pain_has_its_tests(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def forms(secret: str, user: str) -> list[str]:
    """All ways in which it might be written down."""
    basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
    plain = base64.b64encode(secret.encode()).decode()
    return [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], basic, plain]


def everything(home: Town, runs: list[str]) -> str:
    """What anybody can read of it: by the API, by the command line, on the disk of server and worker."""
    answers = [home.get(f"/flow_runs/{run}") for run in runs]
    answers += [home.run("flow-run", "logs", run).stdout for run in runs]
    answers += [home.ask("deployment", "inspect", "private/main"), home.ask("deployment", "ls")]
    answers += [process.text() for process in home.started]
    home.run("export", str(home.home / "all.ndjson"), "--runs")
    files = [path for path in home.home.rglob("*") if path.is_file()]
    answers += [str(path) + path.read_bytes().decode("utf-8", "replace") for path in files]
    return "\n".join(str(answer) for answer in answers)


def messages(home: Town) -> list[str]:
    """Bodies of the doorbells that lie in the pool's queues, as a worker would receive them; they stay there."""
    place = f"{home.api}/work_pools/pool/workers/probe-{uuid4().hex[:8]}"
    body = {"session": str(uuid4()), "info": {"host": "h"}}
    made = httpx.post(f"{place}/sessions", json=body, timeout=10).raise_for_status().json()
    given = httpx.post(f"{place}/credentials", timeout=10).raise_for_status().json()
    sqs = boto3.client(
        "sqs",
        region_name=made["sqs"]["region"],
        endpoint_url=made["sqs"]["endpoint_url"],
        aws_access_key_id=given["access_key_id"],
        aws_secret_access_key=given["secret_access_key"],
        aws_session_token=given["session_token"],
    )
    found: list[str] = []
    for queue in made["queues"]:
        asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "MessageAttributeNames": ["All"]}
        for message in sqs.receive_message(QueueUrl=queue["url"], **asked).get("Messages", []):
            assert not message.get("MessageAttributes")
            found.append(message["Body"])
    return found


def test_eight_private_runs_make_one_fetch_and_show_no_secret(
    home: Town, site: Site, origin: Origin, backend: GitHost
) -> None:
    commit = origin.commit("flow.py", FLOW)
    origin.push()
    password = backend.password
    assert password is not None
    words = ("flow.py:private", "--name", "main", "--pool", "pool", "--source", "git", "--branch", "main")
    git_words = ("--repository", backend.url(), "--credential", "env:GIT_SECRET")
    deploy(home, origin.work, *words, *git_words, "--commit", commit)
    runs = [home.trigger("private/main", number=number) for number in range(8)]
    rung = messages(home)
    assert {json.loads(body)["run"] for body in rung} <= set(runs) and rung
    home.settings |= {"GIT_SECRET": password, "PATH": site.environ["PATH"]}
    worker = home.worker("w1", "--limit", "8")
    del home.settings["GIT_SECRET"]
    for run in runs:
        done = home.until(run, "COMPLETED", "FAILED", "CRASHED")
        assert done["state_type"] == "COMPLETED", done
        assert "GIT_SECRET" not in done["result"]
    assert site.count("fetch") == 1
    worker.stop()

    home.settings["GIT_SECRET"] = wrong = "a-wrong-secret-of-mine"
    later = origin.commit("other.py")
    origin.push()
    deploy(home, origin.work, *words, *git_words, "--commit", later)
    home.worker("w2")
    failed = home.trigger("private/main", number=9)
    crashed = home.until(failed, "CRASHED", "COMPLETED", "FAILED")
    assert crashed["state_type"] == "CRASHED"
    assert "credentials" in json.dumps(crashed)

    later_rung = messages(home)
    read = "\n".join([everything(home, [*runs, failed]), *site.calls, *rung, *later_rung])
    read += repr([path for _, path in backend.seen])
    for folder in (home.home / "home/cache/mirrors").iterdir():
        read += git("config", "--list", cwd=folder) if folder.is_dir() else ""
    assert commit in read
    for secret in (password, wrong):
        assert [form for form in forms(secret, backend.user) if form in read] == []


def deploy(home: Town, folder: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [HEADRACE, "deploy", *words],
        cwd=folder,
        env=home.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


CLONE = "work_pool: {name: pool}\n    pull: [{headrace.deployments.steps.git_clone: %s}]"
IN_FILE = {
    CLONE % "{credentials: '{{ env.TOKEN }}', repository: 'https://git.example/x.git'}": 2,
    CLONE % "{repository: 'https://{{ env.TOKEN }}@git.example/x.git'}": 2,
    CLONE
    % "{repository: 'https://git.example/x', branch: x, track: branch, access_token: the-secret-itself}": 2,
    CLONE % "{repository: 'https://the-secret-itself@git.example/x', branch: x, track: branch}": 2,
    CLONE
    % "{repository: 'https://git.example/x?private_token=the-secret-itself', branch: x, track: branch}": 2,
    "work_pool: {name: pool}\n    pull: [{run_shell_script: {script: 'x {{ env.TOKEN }}'}}]": 2,
    "work_pool: {name: pool}\n    parameters: {x: 1, y: '{{ env.TOKEN }}'}": 2,
    "work_pool: {name: pool, job_variables: {env: {DB_PASSWORD: '{{ env.PLAIN }}'}}}": 2,
    "work_pool: {name: pool, job_variables: {env: {A: {$secret: the-secret-itself}}}}": 2,
}


def test_a_secret_in_the_project_file_is_refused_and_not_stored(home: Town) -> None:
    home.settings |= {"TOKEN": "the-secret-itself", "PLAIN": "the-secret-itself"}
    for text, code in IN_FILE.items():
        (home.home / "headrace.yaml").write_text(
            f"name: p\ndeployments:\n  - name: a\n    entrypoint: flows.py:add\n    {text}\n"
        )
        said = deploy(home, home.home, "--all", code=code)
        assert any(word in said for word in ("where", "worker", "env:NAME")), said
        assert "the-secret-itself" not in said
    assert home.ask("deployment", "ls") == []
    stored = [path for path in (home.home / "home").rglob("*") if path.is_file()]
    assert not any(b"the-secret-itself" in path.read_bytes() for path in stored)


def test_flags_may_stand_anywhere(home: Town) -> None:
    name, pool, tag = ("--name", "main"), ("-p", "pool"), ("--tag", "x")
    lines: list[tuple[str, ...]] = [
        ("flows.py:add", *name, *pool, *tag),
        (*name, "flows.py:add", *pool, *tag),
        (*tag, *pool, *name, "flows.py:add"),
    ]
    for line in lines:
        deploy(home, home.home, *line)
        (found,) = home.ask("deployment", "ls")
        assert (found["name"], found["work_pool_name"], found["tags"]) == ("main", "pool", ["x"])
        home.run("deployment", "delete", "add/main")
        eventually(lambda: home.ask("deployment", "ls") == [], "it is gone")


def test_parameters_over_the_limit_are_refused_with_the_limit(home: Town) -> None:
    home.deploy("fail")
    deployment: Any = home.get("/deployments/name/fail/main")
    body = {"parameters": {"message": "x" * 5_500_000}}
    answer = httpx.post(f"{home.api}/deployments/{deployment['id']}/create_flow_run", json=body, timeout=30)
    assert answer.status_code == 413
    told = answer.json()
    assert "at most 5242880" in told["message"]
    assert "pass its address" in told["hint"]
    assert home.ask("flow-run", "ls") == []
