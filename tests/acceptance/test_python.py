"""Deployments from Python: `serve` in one process with all that it needs, and `deploy`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from headrace.local.lock import DirectoryLock
from headrace.settings import load_settings
from tests.support.town import Process, Town, eventually, town

APP = '''
"""A program that serves three flows; named `app`, as its author would, and as the control plane's own is."""
import pathlib
import time
from headrace import flow, serve

@flow
def tick(word: str) -> str:
    """Says a word."""
    return word

def plain(x: int = 1) -> int:
    return x + 1

other = flow(plain, name="other", retries=2)

@flow
def slow(folder: str) -> str:
    place = pathlib.Path(folder)
    (place / "begun").touch()
    while not (place / "go").exists():
        time.sleep(0.02)
    return "slept"

if __name__ == "__main__":
    serve(
        tick.to_deployment("often", interval=1, parameters={"word": "hello"}, tags=["t"], description="d"),
        other.to_deployment("main", cron=["0 4 * * *", "0 5 * * mon"], timezone="Europe/Berlin"),
        slow.to_deployment("main", concurrency_limit=1),
        limit=4,
    )
else:
    other.serve("unguarded")  # in the process of a run: must do nothing
'''
DEPLOY = """
from flows import add
from headrace import deploy
print(add.deploy("bundled", work_pool_name="pool", source="bundle", parameters={"x": 1}, interval=3600))
print(*deploy(add.to_deployment("here", parameters={"x": 2}), work_pool_name="made", create_pool=True))
"""


def _python(home: Town, name: str, *words: str) -> Process:
    log = home.home / f"{name}.log"
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, *words],
            cwd=home.home,
            env=home.environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    home.started.append(Process(popen, log))
    return home.started[-1]


def _api_of(home: Town) -> None:
    """The town's port is that of the server that `serve` started."""
    url = load_settings({"HEADRACE_HOME": str(home.home / "home")}).require_api_url()
    home.port = int(url.rpartition(":")[2].removesuffix("/api"))


def _served(home: Town) -> Process:
    (home.home / "home").mkdir(exist_ok=True)
    process = _python(home, "served", "app.py")
    process.says("serves pool")
    _api_of(home)
    return process


def _deployment(home: Town, name: str) -> Any:
    return home.get(f"/deployments/name/{name}")


def test_serve_needs_nothing_else_and_leaves_politely(tmp_path: Path) -> None:
    with town(tmp_path) as home:
        (tmp_path / "app.py").write_text(APP)
        process = _served(home)
        assert home.until(home.trigger("other/main", x=41), "COMPLETED", "FAILED")["result"] == 42
        finished = ("flow-run", "ls", "--state", "COMPLETED", "--deployment", "tick/often")
        runs = eventually(lambda: home.ask(*finished), "a scheduled run")
        assert (runs[0]["parameters"], runs[0]["tags"][0]) == ({"word": "hello"}, "t")
        often, other = _deployment(home, "tick/often"), _deployment(home, "other/main")
        assert (often["description"], often["paused"], often["entrypoint"]) == ("d", False, "app.py:tick")
        assert [one["schedule"]["cron"] for one in other["schedules"]] == ["0 4 * * *", "0 5 * * mon"]
        assert (other["entrypoint"], other["retry_policy"]["retries"]) == ("app.py:other", 2)
        run = home.trigger("slow/main", folder=str(tmp_path))
        eventually((tmp_path / "begun").exists, "the slow run is begun")
        process.signal(signal.SIGINT)
        process.says("Paused tick/often", "Paused slow/main")
        assert _deployment(home, "tick/often")["paused"], "while a run goes on"
        (tmp_path / "go").touch()
        assert process.popen.wait(30) == 0
        assert "slow/main): Completed" in process.text()
        assert not home.is_up(), "the control plane that it started ends with it"
        again = _served(home)
        assert not _deployment(home, "tick/often")["paused"]
        assert home.get(f"/flow_runs/{run}")["result"] == "slept"
        again.signal(signal.SIGTERM)
        assert again.popen.wait(30) == 0


PROGRAM = """
from headrace import flow

@flow
def {name}():
    return "{name}"

if __name__ == "__main__":
    {name}.serve("main")
"""


def test_a_program_that_is_served_while_another_starts_the_control_plane_waits_for_that_one(
    tmp_path: Path,
) -> None:
    with town(tmp_path) as home:
        (tmp_path / "one.py").write_text(PROGRAM.format(name="one"))
        starting = DirectoryLock(tmp_path / "home" / "server")
        starting.take()
        process = _python(home, "one", "one.py")
        log = tmp_path / "home" / "served.log"
        eventually(lambda: log.exists() and "in use by another server" in log.read_text(), "its own has left")
        starting.release()
        home.server()
        process.says("serves pool")
        assert home.until(home.trigger("one/main"), "COMPLETED", "FAILED")["result"] == "one"
        process.signal(signal.SIGINT)
        assert process.popen.wait(30) == 0
        assert home.is_up(), "it is not of this program's making"


def test_deploy_from_python_is_what_the_command_line_does(home: Town) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEPLOY],
        cwd=home.home,
        env=home.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    bundled, here = _deployment(home, "add/bundled"), _deployment(home, "add/here")
    assert done.stdout.split() == [bundled["id"], here["id"]]
    home.deploy("add", "--param", "x=1", "--interval", "1h", "--source", "bundle")
    same = _deployment(home, "add/main")
    for one in (bundled, same):
        one["pull_steps"] = [
            list(step) for step in one["pull_steps"]
        ]  # the folder has grown by a log meanwhile
    for member in ("pull_steps", "entrypoint", "parameters", "parameter_openapi_schema", "work_pool_name"):
        assert bundled[member] == same[member], member
    assert bundled["schedules"][0]["schedule"] == same["schedules"][0]["schedule"]
    home.worker()
    assert home.until(home.trigger("add/bundled"), "COMPLETED", "FAILED")["result"] == 2
