"""Sizes that the wire allows, for those that need no model with them."""

from __future__ import annotations

MESSAGE_BYTES = 200_000
"""A longer log message is cut with a visible mark: an item holds 400 KB (DynamoDB's limit)."""
SMALL_JSON = 32 * 1024
"""Bytes of what every item of a run carries along."""
PAYLOAD_BYTES = 6 * 1024 * 1024
"""Bytes that a Lambda is given, and gives, at once: one JSON document with the body as a text in it (AWS, quotas)."""
PARAMETER_BYTES = 5 * 1024 * 1024
"""Size of a run's parameters as compact JSON in UTF-8."""
WORKER_LIMIT = 1000
"""How many runs a worker may have at once."""
