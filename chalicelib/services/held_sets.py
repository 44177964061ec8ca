"""What a session holds by its own word, and its worker does not list: kept until it is known what became of it.

Such a run is one that was to be claimed and was lost to others, or one that was claimed and the worker has not
heard of it: the answer was lost, or the request was handled twice at once and the slower handler's claims came
after the other's answer. The first is let go, the second is granted again. They look alike in the session; the
run itself tells, read consistently. One that still waits may yet be claimed by a handler on its way, until that
is over by the clock.

What ended is let go by the very report of its end, so that few are left to be read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.pools import Session
from chalicelib.domain.runs import Run
from chalicelib.services.ports import Ports
from chalicelib.services.rescue import Rescue
from headrace.contract.states import StateType

RENEW_AFTER = 0.1
"""Part of a lease after which its session is written anew, even if nothing else of it changes."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Runs `again` to be granted, runs `over` with; `looked`: whether the runs themselves were read."""

    again: Sequence[Run] = ()
    over: frozenset[UUID] = frozenset()
    looked: bool = False


class HeldSets:
    """Finds out about runs that a session holds and its worker does not list."""

    def __init__(self, ports: Ports, rescue: Rescue) -> None:
        self._ports = ports
        self._rescue = rescue

    def unlisted(self, session: Session, listed: Collection[UUID], heard: bool) -> Unlisted:
        """What became of them. Where every answer was `heard`, and told all, it is asked once in a part of a lease."""
        runs = [run for run in session.held if run not in listed]
        now = self._ports.clock()
        if not runs or (
            heard and not session.owes and self._part(now) == self._part(session.renewed or session.created)
        ):
            return Unlisted()
        found = self._ports.runs.read_many(runs)
        again, over = [], set()
        for run_id in runs:
            run = found.get(run_id)
            if run is not None and run.session == session.id and run.is_held:
                if run.state.type is StateType.PENDING:
                    again.append(run)
                elif run.state.type is StateType.CANCELLING and not run.has_started:
                    self._rescue.take_away(run_id, session.id, "Cancelled before its worker heard of it.")
                    over.add(run_id)
            elif not (run and run.state.type is StateType.SCHEDULED and self._may_claim(session, now)):
                over.add(run_id)
        return Unlisted(again, frozenset(over), looked=True)

    def _may_claim(self, session: Session, now: datetime) -> bool:
        """Whether a handler that wrote an intent may still be at its claims."""
        since = session.intended
        return since is not None and now - since <= timedelta(seconds=self._ports.settings.claimed_seconds)

    def _part(self, moment: datetime) -> int:
        return int(moment.timestamp() / (RENEW_AFTER * self._ports.settings.lease_seconds))


def has_heard(session: Session, seq: int, heard: int | None) -> bool:
    """Whether every answer that may have granted something arrived. Of answers not yet given it says nothing."""
    return heard is not None and session.seq <= heard < seq
