"""How zygotes come, go, fail and are replaced."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from headrace.worker.keeper import starts
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


def test_one_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import selectors
    import sys

    (tmp_path / "heavy.py").write_text("import threading\nthreading.Event().wait()\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    order = {"argv": [sys.executable, *PYTHON[1:]], "env": env, "cwd": "/", "spec": {}, "preload": ["heavy"]}
    order["start_method"] = "auto"
    with selectors.DefaultSelector() as selector:
        made = starts.Starts(selector)
        for _ in range(2):
            spawned = made.start(order, "r:1", 100.0)
            for handle in spawned[1:5]:
                os.close(handle)
            spawned.popen.wait()
        (pid,) = made.pids()
        made.advance(made.wake_at() - 1)
        assert alive(pid)
        made.advance(made.wake_at())
        _, status = os.waitpid(pid, 0)
        assert made.reaped(pid, os.waitstatus_to_exitcode(status))
        assert made.pids() == set()
        spawned = made.start(order, "r:1", 200.0)
        assert "not ready after" in spawned.warning
        for handle in spawned[1:5]:
            os.close(handle)
        spawned.popen.wait()


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


def test_a_stopped_zygote_holds_a_run_up_for_seconds_only(keeper: Keeper) -> None:
    keeper.warm()
    (old,) = keeper.zygotes()
    os.kill(old, signal.SIGSTOP)
    marks = keeper.folder / "marks"
    code = f"def main():\n    with open({str(marks)!r}, 'a') as file: file.write('x')\n"
    ended = keeper.run(code)
    assert ended.how == "spawn"
    assert "does not answer" in ended.said("headrace.worker")[0]
    until(lambda: not alive(old), "it was killed")
    assert marks.read_text() == "x"


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
