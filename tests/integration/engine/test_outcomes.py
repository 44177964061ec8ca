"""How runs end, and what the receipt and the exit code say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Run


def test_a_flow_completes_with_its_result(run: Run) -> None:
    ended = run(
        """
        from headrace import flow
        @flow
        def main(x: int, y: int = 2):
            return {"sum": x + y}
        """,
        {"x": "1"},
    )
    assert ended.code == 0
    assert ended.events[0].keys() == {"t", "at"}
    assert ended.events[0]["t"] == "started"
    receipt = ended.receipt
    assert receipt["at"] >= ended.events[0]["at"]
    assert (receipt["state_type"], receipt["state_name"], receipt["result"]) == (
        "COMPLETED",
        None,
        {"sum": 3},
    )
    assert "error" not in receipt
    assert "retry" not in receipt
    assert (ended.stdout, ended.stderr) == ("", "")


def test_values_of_many_kinds_are_a_result(run: Run) -> None:
    ended = run(
        """
        import datetime, decimal, enum, pathlib, uuid
        from dataclasses import dataclass
        class Colour(enum.Enum):
            RED = "red"
        @dataclass
        class Row:
            at: datetime.datetime
            colour: Colour
        def main():
            return [Row(datetime.datetime(2025, 1, 31), Colour.RED), decimal.Decimal("1.10"), {2, 1},
                    pathlib.Path("a"), uuid.UUID(int=1), float("nan"), {1: None}, "\\ud800"]
        """
    )
    result = ended.receipt["result"]
    assert result[:4] == [{"at": "2025-01-31T00:00:00", "colour": "red"}, "1.10", [1, 2], "a"]
    assert result[5:] == ["NaN", {"1": None}, "?"]


@pytest.mark.parametrize(
    ("value", "beginning"),
    [
        ("object()", "<object object at"),
        ("'x' * 300_000", "'xxx"),
        ("list(range(10**6))", "[0, 1, 2"),
        ("10**5000", "<"),
        ("Mute()", "<Mute instance at"),
        ("__import__('functools').reduce(lambda inner, _: [inner], range(102))", "[[[["),
    ],
)
def test_a_result_without_json_form_is_shown_instead(run: Run, value: str, beginning: str) -> None:
    ended = run(
        f"""
        class Mute:
            def __repr__(self): 1/0
        def main():
            return {value}
        """
    )
    receipt = ended.receipt
    assert (ended.code, receipt["state_type"]) == (0, "COMPLETED")
    assert "result" not in receipt
    assert receipt["result_repr"].startswith(beginning)
    assert len(receipt["result_repr"]) <= 10_000


def test_a_failure_has_the_users_traceback_only(run: Run) -> None:
    ended = run(
        """
        from headrace import flow, task
        class LoadError(Exception): pass
        @task
        def load(row):
            try:
                row["id"]
            except KeyError as error:
                raise LoadError("row 7 has no id") from error
        @flow
        def inner():
            load({})
        @flow
        def main():
            inner()
        """
    )
    assert ended.code == 1
    receipt = ended.receipt
    assert (receipt["state_type"], receipt["state_name"]) == ("FAILED", None)
    assert receipt["message"] == "etl.LoadError: row 7 has no id"
    error = receipt["error"]
    assert (error["type"], error["message"]) == ("etl.LoadError", "row 7 has no id")
    trace = error["traceback"]
    assert "headrace" not in trace.replace("headrace import", "")
    assert [line.split(", in ")[1] for line in trace.splitlines() if ", in " in line] == [
        "load",
        "main",
        "inner",
        "load",
    ]
    assert "KeyError: 'id'" in trace
    assert "retry" not in receipt
    assert any("Flow run 'brisk-otter' failed\nTraceback" in message for message in ended.logs)


@pytest.mark.parametrize("broken", ["__str__", "__repr__"])
def test_an_exception_that_cannot_show_itself_is_told(run: Run, broken: str) -> None:
    ended = run(
        f"""
        class Odd(Exception):
            def {broken}(self): 1/0
        def main():
            raise Odd("x")
        """
    )
    assert ended.code == 1
    assert ended.receipt["error"]["type"] == "etl.Odd"


def test_huge_messages_and_tracebacks_are_cut(run: Run) -> None:
    ended = run(
        """
        def deep(n):
            if n: deep2(n)
            raise ValueError("m" * 10**6)
        def deep2(n): deep(n - 1)
        def main(): deep(400)
        """
    )
    error = ended.receipt["error"]
    assert len(error["message"]) == 10_000
    assert "[cut: 1,000,000 characters in all]" in error["message"]
    assert len(error["traceback"]) == 100_000
    assert len(ended.receipt["message"]) <= 10_000


@pytest.mark.parametrize(
    ("body", "code", "state", "message"),
    [
        ("sys.exit()", 0, "COMPLETED", "the flow ended by sys.exit()"),
        ("sys.exit(0)", 0, "COMPLETED", "the flow ended by sys.exit()"),
        ("sys.exit(3)", 1, "FAILED", "the flow ended by sys.exit(3)"),
        ("sys.exit('no rows')", 1, "FAILED", "the flow ended by sys.exit: no rows"),
        ("raise KeyboardInterrupt", 130, "CRASHED", "the run was stopped by SIGINT"),
        ("raise BaseException('x')", 1, "FAILED", "BaseException: x"),
        (
            "raise ExceptionGroup('two', [ValueError(1), KeyError(2)])",
            1,
            "FAILED",
            "ExceptionGroup: two (2 sub-",
        ),
    ],
)
def test_other_ways_to_end(run: Run, body: str, code: int, state: str, message: str) -> None:
    ended = run(f"import sys\ndef main():\n    {body}\n")
    assert ended.code == code
    assert ended.receipt["state_type"] == state
    assert ended.receipt["message"].startswith(message)


def test_an_async_flow(run: Run) -> None:
    ended = run(
        """
        import asyncio
        from headrace import flow, task
        @task
        async def double(x):
            await asyncio.sleep(0)
            return 2 * x
        @flow
        async def main(n: int):
            if n == 0:
                raise ValueError("none")
            return await asyncio.gather(*map(double, range(n)))
        """,
        {"n": 3},
    )
    assert ended.receipt["result"] == [0, 2, 4]


def test_an_async_flow_behind_a_plain_decorator_is_run(run: Run) -> None:
    ended = run(
        """
        import functools
        from headrace import flow, flow_run, task
        def plain(fn):
            @functools.wraps(fn)
            def inner(*args, **kwargs): return fn(*args, **kwargs)
            return inner
        @task
        @plain
        async def double(x):
            return 2 * x
        @flow(timeout_seconds=30)
        @plain
        async def main(n: int):
            return [await double(n), flow_run.name]
        """,
        {"n": "3"},
    )
    assert ended.receipt["result"] == [6, "brisk-otter"]
    assert ended.logs == [ended.logs[0]]
    assert ended.logs[0].startswith("Task run 'double-0' completed in")


def test_an_async_failure_shows_no_frames_of_the_loop(run: Run) -> None:
    ended = run("async def main():\n    raise ValueError('none')\n")
    assert ended.code == 1
    assert "asyncio" not in ended.receipt["error"]["traceback"]
    assert "in main" in ended.receipt["error"]["traceback"]


TIMEOUTS = {
    "sync": "def main():\n    threading.Event().wait(60)\n",
    "async": "async def main():\n    await asyncio.sleep(60)\n",
    "stubborn": (
        "def main():\n    while True:\n        try: threading.Event().wait(60)\n        except Exception: pass\n"
    ),
}


@pytest.mark.parametrize("kind", TIMEOUTS)
@pytest.mark.parametrize("own", [True, False], ids=["own limit", "deployment's limit"])
def test_a_time_limit(run: Run, kind: str, own: bool) -> None:
    decorator = f"@flow(timeout_seconds={0.1 if own else 60})\n"
    code = "import asyncio, threading\nfrom headrace import flow\n" + decorator + TIMEOUTS[kind]
    ended = run(code, timeout_seconds=None if own else 0.1)
    assert ended.code == 1
    receipt = ended.receipt
    assert (receipt["state_type"], receipt["state_name"]) == ("FAILED", "TimedOut")
    assert receipt["message"] == "Flow run 'brisk-otter' ran longer than 0.1 s and was stopped"
    assert "in main" in receipt["error"]["traceback"]


@pytest.mark.parametrize(
    ("options", "raises", "wish"),
    [
        ("", "ValueError()", None),
        ("retries=3, retry_delay_seconds=9", "ValueError()", None),
        ("", "Retry(after=30)", {"wanted": True, "after": 30}),
        ("retries=3", "Retry('later')", {"wanted": True, "after": None}),
        ("retries=3, retry_on=OSError", "ConnectionError()", {"wanted": True, "after": None}),
        ("retries=3, retry_on=OSError", "ValueError()", {"wanted": False, "after": None}),
    ],
)
def test_one_attempt_and_a_wish(run: Run, options: str, raises: str, wish: dict[str, Any] | None) -> None:
    ended = run(
        f"""
        from headrace import flow, Retry
        @flow({options})
        def main():
            print("called")
            raise {raises}
        """
    )
    assert ended.stdout == "called\n"
    assert ended.receipt["state_type"] == "FAILED"
    assert ended.receipt.get("retry") == wish


def test_a_subflow_retries_by_itself(run: Run) -> None:
    ended = run(
        """
        from headrace import flow
        calls = []
        @flow(retries=1)
        def inner():
            calls.append(1)
            if len(calls) == 1: raise ValueError("first")
            return len(calls)
        @flow
        def main():
            return inner()
        """
    )
    assert ended.receipt["result"] == 2


def test_what_the_run_knows_of_itself(run: Run) -> None:
    ended = run(
        """
        from headrace import flow, flow_run
        @flow
        def main(x: int):
            return [flow_run.id, flow_run.name, flow_run.flow_name, flow_run.deployment_name, flow_run.tags,
                    flow_run.parameters, flow_run.attempt, flow_run.run_count, flow_run.scheduled_start_time]
        """,
        {"x": 1},
        attempt=4,
        run_count=3,
    )
    assert ended.receipt["result"] == [
        "0198c2a0-0000-7000-8000-000000000001",
        "brisk-otter",
        "main",
        "main/nightly",
        ["a"],
        {"x": 1},
        4,
        3,
        "2025-01-31T12:00:00+00:00",
    ]
