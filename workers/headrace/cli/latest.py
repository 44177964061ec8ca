"""The latest flow runs, and those to come: what a list of runs shows, and where a run is looked for by its name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.contract.flow_runs import FlowRunFilter, FlowRunList, RunSort, TimeRange
from headrace.contract.states import StateType

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.client.resource import Page
    from headrace.contract.flow_runs import FlowRun

LOOKED_AHEAD = 200
"""Runs that are due later and are looked through for those that a list of the latest shows."""


class Latest(NamedTuple):
    """Runs, the latest first, and what a person should know about those left out."""

    runs: list[FlowRun]
    notes: list[str]


def until(now: datetime, request: FlowRunList) -> FlowRunList:
    """The same list, of runs that are due by now only; the latest first."""
    return _between(request, RunSort.EXPECTED_START_TIME_DESC, before_=now)


def to_come(now: datetime, request: FlowRunList) -> FlowRunList:
    """The same list, of runs that are due later only; the next first."""
    return _between(request, RunSort.EXPECTED_START_TIME_ASC, after_=now + timedelta(microseconds=1))


def _between(request: FlowRunList, sort: RunSort, **period: Any) -> FlowRunList:
    runs = (request.flow_runs or FlowRunFilter()).model_copy(
        update={"expected_start_time": TimeRange(**period)}
    )
    return request.model_copy(update={"flow_runs": runs, "sort": sort})


def latest(api: Api, request: FlowRunList, limit: int, now: datetime) -> Latest:
    """The latest runs, and those that somebody has asked for at a later time.

    What schedules have made ahead, and what was cancelled before its time, is left out and counted: it would
    stand above all that has run.
    """
    ahead = api.runs.list(to_come(now, request.model_copy(update={"limit": LOOKED_AHEAD})))
    later = [run for run in ahead.items if run.expected_start_time > now]
    shown = [run for run in later if not _left_out(run)]
    found = first(api, until(now, request), limit)
    runs = [*reversed(shown), *found.runs]
    notes = found.notes or ([_more(limit)] if len(runs) > limit else [])
    return Latest(runs[:limit], [*notes, *_about_later(ahead, len(later) - len(shown))])


def first(api: Api, request: FlowRunList, limit: int) -> Latest:
    """The first runs of a list, with a note if there are more."""
    from headrace.client.resource import each

    runs = list(each(api.runs.list, request, limit + 1))
    return Latest(runs[:limit], [_more(limit)] if len(runs) > limit else [])


def _left_out(run: FlowRun) -> bool:
    untouched = run.auto_scheduled and run.state_type is StateType.SCHEDULED
    return untouched or run.state_type is StateType.CANCELLED


def _about_later(ahead: Page[FlowRun], count: int) -> list[str]:
    if not count:
        return []
    many = f"{'More than ' if ahead.cursor else ''}{count}"
    return [f"{many} due later {'is' if count == 1 else 'are'} left out: --upcoming shows what is to come."]


def _more(limit: int) -> str:
    return f"There are more than these {limit}: --limit N shows more."
