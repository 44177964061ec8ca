"""Limits as sets of holders, and their names: the name of a limit is also that of the line that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Slots:
    """A limit: its maximum and who holds it. `key` is the idempotency key of the request that made it."""

    name: str
    maximum: int
    holders: frozenset[UUID] = frozenset()
    key: str | None = None

    def has_room(self, run: UUID) -> bool:
        """Whether this run may start under it."""
        return run in self.holders or len(self.holders) < self.maximum


def pool_limit(pool: str) -> str:
    """Name of a pool's limit."""
    return f"pool:{pool}"


def queue_limit(pool: str, queue: str) -> str:
    """Name of a queue's limit."""
    return f"queue:{pool}/{queue}"


def deployment_limit(deployment: UUID) -> str:
    """Name of a deployment's limit, which is also the line of a paused deployment's runs."""
    return f"deployment:{deployment}"


def tag_limit(tag: str) -> str:
    """Name of a tag's limit."""
    return f"tag:{tag}"


def schedule_limit(deployment: UUID, slug: str) -> str:
    """Name of the limit of one that keeps a schedule's runs apart."""
    return f"schedule:{deployment}/{slug}"
