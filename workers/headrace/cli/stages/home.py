"""What of a stage is kept on this machine: its profile, with the key, and an export before it goes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from headrace.cli.connect import connect_to, read_profiles, settings_errors
from headrace.cli.errors import CliError
from headrace.cli.output import note, say
from headrace.settings import headrace_home, load_profiles, save_profiles
from headrace.stage_profiles import Place, names_of, with_stage, without_stage

if TYPE_CHECKING:
    from headrace.client.api import Api


def check_profiles() -> None:
    """Refuse profiles that cannot be read before anything is done: a key that was made must find its place."""
    read_profiles()


def tell(stage: str, made: Any, *, plan: bool) -> None:
    """Keep what was made in a profile, and say so. The key is shown to a person alone, never to a pipe or a log."""
    if made is None:
        if not plan:
            raise CliError("Nothing was changed.")
        return
    place = Place(stage, made.account, made.region, made.api_url)
    profiles, name = with_stage(read_profiles(), place, made.first_key)
    with settings_errors():
        save_profiles(headrace_home(), profiles)
    say(f"The control plane {stage!r} answers at {made.api_url}", "green")
    if made.first_key is not None and sys.stdout.isatty():
        say(f"Its admin key, shown this once: {made.first_key}")
    elif made.first_key is not None:
        note(f"Its admin key is kept in profile {name!r}; it is shown only on a terminal.")
    note(f"The commands use it by profile {name!r}. Next: headrace work-pool create NAME")


def forget(place: Place) -> bool:
    """Forget the profiles of a stage that is gone; those of other control planes stay. False if it had none."""
    with settings_errors():
        profiles = load_profiles(headrace_home())
        left = without_stage(profiles, place)
        if left == profiles:
            return False
        save_profiles(headrace_home(), left)
    return True


def offer_export(api_url: str) -> None:
    """Ask for a file, and export into it by the profile of the address. An empty answer: no export."""
    if not api_url:
        return
    name = typer.prompt(
        "Export pools, deployments and schedules into a file first (empty: no)",
        "",
        show_default=False,
        err=True,
    )
    if name:
        from headrace.cli.commands.export import check_free, export, told

        file = Path(name)
        check_free(file)
        with _api_of(api_url) as api:
            note(told(file, export(api, file)))
        if bundled := _bundled(file):
            note(
                f"The code of {bundled} deployments is in bundles, which are not in the file, and in the bucket that"
                " goes: they need `headrace deploy` again from their sources."
            )


def _bundled(file: Path) -> int:
    """How many deployments of an export have their code in a bundle."""
    from headrace.cli.transfer.file import read
    from headrace.cli.transfer.kinds import bundle_of

    return sum(bundle_of(row.record) is not None for row in read(file))


@contextmanager
def _api_of(api_url: str) -> Iterator[Api]:
    profiles = read_profiles()
    names = names_of(profiles, api_url)
    if not names:
        raise CliError(
            f"No profile is for {api_url}, so there is no key to export with.",
            f"Log in first: headrace login --api-url {api_url}",
        )
    with connect_to(api_url, profiles.profiles[names[0]].api_key) as api:
        yield api
