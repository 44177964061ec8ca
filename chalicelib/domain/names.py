"""Ids: derived from names where a name is the identity, time-ordered where there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d6a52-9d3c-5b0e-8a57-3f0c1f7a4b11")
"""Namespace of every id that is derived from names. It must never change: ids are stored."""

DEFAULT_QUEUE = "default"
"""The queue that every pool has."""


def flow_id(name: str) -> UUID:
    """The id of the flow of that name."""
    return uuid5(NAMESPACE, f"flow/{name}")


def deployment_id(flow_name: str, name: str) -> UUID:
    """The id of `flow-name/deployment-name`."""
    return uuid5(NAMESPACE, f"deployment/{flow_name}/{name}")


def keyed_run_id(scope: UUID, idempotency_key: str) -> UUID:
    """The id of the run that this key makes in this deployment or flow: the second create finds the first."""
    return uuid5(scope, f"idempotency/{idempotency_key}")


def time_ordered_id(milliseconds: int, tail: bytes) -> UUID:
    """An id of this moment since 1970 with ten random bytes (UUID version 7, RFC 9562 section 5.7)."""
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(tail, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def stamp(moment: datetime) -> str:
    """A moment as fixed-width text that sorts as time does: `2026-01-31T04:05:06.000007Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unstamp(text: str) -> datetime:
    """The moment that `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
