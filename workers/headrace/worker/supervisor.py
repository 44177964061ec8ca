"""The life of each run in a worker's hands, as decisions; no I/O, no clock of its own.

1. *Granted* by a sync's answer: its code is prepared, once its earlier attempt is gone. A worker that is
   leaving hands it back (`released`).
2. *Prepared*: it waits for its time if the doorbell came early, then goes to the keeper. If it cannot be
   prepared it is over: CRASHED, with what is wrong and how to mend it. *Abandoned* before its start (cancelled,
   handed back, somebody else's now), it keeps its slot until no process of its steps is left; that is told then.
3. *Started*: the keeper says `spawned`, the engine `started`: reported, so the run is RUNNING.
4. It goes on until it ends by itself, or is killed: cancel (from a person), fenced (it is somebody else's
   now), timeout, lease, stop.
5. *Over*: the keeper says `exited` when all its processes are gone. Its receipt, or else its exit status,
   becomes the last report. Its slot is free from here on.
6. *Told*: the control plane has answered that report; the run is forgotten here and in the keeper.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from headrace.contract.states import StateType
from headrace.contract.sync import (
    Command,
    CommandKind,
    Grant,
    ReportKind,
    ReportVerdict,
    Verdict,
)
from headrace.worker.decisions import Abandon, Ack, Decision, Deliver, Key, Kill, Log, Prepare, Say, Start
from headrace.worker.events import Launch, Unprepared
from headrace.worker.hands import Hands
from headrace.worker.held import Held, Phase, about_rest, aftermath, end_line, shows_output, time_of
from headrace.worker.keeper.wire import Message
from headrace.worker.outcome import Conclusion, conclude
from headrace.worker.run_reports import last_report, start_report

EARLY = timedelta(seconds=2)
"""A doorbell rings up to this long before a run is due. A longer wait would mean that this machine's clock is
behind the control plane's, whose word counts."""
STEP_GRACE = 3.0
"""Seconds that a pull step's command has after SIGTERM, when its run is cancelled or handed back."""
_UNSTARTED = (Phase.GRANTED, Phase.PREPARING, Phase.WAITING)


