"""What of the template's parameters is said on the command line; what is left out stays as it is."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

from headrace.cli.errors import BadUsage


class LogLevel(StrEnum):
    """How much the functions log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


Alarms = Annotated[
    bool | None,
    typer.Option("--alarms/--no-alarms", help="Six CloudWatch alarms: 0.60 USD a month.", show_default=False),
]
AlarmEmail = Annotated[
    str | None, typer.Option("--alarm-email", help="Where the alarms are mailed to.", metavar="ADDRESS")
]
Dashboard = Annotated[
    bool | None,
    typer.Option(
        "--dashboard/--no-dashboard",
        help="A CloudWatch dashboard: 3 USD a month, the first three of an account free.",
        show_default=False,
    ),
]
Metrics = Annotated[
    bool | None,
    typer.Option(
        "--metrics/--no-metrics",
        help="Metrics of runs, claims, queues and ticks: 0.30 USD a month each, the first ten of an account free.",
        show_default=False,
    ),
]
Xray = Annotated[
    bool | None,
    typer.Option(
        "--xray/--no-xray",
        help="Traces of the functions in X-Ray: 0.22 USD a month for the tick's alone.",
        show_default=False,
    ),
]
Level = Annotated[
    LogLevel | None,
    typer.Option("--log-level", help="How much the functions log.", case_sensitive=False, show_default=False),
]
Retention = Annotated[
    int | None,
    typer.Option(
        "--log-retention-days",
        help="For how long their logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731.",
        metavar="DAYS",
        show_default=False,
    ),
]
Boundary = Annotated[
    str | None,
    typer.Option(
        "--permissions-boundary", help="A managed policy that bounds all roles of the stage.", metavar="ARN"
    ),
]
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""The days that CloudWatch knows; `infra/template.yaml` says the same, and a test compares."""


def parameters(
    *,
    alarms: bool | None = None,
    alarm_email: str | None = None,
    dashboard: bool | None = None,
    metrics: bool | None = None,
    xray: bool | None = None,
    log_level: LogLevel | None = None,
    log_retention_days: int | None = None,
    permissions_boundary: str | None = None,
) -> dict[str, str]:
    """Those that were given, as the template takes them. Raises `BadUsage`."""
    _check_email(alarms, alarm_email)
    if log_retention_days is not None and log_retention_days not in RETENTIONS:
        known = ", ".join(map(str, RETENTIONS))
        raise BadUsage(f"--log-retention-days: CloudWatch keeps logs for {known} days.")
    if alarm_email is not None:
        alarms = True
    switches = {"Alarms": alarms, "Dashboard": dashboard, "Metrics": metrics, "Xray": xray}
    given = {name: "on" if value else "off" for name, value in switches.items() if value is not None}
    check_boundary(permissions_boundary)
    texts = {
        "AlarmEmail": alarm_email,
        "LogLevel": log_level,
        "LogRetentionDays": log_retention_days,
        "PermissionsBoundary": permissions_boundary,
    }
    return given | {name: str(value) for name, value in texts.items() if value is not None}


def check_boundary(arn: str | None) -> None:
    """Raise `BadUsage` for what is no address of a managed policy."""
    if arn is not None and not re.fullmatch(r"arn:[a-z-]+:iam::[0-9]{12}:policy/[!-~]+", arn):
        raise BadUsage(
            f"--permissions-boundary: {arn[:200]!r} is no address of a managed policy.",
            "Write it like arn:aws:iam::111122223333:policy/headrace-prod-boundary.",
        )


def _check_email(alarms: bool | None, email: str | None) -> None:
    if email is None:
        return
    if alarms is False:
        raise BadUsage("--alarm-email goes with --alarms.")
    name, _, host = email.partition("@")
    if not name or "." not in host or any(letter.isspace() for letter in email):
        raise BadUsage(f"--alarm-email: {email[:100]!r} is not an address.")
