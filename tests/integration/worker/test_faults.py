"""What is killed, stopped or cut off: every run still ends once, on the right side, and nothing is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.worker.conftest import WorkerProcess, alive, until
from tests.integration.worker.plane import Plane, Run

Starter = Callable[..., WorkerProcess]

STUBBORN = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
nap = [sys.executable, "-c", "import signal,time;signal.signal(15,signal.SIG_IGN);print(1,flush=True);time.sleep(999)"]
inside = subprocess.Popen(nap, stdout=subprocess.PIPE)
outside = subprocess.Popen(nap, stdout=subprocess.PIPE, start_new_session=True)
bare = subprocess.Popen(nap, stdout=subprocess.PIPE, start_new_session=True, env={})
for one in (inside, outside, bare):
    one.stdout.readline()
print(os.getpid(), inside.pid, outside.pid, bare.pid, flush=True)
time.sleep(999)
"""


def started(run: Run) -> int:
    """The run's pid, once it is reported."""
    report = until(lambda: next((one for one in run.reports if one["kind"] == "started"), None), "the start")
    return int(report["pid"])


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A child `cat gate` goes on until somebody writes to it."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def test_a_killed_worker_is_replaced_and_the_run_never_notices(
    plane: Plane, worker: Starter, gate: Path, tmp_path: Path
) -> None:
    script = f"echo x >> {tmp_path}/starts; echo before; cat {gate}; echo after"
    run = plane.add(command=["sh", "-c", script])
    first = worker()
    pid = started(run)
    until(lambda: "before" in run.lines(), "the first line")
    first.signal(signal.SIGKILL)
    first.wait()
    gate.write_text("between\n")
    second = worker()
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["state_type"] == "COMPLETED"
    assert run.kinds() == ["started", "ended"]
    assert (tmp_path / "starts").read_text() == "x\n"
    until(lambda: len(run.lines()) >= 3, "all lines")
    assert run.lines() == ["before", "between", "after"]
    assert len(plane.registers) == 1
    assert "with 1 of its runs" in second.text
    assert not alive(pid)
    seqs = [sync["seq"] for sync in plane.syncs]
    assert seqs == sorted(set(seqs))


def test_a_killed_worker_that_never_returns_takes_its_runs_along(plane: Plane, worker: Starter) -> None:
    plane.lease, plane.within = 2.0, 0.3
    run = plane.add(command="sleep 1000")
    process = worker()
    pid, keeper = started(run), process.keeper
    process.signal(signal.SIGKILL)
    until(lambda: not alive(pid), "the child's end by the keeper")
    until(lambda: not alive(keeper), "the keeper's own end")


def test_a_stopped_worker_loses_its_runs_at_the_deadline(plane: Plane, worker: Starter) -> None:
    plane.lease, plane.within = 1.5, 0.3
    run = plane.add(command="sleep 1000")
    process = worker()
    pid = started(run)
    process.signal(signal.SIGSTOP)
    until(lambda: not alive(pid), "the child's end by the keeper", seconds=5)
    plane.closed.add(plane.registers[0]["session"])
    run.attempt += 1
    process.signal(signal.SIGCONT)
    until(lambda: len(plane.registers) == 2, "a new session")
    assert plane.registers[1]["predecessor"] == plane.registers[0]["session"]
    again = plane.add(command="true")
    until(lambda: again.end, "another run's end in the new session")
    assert run.kinds() == ["started"]
    mine = [sync for sync in plane.syncs if sync["session"] == plane.registers[1]["session"]]
    assert [sync.get("heard") for sync in mine] == [None, *(sync["seq"] for sync in mine[:-1])]


def test_a_laptop_may_go_on_past_the_deadline(plane: Plane, worker: Starter, gate: Path) -> None:
    plane.lease, plane.within = 1.0, 0.2
    run = plane.add(command=["cat", str(gate)])
    process = worker(on_disconnect="continue")
    pid = started(run)
    plane.away = True
    until(lambda: "Trying again" in process.text, "the outage is noticed")
    until(lambda: _older(process.log, 1.5), "more than the lease went by", seconds=10)
    assert alive(pid)
    plane.away = False
    gate.write_text("x")
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["state_type"] == "COMPLETED"


def test_what_is_asked_while_there_is_no_session_is_answered(
    plane: Plane, worker: Starter, tmp_path: Path
) -> None:
    (tmp_path / "asks.py").write_text(
        "from headrace import flow\n"
        "from headrace.asking import ControlPlaneError, line\n"
        "@flow\n"
        "def asks():\n"
        "    print('asking', flush=True)\n"
        "    code = ''\n"
        "    while code != 'unreachable':\n"
        "        try:\n"
        "            line().ask('read_run', run='00000000-0000-0000-0000-000000000000')\n"
        "        except ControlPlaneError as error:\n"
        "            code = error.code\n"
        "    print('at last', flush=True)\n"
    )
    plane.within = 0.2
    run = plane.add(entrypoint="asks.py:asks", working_dir=str(tmp_path))
    worker(on_disconnect="continue")
    until(lambda: "asking" in run.lines(), "it asks")
    assert run.session is not None
    plane.name_taken = 1
    plane.closed.add(run.session)
    until(lambda: "at last" in run.lines(), "an answer without a session")


