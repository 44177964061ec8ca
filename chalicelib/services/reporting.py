"""Reports of workers: each run's are applied with one write, and each gets a verdict of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain.errors import HeadraceError, NotFound, Unavailable
from chalicelib.domain.reports import Applied, Kind, Outcome, Told, apply
from chalicelib.domain.runs import Run
from chalicelib.services.collisions import Collisions
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.services.strays import Strays
from headrace.contract.states import StateType


class Reporting:
    """Applies reports; one bad report never fails the rest."""

    def __init__(
        self, ports: Ports, lines: Lines, strays: Strays, collisions: Collisions, runs: Runs
    ) -> None:
        self._ports = ports
        self._lines = lines
        self._strays = strays
        self._collisions = collisions
        self._runs = runs

    def apply(
        self, reports: Sequence[tuple[UUID, Told]], pool: str
    ) -> tuple[list[tuple[UUID, Told, Applied]], list[Run]]:
        """Every report's verdict, in order, and the runs that became free to start meanwhile.

        Of a run that is not of the worker's `pool` no more is told than of one that does not exist.
        """
        by_run: dict[UUID, list[Told]] = {}
        for run, told in reports:
            by_run.setdefault(run, []).append(told)
        verdicts: list[tuple[UUID, Told, Applied]] = []
        seen = self._ports.runs.read_many(by_run, consistent=False) if by_run else {}
        given_back = self._collisions.end(_ending(reports, seen, self._ports.clock()))
        for run, tolds in by_run.items():
            applied, slots = self._apply_to(run, tolds, seen.get(run), pool)
            verdicts += [(run, told, done) for told, done in zip(tolds, applied, strict=True)]
            given_back += slots
        return verdicts, self._lines.promote(given_back) if given_back else []

    def _apply_to(
        self, run_id: UUID, tolds: Sequence[Told], seen: Run | None, pool: str
    ) -> tuple[list[Applied], list[str]]:
        """Apply the reports of one run with one write."""
        applied: list[Applied] = []

        def how(run: Run) -> Run | None:
            applied.clear()
            if run.work_pool_name != pool:
                raise NotFound(f"There is no flow run {run_id}.")
            was_over = run.is_terminal
            for told in tolds:
                done = apply(run, told, self._ports.clock(), self._ports.dice())
                applied.append(done)
                run = done.run
            return (
                replace(run, expires_at=self._runs.retention()) if run.is_terminal and not was_over else run
            )

        try:
            before, after = self._ports.runs.change(run_id, how, seen)
        except Unavailable:
            raise  # nothing is wrong with the report: a verdict would have the worker forget it
        except HeadraceError as error:
            gone = error.code == "not_found"
            outcome = Outcome.FENCED if gone else Outcome.REFUSED
            return [Applied(outcome, None, error.message) for _ in tolds], []  # type: ignore[arg-type]
        if after.state.type is StateType.SCHEDULED and before.is_held:
            self._strays.back(after)
        return applied, [name for name in before.slots if name not in after.slots]


def _ending(
    reports: Sequence[tuple[UUID, Told]], seen: Mapping[UUID, Run], now: datetime
) -> list[tuple[Run, datetime]]:
    """The runs that go on by the table and have ended by these reports, and when: a worker's clock may be ahead."""
    ended = ((run, told) for run, told in reports if told.kind is not Kind.STARTED and run in seen)
    return [(seen[run], min(told.at, now)) for run, told in ended]
