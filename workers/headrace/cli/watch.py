"""Follows a run by polling: hands over its state changes and log records until it is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.contract.states import ENDED

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.flow_runs import FlowRun
    from headrace.contract.logs import Log
    from headrace.contract.run_states import State

QUICKEST, SLOWEST, SLOWER = 0.15, 2.0, 1.4
"""Seconds between two looks while things happen, while nothing does, and the step between."""
SETTLE = 0.3
"""Seconds to wait for a run's last records: they may be stored a moment after its last state."""


class LogFeed:
    """The records of one run, each given once, however often it is asked."""

    def __init__(self, api: Api, run_id: UUID) -> None:
        self._api = api
        self._run_id = run_id
        self._cursor: str | None = None
        self._given: set[UUID] = set()

    def fresh(self) -> Iterator[Log]:
        """The records that came since the last call."""
        while True:
            page = self._api.logs.of_run(self._run_id, cursor=self._cursor)
            yield from (record for record in page.items if record.id not in self._given)
            if page.cursor is None:
                # The next look reads this page again: it may have grown.
                self._given |= {record.id for record in page.items}
                return
            self._cursor, self._given = page.cursor, set()


def follow(
    api: Api, run_id: UUID, *, on_state: Callable[[FlowRun], None], on_log: Callable[[Log], None]
) -> FlowRun:
    """Tell each new state and each log record of a run until it is over; gives the run as it ended."""
    feed = LogFeed(api, run_id)
    told: UUID | None = None
    pause = QUICKEST
    while True:
        run = api.runs.read(run_id)
        changed = run.state_id != told
        over = run.state_type in ENDED
        for state in _between(run, told) if changed and told else ():
            on_state(_at(run, state))
        told = run.state_id
        if changed and not over:
            on_state(run)
        spoke = _hand_over(feed, on_log)
        if over:
            break
        pause = QUICKEST if changed or spoke else min(SLOWEST, pause * SLOWER)
        time.sleep(pause)
    time.sleep(SETTLE)
    _hand_over(feed, on_log)
    on_state(run)
    return run


def _between(run: FlowRun, told: UUID) -> list[State]:
    """The states that came and went since the one that was told: between two looks, or while a log was shown."""
    past = run.state_history
    known = next((index for index, state in enumerate(past) if state.id == told), None)
    return [] if known is None else [state for state in past[known + 1 :] if state.id != run.state_id]


def _at(run: FlowRun, state: State) -> FlowRun:
    """The run as it was in an earlier state."""
    then = {"state": state, "state_id": state.id, "state_type": state.type, "state_name": state.name}
    return run.model_copy(update={**then, "end_time": None})


def _hand_over(feed: LogFeed, on_log: Callable[[Log], None]) -> bool:
    spoke = False
    for record in feed.fresh():
        on_log(record)
        spoke = True
    return spoke
