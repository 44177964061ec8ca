"""What each thing that happens uses of AWS.

The figures of requests and units are counted, by `tests/integration/cost` against the real handlers and a real
worker; a test fails where they are no longer true. Lambda's time and the size of its own log lines cannot be
counted without an account: they are assumed, and marked so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

MONTH = 30 * 86_400.0
"""Seconds of a month, as in "the next 30 days"."""
MEMORY_GB = 0.5
"""Memory of the Lambda functions (`.chalice/config.json`)."""
TICK_SECONDS = 0.1
"""Assumed: a tick makes about twenty calls of DynamoDB, of 3 to 5 ms each."""
REQUEST_SECONDS = 0.03
"""Assumed: a warm request makes about five."""
PLATFORM_LOG_KB = 0.35
"""Assumed: START, END and REPORT lines of one invocation."""
TICK_EVERY = 60.0
HELD_SYNC_EVERY = 15.0
IDLE_SYNC_EVERY = 120.0
LONG_POLL = 20.0
QUEUES_POLLED = 1
"""By an idle worker of one work queue. While it has runs in hand it polls its control queue, too."""
RUN_KB = 2.0
"""Of a finished run in the table, with its entries in the indexes."""
LOG_RATIO = 5.0
"""By which the lines of a log shrink when they are compressed; assumed."""
LINE_KB = 0.1
"""Of a line of a log, with its time, level and logger; assumed."""
LOGS_WAIT, LOGS_WAIT_MOST, LOGS_PATIENCE = 0.5, 10.0, 1.0
"""Seconds that a log waits at first and at most, and by which part of the run's age (`headrace.worker.timing`)."""


@dataclass(frozen=True, slots=True)
class Units:
    """Quantities of the bill; `prices.PRICES` has a price for each."""

    api_requests: float = 0.0
    lambda_requests: float = 0.0
    lambda_gb_seconds: float = 0.0
    write_units: float = 0.0
    read_units: float = 0.0
    table_gb: float = 0.0
    backup_gb: float = 0.0
    sqs_requests: float = 0.0
    rule_events: float = 0.0
    s3_puts: float = 0.0
    s3_gb: float = 0.0
    log_gb: float = 0.0

    def __add__(self, other: Units) -> Units:
        return Units(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def __mul__(self, times: float) -> Units:
        return Units(**{f.name: getattr(self, f.name) * times for f in fields(self)})


def _requests(count: float, **more: float) -> Units:
    """So many requests through the API, with the Lambda behind it."""
    return Units(
        api_requests=count,
        lambda_requests=count,
        lambda_gb_seconds=count * REQUEST_SECONDS * MEMORY_GB,
        log_gb=count * PLATFORM_LOG_KB / 1e6,
        **more,
    )


RUN = _requests(3, sqs_requests=3, write_units=9, read_units=6)
"""A short run made by a request: create, claim, and start with end in one sync; ring, receive, delete."""
CREATE = _requests(1, sqs_requests=1, write_units=4, read_units=1)
"""Of that, making and ringing it."""
OCCURRENCE = Units(write_units=10, read_units=3, sqs_requests=1)
"""Making and ringing it by its schedule instead: within a tick, in a transaction that checks the schedule."""
ATTEMPT = _requests(2, sqs_requests=2, write_units=8, read_units=5)
"""One more attempt of a run: back to its queue, claimed and reported again."""
HELD_SYNC = _requests(1, write_units=1, read_units=2)
"""A worker with runs in hand renews its lease; all its runs at once."""
LOG_SYNC = _requests(1, write_units=1, read_units=0.5)
"""One in between, for log lines alone: they are one item, and the lease is not written."""
IDLE_SYNC = HELD_SYNC
TICK = Units(
    lambda_requests=1,
    lambda_gb_seconds=TICK_SECONDS * MEMORY_GB,
    write_units=1,
    read_units=10,
    rule_events=1,
    log_gb=PLATFORM_LOG_KB / 1e6,
)
"""With one pool and one worker, and nothing to do."""


def run(duration: float, log_kb: float, *, scheduled: bool, attempts: int = 1) -> Units:
    """One run that takes so many seconds by itself on its worker, and writes so much log; kept for a month."""
    polls = Units(sqs_requests=duration / LONG_POLL)
    gigabytes = (RUN_KB + log_kb / LOG_RATIO) / 1e6
    kept = Units(table_gb=gigabytes, backup_gb=gigabytes)
    made = RUN + (OCCURRENCE + CREATE * -1 if scheduled else Units())
    return made + ATTEMPT * max(attempts - 1, 0) + _meanwhile(duration, log_kb) + polls + kept


def _meanwhile(duration: float, log_kb: float) -> Units:
    """Syncs of its worker while it runs: for the lease, and for lines as if they came one by one, evenly."""
    lines = log_kb / LINE_KB
    for_lease = duration / HELD_SYNC_EVERY
    with_log = min(most_log_syncs(duration), lines)
    more = max(with_log - for_lease, 0.0)
    items = max(log_kb / LOG_RATIO, min(with_log + 1, lines))  # one in each, and one with the end
    return HELD_SYNC * for_lease + LOG_SYNC * more + Units(write_units=max(items - more, 0.0))


def most_log_syncs(duration: float) -> float:
    """Syncs for the log of a run that never stops printing: each waits longer than the one before."""
    young, old = LOGS_WAIT / LOGS_PATIENCE, LOGS_WAIT_MOST / LOGS_PATIENCE
    growing = math.log(min(max(duration, young), old) / young) / math.log(1 + LOGS_PATIENCE)
    return min(duration, young) / LOGS_WAIT + growing + max(duration - old, 0.0) / LOGS_WAIT_MOST


def standing(seconds: float, workers: int = 1) -> Units:
    """What so much time costs with nothing to do: the tick, and idle workers of one queue each."""
    polls = Units(sqs_requests=QUEUES_POLLED * seconds / LONG_POLL)
    each = polls + IDLE_SYNC * (seconds / IDLE_SYNC_EVERY)
    return TICK * (seconds / TICK_EVERY) + each * workers
