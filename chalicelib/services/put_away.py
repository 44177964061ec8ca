"""Runs that cannot start leave the way of those that can: into a line, or dropped. Some cancel others for it."""

from __future__ import annotations

from uuid import UUID

from chalicelib.domain.eligibility import EARLY, Answer, Facts, Judgement, limits_of
from chalicelib.domain.errors import NotFound, WrongState
from chalicelib.domain.run_limits import lines_of
from chalicelib.domain.runs import Run
from chalicelib.services.dropping import drop
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from headrace.contract.states import StateType


class PutAway:
    """Does what a judgement says about a run that cannot start."""

    def __init__(self, ports: Ports, lines: Lines, runs: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._runs = runs

    def put_away(self, run: Run, judgement: Judgement, facts: Facts) -> list[str]:
        """Take it out of the way. The limits with room in whose lines others may wait for what it would have taken."""
        if judgement.answer is Answer.LINE and judgement.line:
            for holder in judgement.cancel:  # first: once in its line, no claim looks at the run
                self.cancel(holder, run)
            self._lines.wait(run, judgement.line)
        elif judgement.answer in (Answer.SKIP, Answer.GONE):
            drop(self._ports, run, judgement)
        else:
            return []
        is_ready = run.state.type is StateType.SCHEDULED and run.line is None
        if not is_ready or run.due > facts.now + EARLY:
            return []
        limits = set(limits_of(run, facts)).intersection(lines_of(run))
        limits.discard(run.leads or "")  # others of that line follow it anyway
        return [name for name in sorted(limits) if facts.slots[name].has_room(run.id)]

    def cancel(self, holder: UUID, successor: Run) -> bool:
        """Cancel a run, or order that, since a later one of its schedule is due. Never for an earlier one: False."""
        held = self._ports.runs.read(holder)
        if held is not None and _is_later(held, successor):
            return False
        if held is None or held.state.type is StateType.CANCELLING:
            return True
        try:
            self._runs.cancel(holder, f"The next run of its schedule, {successor.name!r}, is due.")
        except (WrongState, NotFound):
            return True  # it is over: its slot comes back by itself
        return True


def _is_later(held: Run, run: Run) -> bool:
    """Whether it stands for a later occurrence: the other comes late out of a line, or is tried again."""
    return bool(held.occurrence and run.occurrence and held.occurrence > run.occurrence)
