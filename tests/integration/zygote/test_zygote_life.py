"""How zygotes come, go, fail and are replaced."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.integration.worker.conftest import alive, until
from tests.integration.zygote.conftest import PYTHON, Keeper

NOTHING = "def main(): pass\n"


def preloading(keeper: Keeper, text: str) -> dict[str, object]:
    """An order's extras: a module of this text is imported beforehand."""
    (keeper.folder / "heavy.py").write_text(text)
    return {"preload": ["heavy"], "env": {"PYTHONPATH": str(keeper.folder)}}


def warnings(keeper: Keeper, more: dict[str, object]) -> list[str]:
    """Run until a run says why it was started cold."""

    def told() -> list[str]:
        ended = keeper.run(NOTHING, **more)
        assert (ended.how, ended.receipt["state_type"]) == ("spawn", "COMPLETED")
        return ended.said("headrace.worker")

    return until(told, "a warning")


def test_what_is_preloaded_is_there(keeper: Keeper) -> None:
    more = preloading(keeper, "import time\nprint('printed by a preload')\nAT = time.time()\n")
    keeper.warm(**more)
    first, second = (keeper.run("import heavy\ndef main(): return heavy.AT\n", **more) for _ in range(2))
    assert first.how == "zygote"
    assert first.result == second.result
    assert first.records == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('not today')", "RuntimeError: not today"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        (
            "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
            "1 threads were started",
        ),
        ("import socket\nkept = socket.socketpair()", "connections are held open"),
        ("import gone_for_good", "No module named 'gone_for_good'"),
    ],
)
def test_a_preload_that_fails_means_a_cold_start_with_a_warning(
    keeper: Keeper, text: str, reason: str
) -> None:
    said = warnings(keeper, preloading(keeper, text))
    assert reason in said[0]
    assert "with heavy imported beforehand" in said[0]
    assert keeper.zygotes() == []
    keeper.warm()  # others are not concerned


def test_a_preload_that_hangs_holds_nobody_up(keeper: Keeper) -> None:
    more = preloading(keeper, "import threading\nthreading.Event().wait()\n")
    for _ in range(3):
        assert keeper.run(NOTHING, **more).how == "spawn"
    (zygote,) = keeper.zygotes()
    keeper.close_early()
    until(lambda: not alive(zygote), "it is ended with its keeper")


def test_a_killed_zygote_is_replaced_and_no_run_is_lost(keeper: Keeper) -> None:
    keeper.warm()
    for _ in range(3):
        running = [
            keeper.order("import time\ndef main():\n    time.sleep(0.2)\n    return 5\n") for _ in range(2)
        ]
        (old,) = keeper.zygotes()
        os.kill(old, signal.SIGKILL)
        ended = keeper.end_of(*running)
        assert [one.result for one in ended] == [5, 5]
        assert keeper.run("def main(): return 6\n").result == 6
        keeper.warm()
        assert old not in keeper.zygotes()


def test_a_stopped_zygote_holds_up_none_but_the_runs_it_was_asked_for(keeper: Keeper) -> None:
    keeper.warm()
    (old,) = keeper.zygotes()
    os.kill(old, signal.SIGSTOP)
    marks = keeper.folder / "marks"
    code = f"def main():\n    with open({str(marks)!r}, 'a') as file: file.write('x')\n"
    waiting, unwanted = keeper.order(code), keeper.order(code)
    keeper.say(op="kill", run=unwanted, attempt=1, why="cancel", grace=0)
    assert keeper.run(NOTHING, start_method="spawn").how == "spawn"
    assert not marks.exists()
    os.kill(old, signal.SIGCONT)
    begun, ended = keeper.end_of(waiting, unwanted)
    assert (begun.how, begun.receipt["state_type"]) == ("zygote", "COMPLETED")
    assert ended.states["exited"]["why"] == "cancel"


def test_a_keeper_told_to_leave_ends_a_run_that_is_yet_to_come(keeper: Keeper) -> None:
    keeper.warm()
    (old,) = keeper.zygotes()
    os.kill(old, signal.SIGSTOP)
    run = keeper.order("import time\ndef main():\n    while True: time.sleep(1)\n")
    keeper.say(op="exit", grace=0)
    os.kill(old, signal.SIGCONT)
    assert keeper.end_of(run)[0].states["exited"]["why"] == "stop"
    keeper.process.wait(20)


def test_new_packages_and_changed_modules_make_a_new_zygote(keeper: Keeper) -> None:
    more = preloading(keeper, "WORD = 'old'\n")
    keeper.warm(**more)
    (old,) = keeper.zygotes()
    preloading(keeper, "WORD = 'brand-new'\n")
    code = "import heavy\ndef main(): return heavy.WORD\n"
    assert keeper.run(code, **more).result == "brand-new"
    keeper.warm(**more)
    assert keeper.run(code, **more).result == "brand-new"
    assert old not in keeper.zygotes()


def test_two_hundred_forks_leave_nothing_behind(keeper: Keeper) -> None:
    keeper.warm()
    pid = keeper.process.pid
    (zygote,) = keeper.zygotes()

    def open_in(process: int) -> int:
        return len(list(Path(f"/proc/{process}/fd").iterdir()))

    before = open_in(pid), open_in(zygote)
    for _ in range(20):
        ended = keeper.end_of(*[keeper.order(NOTHING) for _ in range(10)])
        assert {one.how for one in ended} == {"zygote"}
    assert keeper.zygotes() == [zygote]
    assert (open_in(pid), open_in(zygote)) == before
    for process in (pid, zygote):
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        assert children == ([str(zygote)] if process == pid else [])


def test_spawn_never_forks_and_other_interpreters_are_started_cold(keeper: Keeper) -> None:
    link = keeper.folder / "python"
    link.symlink_to(PYTHON[0])
    for more in ({"start_method": "spawn"}, {"argv": [str(link), *PYTHON[1:]]}):
        for _ in range(3):
            assert keeper.run("import headrace\ndef main(): pass\n", **more).how == "spawn"
    assert keeper.zygotes() == []
