"""In which forms a body goes over the wire."""

from __future__ import annotations

JSON = "application/json"
GZIP = "application/gzip"
"""JSON, compressed. A type of its own and no `Content-Encoding`: API Gateway would read that body as text."""
PACKED = "/gzip"
"""Behind the path of a route that takes large bodies: there, and only there, its body comes as GZIP.

Chalice wants all types of one route to be binary, or none.
"""
