"""`headrace cloud`: the control plane in an AWS account of one's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from headrace.cli.app import new_group
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, details, note, print_json, say

app = new_group()

Stage = Annotated[
    str,
    typer.Option("--stage", help="Which control plane: several may be in one account.", metavar="NAME"),
]
AwsProfile = Annotated[
    str | None, typer.Option("--profile", help="Profile of the AWS configuration.", metavar="NAME")
]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.", metavar="NAME")]
Plan = Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Alarms = Annotated[
    bool | None,
    typer.Option(
        "--alarms/--no-alarms", help="Five CloudWatch alarms: 0.50 USD a month.", show_default=False
    ),
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


class Function(StrEnum):
    """Whose log."""

    API = "api"
    TICK = "tick"


class Document(StrEnum):
    """Whose policy."""

    OPERATOR = "operator"
    API = "api"
    TICK = "tick"
    WORKER = "worker"


@app.command()
def up(
    *,
    stage: Stage = "prod",
    profile: AwsProfile = None,
    region: Region = None,
    alarms: Alarms = None,
    alarm_email: AlarmEmail = None,
    dashboard: Dashboard = None,
    plan: Plan = False,
    yes: Yes = False,
) -> None:
    """Make a control plane in an AWS account, or bring it to this version."""
    _check_email(alarms, alarm_email)
    with _cloud(profile, region, yes) as cloud:
        wish = cloud.module.Wish(stage, plan=plan, parameters=_parameters(alarms, alarm_email, dashboard))
        _tell(stage, cloud.of_account(stage).up(wish), plan=plan)


@app.command()
def upgrade(
    *,
    stage: Stage = "prod",
    profile: AwsProfile = None,
    region: Region = None,
    plan: Plan = False,
    yes: Yes = False,
) -> None:
    """Bring a control plane in an AWS account to this version; runs go on meanwhile."""
    with _cloud(profile, region, yes) as cloud:
        made = cloud.of_account(stage).upgrade(cloud.module.Wish(stage, plan=plan))
        _tell(stage, made, plan=plan)


@app.command()
def down(
    *,
    stage: Annotated[str, typer.Option("--stage", help="Which control plane.", metavar="NAME")],
    profile: AwsProfile = None,
    region: Region = None,
    force: Annotated[bool, typer.Option("--force", help="Also while runs are active.")] = False,
    yes: Yes = False,
) -> None:
    """Remove a control plane from an AWS account, with all that it holds."""
    with _cloud(profile, region, yes) as cloud:
        note(f"To keep deployments, schedules and pools: HEADRACE_PROFILE={stage} headrace export FILE")
        if not cloud.of_account(stage).down(stage, force=force):
            raise CliError("Nothing was removed.")
    _forget_profile(stage)


@app.command()
def status(
    *, stage: Stage = "prod", profile: AwsProfile = None, region: Region = None, output: Output = Format.TABLE
) -> None:
    """Show how a control plane in an AWS account stands."""
    with _cloud(profile, region, yes=True) as cloud:
        found = cloud.of_account(stage).status(stage)
    details(output, found, lambda: {name.replace("_", " ").capitalize(): found[name] for name in found})


@app.command()
def logs(
    *,
    stage: Stage = "prod",
    profile: AwsProfile = None,
    region: Region = None,
    function: Annotated[Function, typer.Option("--function", help="Whose log.")] = Function.API,
    since: Annotated[str, typer.Option("--since", help="How far back: 30m, 2h, 1d.")] = "1h",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show what the control plane's functions log."""
    from headrace.cli.times import parse_duration

    back: timedelta = parse_duration(since)
    with _cloud(profile, region, yes=True) as cloud:
        for line in cloud.of_account(stage).logs(stage, function.value, back, follow=follow):
            typer.echo(line)


