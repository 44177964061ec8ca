"""When spans are exported: as the standard `OTEL_*` variables say, and never otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import tracing as in_api
from headrace import tracing

ROOT = Path(__file__).resolve().parents[3]
PLACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("wanted", "environment"),
    [
        (False, {}),
        (False, {"OTEL_SERVICE_NAME": "mine"}),
        (True, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}),
        (True, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}),
        (True, {"OTEL_TRACES_EXPORTER": "console"}),
        (False, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}),
        (False, {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}),
    ],
)
def test_the_standard_variables_decide(wanted: bool, environment: dict[str, str]) -> None:
    assert tracing.is_wanted(environment) is wanted


def test_without_the_package_it_is_said_and_nothing_is_traced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert tracing.tracer("headrace-worker") is None
    assert "headrace[otel]" in caplog.text
    with tracing.flow_span("flow", {}):
        pass


@pytest.mark.parametrize("kept", [PLACE, PLACE.replace("00-", "01-", 1)])
def test_a_callers_place_is_kept(kept: str) -> None:
    assert in_api.checked(kept) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        PLACE.upper(),
        PLACE + "-more",
        PLACE.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        "x" * 10_000,
    ],
)
def test_a_wrong_place_counts_as_none(wrong: str | None) -> None:
    assert in_api.checked(wrong) is None


def test_nothing_is_imported_where_nobody_listens() -> None:
    code = (
        "import sys, chalicelib.tracing, headrace.tracing, headrace.worker.tracing\n"
        "with chalicelib.tracing.creating(None) as place: assert place is None\n"
        "assert headrace.tracing.tracer('x') is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
