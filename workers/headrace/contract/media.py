"""In which forms a body goes over the wire."""

from __future__ import annotations

JSON = "application/json"
GZIP = "application/gzip"
"""JSON, compressed. A type of its own and no `Content-Encoding`: API Gateway would read that body as text."""
