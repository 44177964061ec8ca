"""Variables: made, read, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from chalicelib.domain.errors import Conflict, NotFound, Unavailable
from chalicelib.domain.variables import Variable, variable_id
from chalicelib.services.ports import Ports

TRIES = 5


class Variables:
    """Use cases of variables."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def create(self, name: str, value: object, tags: Sequence[str]) -> tuple[Variable, bool]:
        """A variable: made (True), or found as it is to be (False). Raises `Conflict` if it is another one."""
        now = self._ports.clock()
        variable = Variable(name, value, now, now, tuple(tags))
        if self._ports.variables.create(variable):
            return variable, True
        found = self._ports.variables.read(variable.id)
        if found is None or not variable.says_the_same(found):
            raise Conflict(
                f"There is a variable {name!r} already.", hint="Change it: PATCH /api/variables/name/..."
            )
        return found, False

    def read(self, variable: UUID) -> Variable:
        """A variable by id; raises `NotFound`."""
        found = self._ports.variables.read(variable)
        if found is None:
            raise NotFound(f"There is no variable {variable}.")
        return found

    def read_by_name(self, name: str) -> Variable:
        """A variable by name; raises `NotFound`."""
        found = self._ports.variables.read(variable_id(name))
        if found is None:
            raise NotFound(f"There is no variable {name!r:.300}.")
        return found

    def update(self, name: str, changes: Mapping[str, object]) -> None:
        """Another value, or other tags; raises `NotFound`."""
        for _ in range(TRIES):
            found = self.read_by_name(name)
            revision, now = found.revision + 1, self._ports.clock()
            changed = replace(found, **changes, updated=now, revision=revision)  # type: ignore[arg-type]
            if self._ports.variables.write(changed):
                return
        raise Unavailable(
            f"Variable {name!r} is being changed by many at once.", code="busy", hint="Try again."
        )

    def delete(self, name: str) -> None:
        """Delete it; raises `NotFound`."""
        if not self._ports.variables.delete(variable_id(name)):
            raise NotFound(f"There is no variable {name!r:.300}.")

    def page(self, after: str | None, limit: int, skip: int = 0) -> tuple[list[Variable], str | None]:
        """A page by name, and where to go on."""
        names, more = self._ports.variables.names(after, skip + limit)
        found = self._ports.variables.read_many([variable_id(name) for name in names[skip:]])
        return found, names[-1] if more and names else None

    def named(self, names: Sequence[str]) -> list[Variable]:
        """Those of these names that there are."""
        return self._ports.variables.read_many([variable_id(name) for name in names])
