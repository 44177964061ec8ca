"""What a worker says of runs that are none of its pool's: not heard.

Whatever its session holds was once claimed for it, so that it costs nothing to know it. Else the run itself is
read: where a log arrives after the end of its run, or is what a predecessor of the worker has left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from chalicelib.domain.pools import Session
from chalicelib.services.ports import Ports
from chalicelib.services.said import Said

log = logging.getLogger("headrace.own_runs")


def only_own(ports: Ports, session: Session, said: Said) -> Said:
    """What is said, without runs in hand and logs that are of other pools or of no run."""
    told = {run for run, _, _, records in said.logs if records}
    strange = _strangers(ports, session, told | said.held.keys())
    if not strange:
        return said
    log.warning("worker %s speaks of runs that are not its pool's: %s", session.worker_name, sorted(strange))
    held = {run: attempt for run, attempt in said.held.items() if run not in strange}
    return replace(said, held=held, logs=[batch for batch in said.logs if batch[0] not in strange])


def _strangers(ports: Ports, session: Session, runs: Iterable[UUID]) -> set[UUID]:
    unknown = set(runs) - session.held
    if not unknown:
        return set()
    found = ports.runs.read_many(unknown, consistent=False)
    own = {run.id for run in found.values() if run.work_pool_name == session.work_pool_name}
    return unknown - own
