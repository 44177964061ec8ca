"""`headrace cloud`: the control plane in an AWS account of one's own."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, details, note, print_json
from headrace.cli.stages import home, parameters
from headrace.cli.stages.door import can_ask, door
from headrace.stage_profiles import Place

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
Back = Annotated[bool, typer.Option("--force", help="Also to an older version, if it can read the table.")]


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
    BOUNDARY = "boundary"


@app.command()
def up(
    *,
    stage: Stage = "prod",
    profile: AwsProfile = None,
    region: Region = None,
    alarms: parameters.Alarms = None,
    alarm_email: parameters.AlarmEmail = None,
    dashboard: parameters.Dashboard = None,
    metrics: parameters.Metrics = None,
    xray: parameters.Xray = None,
    log_level: parameters.Level = None,
    log_retention_days: parameters.Retention = None,
    permissions_boundary: parameters.Boundary = None,
    new_admin_key: Annotated[
        bool, typer.Option("--new-admin-key", help="Make another admin key: all that there were are lost.")
    ] = False,
    force: Back = False,
    plan: Plan = False,
    yes: Yes = False,
) -> None:
    """Make a control plane in an AWS account, or bring it to this version."""
    given = parameters.parameters(
        alarms=alarms,
        alarm_email=alarm_email,
        dashboard=dashboard,
        metrics=metrics,
        xray=xray,
        log_level=log_level,
        log_retention_days=log_retention_days,
        permissions_boundary=permissions_boundary,
    )
    home.check_profiles()
    with door(profile, region, yes=yes) as opened:
        wish = opened.module.Wish(
            stage, plan=plan, force=force, parameters=given, new_admin_key=new_admin_key
        )
        made = opened.of_account(stage).up(wish)
    home.tell(stage, made, plan=plan)


@app.command()
def upgrade(
    *,
    stage: Stage = "prod",
    profile: AwsProfile = None,
    region: Region = None,
    force: Back = False,
    plan: Plan = False,
    yes: Yes = False,
) -> None:
    """Bring a control plane in an AWS account to this version; runs go on meanwhile."""
    home.check_profiles()
    with door(profile, region, yes=yes) as opened:
        made = opened.of_account(stage).upgrade(opened.module.Wish(stage, plan=plan, force=force))
    home.tell(stage, made, plan=plan)


@app.command()
def down(
    *,
    stage: Annotated[str, typer.Option("--stage", help="Which control plane.", metavar="NAME")],
    profile: AwsProfile = None,
    region: Region = None,
    force: Annotated[bool, typer.Option("--force", help="Also while runs are active.")] = False,
    plan: Plan = False,
    yes: Yes = False,
) -> None:
    """Remove a control plane from an AWS account, with all that it holds."""
    with door(profile, region, yes=yes) as opened:
        cloud = opened.of_account(stage)
        account, here = cloud.here
        place = Place(stage, account, here, cloud.address(stage) or "")
        if not (plan or yes) and can_ask():
            home.offer_export(place.api_url)
        try:
            removed = cloud.down(stage, force=force, plan=plan)
        except opened.module.NothingThereError as nothing:
            # The command before this one may have been broken off between the last of the stage and its profile.
            if plan or not home.forget(place):
                raise
            note(f"{nothing.message} Its profile, which was left, is forgotten.")
            return
    if not removed and not plan:
        raise CliError("Nothing was removed.")
    if removed:
        home.forget(place)


@app.command()
def status(
    *, stage: Stage = "prod", profile: AwsProfile = None, region: Region = None, output: Output = Format.TABLE
) -> None:
    """Show how a control plane in an AWS account stands."""
    with door(profile, region, yes=True) as opened:
        found = opened.of_account(stage).status(stage)
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
    with door(profile, region, yes=True) as opened:
        for line in opened.of_account(stage).logs(stage, function.value, back, follow=follow):
            typer.echo(line)


@app.command()
def policies(
    which: Annotated[Document | None, typer.Argument(help="Whose; all if left out.")] = None,
    *,
    stage: Stage = "prod",
    account: Annotated[str, typer.Option("--account", help="For this account only.", metavar="ID")] = "*",
    region: Annotated[str, typer.Option("--region", help="For this region only.", metavar="NAME")] = "*",
    permissions_boundary: parameters.Boundary = None,
) -> None:
    """Print the policies as JSON: what you need for `up` and `down`, and what each role may do.

    `boundary` is a policy that no role can do more than. With --permissions-boundary the operator can make
    roles only if they have that one, and so none that can do more than Headrace needs.
    """
    parameters.check_boundary(permissions_boundary)
    if account != "*" and not (account.isascii() and account.isdigit() and len(account) == 12):
        raise BadUsage(f"--account: {account!r} is not an AWS account.", "It has 12 digits.")
    with door(None, None, yes=True) as opened:
        documents = opened.module.documents(stage, account, region, permissions_boundary)
    print_json(documents[which.value] if which else documents)


app.callback()(lambda: None)
