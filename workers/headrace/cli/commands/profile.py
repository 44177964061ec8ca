"""`headrace profile`: which control planes there are, and which one the commands talk to."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import read_profiles, settings_errors
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, details, report
from headrace.cli.tables import Column, listing
from headrace.settings import (
    Profile,
    Profiles,
    SettingsError,
    checked_url,
    headrace_home,
    load_profiles,
    load_settings,
    save_profiles,
)

app = new_group()

Name = Annotated[str, typer.Argument(help="Name of the profile.", show_default=False)]
COLUMNS = (Column("In use"), Column("Name", style="bold"), Column("API URL"), Column("Key"))


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List the profiles; an arrow marks the one in use."""
    profiles = read_profiles()
    entries = [_describe(profiles, name) for name in sorted(profiles.profiles)]
    listing(
        output,
        entries,
        COLUMNS,
        lambda e: ["->" if e["active"] else " ", e["name"], e["api_url"], e["api_key"]],
        "No profiles yet. A local control plane makes one: headrace server start",
    )


@app.command()
def create(
    name: Name,
    *,
    api_url: Annotated[
        str,
        typer.Option("--api-url", help="Address of the API, as in http://127.0.0.1:4200/api.", metavar="URL"),
    ],
    api_key: Annotated[
        str | None, typer.Option("--api-key", help="Key to send with each call.", metavar="KEY")
    ] = None,
    use: Annotated[bool, typer.Option("--use", help="Use it from now on.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Make a profile for a control plane."""
    if not name.strip() or name != name.strip() or len(name) > 100:
        raise BadUsage(
            f"{name[:60]!r} is not a name.", "Write 1 to 100 characters without blanks around them."
        )
    profiles = read_profiles()
    if name in profiles.profiles:
        raise CliError(
            f"There is a profile {name!r} already.", f"Delete it first: headrace profile delete {name}"
        )
    try:
        profile = Profile(checked_url(api_url, "--api-url"), api_key)
    except SettingsError as error:
        raise BadUsage(str(error)) from None
    profiles = profiles.with_profile(name, profile, use=use)
    save_profiles(headrace_home(), profiles)
    _confirm(profiles, name, output, "Created")


@app.command("use")
def use_(name: Name, *, output: Output = Format.TABLE) -> None:
    """Use a profile from now on."""
    with settings_errors():
        profiles = load_profiles(headrace_home()).using(name)
        save_profiles(headrace_home(), profiles)
    _confirm(profiles, name, output, "Now using")


@app.command()
def inspect(
    name: Annotated[
        str | None, typer.Argument(help="Name of the profile; the one in use if left out.")
    ] = None,
    *,
    output: Output = Format.TABLE,
) -> None:
    """Show a profile; without a name, the settings in force and where they come from."""
    if name is not None:
        entry = _describe(_known(read_profiles(), name), name)
    else:
        with settings_errors():
            settings = load_settings()
        key = None if settings.api_key is None else "set"
        entry = {
            "name": settings.profile,
            "api_url": settings.api_url,
            "api_key": key,
            "source": settings.source,
        }
    details(
        output,
        entry,
        lambda: (
            {
                field.replace("_", " ").capitalize().replace("Api", "API"): value
                for field, value in entry.items()
            }
        ),
    )


@app.command()
def delete(name: Name, *, output: Output = Format.TABLE) -> None:
    """Forget a profile."""
    profiles = _known(read_profiles(), name)
    entry = _describe(profiles, name)
    left = {other: profile for other, profile in profiles.profiles.items() if other != name}
    active = None if profiles.active == name else profiles.active
    save_profiles(headrace_home(), replace(profiles, active=active, profiles=left))
    report(output, entry, f"Deleted profile {name!r}.")


def _known(profiles: Profiles, name: str) -> Profiles:
    """These profiles, which must have one of that name."""
    with settings_errors():
        profiles.using(name)
    return profiles


def _describe(profiles: Profiles, name: str) -> dict[str, Any]:
    """A profile as it is shown: never with its key."""
    profile = profiles.profiles[name]
    key = None if profile.api_key is None else "set"
    return {"name": name, "api_url": profile.api_url, "api_key": key, "active": name == profiles.active}


def _confirm(profiles: Profiles, name: str, output: Format, done: str) -> None:
    report(
        output, _describe(profiles, name), f"{done} profile {name!r} for {profiles.profiles[name].api_url}."
    )