class Supervisor(Hands):
    """Give it what happened, carry out what it decides."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.slots = slots
        self.leaving = False

    @property
    def offered(self) -> int:
        """How many runs it has at once; none that is not in hand already, once it takes nothing new."""
        return 0 if self.leaving else self.slots

    @property
    def free(self) -> int:
        """How many more runs may start now."""
        return 0 if self.leaving else max(0, self.slots - len(self.live()))

    @property
    def busy(self) -> bool:
        """Whether any run is in hand."""
        return bool(self._held)

    def granted(self, grant: Grant, now: datetime) -> list[Decision]:
        """Step 1."""
        key = (grant.run, grant.attempt)
        if key in self._held:
            return []
        decisions: list[Decision] = []
        for old, held in list(self._held.items()):
            if old[0] == grant.run:
                decisions += self._fence(old, held)
        held = self._held[key] = Held(grant)
        if self.leaving:
            return [*decisions, *self._abandon(key, held, ReportKind.RELEASED, now)]
        return [*decisions, *self.due(now)]

    def prepared(self, grant: Grant, launch: Launch, now: datetime) -> list[Decision]:
        """Step 2, the good case."""
        held = self._held.get((grant.run, grant.attempt))
        if held is None or held.phase is not Phase.PREPARING:
            return []
        held.launch, held.phase = launch, Phase.WAITING
        held.not_before = min(grant.expected_start_time, now + EARLY)
        held.engine, held.timeout, held.stream = launch.engine, launch.timeout, launch.stream
        return self.due(now)

    def unprepared(self, event: Unprepared, now: datetime) -> list[Decision]:
        """Step 2, the bad case."""
        grant, notes = event.grant, event.notes
        key = (grant.run, grant.attempt)
        held = self._held.get(key)
        if held is None or held.phase is not Phase.PREPARING:
            return []
        if event.too_late:
            return self._over(key, held, 1, Conclusion(ReportKind.RELEASED), now)
        conclusion = Conclusion(ReportKind.ENDED, StateType.CRASHED, message=event.message, error=event.error)
        said = [Say("out", f"{grant.name} | {note}") for note in notes] if shows_output(grant) else []
        return [Log(key, notes), *said, *self._over(key, held, 1, conclusion, now)]

    def abandoned(self, key: Key, now: datetime) -> list[Decision]:
        """Nothing of its steps is left: now it may be told, or forgotten."""
        held = self._held.get(key)
        if held is None or held.phase is not Phase.ABANDONED:
            return []
        if held.orphan or held.instead is None:
            del self._held[key]
            return self.due(now)
        return self._over(key, held, 1, Conclusion(held.instead), now)

    def due(self, now: datetime) -> list[Decision]:
        """Prepare what may be prepared, and start (step 3) every run whose time has come."""
        decisions: list[Decision] = []
        for key, held in self._held.items():
            is_waiting = held.phase is Phase.WAITING and held.not_before <= now
            if self.leaving or not (is_waiting or held.phase is Phase.GRANTED) or self.haunted(key):
                continue
            if held.phase is Phase.GRANTED:
                held.phase = Phase.PREPARING
                decisions.append(Prepare(held.grant))
            elif held.launch is not None:
                held.phase = Phase.STARTED
                decisions.append(Start(key, held.launch, held.meta()))
                held.launch = None
        return decisions

    def state(self, key: Key, seq: int, event: Message, *, known: bool = False) -> list[Decision]:
        """Steps 3 to 5. `known`: a worker before us told the control plane already."""
        held = self._held.get(key)
        if held is None or seq <= held.last_state:
            return []
        held.last_state = seq
        decisions: list[Decision] = []
        match event.get("t"):
            case "spawned":
                held.pid, held.begun = event.get("pid"), time_of(event)
                decisions = self._spawned(key, held, seq, event)
            case "started":
                held.begun = time_of(event)  # what the control plane takes for the run's begin, too
                decisions = [Deliver(start_report(key, seq, event, held.pid), urgent=False)]
            case "receipt":
                held.receipt = event
            case "exited":
                decisions = self._exited(key, held, seq, event)
        if known:
            return self._told(key, seq) if held.phase is Phase.OVER else []
        return decisions

    def verdict(self, verdict: Verdict) -> list[Decision]:
        """Step 6, or the news that the run is not ours any more."""
        key = (verdict.run, verdict.attempt)
        held = self._held.get(key)
        if held is None:
            return []
        decisions: list[Decision] = []
        if verdict.verdict is ReportVerdict.FENCED:
            decisions = self._fence(key, held)
        elif verdict.verdict is ReportVerdict.REFUSED:
            decisions = [Say("bad", f"{held.label}: report refused: {verdict.message or 'no reason given'}")]
        elif verdict.state is not None and held.phase is Phase.OVER and verdict.seq >= held.last_state:
            decisions = aftermath(held, verdict)
        return [*decisions, *self._told(key, verdict.seq)]

    def command(self, command: Command, now: datetime) -> list[Decision]:
        """Step 4, from outside."""
        if command.kind is CommandKind.DRAIN:
            if self.leaving:
                return []
            return [Say("note", "Told to take nothing new and leave when all is done."), *self.drain(now)]
        if command.kind is CommandKind.SYNC:
            return []
        key, held = self.find(command)
        if held is None or held.phase is Phase.OVER:
            return []
        if command.kind is CommandKind.FENCED:
            return self._fence(key, held)
        if held.unwanted:
            return []
        held.unwanted = True
        said = Say("note", f"{held.label}: cancelling")
        if held.phase is Phase.STARTED:
            return [said, Kill(key, "cancel", None)]
        return [said, *self._abandon(key, held, ReportKind.CANCELLED, now)]

    def drain(self, now: datetime) -> list[Decision]:
        """Take nothing new; hand back what has not started."""
        self.leaving = True
        waiting = [(key, held) for key, held in self._held.items() if held.phase in _UNSTARTED]
        return [
            decision
            for key, held in waiting
            for decision in self._abandon(key, held, ReportKind.RELEASED, now)
        ]

    def stop(self, *, hard: bool = False) -> list[Decision]:
        """End everything; `hard`: without grace."""
        self.leaving = True
        return [Kill(key, "stop", 0 if hard else None) for key in self.started()]

    def dropped(self, key: Key, seq: int) -> list[Decision]:
        """A report that the control plane cannot take; as good as told."""
        return self._told(key, seq)

    def disowned(self, *, go_on: bool) -> list[Decision]:
        """The session is closed: its runs were taken away. `go_on`: they may run to their end regardless."""
        decisions: list[Decision] = []
        for key, held in list(self._held.items()):
            held.orphan = True
            if held.phase in _UNSTARTED:
                decisions += self._disown(key, held)
            elif held.phase is Phase.STARTED and not go_on:
                decisions.append(Kill(key, "fenced", 0))
        return decisions

    def adopt(self, run: Message) -> list[Decision]:
        """Take over a run from the keeper of the worker before us."""
        meta = run["meta"]
        grant = Grant.model_validate(meta["grant"])
        key = (grant.run, grant.attempt)
        self._held[key] = Held.from_meta(grant, meta)
        decisions: list[Decision] = []
        for seq, event in enumerate(run["states"], start=1):
            decisions += self.state(key, seq, event, known=seq <= run["states_acked"])
        return decisions

    def keeper_died(self, keys: Iterable[Key], now: datetime) -> list[Decision]:
        """These runs are gone with their keeper (the loop has made sure of that)."""
        message = "The worker's keeper process died, and the run with it."
        conclusion = Conclusion(ReportKind.ENDED, StateType.CRASHED, message=message)
        decisions: list[Decision] = []
        for key in keys:
            held = self._held.get(key)
            if held is not None and held.phase is Phase.STARTED:
                decisions += self._over(key, held, held.last_state + 1, conclusion, now)
        return decisions

    def _spawned(self, key: Key, held: Held, seq: int, event: Message) -> list[Decision]:
        said = Say("start", f"{held.label}: started, pid {held.pid}")
        if held.engine:
            return [said]
        return [said, Deliver(start_report(key, seq, event, held.pid), urgent=False)]

    def _exited(self, key: Key, held: Held, seq: int, event: Message) -> list[Decision]:
        if held.orphan and event.get("why") == "fenced":
            held.phase = Phase.OVER
            return [
                Say("note", f"{held.label}: ended here, it runs elsewhere or is over"),
                *self._told(key, seq),
            ]
        conclusion = conclude(held.receipt, event, engine=held.engine, timeout=held.timeout)
        decisions = about_rest(held, event)
        log_bytes = int(event.get("log_bytes") or 0)
        return [*decisions, *self._over(key, held, seq, conclusion, time_of(event), log_bytes)]

    def _over(
        self, key: Key, held: Held, seq: int, conclusion: Conclusion, now: datetime, log_bytes: int = 0
    ) -> list[Decision]:
        held.phase = Phase.OVER
        held.last_state = seq
        report = last_report(key, seq, conclusion, now, log_bytes)
        return [end_line(held, report, now), Deliver(report, urgent=True), *self.due(now)]

    def _abandon(self, key: Key, held: Held, told: ReportKind, now: datetime) -> list[Decision]:
        """It is not to start. What is told of it last counts: one that is handed back may be cancelled yet."""
        held.instead = told
        if held.phase is Phase.GRANTED:
            return self._over(key, held, 1, Conclusion(told), now)
        if held.phase is Phase.ABANDONED:
            return []
        held.phase = Phase.ABANDONED
        return [Abandon(key, STEP_GRACE)]

    def _disown(self, key: Key, held: Held) -> list[Decision]:
        if held.phase is Phase.GRANTED:
            del self._held[key]
            return []
        held.phase = Phase.ABANDONED
        return [Abandon(key, 0.0)]

    def _fence(self, key: Key, held: Held) -> list[Decision]:
        if held.orphan:
            return []
        held.orphan = True
        if held.phase is Phase.STARTED:
            return [Say("bad", f"{held.label}: not ours any more, ending it"), Kill(key, "fenced", 0)]
        return self._disown(key, held) if held.phase in _UNSTARTED else []

    def _told(self, key: Key, seq: int) -> list[Decision]:
        held = self._held.get(key)
        if held is not None and held.phase is Phase.OVER and seq >= held.last_state:
            del self._held[key]
        return [Ack(key, seq)]
