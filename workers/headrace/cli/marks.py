"""How states and health look: a sign and a word, with a colour where the terminal has any."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headrace.contract.states import StateType
from headrace.contract.work_pools import PoolStatus
from headrace.contract.workers import WorkerStatus

if TYPE_CHECKING:
    from rich.text import Text

POLLED_WITHIN = timedelta(minutes=1)
"""A queue is ready while some worker asked it for work within this time."""

STATE_STYLE = {
    StateType.SCHEDULED: "yellow",
    StateType.PENDING: "bright_blue",
    StateType.RUNNING: "blue",
    StateType.PAUSED: "magenta",
    StateType.CANCELLING: "magenta",
    StateType.COMPLETED: "green",
    StateType.FAILED: "red",
    StateType.CRASHED: "red",
    StateType.CANCELLED: "bright_black",
}

READY, NOT_READY, PAUSED = ("● ready", "green"), ("○ not ready", "yellow"), ("‖ paused", "magenta")
POOL_MARKS = {PoolStatus.READY: READY, PoolStatus.NOT_READY: NOT_READY, PoolStatus.PAUSED: PAUSED}
WORKER_MARKS = {WorkerStatus.ONLINE: ("● online", "green"), WorkerStatus.OFFLINE: ("○ offline", "yellow")}


def _text(mark: tuple[str, str]) -> Text:
    from rich.text import Text

    return Text(*mark)


def pool_mark(status: PoolStatus, *, paused: bool) -> Text:
    """Whether a pool has a worker, or is paused."""
    return _text(PAUSED if paused else POOL_MARKS[status])


def deployment_mark(status: str, *, paused: bool) -> Text:
    """Whether a worker can start a deployment's runs, or it is paused."""
    return _text(PAUSED if paused else READY if status == PoolStatus.READY else NOT_READY)


def queue_mark(last_polled: datetime | None, now: datetime, *, paused: bool) -> Text:
    """Whether a worker asked the queue for work a moment ago."""
    if paused:
        return _text(PAUSED)
    return _text(READY if last_polled is not None and now - last_polled <= POLLED_WITHIN else NOT_READY)


def worker_mark(status: WorkerStatus) -> Text:
    """Whether a worker's lease runs."""
    return _text(WORKER_MARKS[status])


def state_mark(type_: StateType, name: str) -> Text:
    """The name of a run's state in the colour of its type."""
    return _text((name, STATE_STYLE[type_]))
