"""What a run logs and prints, as its parent sees it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Run


def test_every_logger_is_heard_from_the_level_on(run: Run) -> None:
    ended = run(
        """
        import logging
        from headrace import flow, get_run_logger, task
        @task
        def step(): get_run_logger().error("in a task")
        @flow
        def main():
            logging.getLogger("lib.part").info("from a library")
            logging.getLogger("lib.part").debug("too fine")
            get_run_logger().info("from %s", "the flow")
            get_run_logger().debug("too fine")
            step()
            try: 1/0
            except ZeroDivisionError: logging.exception("caught")
        """
    )
    logs = [event for event in ended.events if event["t"] == "log"]
    assert [(event["name"], event["level"], event["message"].split("\n")[0]) for event in logs] == [
        ("lib.part", logging.INFO, "from a library"),
        ("headrace.flow_runs", logging.INFO, "from the flow"),
        ("headrace.task_runs", logging.ERROR, "in a task"),
        ("headrace.task_runs", logging.INFO, logs[3]["message"]),
        ("root", logging.ERROR, "caught"),
    ]
    assert logs[3]["message"].startswith("Task run 'step-0' completed in ")
    assert logs[4]["message"].endswith("ZeroDivisionError: division by zero")
    assert [event["at"] for event in logs] == sorted(event["at"] for event in logs)
    assert ended.stderr == ""


def test_the_level_is_the_specs(run: Run) -> None:
    code = "import logging\ndef main():\n    logging.debug('fine')\n    logging.info('coarse')\n"
    assert run(code, log_level="DEBUG").logs[-2:] == ["fine", "coarse"]
    assert run(code, log_level="WARNING").logs == []


def test_prints_go_to_the_log_when_asked(run: Run) -> None:
    code = """
    import sys
    from headrace import flow
    @flow(log_prints={})
    def main():
        print("hello", 1)
        print("aside", file=sys.stderr)
    """
    ended = run(code.format(True))
    assert (ended.logs, ended.stdout, ended.stderr) == (["hello 1"], "", "aside\n")
    ended = run(code.format(False))
    assert (ended.logs, ended.stdout, ended.stderr) == ([], "hello 1\n", "aside\n")


def test_what_is_printed_appears_at_once(start: object) -> None:
    child = start(  # type: ignore[operator]
        """
        import sys, logging, threading
        def main():
            print("first")
            logging.warning("now")
            threading.Event().wait(60)
        """
    )
    child.wait_for(b'"now"')
    assert child.process.stdout.readline() == b"first\n"
    child.process.kill()


def test_a_huge_line_is_cut_with_a_mark(run: Run) -> None:
    ended = run(
        "import logging\ndef main():\n    logging.warning('é' * 1_000_000)\n    logging.warning('next')\n"
    )
    huge, after = ended.logs
    assert len(huge.encode()) <= 200_000
    assert huge.endswith("é... [cut: 2,000,000 bytes in all]")
    assert after == "next"


def test_many_lines_arrive_all_and_in_order(run: Run) -> None:
    ended = run(
        "import logging\ndef main():\n    for n in range(5000): logging.warning('%d %s', n, 'x' * 500)\n"
    )
    assert [int(message.split()[0]) for message in ended.logs] == list(range(5000))


def test_lines_of_many_threads_do_not_mix(run: Run) -> None:
    ended = run(
        """
        import logging
        from concurrent.futures import ThreadPoolExecutor
        def main():
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda n: logging.warning("%d %s", n, "y" * 10000), range(400)))
        """
    )
    assert sorted(int(message.split()[0]) for message in ended.logs) == list(range(400))
    assert all(message.endswith(" " + "y" * 10000) for message in ended.logs)


def test_text_that_utf8_cannot_hold_and_bad_log_calls_do_not_end_the_run(run: Run) -> None:
    ended = run(
        """
        import logging
        from headrace import get_run_logger
        class Mute:
            def __str__(self): 1/0
            __repr__ = __str__
        def main():
            logging.warning("lone \\ud800 surrogate")
            logging.warning("%d items", "many")
            logging.warning("%s", Mute())
            logging.warning("a %s", 1, 2)
            logging.warning("nul \\x00 and \\u2028")
            print("lone \\udc80 surrogate")
            return "fine"
        """
    )
    assert ended.receipt["result"] == "fine"
    assert ended.logs == [
        "lone \\ud800 surrogate",
        "'%d items' (not formatted with ('many',): TypeError)",
        "'%s' (not formatted with arguments that cannot be shown: ZeroDivisionError)",
        "'a %s' (not formatted with (1, 2): TypeError)",
        "nul \x00 and \u2028",
    ]
    assert ended.stdout == "lone \\udc80 surrogate\n"


def test_a_program_that_sets_up_logging_anew_still_logs_to_its_run(run: Run) -> None:
    ended = run(
        """
        import logging, logging.config
        from headrace import flow, get_run_logger
        @flow(log_prints=True)
        def main():
            get_run_logger().info("before")
            logging.config.dictConfig({
                "version": 1,
                "handlers": {"h": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
                "root": {"handlers": ["h"], "level": "WARNING"},
            })
            logging.basicConfig(force=True, level=logging.ERROR)
            get_run_logger().info("after")
            print("printed")
        """
    )
    assert ended.logs == ["before", "after", "printed"]
