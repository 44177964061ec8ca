"""Limits: made, changed, shown with their holders, removed."""

from __future__ import annotations

from collections.abc import Container, Iterable

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.limits import Slots, tag_limit
from chalicelib.domain.run_limits import possible_limits
from chalicelib.domain.runs import Run
from chalicelib.services.active import active_in_pools, active_runs
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports


class Limits:
    """Use cases of limits. Lowering one below what runs kills nothing; 0 stops starts and loses no run."""

    def __init__(self, ports: Ports, lines: Lines) -> None:
        self._ports = ports
        self._lines = lines

    def create_for_tag(self, tag: str, maximum: int, key: str | None = None) -> tuple[Slots, bool]:
        """A new limit of a tag (True), or the one that a request of this key made (False).

        Raises `Conflict` if the tag has another one.
        """
        name = tag_limit(tag)
        made = self._ports.slots.make(name, maximum, key)
        if not made and (key is None or self.read(name).key != key):
            raise Conflict(f"Tag {tag!r} has a limit already.", code="exists", hint="Update or delete it.")
        self.adopt([name], active_in_pools(self._ports))
        return self.read(name), made

    def update(self, name: str, maximum: int) -> None:
        """Another maximum. Raises `NotFound`."""
        if not self._ports.slots.change(name, maximum):
            raise _unknown(name)
        self._lines.promote([name])

    def follow(self, pool: str, name: str, before: int | None, after: int | None) -> None:
        """After the limit of a pool, or of one of its queues or deployments, was changed together with it."""
        if after is not None and before is None:
            self.adopt([name], active_runs(self._ports, pool))
        if before != after:
            self._lines.promote([name])

    def remove(self, name: str) -> None:
        """Nothing is held back by it any more."""
        if name in self._ports.slots.read([name]):
            self._ports.slots.remove(name)
            self._lines.promote([name])

    def read(self, name: str) -> Slots:
        """A limit with its holders; raises `NotFound`."""
        found = self._ports.slots.read([name]).get(name)
        if found is None:
            raise _unknown(name)
        return found

    def page(self, after: str | None, limit: int, skip: int = 0) -> tuple[list[Slots], str | None]:
        """A page of limits by name, and where to go on."""
        names, more = self._ports.slots.names(after=after, limit=skip + limit)
        found = self._ports.slots.read(names[skip:])
        return [found[name] for name in names if name in found], names[-1] if more and names else None

    def adopt(self, names: Container[str], active: Iterable[Run]) -> None:
        """Have runs that started before a limit was made hold it; one that changes meanwhile is the tick's."""
        for run in active:
            missing = (name for name in possible_limits(run) if name in names and name not in run.slots)
            for name in missing if run.is_held else ():
                self._ports.runs.adopt(run, name)


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"There is no concurrency limit {name!r}.", hint="`headrace concurrency-limit ls` lists them."
    )
