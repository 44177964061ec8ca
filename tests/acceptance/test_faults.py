"""What breaks in the field, with real processes: the run ends once, on the right side, nothing is left behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx

from tests.support.town import Town, eventually, is_alive


def one_slot(home: Town) -> None:
    """From now on the pool has room for one run at a time."""
    httpx.patch(f"{home.api}/work_pools/pool", json={"concurrency_limit": 1}).raise_for_status()


def slots_taken(home: Town) -> list[str]:
    answer = httpx.post(f"{home.api}/work_pools/pool/concurrency_status", json={}).raise_for_status()
    return list(answer.json()["flow_run_ids"])


def start_marked(home: Town, *words: str) -> tuple[str, int]:
    """A run that waits in its flow and holds the pool's one slot, and the pid of its child."""
    one_slot(home)
    home.deploy("mark", *words)
    run = home.trigger("mark/main", folder=str(home.home), name="a")
    pid = home.started_mark("a")
    home.until(run, "RUNNING")
    assert slots_taken(home) == [run]
    return run, pid


def let_go(home: Town) -> None:
    (home.home / "go").touch()


def children_left(home: Town) -> list[int]:
    """Processes of this home that run user code."""
    found = []
    for pid in home.own_processes():
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        if "headrace.engine" in line or "time.sleep" in line:
            found.append(pid)
    return found


def test_a_killed_worker_that_comes_back_adopts_its_run(home: Town) -> None:
    worker = home.worker()
    run, pid = start_marked(home)
    worker.kill()
    home.worker()
    let_go(home)
    found = home.until(run, "COMPLETED")
    assert (found["attempt"], found["run_count"], home.marks("a")) == (1, 1, [pid])
    assert "waiting for go" in home.run("flow-run", "logs", run).stdout
    assert slots_taken(home) == []


def test_workers_told_to_leave_finish_what_they_run(brief: Town) -> None:
    busy = brief.worker("busy")
    run, pid = start_marked(brief)
    idle = brief.worker("idle")
    for name in ("busy", "idle"):
        brief.run("worker", "drain", name, "--pool", "pool")
    assert idle.popen.wait(20) == 0
    busy.says("Told to take nothing new")
    let_go(brief)
    assert busy.popen.wait(20) == 0
    assert brief.until(run, "COMPLETED")["attempt"] == 1 and brief.marks("a") == [pid]


def test_a_worker_that_leaves_while_nobody_answers_has_its_report_delivered(home: Town) -> None:
    """By the next of its name: the run was over before, so nobody loses it and nobody starts it again."""
    server, worker = home.started[0], home.worker()
    run, pid = start_marked(home)
    server.kill()
    worker.says("No answer from the API")
    let_go(home)
    worker.says("Completed")
    worker.signal(signal.SIGINT)
    worker.says("Taking nothing new")
    worker.signal(signal.SIGINT)
    assert worker.popen.wait(20) == 0
    assert "delivers them" in worker.text()
    home.server()
    home.worker()
    found = home.until(run, "COMPLETED", "CRASHED")
    assert (found["state_type"], found["result"], found["attempt"]) == ("COMPLETED", "a", 1)
    assert home.marks("a") == [pid]
    assert slots_taken(home) == []


def test_the_run_of_a_worker_lost_for_good_is_ended_and_crashed(brief: Town) -> None:
    worker = brief.worker()
    run, pid = start_marked(brief)
    keeper = brief.keeper_of("w1")
    worker.kill()
    eventually(lambda: not is_alive(pid), "the keeper ends the child at the lease's deadline")
    eventually(lambda: not is_alive(keeper), "the keeper leaves")
    brief.worker("w2")
    found = brief.until(run, "CRASHED")
    assert "lease" in found["state"]["message"]
    assert not children_left(brief)
    assert slots_taken(brief) == []


def test_a_lost_run_is_retried_by_its_policy(brief: Town) -> None:
    one_slot(brief)
    worker = brief.worker()
    brief.deploy("mark_again")
    run = brief.trigger("mark-again/main", folder=str(brief.home), name="a")
    pid = brief.started_mark("a")
    brief.until(run, "RUNNING")
    worker.kill()
    eventually(lambda: not is_alive(pid), "the first attempt's child is ended")
    let_go(brief)
    brief.worker("w2")
    found = brief.until(run, "COMPLETED")
    assert (found["attempt"], found["lost_count"], len(brief.marks("a"))) == (2, 1, 2)
    assert slots_taken(brief) == []


