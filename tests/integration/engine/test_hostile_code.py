"""Code that closes descriptors, forks, leaves threads behind, or ends the process under our feet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Run, Start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


def test_a_process_that_vanishes_leaves_no_receipt(run: Run) -> None:
    ended = run("import os\ndef main():\n    os._exit(7)\n")
    assert ended.code == 7
    assert [event["t"] for event in ended.events] == ["started"]


def test_a_crash_in_c_leaves_a_traceback_on_standard_error(run: Run) -> None:
    ended = run("import os, signal\ndef main():\n    os.kill(os.getpid(), signal.SIGSEGV)\n")
    assert ended.code == -signal.SIGSEGV
    assert "Segmentation fault" in ended.stderr
    assert "in main" in ended.stderr


def test_closing_the_low_descriptors_does_not_cut_the_line(run: Run) -> None:
    ended = run("import os\ndef main():\n    os.closerange(0, 256)\n    return 1\n")
    assert (ended.code, ended.receipt["result"]) == (0, 1)


def test_closing_all_descriptors_is_harmless(run: Run) -> None:
    """No receipt, but an exit code; and what the flow opens afterwards gets none of our lines."""
    ended = run(
        """
        import logging, os, resource
        def main():
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            os.closerange(3, limit)
            reused = os.open("mine", os.O_CREAT | os.O_RDWR)
            os.set_inheritable(reused, True)
            for number in range(reused + 1, min(limit, 4096)):
                os.dup2(reused, number)
            logging.warning("lost")
            os.lseek(reused, 0, 0)
            os.write(1, b"[" + os.read(reused, 100) + b"]")
        """
    )
    assert ended.code == 0
    assert [event["t"] for event in ended.events] == ["started"]
    assert ended.stdout == "[]"


def test_a_forked_process_has_no_line_to_the_parent(run: Run) -> None:
    """It falls through to the end of the flow, as careless code does: still there is one receipt."""
    ended = run(
        """
        import logging, os
        def main():
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
            logging.warning("from %s", "the run" if pid else "the fork")
            return "run" if pid else "fork"
        """
    )
    assert (ended.code, ended.receipt["result"], ended.logs) == (0, "run", ["from the run"])
    assert ended.stderr == "from the fork\n"


def test_a_process_that_outlives_the_run_does_not_hold_the_pipe(run: Run) -> None:
    """The parent sees the end of the events at once, though a grandchild goes on."""
    ended = run(
        """
        import os, signal, subprocess, sys
        def main():
            if (pid := os.fork()) == 0:
                os.close(1); os.close(2)
                signal.pause()
            other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False)
            return [pid, other.pid]
        """
    )
    for pid in ended.receipt["result"]:
        os.kill(pid, signal.SIGKILL)
    assert ended.code == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works(run: Run, method: str) -> None:
    ended = run(
        f"""
        import multiprocessing
        def double(x): return 2 * x
        def main():
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                return pool.map(double, range(3))
        """
    )
    assert ended.receipt["result"] == [0, 2, 4]


def test_a_forked_process_ends_by_sigterm_as_others_do(run: Run) -> None:
    ended = run(
        """
        import multiprocessing, threading
        def main():
            process = multiprocessing.get_context("fork").Process(target=threading.Event().wait)
            process.start()
            process.terminate()
            process.join()
            return process.exitcode
        """
    )
    assert ended.receipt["result"] == -signal.SIGTERM


def test_threads_left_behind_are_told_and_waited_for(run: Run) -> None:
    ended = run(
        """
        import threading
        def finish():
            threading.Event().wait(0.2)
            print("finished")
        def main():
            threading.Thread(target=finish, name="stray").start()
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            return 1
        """
    )
    assert (ended.code, ended.receipt["result"]) == (0, 1)
    assert ended.logs == [
        "Flow run 'brisk-otter' is over; threads still running (stray) are stopped with its process"
    ]
    assert ended.stdout == "finished\n"


def test_an_async_flow_is_over_though_a_thread_that_it_gave_up_goes_on(start: Start) -> None:
    child = start(
        """
        import asyncio, pathlib, time
        def work():
            while not pathlib.Path("told").exists(): time.sleep(0.01)
            print("finished")
        async def main():
            try:
                await asyncio.wait_for(asyncio.to_thread(work), 0.01)
            except TimeoutError:
                return "given up"
        """
    )
    child.wait_for(b'"receipt"')
    (child.directory / "told").touch()
    ended = child.end()
    assert (ended.code, ended.receipt["result"], ended.logs) == (0, "given up", [])
    assert (ended.stdout, ended.stderr) == ("finished\n", "")


@pytest.mark.parametrize(
    ("hold", "what"),
    [
        ("threading.Thread(target=threading.Event().wait, name='stray').start()", "threads (stray)"),
        ("atexit.register(threading.Event().wait)", "exit handlers"),
        ("atexit.register(lambda: [print('x' * 10**6) for _ in range(9)])", "exit handlers"),
    ],
    ids=["thread", "exit handler", "output that nobody reads"],
)
def test_what_holds_the_process_up_is_cut_off(hold: str, what: str) -> None:
    code = f"import atexit, threading\n{hold}\nfrom headrace.engine.leave import leave\nleave(7, grace=0.2)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.wait(30) == 7
    _, stderr = process.communicate()
    assert stderr.decode() == f"headrace: {what} still ran 0.2 s after the flow's end, and were cut off\n"


def test_what_was_handed_to_an_executor_is_finished(run: Run) -> None:
    ended = run(
        """
        import atexit, logging, sys, time
        from concurrent.futures import ThreadPoolExecutor
        def main():
            atexit.register(print, "exit handler")
            def work():
                time.sleep(0.2)
                print("finished")
            ThreadPoolExecutor(1).submit(work)
            sys.stdout.write("no newline, ")
        """
    )
    assert ended.stdout == "no newline, finished\nexit handler\n"
    assert (ended.code, ended.logs, ended.stderr) == (0, [], "")


def test_standard_error_that_nobody_reads_holds_nothing_up() -> None:
    code = (
        "import atexit, os\natexit.register(lambda: os.write(2, b'x' * 10**6))\n"
        "from headrace.engine.leave import leave\nleave(7, grace=0.2)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        assert process.wait(30) == 7


def test_standard_output_may_be_closed(run: Run) -> None:
    ended = run("import sys\ndef main():\n    sys.stdout.close()\n    sys.stderr.close()\n    return 1\n")
    assert (ended.code, ended.receipt["result"]) == (0, 1)


def stopping(body: str) -> str:
    return (
        "import asyncio, logging, signal, subprocess, sys, threading\n"
        f"{body}\n"
        "        print('ready', flush=True)\n"
        "        WAIT\n"
        "    finally:\n"
        "        logging.warning('cleaned up')\n"
    )


STOPPED: dict[str, Any] = {
    "sync": stopping("def main():\n    try:").replace("WAIT", "threading.Event().wait(60)"),
    "async": stopping("async def main():\n    try:").replace("WAIT", "await asyncio.sleep(60)"),
}


@pytest.mark.parametrize("kind", STOPPED)
def test_sigterm_lets_the_code_clean_up_and_is_told(start: Start, kind: str) -> None:
    child = start(STOPPED[kind])
    assert child.process.stdout is not None
    assert child.process.stdout.readline() == b"ready\n"
    child.process.terminate()
    ended = child.end()
    assert ended.code == 128 + signal.SIGTERM
    assert ended.logs == ["cleaned up"]
    assert (ended.receipt["state_type"], ended.receipt["message"]) == (
        "CRASHED",
        "the run was stopped by SIGTERM",
    )


def test_a_program_started_in_the_clean_up_can_be_stopped(start: Start) -> None:
    code = STOPPED["sync"].replace(
        "logging.warning('cleaned up')",
        "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "        p.terminate()\n        logging.warning('%d', p.wait())",
    )
    child = start(code)
    assert child.process.stdout is not None
    child.process.stdout.readline()
    child.process.terminate()
    assert child.end().logs == [str(-signal.SIGTERM)]


def test_a_run_whose_parent_is_gone_ends(start: Start) -> None:
    """Nobody would hear of it any more, and nobody would stop it."""
    child = start(
        """
        import logging, threading
        def main():
            while True:
                logging.warning("still here")
                threading.Event().wait(0.01)
        """
    )
    child.wait_for(b"still here")
    child.hang_up()
    assert child.process.wait(60) == 128 + signal.SIGTERM


def test_a_run_ends_as_it_did_where_no_thread_can_be_started_any_more(run: Run) -> None:
    ended = run(
        """
        import threading
        def main():
            threading.stack_size(1 << 60)
        """
    )
    assert (ended.code, ended.receipt["state_type"]) == (0, "COMPLETED")
    assert ended.stderr == ""
