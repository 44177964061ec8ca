"""`headrace deploy --all`: what is told of a whole project, and how often git is asked for it. Real git."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from headrace.asking import ControlPlaneError
from tests.unit.cli import canned
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, error

FLOW = "from headrace import flow\n\n@flow\ndef {name}():\n    'Does it.'\n"
HEAD = "name: p\ndefaults: {{work_pool: {{name: my-process-pool}}}}\npull: [{{git_clone: {options}}}]\ndeployments:\n"


def git(folder: Path, *words: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: FakeApi) -> Path:
    """A clone with two pushed flows, the current folder."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text(FLOW.format(name=name))
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(folder, "push", "-q", "origin", "main")
    monkeypatch.chdir(folder)
    api.on("GET", "/deployments/name/.*", error(404, "not_found", "There is none."))
    return folder


def project(folder: Path, options: str = "{}", count: int = 2) -> None:
    """A project file with so many deployments of the two flows."""
    rows = [
        f"  - {{name: d{number}, entrypoint: '{name}.py:{name}'}}\n"
        for number, name in enumerate(["one", "two"] * (count // 2))
    ]
    (folder / "headrace.yaml").write_text(HEAD.format(options=options) + "".join(rows))


def warnings(err: str) -> list[str]:
    return [line.removeprefix("Warning: ") for line in err.splitlines() if line.startswith("Warning: ")]


def test_nothing_is_told_where_nothing_surprises(cli: Cli, clone: Path) -> None:
    project(clone)
    result = cli("deploy", "--all", "--no-check")
    assert (result.code, warnings(result.err)) == (0, []), result.err


def test_surprises_are_told_once_each(cli: Cli, api: FakeApi, clone: Path) -> None:
    project(clone, count=6)
    (clone / "two.py").write_text(FLOW.format(name="two") + "# changed\n")
    git(clone, "commit", "-q", "--allow-empty", "-m", "b")
    api.on("GET", "/work_pools/my-process-pool", Answer(canned.POOL | {"status": "NOT_READY"}))
    for words in (("--all",), ("--plan",), ("-n", "d*")):
        told = warnings(cli("deploy", "--no-check", *words).err)
        assert len(told) == 3, told
        assert told[0].startswith("two.py has changes that are not committed")
        assert "is not pushed to origin" in told[1]
        assert told[2].startswith("no worker serves work pool 'my-process-pool'")


def test_a_followed_branch_that_is_ahead_is_told(cli: Cli, clone: Path) -> None:
    project(clone, "{track: branch}")
    assert warnings(cli("deploy", "--all", "--no-check").err) == []
    git(clone, "commit", "-q", "--allow-empty", "-m", "b")
    (told,) = warnings(cli("deploy", "--all", "--no-check").err)
    assert told.startswith("branch main has commits that are not pushed to origin")


@pytest.mark.parametrize("option", ["--track", "--source git", "--credential env:A", "--branch x"])
def test_of_an_option_beside_the_file_its_own_name_is_told(cli: Cli, option: str) -> None:
    result = cli("deploy", "--plan", *option.split())

    assert (result.code, f"{option.split()[0]} contradict each other" in result.err) == (2, True)


def test_a_commit_that_this_clone_lacks_is_called_unknown(cli: Cli, clone: Path) -> None:
    project(clone, f"{{commit: '{'0' * 40}'}}")
    (told,) = warnings(cli("deploy", "--all", "--no-check").err)
    assert told.startswith("commit 000000000000 is unknown in this clone")


def test_parameters_of_a_command_are_refused(cli: Cli, api: FakeApi, clone: Path) -> None:
    row = "  - {name: c, command: 'sh x.sh', parameters: {a: 1}, schedules: [{cron: '@daily', parameters: {b: 2}}]}\n"
    (clone / "headrace.yaml").write_text(HEAD.format(options="{}") + row)
    result = cli("deploy", "--all")
    assert (result.code, api.changes()) == (2, [])
    for place in ("deployments.0.parameters", "deployments.0.schedules.0.parameters"):
        assert f"{place}: 'c': A command gets no parameters. Give it what it needs as arguments" in result.err


def test_a_missing_pool_is_refused_by_the_plan_as_by_the_deploy(cli: Cli, api: FakeApi, clone: Path) -> None:
    project(clone)
    api.on("GET", "/work_pools/my-process-pool", error(404, "not_found", "There is no such pool."))
    for words in ("--plan", "--all"):
        result = cli("deploy", words, "--no-check")
        assert (result.code, "There is no such pool." in result.err) == (1, True), result.err
    assert api.changes() == []


def test_the_control_plane_is_asked_once_for_all_and_an_old_one_need_not_answer(
    cli: Cli, api: FakeApi, clone: Path
) -> None:
    project(clone, count=6)
    assert cli("deploy", "--all", "--no-check").code == 0
    (asked,) = [seen for seen in api.seen if seen.path == "/deployments/check"]
    assert [one["name"] for one in asked.body["deployments"]] == [f"d{number}" for number in range(6)]
    api.on("POST", "/deployments/check", error(405, "method_not_allowed", "No such route."))
    assert cli("deploy", "--all", "--no-check").code == 0


def test_what_is_refused_while_a_plan_is_carried_out_is_told_by_name(
    cli: Cli, api: FakeApi, clone: Path
) -> None:
    project(clone)
    api.on("POST", "/deployments/", error(409, "conflict", "It changed at the same moment."))
    result = cli("deploy", "--all", "--no-check")
    assert "Error: one/d0: It changed at the same moment." in result.err


def test_many_deployments_ask_git_as_often_as_few_and_fetch_nothing(
    cli: Cli, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, real = tmp_path / "calls", shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    counts = {}
    for options in ("{}", "{branch: other}", "{track: branch}"):
        git(clone, "branch", "-f", "other", "HEAD")
        for count in (2, 12):
            calls.write_text("")
            project(clone, options, count)
            result = cli("deploy", "--all", "--no-check")
            assert result.code == 0, result.err
            asked = calls.read_text().split()
            assert not {"clone", "fetch", "pull", "ls-remote"} & set(asked)
            counts[options, count] = len(asked)
        assert counts[options, 2] == counts[options, 12] <= 14, counts


def test_from_python_a_pool_made_in_vain_is_removed_and_pauses_are_not_sent(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flow_of_this_test.py").write_text(FLOW.format(name="one"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    one = importlib.import_module("flow_of_this_test").one
    api.on("GET", "/work_pools/new", error(404, "not_found", "There is none."))
    assert one.deploy("main", work_pool_name="new", create_pool=True)
    assert "paused" not in next(seen.body for seen in api.sent("POST") if seen.path == "/deployments/")
    assert not any(change.startswith("DELETE") for change in api.changes())
    api.on("POST", "/deployments/", error(422, "invalid", "Not like that."))
    with pytest.raises(ControlPlaneError, match="Not like that"):
        one.deploy("main", work_pool_name="new", create_pool=True)
    assert api.changes()[-1] == "DELETE /work_pools/new"
    api.seen.clear()
    with pytest.raises(ControlPlaneError, match="Not like that"):
        one.deploy("main", work_pool_name="my-process-pool", create_pool=True)
    assert api.changes()[-1] == "POST /deployments/"


def test_without_a_file_it_is_said_how_to_make_one(
    cli: Cli, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = cli("deploy", "--all")

    assert done.err.startswith("Error: There is no headrace.yaml.\n")
    assert "headrace init" in done.err


@pytest.mark.parametrize(
    ("recipe", "source"), [("git", " --source git"), ("bundle", " --source bundle"), ("local", "")]
)
def test_init_says_how_to_deploy_by_its_recipe(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"-n NAME -p POOL{source} --save\n" in cli("init", "--recipe", recipe).out


def test_what_a_sync_would_delete_is_to_be_looked_at_with_a_plan_of_it(
    cli: Cli, api: FakeApi, clone: Path
) -> None:
    project(clone)
    gone = canned.DEPLOYMENT | {"labels": {"headrace.project": "p"}}
    api.on("POST", "/deployments/filter", Answer([gone]))
    result = cli("deploy", "--sync", "--no-check")
    assert (result.code, "Look at it with --plan --sync" in result.err) == (2, True), result.err
    assert "1 to delete" in cli("deploy", "--plan", "--sync", "--no-check").out


def test_two_of_one_full_name_are_told_unless_their_flows_are_not_known(
    cli: Cli, api: FakeApi, clone: Path
) -> None:
    project(clone)
    head = (clone / "headrace.yaml").read_text().partition("  - ")[0]
    rows = ["one.py:one", "one:one", "nowhere.py:a", "nowhere.py:b"]
    text = head + "".join(f"  - {{name: d, entrypoint: '{entrypoint}'}}\n" for entrypoint in rows)
    (clone / "headrace.yaml").write_text(text)
    result = cli("deploy", "--all", "--no-check")
    assert (result.code, result.err.count("two deployments would be named one/d")) == (2, 2), result.err
    assert (result.err.count("would be named"), result.err.count("no file nowhere.py")) == (2, 2)
    assert api.changes() == []


def test_what_serve_made_in_vain_is_removed(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flow_that_is_served.py").write_text(FLOW.format(name="one"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    one = importlib.import_module("flow_that_is_served").one
    api.on("GET", "/work_pools/serve-.*", error(404, "not_found", "There is none."))
    api.on("POST", "/deployments/", error(422, "invalid", "Not like that."))
    with pytest.raises(ControlPlaneError, match="Not like that"):
        one.serve("main")
    made, queue, *_, queue_gone, gone = api.changes()
    assert made == "POST /work_pools/"
    assert (queue.startswith("POST /work_pools/serve-"), queue.endswith("/queues")) == (True, True)
    assert queue_gone == f"DELETE /work_queues/{canned.QUEUE['id']}"
    assert gone.startswith("DELETE /work_pools/serve-")
    api.on("GET", "/work_pools/serve-.*", Answer(canned.POOL))
    api.on("POST", "/work_pools/.*/queues", error(409, "conflict", "It is there."))
    api.seen.clear()
    with pytest.raises(ControlPlaneError, match="Not like that"):
        one.serve("main")
    assert not any(change.startswith("DELETE") for change in api.changes())
    api.on("GET", "/work_pools/serve-.*", error(404, "not_found", "There is none."))
    api.on("POST", "/work_pools/", error(409, "conflict", "Another program has made it meanwhile."))
    api.seen.clear()
    with pytest.raises(ControlPlaneError, match="Not like that"):
        one.serve("main")
    assert not any(change.startswith("DELETE") for change in api.changes())
