"""Loggers of runs, prints as log records, and the terminal."""

from __future__ import annotations

import builtins
import io
import logging
import subprocess
import sys
import threading

import pytest

from headrace import flow, get_run_logger, task

PRINT = builtins.print


def test_records_carry_the_name_of_their_run(caplog: pytest.LogCaptureFixture) -> None:
    @flow(name="greet")
    def f() -> None:
        get_run_logger().warning("careful %d", 1, extra={"more": 2})

    f()
    record = next(one for one in caplog.records if one.message == "careful 1")
    assert record.name == "headrace.flow_runs"
    assert record.run_name.startswith("greet-")
    assert record.more == 2
    assert record.funcName == "f"


def test_outside_of_a_run_there_is_a_logger_too() -> None:
    assert get_run_logger().name == "headrace"


def test_a_logger_disabled_by_dict_config_still_logs(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    def f() -> None:
        logging.getLogger("headrace.flow_runs").disabled = True
        get_run_logger().warning("still here")

    f()
    assert "still here" in caplog.messages


@pytest.fixture
def printed(caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.set_level(logging.INFO, "headrace")
    return caplog.messages


def test_prints_become_records(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    target = io.StringIO()

    @task
    def step() -> None:
        print("in a task")

    @flow(log_prints=True)
    def f() -> None:
        print("a", 1, sep="-")
        print("no newline", end="")
        print("to a file", file=target)
        print("to stderr", file=sys.stderr)
        step()

    with caplog.at_level(logging.INFO, "headrace"):
        f()
    records = [record for record in caplog.records if "flow run" not in record.message.lower()]
    by_name = [(record.name, record.message) for record in records if "Task run" not in record.message]
    assert by_name == [
        ("headrace.flow_runs", "a-1"),
        ("headrace.flow_runs", "no newline"),
        ("headrace.task_runs", "in a task"),
    ]
    assert target.getvalue() == "to a file\n"
    assert capsys.readouterr() == ("", "to stderr\n")
    assert builtins.print is PRINT


def test_without_log_prints_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    @flow
    def quiet() -> None:
        print("plain")

    @flow(log_prints=False)
    def inner() -> None:
        print("inner")

    @flow(log_prints=True)
    def outer() -> None:
        inner()

    quiet()
    outer()
    assert capsys.readouterr().out == "plain\ninner\n"


def test_prints_of_threads_belong_to_the_flow(caplog: pytest.LogCaptureFixture) -> None:
    @flow(log_prints=True)
    def f() -> None:
        thread = threading.Thread(target=lambda: print("from a thread"))
        thread.start()
        thread.join()

    with caplog.at_level(logging.INFO, "headrace"):
        f()
    assert "from a thread" in caplog.messages


def test_a_handler_that_prints_does_not_go_round_in_circles(capsys: pytest.CaptureFixture[str]) -> None:
    class Printing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print("handled", record.getMessage())

    handler = Printing()
    logging.getLogger("headrace.flow_runs").addHandler(handler)
    try:
        flow(lambda: print("once"), log_prints=True)()
    finally:
        logging.getLogger("headrace.flow_runs").removeHandler(handler)
    assert "handled once\n" in capsys.readouterr().out


SCRIPT = """
import logging, sys
from headrace import flow, get_run_logger
{setup}
@flow(log_prints=True)
def greet():
    print("hello")
    logging.getLogger("mine").warning("own")
greet()
"""


def run_script(setup: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(setup=setup)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


def test_on_the_terminal_lines_are_short() -> None:
    begins, hello, own, ends = run_script().splitlines()
    assert begins[12:26] == " | INFO    | g"
    name = hello.split(" | ")[2]
    assert begins.endswith(f"| {name} | Flow run '{name}' of flow 'greet' begins")
    assert hello.endswith(f"| INFO    | {name} | hello")
    assert own == "own"
    assert "completed in" in ends


def test_a_program_with_logging_of_its_own_shows_our_records_once() -> None:
    lines = run_script(
        "logging.basicConfig(level=logging.WARNING, format='%(name)s %(message)s')"
    ).splitlines()
    assert lines[1] == "headrace.flow_runs hello"
    assert len(lines) == 4
