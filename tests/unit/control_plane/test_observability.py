"""Log lines as JSON, and metrics within them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from chalicelib import observability
from chalicelib.observability import JsonFormatter, about, configure, measure


@pytest.fixture
def handler() -> Iterator[logging.Handler]:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    own = logging.StreamHandler()
    root.handlers[:] = [own]
    yield own
    root.handlers[:] = kept
    root.setLevel(level)
    for name in observability.TALKATIVE:
        logging.getLogger(name).setLevel(logging.NOTSET)


def line(message: str, *arguments: object, **extra: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {"name": "n", "levelname": "INFO", "msg": message, "args": arguments, **extra}
    )
    found: dict[str, object] = json.loads(JsonFormatter().format(record))
    return found


def test_a_line_says_what_it_is_about() -> None:
    with about(request_id="r1", run_id=None), about(run_id="run"):
        inside = line("could not %s", "ring", queue="q")
    assert inside["message"] == "could not ring"
    assert (inside["request_id"], inside["run_id"], inside["queue"]) == ("r1", "run", "q")
    assert "request_id" not in line("outside")


def test_an_error_is_one_line() -> None:
    try:
        int("first")
    except ValueError:
        text = JsonFormatter().format(logging.makeLogRecord({"msg": "m", "exc_info": sys.exc_info()}))
    assert "\n" not in text
    assert "ValueError: invalid literal" in json.loads(text)["error"]


def test_only_lambda_is_configured(handler: logging.Handler) -> None:
    configure({})
    assert not isinstance(handler.formatter, JsonFormatter)
    configure({"AWS_LAMBDA_FUNCTION_NAME": "api", "HEADRACE_LOG_LEVEL": "WARNING"})
    assert isinstance(handler.formatter, JsonFormatter)
    assert logging.getLogger().level == logging.WARNING


def test_what_has_secrets_in_it_is_not_logged_at_any_level(handler: logging.Handler) -> None:
    configure({"AWS_LAMBDA_FUNCTION_NAME": "api", "HEADRACE_LOG_LEVEL": "DEBUG"})
    assert logging.getLogger("headrace.api").isEnabledFor(logging.DEBUG)
    for name in (
        "botocore.parsers",
        "botocore.endpoint",
        "urllib3.connectionpool",
        "pynamodb.connection.base",
    ):
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), f"{name} prints bodies"
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), "a line of botocore each cold start"
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    configure({"AWS_LAMBDA_FUNCTION_NAME": "api", "HEADRACE_LOG_LEVEL": "ERROR"})
    assert not logging.getLogger("botocore.parsers").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("said", "level"), [("debug", "DEBUG"), ("VERBOSE", "INFO"), ("", "INFO"), ("10", "INFO")]
)
def test_a_level_is_read_kindly_and_a_wrong_one_keeps_no_function_from_starting(
    handler: logging.Handler, said: str, level: str
) -> None:
    records: list[logging.LogRecord] = []
    handler.emit = records.append  # type: ignore[method-assign]
    configure({"AWS_LAMBDA_FUNCTION_NAME": "api", "HEADRACE_LOG_LEVEL": said})
    assert logging.getLevelName(logging.getLogger().level) == level
    told = [record.getMessage() for record in records]
    wrong = said.upper() not in ("DEBUG", "")
    assert told == ([f"HEADRACE_LOG_LEVEL is {said!r}, which is no level: INFO is taken"] if wrong else [])


def test_a_metric_is_a_line_of_the_embedded_format(capsys: pytest.CaptureFixture[str]) -> None:
    measure("prod", "Seconds", {"claim_latency": [0.1] * 150, "none": []}, pool="p")
    found = json.loads(capsys.readouterr().out)
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Headrace",
        "Dimensions": [["stage", "pool"]],
        "Metrics": [{"Name": "claim_latency", "Unit": "Seconds"}],
    }
    assert (found["stage"], found["pool"], len(found["claim_latency"])) == ("prod", "p", 100)
    assert isinstance(found["_aws"]["Timestamp"], int)
    measure("prod", "Seconds", {"claim_latency": []})
    assert capsys.readouterr().out == ""


def test_it_imports_the_standard_library_only() -> None:
    code = (
        "import sys; import chalicelib; before = set(sys.modules)\nimport chalicelib.observability\n"
        "found = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(found - set(sys.stdlib_module_names) - {'chalicelib'}))"
    )
    place = str(observability.__file__).removesuffix("/chalicelib/observability.py")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=place)
    assert done.stdout.strip() == "[]"
