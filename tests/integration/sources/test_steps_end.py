"""What the steps of a run have started is gone before anybody hears that the run is over, or gets it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.worker.conftest import WorkerProcess, alive, plane, until, worker
from tests.integration.worker.plane import Plane, Run

__all__ = ["plane", "worker"]

Starter = Callable[..., WorkerProcess]
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="found by their environment")


class Script:
    """A step that neither ends nor heeds SIGTERM, nor does what it started in a session of its own."""

    def __init__(self, folder: Path) -> None:
        self._begun, self._beside = folder / "begun", folder / "beside"
        self._begun.touch()
        self._beside.touch()
        self.text = (
            f'for p in $(cat {self._begun}); do case "$(sed -n s/^State:.//p /proc/$p/status)" in '
            f'""|Z*|X*) ;; *) echo $p >> {self._beside};; esac; done 2>/dev/null\n'
            "trap '' TERM\nsetsid sleep 1000 &\n"
            f"echo $! >> {self._begun}; echo $$ >> {self._begun}\nwait\nsleep 1000\n"
        )

    def pids(self, runs: int = 1) -> list[int]:
        """Of all that it has started in so many runs."""
        lines = until(lambda: self._lines(2 * runs), f"{runs} scripts begin")
        return [int(line) for line in lines]

    def _lines(self, count: int) -> list[str] | None:
        lines = self._begun.read_text().splitlines()
        return lines if len(lines) >= count else None

    @property
    def was_beside_another(self) -> bool:
        return bool(self._beside.read_text())


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def add(plane: Plane, script: Script) -> Run:
    run = plane.add(command="true", ring=False)
    run.grant["pull_steps"] = [{"headrace.deployments.steps.run_shell_script": {"script": script.text}}]
    plane.ring(run)
    return run


def told(run: Run, kind: str, pids: list[int]) -> None:
    """By then nothing of it lives."""
    until(lambda: kind in run.kinds(), kind)
    assert [pid for pid in pids if alive(pid)] == []


@ON_LINUX
def test_a_cancelled_run_keeps_its_slot_until_its_steps_are_gone(
    plane: Plane, worker: Starter, script: Script
) -> None:
    first = add(plane, script)
    worker(limit=1)
    pids = script.pids()
    second = add(plane, script)
    plane.command("cancel", first)
    told(first, "cancelled", pids)
    pids = script.pids(2)
    assert not script.was_beside_another
    plane.command("cancel", second)
    told(second, "cancelled", pids)


@ON_LINUX
def test_a_worker_that_leaves_hands_back_when_its_steps_are_gone(
    plane: Plane, worker: Starter, script: Script
) -> None:
    run = add(plane, script)
    process = worker()
    pids = script.pids()
    process.signal(signal.SIGTERM)
    told(run, "released", pids)
    assert process.wait() == 0


@ON_LINUX
def test_the_steps_of_a_run_that_was_taken_away_end_before_it_is_prepared_again(
    plane: Plane, worker: Starter, script: Script
) -> None:
    plane.within = 0.2
    run = add(plane, script)
    worker()
    first = script.pids()
    plane.closed.add(plane.registers[0]["session"])
    run.state = "ready"
    until(lambda: len(plane.registers) == 2, "a new session")
    plane.ring(run)
    assert [pid for pid in script.pids(2) if alive(pid)] == script.pids(2)[2:]
    assert (run.attempt, script.was_beside_another) == (2, False)
    assert len(first) == 2
    plane.command("cancel", run)
    told(run, "cancelled", script.pids(2))


@ON_LINUX
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_steps_outlive_neither_their_worker_nor_its_lease(
    plane: Plane, worker: Starter, script: Script, sent: signal.Signals
) -> None:
    if sent is signal.SIGSTOP:
        plane.lease, plane.within = 1.5, 0.3
    add(plane, script)
    process = worker()
    pids = script.pids()
    process.signal(sent)
    until(lambda: not any(map(alive, pids)), "the end of the steps by the keeper")


@ON_LINUX
def test_what_was_left_when_worker_and_keeper_died_is_ended_by_the_next(
    plane: Plane, worker: Starter, script: Script
) -> None:
    run = add(plane, script)
    first = worker()
    pids = script.pids()
    first.signal(signal.SIGSTOP)
    os.kill(first.keeper, signal.SIGKILL)
    first.signal(signal.SIGKILL)
    first.wait()
    worker()
    told(run, "lost", pids)


def test_a_step_that_ends_when_asked_is_given_the_time(plane: Plane, worker: Starter, tmp_path: Path) -> None:
    run = plane.add(command="true", ring=False)
    text = f"trap 'echo tidied > {tmp_path}/tidied; exit' TERM; touch {tmp_path}/begun; while :; do sleep 0.05; done"
    run.grant["pull_steps"] = [{"headrace.deployments.steps.run_shell_script": {"script": text}}]
    plane.ring(run)
    worker()
    until((tmp_path / "begun").exists, "the step begins")
    plane.command("cancel", run)
    until(lambda: run.end, "the end")
    assert run.kinds() == ["cancelled"]
    assert (tmp_path / "tidied").read_text() == "tidied\n"
