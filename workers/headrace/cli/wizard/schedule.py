"""When it runs; the next times are shown before they are taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.cli.errors import CliError
from headrace.cli.output import say
from headrace.cli.schedules import describe, read_schedule, read_times
from headrace.cli.wizard.ask import confirm, select, text

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.schedules import Schedule, ScheduleTimes

T = TypeVar("T")
EXAMPLES = {
    "cron": ("Cron expression, as in 0 9 * * mon-fri:", "0 9 * * *"),
    "interval": ("Time between runs, as in 90s, 15m or 2h:", "1h"),
    "rrule": ("RFC 5545 rule, as in FREQ=WEEKLY;BYDAY=MO:", "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0"),
}


@dataclass(frozen=True)
class Wanted:
    """What was answered: the inner schedule, or that there be none; neither leaves those that there are."""

    times: dict[str, Any] | None = None
    none: bool = False


def ask_schedule(api: Api, present: Sequence[Schedule] = ()) -> Wanted:
    """When it runs. `present` are the schedules that the deployment has now."""
    choices: list[tuple[str, Wanted | str]] = [
        ("no, only when told to", Wanted()),
        ("cron", "cron"),
        ("interval", "interval"),
        ("rrule", "rrule"),
    ]
    if present:
        kept = ", ".join(map(describe, present))
        choices[0] = (f"no, only when told to: remove its {len(present)}", Wanted(none=True))
        choices[1:] = [(f"{title} instead", kind) for title, kind in choices[1:]]
        choices.insert(0, (f"as it does: {kept}", Wanted()))
    while True:
        kind = select("Should it run on a schedule?", choices)
        if isinstance(kind, Wanted):
            return kind
        times = _ask(api, kind)
        if confirm("Take these times?", default=True):
            return Wanted(times)


def entries(present: Sequence[Schedule]) -> list[dict[str, Any]] | None:
    """Schedules as the project file says them; None if there are none."""
    from headrace.contract.schedules import ScheduleOptions

    options = {*ScheduleOptions.model_fields, "slug", "active", "max_scheduled_runs", "parameters"}
    return [
        each.schedule.model_dump(mode="json", exclude_defaults=True)
        | each.model_dump(mode="json", exclude_defaults=True, include=options)
        for each in present
    ] or None


def _ask(api: Api, kind: str) -> dict[str, Any]:
    """Expression and zone, each again until the control plane can read it."""
    message, example = EXAMPLES[kind]

    def times(line: str, zone: str | None = None) -> tuple[dict[str, Any], ScheduleTimes]:
        given = {"cron": None, "interval": None, "rrule": None, kind: line}
        read = read_times(timezone=zone, **given)
        assert read is not None  # noqa: S101 - one of the three was given
        return read, _preview(api, read)

    expression, (wanted, found) = _again(message, example, times)
    if kind != "interval":
        _, (wanted, found) = _again("Time zone:", local_zone(), lambda zone: times(expression, zone))
    _show(found)
    return wanted


def _again(message: str, default: str, read: Callable[[str], T]) -> tuple[str, T]:
    """Ask until the answer can be read; a wrong one stands there to be corrected."""
    typed = ""
    while True:
        line = text(message, default, typed=typed)
        try:
            return line, read(line)
        except CliError as error:
            say("\n".join(filter(None, (error.message, error.hint))), "red")
            typed = line


def _preview(api: Api, times: dict[str, Any]) -> ScheduleTimes:
    """The next times. Raises `CliError` with the reason why there are none."""
    from headrace.client.errors import Invalid
    from headrace.contract.schedules import SchedulePreview

    wanted = read_schedule(times)
    try:
        found = api.schedules.preview(SchedulePreview(schedule=wanted.schedule))
    except Invalid as error:
        raise CliError(error.message, error.hint) from None
    if not found.times:
        raise CliError("No run would come about within five years.", "Choose other times.")
    return found


def _show(found: ScheduleTimes) -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(found.timezone)
    say(f"The next times ({found.timezone}):")
    for moment in found.times:
        say(f"  {_in_words(moment.astimezone(zone))}")


def _in_words(moment: datetime) -> str:
    return moment.strftime("%a %Y-%m-%d %H:%M:%S %Z")


def local_zone() -> str:
    """This machine's zone by its IANA name, or UTC where that cannot be told."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if "/" in named and not named.startswith("/"):
        return named
    link = Path("/etc/localtime")
    if link.is_symlink():
        _, found, name = str(link.resolve()).partition("zoneinfo/")
        if found and "/" in name:
            return name.removeprefix("posix/")
    return "UTC"
