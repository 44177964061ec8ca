"""OpenTelemetry, where it is installed and the standard `OTEL_*` variables want traces.

At import the standard library only; without the package, or without those variables, nothing more is imported.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VARIABLE = "TRACEPARENT"
"""In which the code of a run finds its place in a trace (W3C Trace Context); CI systems use the same name."""
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
log = logging.getLogger("headrace.tracing")


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether traces are to be exported: an exporter is named, or an address for the usual one."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER") or None
    return exporter != "none" if exporter else any(environ.get(name) for name in ENDPOINTS)


def tracer(service: str) -> Any:
    """What makes spans; None where nobody wants them, or where OpenTelemetry is not installed.

    A provider that the process has already is used as it is; else one is made for this service.
    """
    if not is_wanted(os.environ):
        return None
    try:
        from opentelemetry import trace

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            trace.set_tracer_provider(_provider(service))
        return trace.get_tracer(service)
    except (ImportError, LookupError) as error:
        log.warning("OTEL_* variables want traces, but %s. Install headrace[otel].", error)
        return None


def _provider(service: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(own))  # flushed at the end of the process
    provider.add_span_processor(BatchSpanProcessor(_exporter()))
    return provider


def _exporter() -> Any:
    """The one that the environment names, of all that are installed. Raises `LookupError`."""
    from importlib.metadata import entry_points

    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if name == "otlp":
        protocol = next((os.environ[one] for one in PROTOCOLS if os.environ.get(one)), "http/protobuf")
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    for found in entry_points(group="opentelemetry_traces_exporter", name=name):
        return found.load()()
    raise LookupError(f"the exporter {name!r} is not installed")


def context_of(traceparent: str | None) -> Any:
    """A place in a trace, as a parent of spans."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent} if traceparent else {})


def traceparent_of(span: Any) -> str:
    """A span as text."""
    place = span.get_span_context()
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags:02x}"


@contextmanager
def flow_span(label: str, attributes: Mapping[str, str | int]) -> Iterator[None]:
    """The flow function runs within. An error's text is not exported: it may hold a secret; its type is."""
    made = tracer("headrace-flow")
    if made is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    parent = context_of(os.environ.get(VARIABLE))
    with made.start_as_current_span(
        label, parent, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
