"""`headrace logout`: forget the key of a profile."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.commands.login import forget_key
from headrace.cli.connect import settings_errors
from headrace.cli.errors import CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, report
from headrace.settings import headrace_home, load_profiles, save_profiles


def command(
    *,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Name of the profile; the one in use if left out.", metavar="NAME"),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Log out: forget the key of a profile. The key itself goes on; `api-key revoke` ends it."""
    with settings_errors():
        profiles = load_profiles(headrace_home())
        name = profiles.using(profile).active if profile is not None else profiles.active
    if name is None or name not in profiles.profiles:
        raise CliError("No profile is in use.", "See: headrace profile ls")
    had = profiles.profiles[name].api_key is not None
    if had:
        save_profiles(headrace_home(), forget_key(profiles, name))
    shown = {"profile": name, "api_url": profiles.profiles[name].api_url, "had_key": had}
    report(output, shown, f"Forgot the key of profile {name!r}." if had else f"Profile {name!r} has no key.")
