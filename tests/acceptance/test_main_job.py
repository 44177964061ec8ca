"""The main job: server, pool, worker, deploy, run; and a server killed between any two of these."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.support.town import Town, eventually, is_alive, town

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_goes_through_the_whole_system(home: Town) -> None:
    home.worker()
    home.deploy("add", "--param", "x=2")
    done = home.run("deployment", "run", "add/main", "--param", "y=40", "--watch")
    assert "adding 2 and 40" in done.stdout
    (run,) = home.ask("flow-run", "ls")
    found = home.get(f"/flow_runs/{run['id']}")
    assert (found["state_type"], found["result"], found["attempt"]) == ("COMPLETED", 42, 1)


def test_the_readme_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    """Every command of the quick start, as it stands there (the port is another one)."""
    text = (ROOT / "README.md").read_text()
    commands = re.findall(r"^headrace .*$", text, re.MULTILINE)
    assert [command.split()[1] for command in commands][:6] == [
        "server",
        "work-pool",
        "work-pool",
        "worker",
        "deploy",
        "deployment",
    ]
    with town(tmp_path) as made:
        (tmp_path / "examples").symlink_to(ROOT / "examples")
        (tmp_path / ".git").symlink_to(ROOT / ".git")
        for command in commands:
            words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", command.partition("#")[0])][1:]
            if words[:2] == ["server", "start"]:
                made.server()
            elif words[:2] == ["worker", "start"]:
                made.start("worker", *words).says("serves pool")
            else:
                made.run(*words)


def test_a_killed_server_loses_nothing_between_any_two_steps(tmp_path: Path) -> None:
    with town(tmp_path) as made:
        server = made.server()

        def kill_and_start() -> None:
            nonlocal server
            server.kill()
            server = made.server()

        made.run("work-pool", "create", "--type", "process", "pool")
        kill_and_start()
        assert [pool["name"] for pool in made.ask("work-pool", "ls")] == ["pool"]
        made.deploy("mark")
        kill_and_start()
        run = made.trigger("mark/main", folder=str(tmp_path), name="a")
        kill_and_start()
        made.worker()
        pid = made.started_mark("a")
        kill_and_start()
        (tmp_path / "go").touch()
        found = made.until(run, "COMPLETED")
        assert (found["attempt"], found["result"], made.marks("a")) == (1, "a", [pid])
        kill_and_start()
        assert made.state(run) == "COMPLETED"
        assert "waiting for go" in made.run("flow-run", "logs", run).stdout


def test_a_run_goes_on_while_the_control_plane_is_away(home: Town, tmp_path: Path) -> None:
    server = home.started[0]
    worker = home.worker()
    home.deploy("mark")
    run = home.trigger("mark/main", folder=str(tmp_path), name="a")
    pid = home.started_mark("a")
    server.kill()
    worker.says("No answer from the API")
    (tmp_path / "go").touch()
    eventually(lambda: not is_alive(pid), "the run ends while nobody answers")
    home.server()
    found = home.until(run, "COMPLETED")
    assert (found["attempt"], found["result"]) == (1, "a")
    assert "waiting for go" in eventually(lambda: home.run("flow-run", "logs", run).stdout, "the log arrives")


def test_ctrl_c_once_lets_the_run_finish_and_takes_nothing_new(home: Town, tmp_path: Path) -> None:
    worker = home.worker("w1", "--limit", "1")
    home.deploy("mark")
    first = home.trigger("mark/main", folder=str(tmp_path), name="a")
    home.started_mark("a")
    second = home.trigger("mark/main", folder=str(tmp_path), name="b")
    worker.signal(signal.SIGINT)
    worker.says("Taking nothing new")
    (tmp_path / "go").touch()
    assert worker.popen.wait(20) == 0
    assert home.state(first) == "COMPLETED"
    assert (home.state(second), home.marks("b")) == ("SCHEDULED", [])
    home.worker("w2")
    home.until(second, "COMPLETED")


def test_ctrl_c_twice_stops_the_children_and_reports(home: Town, tmp_path: Path) -> None:
    worker = home.worker()
    home.deploy("mark")
    run = home.trigger("mark/main", folder=str(tmp_path), name="a")
    pid = home.started_mark("a")
    worker.signal(signal.SIGINT)
    worker.says("Taking nothing new")
    worker.signal(signal.SIGINT)
    worker.popen.wait(20)
    assert not is_alive(pid)
    assert home.state(run) == "CRASHED"


def test_a_failing_flow_is_failed_with_its_traceback(home: Town) -> None:
    home.worker()
    home.deploy("fail")
    done = home.run("deployment", "run", "fail/main", "--param", "message=broken", "--watch", code=1)
    assert "broken" in done.stdout + done.stderr
    (run,) = home.ask("flow-run", "ls")
    found = home.get(f"/flow_runs/{run['id']}")
    assert (found["state_type"], found["error"]["type"]) == ("FAILED", "ValueError")


def test_a_second_server_on_the_same_data_is_refused(home: Town) -> None:
    done = home.run("server", "start", "--port", "0", code=1)
    assert str(home.started[0].popen.pid) in done.stderr + done.stdout


def test_run_once_takes_what_is_due_and_leaves(home: Town) -> None:
    home.deploy("add", "--param", "x=1")
    runs = [home.trigger("add/main") for _ in range(3)]
    home.run("worker", "start", "--pool", "pool", "--run-once")
    assert [home.state(run) for run in runs] == ["COMPLETED"] * 3
