"""What `python -m headrace.engine` imports before a flow's file, beside what Python itself does at its start.

Each line costs every cold start; who adds one adds it here, and knows it.
"""

from __future__ import annotations

import json
import subprocess
import sys

OURS = {
    "headrace",
    "headrace.callee",
    "headrace.calls",
    "headrace.context",
    "headrace.engine",
    "headrace.engine.__main__",
    "headrace.engine.channel",
    "headrace.engine.failures",
    "headrace.engine.leave",
    "headrace.engine.load",
    "headrace.engine.receipts",
    "headrace.engine.records",
    "headrace.engine.run",
    "headrace.engine.signals",
    "headrace.flows",
    "headrace.jsonable",
    "headrace.parameters",
    "headrace.parameters.errors",
    "headrace.prints",
    "headrace.retries",
    "headrace.run_logs",
    "headrace.timeouts",
}
STANDARD = {
    "__future__",
    "atexit",
    "collections",
    "contextlib",
    "contextvars",
    "copyreg",
    "enum",
    "faulthandler",
    "functools",
    "importlib",
    "itertools",
    "json",
    "keyword",
    "linecache",
    "logging",
    "operator",
    "re",
    "reprlib",
    "signal",
    "string",
    "textwrap",
    "threading",
    "token",
    "tokenize",
    "traceback",
    "types",
    "typing",
    "warnings",
    "weakref",
}


def modules(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_the_engine_imports_what_is_listed_here_and_no_more() -> None:
    python = modules("")
    engine = modules("import headrace.engine.__main__") - (python - {"json"})
    assert {name for name in engine if name.split(".")[0] == "headrace"} == OURS
    rest = {name.split(".")[0] for name in engine} - {"headrace"}
    private = {name for name in rest if name.startswith("_")} - {"__future__"}
    assert rest - private - STANDARD == set()
