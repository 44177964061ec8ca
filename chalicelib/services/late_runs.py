"""How many runs wait past their time, for the metric `late_runs` and the alarm over it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib import observability
from chalicelib.domain.schedules import LATE_AFTER
from chalicelib.services.ports import Ports
from chalicelib.storage.run_lanes import ready_lane

MOST = 100
"""So many are counted in a queue: beyond it nobody asks how many more there are."""


class LateRuns:
    """Counts what could start if a worker took it, whether or not one is online."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def measure(self, pools: Iterable[str], now: datetime) -> None:
        """Write the metric, if it is wanted and some are late. One query for each queue that is not paused.

        Nothing is written of none: CloudWatch bills a metric by the hours that have values.
        """
        if self._ports.settings.late_runs:
            count = sum(self._in_pool(pool, now) for pool in pools)
            if count:
                observability.measure(self._ports.settings.stage, "Count", {"late_runs": count})

    def _in_pool(self, pool: str, now: datetime) -> int:
        view = self._ports.pools.view(pool)
        if view is None or view.pool.is_paused:
            return 0
        lanes = [ready_lane(pool, queue.name) for queue in view.queues.values() if not queue.is_paused]
        return sum(len(self._ports.runs.lane(lane, until=now - LATE_AFTER, limit=MOST)) for lane in lanes)
