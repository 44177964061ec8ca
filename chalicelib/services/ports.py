"""What every use case is given: the stores, the queues, the clock and the settings."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chalicelib import observability
from chalicelib.dispatch.queues import Queues
from chalicelib.domain.names import time_ordered_id
from chalicelib.domain.run_names import run_name
from chalicelib.domain.runs import Run
from chalicelib.settings import Settings
from chalicelib.storage.api_keys import KeyStore
from chalicelib.storage.deployments import DeploymentStore
from chalicelib.storage.logs import LogStore
from chalicelib.storage.pools import PoolStore
from chalicelib.storage.runs import RunStore
from chalicelib.storage.sessions import SessionStore
from chalicelib.storage.slots import SlotsStore
from chalicelib.storage.variables import VariableStore
from chalicelib.storage.versions import VersionStore
from chalicelib.storage.watermark import Watermark

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """An id of a run that nothing else identifies. Ids sort as they are made."""
    return time_ordered_id(time.time_ns() // 1_000_000, os.urandom(10))


def new_name() -> str:
    """A name for a run that nobody named."""
    return run_name(random.random)


@dataclass(frozen=True)
class Ports:
    """Handed to each service by the composition root; tests hand in another clock or other dice.

    `pause` waits for so many seconds. `new_id` and `new_name` have a clock and dice of their own: ids sort as they
    are made, and runs differ, also where those handed in stand still.
    """

    settings: Settings
    queues: Queues
    clock: Clock = wall_clock
    dice: Callable[[], float] = random.random
    pause: Callable[[float], object] = time.sleep
    new_id: Callable[[], UUID] = new_id
    new_name: Callable[[], str] = new_name
    pools: PoolStore = field(default_factory=PoolStore)
    sessions: SessionStore = field(default_factory=SessionStore)
    slots: SlotsStore = field(default_factory=SlotsStore)
    deployments: DeploymentStore = field(default_factory=DeploymentStore)
    versions: VersionStore = field(default_factory=VersionStore)
    runs: RunStore = field(default_factory=RunStore)
    logs: LogStore = field(default_factory=LogStore)
    watermark: Watermark = field(default_factory=Watermark)
    api_keys: KeyStore = field(default_factory=KeyStore)
    variables: VariableStore = field(default_factory=VariableStore)

    def __post_init__(self) -> None:
        """Have the runs counted that end, whoever ends them."""
        self.runs.ended = self._count

    def _count(self, run: Run) -> None:
        self.measure("Count", {"runs": 1}, state=run.state.type.value)

    def measure(self, unit: str, values: Mapping[str, float | Sequence[float]], **dimensions: str) -> None:
        """Write metrics into the log, where the stage's settings want them."""
        if self.settings.metrics:
            observability.measure(self.settings.stage, unit, values, **dimensions)
