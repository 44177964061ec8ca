"""The runs that a worker holds, and what may be asked about them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.contract.sync import Command
from headrace.contract.workers import RunRef
from headrace.worker.decisions import Key
from headrace.worker.held import Held, Phase


class Hands:
    """Runs by attempt."""

    def __init__(self) -> None:
        self._held: dict[Key, Held] = {}

    def live(self) -> list[Held]:
        """Runs that are not over."""
        return [held for held in self._held.values() if held.phase is not Phase.OVER]

    def keys(self) -> set[Key]:
        """All that is in our hands."""
        return set(self._held)

    def get(self, key: Key) -> Held | None:
        """The run, if it is in our hands."""
        return self._held.get(key)

    def refs(self) -> list[RunRef]:
        """What this session holds, as it tells the control plane: also runs whose end was not answered yet."""
        return [
            RunRef(run=run, attempt=attempt) for (run, attempt), held in self._held.items() if not held.orphan
        ]

    def next_due(self) -> datetime | None:
        """When a waiting run may start."""
        waiting = [held.not_before for held in self._held.values() if held.phase is Phase.WAITING]
        return min(waiting, default=None)

    def started(self) -> dict[Key, int | None]:
        """What the keeper has in hand, with the first process of each."""
        return {key: held.pid for key, held in self._held.items() if held.phase is Phase.STARTED}

    def stepping(self) -> frozenset[Key]:
        """Runs whose steps may have processes, of which the keeper would not know."""
        phases = (Phase.PREPARING, Phase.WAITING, Phase.ABANDONED)
        return frozenset(
            key for key, held in self._held.items() if held.phase in phases and held.grant.pull_steps
        )

    def haunted(self, key: Key) -> bool:
        """Whether an earlier attempt of the run is not gone yet."""
        return any(
            old != key and old[0] == key[0] and held.phase in (Phase.STARTED, Phase.ABANDONED)
            for old, held in self._held.items()
        )

    def find(self, command: Command) -> tuple[Key, Held | None]:
        """The run that a command is about."""
        for key, held in self._held.items():
            if key[0] == command.run and command.attempt in (None, key[1]):
                return key, held
        return (UUID(int=0), 0), None
