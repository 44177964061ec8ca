"""One run in a worker's hands, and how people are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Self

from headrace.contract.states import DEFAULT_NAME, StateType
from headrace.contract.sync import Grant, Report, ReportKind, Verdict
from headrace.worker.decisions import Decision, Say
from headrace.worker.events import Launch
from headrace.worker.keeper.wire import Message

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Phase(Enum):
    """Where a run is in its life."""

    GRANTED = auto()
    PREPARING = auto()
    WAITING = auto()
    ABANDONED = auto()
    STARTED = auto()
    OVER = auto()


@dataclass(slots=True)
class Held:
    """A run in our hands."""

    grant: Grant
    phase: Phase = Phase.GRANTED
    launch: Launch | None = None
    instead: ReportKind | None = None
    engine: bool = True
    timeout: float | None = None
    receipt: Message | None = None
    pid: int | None = None
    last_state: int = 0
    orphan: bool = False
    unwanted: bool = False
    stream: bool = False
    begun: datetime | None = None
    not_before: datetime = _ALWAYS

    def age(self, now: datetime) -> float:
        """Seconds since it began; 0 for one that is over, or not begun."""
        begun = self.begun if self.phase is Phase.STARTED else None
        return 0.0 if begun is None else (now - begun).total_seconds()

    def meta(self) -> Message:
        """What a later worker needs in order to go on with it."""
        return {
            "grant": self.grant.model_dump(mode="json"),
            "engine": self.engine,
            "timeout": self.timeout,
            "stream": self.stream,
        }

    @classmethod
    def from_meta(cls, grant: Grant, meta: Message) -> Self:
        """A run taken over."""
        # Written by another release, perhaps: what it does not say gets its default.
        held = cls(grant, Phase.STARTED, engine=meta.get("engine", True))
        held.timeout, held.stream = meta.get("timeout"), meta.get("stream", False)
        return held

    @property
    def label(self) -> str:
        """How people know it."""
        of = (
            f"{self.grant.flow_name}/{self.grant.deployment_name}"
            if self.grant.deployment_name
            else self.grant.flow_name
        )
        again = f" attempt {self.grant.attempt}" if self.grant.attempt > 1 else ""
        return f"{self.grant.name} ({of}){again}"


def shows_output(grant: Grant) -> bool:
    """Whether the worker's console shows what the run prints."""
    return bool(grant.configuration.get("stream_output", True))


def time_of(event: Message) -> datetime:
    """When it happened, by the child's clock; now, if that cannot be read."""
    try:
        moment = datetime.fromisoformat(event["at"])
        return moment if moment.tzinfo and 1900 <= moment.year < 2400 else datetime.now(UTC)
    except (KeyError, TypeError, ValueError):
        # The child's clock or code is odd; the order of events does not hang on it.
        return datetime.now(UTC)


def about_rest(held: Held, event: Message) -> list[Decision]:
    """What to say of processes beside the first one."""
    if event.get("why") is None and (ended := event.get("ended")):
        names = ", ".join(f"{process['name']} ({process['pid']})" for process in ended)
        return [Say("note", f"{held.label}: left processes behind, which were ended: {names}")]
    if left := event.get("left"):
        names = ", ".join(f"{process['name']} ({process['pid']})" for process in left)
        return [Say("bad", f"{held.label}: processes that could not be killed: {names}")]
    return []


def end_line(held: Held, report: Report, now: datetime) -> Say:
    """How the run ended, in one line."""
    took = f" after {(now - held.begun).total_seconds():.1f} s" if held.begun else ""
    if report.kind is ReportKind.RELEASED:
        return Say("note", f"{held.label}: handed back, not started")
    if report.kind is ReportKind.CANCELLED:
        return Say("note", f"{held.label}: Cancelled{took}")
    kind = report.state_type or StateType.CRASHED
    name = report.state_name or DEFAULT_NAME[kind]
    why = f": {report.message}" if report.message and kind is not StateType.COMPLETED else ""
    return Say("good" if kind is StateType.COMPLETED else "bad", f"{held.label}: {name}{took}{why}")


def aftermath(held: Held, verdict: Verdict) -> list[Decision]:
    """What the control plane made of the end, if that is worth a line."""
    if verdict.state is not None and verdict.state.type is StateType.SCHEDULED:
        return [Say("note", f"{held.label}: will be tried again ({verdict.state.name})")]
    return []