def _older(path: Path, seconds: float) -> bool:
    return time.time() - path.stat().st_mtime > seconds


def test_a_killed_keeper_takes_the_children_along_and_the_worker_says_so(
    plane: Plane, worker: Starter
) -> None:
    script = "setsid sleep 1001 & sleep 1002 & echo $! ; sleep 1003"
    run = plane.add(command=["sh", "-c", script])
    process = worker()
    pid = started(run)
    until(lambda: run.lines(), "the pid of a grandchild")
    os.kill(process.keeper, signal.SIGKILL)
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["state_type"] == "CRASHED"
    assert "keeper" in run.end["message"]
    assert not alive(pid)
    assert not alive(int(run.lines()[0]))
    assert not _marked(run)
    again = plane.add(command="true")
    until(lambda: again.end, "the new keeper works")


def _marked(run: Run) -> list[int]:
    """Live processes that carry the run's mark."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if (
                path.name.isdigit()
                and run.id.encode() in (path / "environ").read_bytes()
                and alive(int(path.name))
            ):
                found.append(int(path.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("parent", ["stubborn", "polite"])
def test_cancel_kills_what_ignores_it_with_all_descendants(
    plane: Plane, worker: Starter, tmp_path: Path, parent: str
) -> None:
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN)
    run = plane.add(command=[sys.executable, str(script), parent], grace_seconds=0.3)
    worker()
    started(run)
    pids = [int(pid) for pid in until(lambda: run.lines(), "the pids")[0].split()]
    assert all(alive(pid) for pid in pids)
    plane.command("cancel", run)
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["kind"] == "cancelled"
    assert not [pid for pid in pids if alive(pid)]


def test_a_polite_child_is_cancelled_within_its_grace(plane: Plane, worker: Starter) -> None:
    run = plane.add(command="sleep 1000", grace_seconds=60)
    worker()
    started(run)
    plane.command("cancel", run)
    until(lambda: run.end, "the end", seconds=5)
    assert run.end is not None
    assert run.end["kind"] == "cancelled"


def test_leaving_with_zero_when_told_to_end_is_no_success(
    plane: Plane, worker: Starter, tmp_path: Path
) -> None:
    (tmp_path / "polite.py").write_text(
        "import signal, sys, time\n"
        "from headrace import flow\n"
        "@flow\n"
        "def polite():\n"
        "    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(999)\n"
    )
    command = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    runs = [
        plane.add(entrypoint="polite.py:polite", working_dir=str(tmp_path)),
        plane.add(command=["sh", "-c", command]),
    ]
    worker()
    for run in runs:
        until(lambda run=run: "ready" in run.lines(), "its handler")
        plane.command("cancel", run)
        until(lambda run=run: run.end, "the end")
    assert [run.kinds() for run in runs] == [["started", "cancelled"]] * 2


def test_a_run_past_its_timeout_is_ended(plane: Plane, worker: Starter) -> None:
    run = plane.add(
        command=["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"], grace_seconds=0.2
    )
    run.grant["timeout_seconds"] = 0.4
    worker()
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert (run.end["state_type"], run.end["state_name"]) == ("FAILED", "TimedOut")
    assert "0.4 s" in run.end["message"]
    assert run.lines() == ["up"]


def test_what_a_run_leaves_behind_is_ended(plane: Plane, worker: Starter) -> None:
    run = plane.add(command=["sh", "-c", "setsid sleep 1000 & echo $!"])
    process = worker()
    until(lambda: run.end and run.lines(), "the end")
    assert not alive(int(run.lines()[0]))
    assert "left processes behind" in process.text


def test_fenced_runs_are_killed(plane: Plane, worker: Starter) -> None:
    run = plane.add(command="sleep 1000")
    process = worker()
    pid = started(run)
    plane.command("fenced", run)
    until(lambda: not alive(pid), "the child's end")
    until(lambda: "runs elsewhere or is over" in process.text, "the word about it")
    assert run.end is None


def test_reports_wait_for_a_control_plane_that_is_away(plane: Plane, worker: Starter, gate: Path) -> None:
    runs = [plane.add(command=["sh", "-c", f"echo one; cat {gate}; echo two"])]
    process = worker()
    started(runs[0])
    plane.away = True
    gate.write_text("middle\n")
    until(lambda: "Completed" in process.text, "the end, seen by the worker")
    until(lambda: "Trying again" in process.text, "the outage is noticed")
    journal = process.home / "workers/p/w/journal.jsonl"
    until(lambda: journal.exists() and '"ended"' in journal.read_text(), "the journal")
    plane.away = False
    until(lambda: runs[0].end, "the report")
    until(lambda: "two" in runs[0].lines(), "the log")
    assert runs[0].lines() == ["one", "middle", "two"]
    assert runs[0].kinds() == ["started", "ended"]
    until(lambda: not journal.exists(), "the journal's end")
    until(lambda: "answers again" in process.text, "the word about it")
    assert process.text.count("answers again") == process.text.count("Trying again") == 1


def test_a_worker_that_leaves_during_an_outage_leaves_its_reports_to_the_next(
    plane: Plane, worker: Starter, gate: Path
) -> None:
    run = plane.add(command=["cat", str(gate)])
    first = worker()
    started(run)
    plane.away = True
    gate.write_text("last words\n")
    until(lambda: "Completed" in first.text, "the end, seen by the worker")
    first.signal(signal.SIGINT)
    until(lambda: "Taking nothing new" in first.text, "the first Ctrl-C")
    first.signal(signal.SIGINT)
    assert first.wait() == 0
    assert "could not be delivered" in first.text
    plane.away = False
    worker()
    until(lambda: run.end, "the report")
    assert run.end is not None
    assert run.end["state_type"] == "COMPLETED"
    until(lambda: run.lines() == ["last words"], "the log")
    until(lambda: len(plane.registers) == 2, "a session of its own")
    assert plane.registers[1].get("lost", []) == []
    (delivery,) = [sync for sync in plane.syncs if sync.get("reports") and sync["seq"] == 1][-1:]
    assert (delivery["session"], delivery["want"]) == (plane.registers[0]["session"], 0)


def test_a_worker_waits_for_its_name(plane: Plane, worker: Starter) -> None:
    """One that crashed and left no note is back within a lease."""
    plane.name_taken = 1
    run = plane.add(command=["true"])
    process = worker()
    until(lambda: run.end, "a run after the wait")
    assert process.text.count("is online already.") == process.text.count("Waiting for it.") == 1
    assert "Trying again" not in process.text


def test_what_nobody_keeps_is_reported_lost_at_the_next_start(plane: Plane, worker: Starter) -> None:
    run = plane.add(command=["sh", "-c", "setsid sleep 1000 & echo $!; sleep 1000"])
    first = worker()
    pid, keeper = started(run), first.keeper
    outside = int(until(lambda: run.lines(), "the pid of a grandchild")[0])
    first.signal(signal.SIGKILL)
    first.wait()
    os.kill(keeper, signal.SIGKILL)
    until(lambda: not alive(pid), "the child's end")
    worker()
    until(lambda: len(plane.registers) == 2, "a new session")
    assert plane.registers[1]["lost"] == [{"run": run.id, "attempt": 1}]
    assert plane.registers[1]["predecessor"] == plane.registers[0]["session"]
    assert not alive(outside)


def test_one_started_for_other_queues_says_that_it_keeps_its_predecessors(
    plane: Plane, worker: Starter, gate: Path
) -> None:
    run = plane.add(command=["cat", str(gate)])
    first = worker(work_queues=("default",))
    started(run)
    first.signal(signal.SIGKILL)
    first.wait()
    second = worker(work_queues=("fast",))
    until(lambda: "goes on with its predecessor's: default" in second.text, "the word")
    gate.write_text("x\n")
    until(lambda: run.end, "the end")


def test_an_idle_worker_speaks_within_its_lease_however_short(plane: Plane, worker: Starter) -> None:
    """One that wanted a run which another got has the lease of a busy worker, and the pause of an idle one."""
    plane.lease = 4.0
    worker()
    until(lambda: len(plane.syncs) >= 3, "two syncs after the first, within two leases")


def test_a_large_log_is_split_until_it_fits(plane: Plane, worker: Starter) -> None:
    plane.too_large = 60_000
    script = "i=0; while [ $i -lt 2000 ]; do echo line-$i-" + "x" * 200 + "; i=$((i+1)); done"
    run = plane.add(command=["sh", "-c", script], stream_output=False)
    worker()
    until(lambda: len(run.lines()) == 2000, "all lines")
    assert [line.split("-")[1] for line in run.lines()] == [str(number) for number in range(2000)]
    until(lambda: run.end, "the end")
    assert plane.refusals > 0


def test_an_answer_that_was_lost_is_given_again(plane: Plane, worker: Starter, tmp_path: Path) -> None:
    run = plane.add(ring=False, command=["sh", "-c", f"echo x >> {tmp_path}/starts"])
    worker()
    until(lambda: run.end, "the end")
    other = plane.add(ring=False, command=["sh", "-c", f"echo y >> {tmp_path}/starts"])
    with plane.changed:
        other.state, other.attempt, other.session = "held", 1, plane.registers[0]["session"]
    plane.ring(other)
    until(lambda: other.end, "the end of the one granted again")
    assert (tmp_path / "starts").read_text() == "x\ny\n"
