"""What arrives in the loop's mailbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from headrace.contract.sync import Command, Grant, RunError, SyncAnswer, SyncRequest
from headrace.contract.workers import Registered
from headrace.worker.keeper.wire import Message

ENGINE_SLACK = 2.0
"""The engine enforces the timeout first, since it can say where the code was; this is its head start."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A doorbell came."""

    queue_url: str
    receipt: str
    run: UUID
    due: float


@dataclass(frozen=True, slots=True)
class Told:
    """A command came through the control queue."""

    command: Command


@dataclass(frozen=True, slots=True)
class KeeperSaid:
    """A line of the keeper."""

    message: Message


@dataclass(frozen=True, slots=True)
class KeeperGone:
    """The keeper's end of the socket closed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """All that the keeper needs to start a run. `engine`: the child speaks the engine's protocol.

    `timeout` is when the keeper ends it: with ENGINE_SLACK on top where the engine keeps the limit itself.
    `notes` are lines that its log begins with. `preload` names modules that a process may have imported before it
    becomes this run's. `redact` are texts that are taken out of all that the run says.
    """

    argv: list[str]
    env: dict[str, str] = field(repr=False)
    cwd: str
    spec: Message | None = field(repr=False)
    timeout: float | None
    grace: float
    limits: dict[str, float]
    stream: bool
    notes: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    redact: tuple[str, ...] = field(default=(), repr=False)

    @property
    def engine(self) -> bool:
        """Whether a receipt is expected."""
        return self.spec is not None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run's code is in place."""

    grant: Grant
    launch: Launch


@dataclass(frozen=True, slots=True)
class Unprepared:
    """A run cannot be started here; the message says why and what to do. `notes` are lines for its log.

    `too_late`: the lease was running out, and with it what its steps did; it waits for another worker.
    """

    grant: Grant
    message: str
    error: RunError | None = None
    notes: tuple[str, ...] = ()
    too_late: bool = False


@dataclass(frozen=True, slots=True)
class Abandoned:
    """No process of the steps of this attempt is left, and none will come."""

    key: tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Joined:
    """A session was opened. `sent_at` is on the lease's clock."""

    registered: Registered
    sent_at: float


@dataclass(frozen=True, slots=True)
class JoinFailed:
    """No session could be opened."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync was answered. `sent_at` is on the lease's clock."""

    request: SyncRequest
    answer: SyncAnswer
    sent_at: float


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """A sync was not answered, or with an error."""

    request: SyncRequest
    error: Exception


@dataclass(frozen=True, slots=True)
class QueueTrouble:
    """Its queues do not answer (once per outage), or answer again (`error` is None)."""

    error: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a child of this attempt asked has its answer."""

    key: tuple[UUID, int]
    number: int
    body: Message


@dataclass(frozen=True, slots=True)
class Buried:
    """After the keeper's death: the processes of these attempts are gone."""

    keys: tuple[tuple[UUID, int], ...]


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Ctrl-C or SIGTERM."""


Event = (
    Rung
    | Told
    | KeeperSaid
    | KeeperGone
    | Answered
    | Buried
    | Prepared
    | Unprepared
    | Abandoned
    | Joined
    | JoinFailed
    | Synced
    | SyncFailed
    | QueueTrouble
    | StopAsked
)
