"""When it runs; the next times are shown before they are taken."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.errors import CliError
from headrace.cli.output import say
from headrace.cli.schedules import read_schedule, read_times
from headrace.cli.wizard.ask import confirm, select, text

if TYPE_CHECKING:
    from headrace.client.api import Api

EXAMPLES = {
    "cron": ("Cron expression, as in 0 9 * * mon-fri:", "0 9 * * *"),
    "interval": ("Time between runs, as in 90s, 15m or 2h:", "1h"),
    "rrule": ("RFC 5545 rule, as in FREQ=WEEKLY;BYDAY=MO:", "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0"),
}


def ask_schedule(api: Api) -> dict[str, Any] | None:
    """The inner schedule, or None."""
    while True:
        kind = select(
            "Should it run on a schedule?",
            [("no, only when told to", None), ("cron", "cron"), ("interval", "interval"), ("rrule", "rrule")],
        )
        if kind is None:
            return None
        times = _ask(api, kind)
        if confirm("Take these times?", default=True):
            return times


def _ask(api: Api, kind: str) -> dict[str, Any]:
    """Expression and zone, again until the control plane can read them."""
    message, example = EXAMPLES[kind]
    zone = local_zone()
    while True:
        example = text(message, example)
        if kind != "interval":
            zone = text("Time zone:", zone)
        given = {"cron": None, "interval": None, "rrule": None, kind: example}
        try:
            times = read_times(timezone=zone if kind != "interval" else None, **given)
            assert times is not None  # noqa: S101 - one of the three was given
            _show(api, times)
        except CliError as error:
            say("\n".join(filter(None, (error.message, error.hint))), "red")
            continue
        return times


def _show(api: Api, times: dict[str, Any]) -> None:
    """The next five times in the zone. Raises `CliError` with the reason why there are none."""
    from zoneinfo import ZoneInfo

    from headrace.client.errors import Invalid
    from headrace.contract.schedules import SchedulePreview

    wanted = read_schedule(times)
    try:
        found = api.schedules.preview(SchedulePreview(schedule=wanted.schedule))
    except Invalid as error:
        raise CliError(error.message, error.hint) from None
    if not found.times:
        raise CliError("No run would come about within five years.", "Choose other times.")
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