def test_a_killed_child_is_crashed_with_a_hint(home: Town) -> None:
    home.worker()
    run, pid = start_marked(home)
    os.kill(pid, signal.SIGKILL)
    found = home.until(run, "CRASHED")
    assert "memory" in str(found["error"]) + str(found["state"]["message"])
    assert slots_taken(home) == []


def test_a_killed_keeper_takes_its_children_along_and_the_worker_goes_on(home: Town) -> None:
    home.worker()
    run, pid = start_marked(home)
    os.kill(home.keeper_of("w1"), signal.SIGKILL)
    home.until(run, "CRASHED")
    assert not is_alive(pid)
    let_go(home)
    home.until(home.trigger("mark/main", folder=str(home.home), name="b"), "COMPLETED")


def test_everything_killed_at_once(brief: Town) -> None:
    worker = brief.worker()
    run, pid = start_marked(brief)
    keeper = brief.keeper_of("w1")
    for victim in (worker.popen.pid, keeper, pid):
        os.kill(victim, signal.SIGKILL)
    worker.popen.wait(20)
    brief.worker("w1")
    found = brief.until(run, "CRASHED")
    assert (found["attempt"], brief.marks("a")) == (1, [pid])
    assert not children_left(brief)
    assert slots_taken(brief) == []


def test_a_stopped_worker_loses_its_run_before_anybody_else_may_have_it(brief: Town) -> None:
    worker = brief.worker()
    run, pid = start_marked(brief)
    worker.signal(signal.SIGSTOP)
    eventually(lambda: not is_alive(pid), "its keeper ends the child in time")
    brief.worker("w2")
    brief.until(run, "CRASHED")
    worker.signal(signal.SIGCONT)
    let_go(brief)
    after = brief.trigger("mark/main", folder=str(brief.home), name="b")
    brief.until(after, "COMPLETED")
    assert brief.state(run) == "CRASHED"
    assert brief.marks("a") == [pid]


def test_a_server_away_for_twice_the_lease(brief: Town) -> None:
    """Its workers could not renew: the children are ended at the deadline, and nothing runs twice."""
    server = brief.started[0]
    brief.worker()
    run, pid = start_marked(brief, "--description", "x")
    server.kill()
    eventually(lambda: not is_alive(pid), "the child is ended at the lease's deadline")
    let_go(brief)
    brief.server()
    found = brief.until(run, "CRASHED")
    assert (found["attempt"], brief.marks("a")) == (1, [pid])
    assert slots_taken(brief) == []


def test_on_disconnect_continue_goes_on_past_the_deadline(brief: Town) -> None:
    server = brief.started[0]
    worker = brief.worker("w1", "--on-disconnect", "continue")
    run, pid = start_marked(brief)
    server.kill()
    worker.says("No answer from the API")
    deadline = time.monotonic() + 6
    eventually(lambda: time.monotonic() > deadline, "twice the lease has passed")
    assert is_alive(pid)
    let_go(brief)
    brief.server()
    found = brief.until(run, "COMPLETED", "CRASHED")
    assert brief.marks("a") == [pid]
    assert found["attempt"] == 1


def test_cancel_kills_what_ignores_it_and_what_left_the_group(home: Town) -> None:
    home.worker()
    home.deploy("stubborn", "--job-variable", "grace_seconds=1")
    run = home.trigger("stubborn/main", folder=str(home.home))
    pids = eventually(
        lambda: (home.home / "pids").read_text().split() if (home.home / "pids").exists() else None, "pids"
    )
    home.run("flow-run", "cancel", run)
    assert home.state(run) in ("CANCELLING", "CANCELLED")
    home.until(run, "CANCELLED")
    assert [pid for pid in pids if is_alive(int(pid))] == []


def test_cancel_of_a_waiting_run_needs_no_worker(home: Town) -> None:
    home.deploy("add", "--param", "x=1")
    run = home.trigger("add/main")
    home.run("flow-run", "cancel", run)
    assert home.state(run) == "CANCELLED"


def test_a_timeout_is_kept_by_the_worker(home: Town) -> None:
    home.worker()
    home.deploy("stubborn", "--job-variable", "grace_seconds=1", "--job-variable", "timeout=1")
    run = home.trigger("stubborn/main", folder=str(home.home))
    found = home.until(run, "FAILED")
    assert found["state_name"] == "TimedOut"
    assert not children_left(home)
