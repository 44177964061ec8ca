"""Deploy, deploy again, roll back: a real git repository, server, worker and command line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.town import Town

FLOW = """
from headrace import flow

@flow(log_prints=True)
def report(fail: bool = False):
    print("this is {name}")
    if fail:
        raise ValueError("as told")
"""


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(home: Town) -> Path:
    """A clone of a bare repository, as a user has it."""
    origin, folder = home.home / "origin.git", home.home / "clone"
    _git(home.home, "init", "-q", "--bare", "-b", "main", str(origin))
    _git(home.home, "clone", "-q", f"file://{origin}", str(folder))
    return folder


def _commit(folder: Path, name: str) -> str:
    (folder / "flow.py").write_text(FLOW.replace("{name}", name))
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", name)
    _git(folder, "push", "-q", "origin", "HEAD:main")
    return _git(folder, "rev-parse", "HEAD")


def _deploy(home: Town, folder: Path, *words: str) -> str:
    line = ["deploy", "flow.py:report", "-n", "main", "-p", "pool", "--source", "git", *words]
    return home.run(*line, cwd=folder).stdout


def _run(home: Town, **parameters: Any) -> tuple[str, str]:
    run = home.trigger("report/main", **parameters)
    home.until(run, "COMPLETED", "FAILED")
    return run, _last_print(home, run)


def _last_print(home: Town, run: str) -> str:
    said = [line for line in home.run("flow-run", "logs", run).stdout.splitlines() if "this is" in line]
    return said[-1].rpartition(" ")[2]


def test_rolled_back_the_next_run_prints_what_the_old_commit_prints(home: Town, clone: Path) -> None:
    home.worker()
    first = _commit(clone, "A")
    assert "version 1, id" in _deploy(home, clone, "--cron", "0 4 * * *", "--concurrency-limit", "2")
    assert "still version 1" in _deploy(home, clone, "--cron", "0 4 * * *", "--concurrency-limit", "2")
    assert _run(home)[1] == "A"
    failed, _ = _run(home, fail=True)

    second = _commit(clone, "B")
    assert "version 2, id" in _deploy(home, clone, "--cron", "0 5 * * *", "--version", "two")
    assert _run(home)[1] == "B"
    home.run("flow-run", "retry", failed)
    home.until(failed, "FAILED")
    assert [_last_print(home, failed), home.get(f"/flow_runs/{failed}")["attempt"]] == ["A", 2]

    listed = home.ask("deployment", "versions", "report/main")
    assert [(one["number"], one["commit"]) for one in listed] == [(2, second), (1, first)]
    assert "@" in listed[0]["created_by"]
    changed = home.ask("deployment", "diff", "report/main")["changes"]
    paths = [one["path"] for one in changed]
    assert paths[0] == "concurrency_limit" and any(path.endswith("git_clone.commit") for path in paths)
    assert "schedules.cron.schedule.cron" in paths and "version" in paths

    assert "version 3 now" in home.run("deployment", "rollback", "report/main", "1").stdout
    run, said = _run(home)
    assert said == "A"
    assert f"3 ({first[:12]})" in home.run("flow-run", "inspect", run).stdout
    shown = home.ask("deployment", "inspect", "report/main")
    assert (shown["concurrency_limit"], shown["version"]) == (2, None)
    assert [one["schedule"]["cron"] for one in shown["schedules"]] == ["0 4 * * *"]

    home.run("deployment", "pin", "report/main", "2")
    _commit(clone, "C")
    assert "pinned at version 2" in _deploy(home, clone)
    assert _run(home)[1] == "B"
    assert "409" not in home.run("deployment", "rollback", "report/main", "1", code=1).stderr
    assert "version 4 is in force" in home.run("deployment", "unpin", "report/main").stdout
    assert _run(home)[1] == "C"
