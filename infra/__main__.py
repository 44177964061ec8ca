"""`python -m infra`: for those who deploy with Chalice from a checkout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from headrace.settings import SettingsError, headrace_home, load_profiles, save_profiles
from headrace.stage_profiles import Place, with_stage
from infra.account import Account, refusals
from infra.errors import CloudError
from infra.policies import write_chalice_policies
from infra.provision import provision
from infra.up import Made, Wish

ROOT = Path(__file__).resolve().parents[1]


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser(
        "provision", help="make what `chalice deploy` does not: run before it, and after"
    )
    make.add_argument("--stage", required=True)
    make.add_argument("--profile")
    make.add_argument("--region")
    make.add_argument("--alarms", action="store_true", help="six alarms: 0.60 USD a month")
    make.add_argument("--dashboard", action="store_true", help="3 USD a month, the first three are free")
    make.add_argument(
        "--new-admin-key", action="store_true", help="make another: all that there were are lost"
    )
    commands.add_parser("policies", help="write .chalice/policy-*.json anew from the templates")
    given = parser.parse_args(argv)
    try:
        if given.command == "policies":
            write_chalice_policies(root)
        else:
            with refusals():
                _provision(given, root)
    except CloudError as error:
        sys.stderr.write(f"Error: {error.message}\n{error.hint or ''}\n")
        return 1
    return 0


def _provision(given: argparse.Namespace, root: Path) -> None:
    asked = {"Alarms": given.alarms, "Dashboard": given.dashboard}
    parameters = {name: "on" for name, wanted in asked.items() if wanted}
    wish = Wish(given.stage, parameters=parameters, new_admin_key=given.new_admin_key)
    try:
        profiles = load_profiles(headrace_home())
        made = provision(Account.open(given.profile, given.region), root, wish, _say)
        if made is not None:
            place = Place(given.stage, made.account, made.region, made.api_url)
            profiles, name = with_stage(profiles, place, made.first_key)
            save_profiles(headrace_home(), profiles)
            _tell(made, name)
    except SettingsError as error:
        raise CloudError(str(error)) from error


def _tell(made: Made, name: str) -> None:
    """The key is shown to a person alone, never to a pipe or a log."""
    _say(f"The control plane answers at {made.api_url}; the commands use it by profile {name!r}.")
    if made.first_key is not None and sys.stdout.isatty():
        _say(f"Its admin key, shown this once: {made.first_key}")
    elif made.first_key is not None:
        _say("Its admin key is kept in that profile; it is shown only on a terminal.")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
