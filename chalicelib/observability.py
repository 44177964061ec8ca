"""What the control plane says of itself: log lines as JSON, and metrics within them. No call of AWS.

In Lambda a log line is one JSON object with the request's id, and the run's where it is about one. Metrics are lines
in CloudWatch's embedded metric format (EMF), from which CloudWatch makes metrics by itself; they are written
where `HEADRACE_METRICS=1`, since each metric is billed by the month. Standard library only.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

NAMESPACE = "Headrace"
MOST_VALUES = 100
"""Values of one metric that a line may have (CloudWatch, embedded metric format)."""
TALKATIVE = ("botocore", "urllib3", "pynamodb")
"""What they say below INFO has the bodies of requests and answers in it, and so keys and credentials; INFO is noise."""
log = logging.getLogger("headrace")
_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@contextmanager
def about(**facts: str | None) -> Iterator[None]:
    """What is logged within is about these, such as `request_id` or `run_id`."""
    token = _about.set({**(_about.get() or {}), **{name: fact for name, fact in facts.items() if fact}})
    try:
        yield
    finally:
        _about.reset(token)


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, what it is about, and its `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **(_about.get() or {}),
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(environment: Mapping[str, str] | None = None) -> None:
    """In Lambda: every log line as JSON. Elsewhere whoever runs the control plane has set its logs up."""
    environment = os.environ if environment is None else environment
    if "AWS_LAMBDA_FUNCTION_NAME" not in environment:
        return
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler(sys.stdout))
    for handler in root.handlers:
        handler.setFormatter(JsonFormatter())
    wanted = environment.get("HEADRACE_LOG_LEVEL") or "INFO"
    known = wanted.upper() in logging.getLevelNamesMapping()
    root.setLevel(wanted.upper() if known else logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    if not known:
        log.warning("HEADRACE_LOG_LEVEL is %r, which is no level: INFO is taken", wanted)


def measure(stage: str, unit: str, values: Mapping[str, float | Sequence[float]], **dimensions: str) -> None:
    """Write metrics as a line of EMF: `values` by name, of this unit (`Seconds`, `Count`), in a stage."""
    named = {"stage": stage, **dimensions}
    kept = {name: list(v)[:MOST_VALUES] if isinstance(v, Sequence) else v for name, v in values.items()}
    kept = {name: value for name, value in kept.items() if value != []}
    if not kept:
        return
    metrics = [{"Name": name, "Unit": unit} for name in kept]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(named)], "Metrics": metrics}
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, **named, **kept}
    sys.stdout.write(json.dumps(line) + "\n")
