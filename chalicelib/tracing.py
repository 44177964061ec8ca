"""The trace that a run belongs to: its maker's (W3C Trace Context), or one that begins here.

OpenTelemetry is never imported: where something has set it up in this process (a layer in Lambda, the embedded
server), it is there already; where nothing has, there is nobody to tell.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version, trace, span and flags (W3C Trace Context, 3.2)."""


def checked(traceparent: str | None) -> str | None:
    """One that can be gone on with; a wrong one counts as none, as the standard says."""
    return traceparent if traceparent and TRACEPARENT.fullmatch(traceparent) else None


@contextmanager
def creating(traceparent: str | None, **attributes: str) -> Iterator[str | None]:
    """A run is made within: the span of that, where somebody listens. Gives what the run is to go on with."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield traceparent
        return
    tracer, parent = trace.get_tracer("headrace.api"), _context(trace, traceparent)
    quiet = {"record_exception": False, "set_status_on_exception": False}  # texts may hold what was sent
    with tracer.start_as_current_span("create flow run", parent, attributes=attributes, **quiet) as span:
        own = span.get_span_context()
        yield f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}" if own.is_valid else None


def _context(trace: Any, traceparent: str | None) -> Any:
    """The caller's place in its trace; without one, that of this request as OpenTelemetry knows it."""
    if traceparent is None:
        return None
    _, of_trace, of_span, flags = traceparent.split("-")
    sampled = trace.TraceFlags(int(flags, 16))
    place = trace.SpanContext(int(of_trace, 16), int(of_span, 16), is_remote=True, trace_flags=sampled)
    return trace.set_span_in_context(trace.NonRecordingSpan(place))