@app.command()
def policies(
    which: Annotated[Document | None, typer.Argument(help="Whose; all if left out.")] = None,
    *,
    stage: Stage = "prod",
    account: Annotated[str, typer.Option("--account", help="For this account only.", metavar="ID")] = "*",
    region: Annotated[str, typer.Option("--region", help="For this region only.", metavar="NAME")] = "*",
) -> None:
    """Print the policies as JSON: what you need for `up` and `down`, and what each role may do."""
    if account != "*" and not (account.isascii() and account.isdigit() and len(account) == 12):
        raise BadUsage(f"--account: {account!r} is not an AWS account.", "It has 12 digits.")
    with _cloud(None, None, yes=True) as cloud:
        documents = cloud.module.documents(stage, account, region)
    print_json(documents[which.value] if which else documents)


class _Cloud:
    """The door to `infra`, opened when it is needed."""

    def __init__(self, module: Any, profile: str | None, region: str | None, *, yes: bool) -> None:
        self.module = module
        confirm = (lambda question: True) if yes else _ask
        self._options: dict[str, Any] = {
            "profile": profile,
            "region": region,
            "say": note,
            "confirm": confirm,
        }

    def of_account(self, stage: str) -> Any:
        """The stages of the account; the stage's name is looked at before AWS is asked anything."""
        self.module.check_stage(stage)
        return self.module.Cloud(**self._options)


@contextmanager
def _cloud(profile: str | None, region: str | None, yes: bool) -> Iterator[_Cloud]:
    from headrace.local.errors import StartError
    from headrace.local.infra import cloud

    try:
        module = cloud()
    except StartError as error:
        raise CliError(str(error), getattr(error, "hint", None)) from error
    try:
        yield _Cloud(module, profile, region, yes=yes)
    except module.CloudError as error:
        raise CliError(error.message, error.hint) from error


def _ask(question: str) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadUsage(
            "Nobody can be asked here.", "Say --yes to do it, or --plan to see what would be done."
        )
    return typer.confirm(question, err=True)


def _check_email(alarms: bool | None, email: str | None) -> None:
    if email is None:
        return
    if alarms is False:
        raise BadUsage("--alarm-email goes with --alarms.")
    name, _, host = email.partition("@")
    if not name or "." not in host or any(letter.isspace() for letter in email):
        raise BadUsage(f"--alarm-email: {email[:100]!r} is not an address.")


def _parameters(alarms: bool | None, email: str | None, dashboard: bool | None) -> dict[str, str]:
    given = {}
    if alarms is not None or email is not None:
        given["Alarms"] = "off" if alarms is False else "on"
    if email is not None:
        given["AlarmEmail"] = email
    if dashboard is not None:
        given["Dashboard"] = "on" if dashboard else "off"
    return given


def _tell(stage: str, made: Any, *, plan: bool) -> None:
    if made is None:
        if not plan:
            raise CliError("Nothing was changed.")
        return
    _write_profile(stage, made.api_url, made.first_key)
    say(f"The control plane {stage!r} answers at {made.api_url}", "green")
    if made.first_key is not None:
        say(f"Its first admin key, shown this once: {made.first_key}")
    note(f"The commands use it by profile {stage!r}. Next: headrace work-pool create NAME")


def _write_profile(stage: str, api_url: str, key: str | None) -> None:
    from headrace.cli.connect import settings_errors
    from headrace.settings import Profile, headrace_home, load_profiles, save_profiles

    with settings_errors():
        profiles = load_profiles(headrace_home())
        old = profiles.profiles.get(stage)
        made = Profile(api_url, key or (old.api_key if old else None))
        save_profiles(headrace_home(), profiles.with_profile(stage, made, use=True))


def _forget_profile(stage: str) -> None:
    from dataclasses import replace

    from headrace.cli.connect import settings_errors
    from headrace.settings import headrace_home, load_profiles, save_profiles

    with settings_errors():
        profiles = load_profiles(headrace_home())
        left = {name: profile for name, profile in profiles.profiles.items() if name != stage}
        active = None if profiles.active == stage else profiles.active
        save_profiles(headrace_home(), replace(profiles, active=active, profiles=left))


app.callback()(lambda: None)
