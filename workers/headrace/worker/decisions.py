"""What the supervisor decides; the loop carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from headrace.contract.sync import Grant, Report
from headrace.worker.events import Launch
from headrace.worker.keeper.wire import Message

Key = tuple[UUID, int]
"""Run and attempt."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the code ready."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Abandon:
    """End what the steps of a run that has not started are doing; `Abandoned` says that nothing of it is left."""

    key: Key
    grace: float


@dataclass(frozen=True, slots=True)
class Start:
    """Hand it to the keeper; `meta` comes back to whoever takes the keeper over."""

    key: Key
    launch: Launch
    meta: Message


@dataclass(frozen=True, slots=True)
class Kill:
    """End all its processes. `grace` None: as its job template says."""

    key: Key
    why: str
    grace: float | None


@dataclass(frozen=True, slots=True)
class Deliver:
    """Tell the control plane. `urgent`: at once, not after a moment's wait for company."""

    report: Report
    urgent: bool


@dataclass(frozen=True, slots=True)
class Ack:
    """The keeper may forget the run's states up to this number."""

    key: Key
    states: int


@dataclass(frozen=True, slots=True)
class Log:
    """Put these lines into the log of a run that the keeper never had."""

    key: Key
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the person at the console. `tone` is one of start, good, bad, note, out."""

    tone: str
    text: str


Decision = Prepare | Abandon | Start | Kill | Deliver | Ack | Log | Say
