"""`python -m infra`: for those who deploy with Chalice from a checkout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.account import Account, refusals
from infra.errors import CloudError
from infra.policies import write_chalice_policies
from infra.provision import provision

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
    make.add_argument("--alarms", action="store_true", help="five alarms: 0.50 USD a month")
    make.add_argument("--dashboard", action="store_true", help="3 USD a month, the first three are free")
    commands.add_parser("policies", help="write .chalice/policy-*.json anew from the templates")
    given = parser.parse_args(argv)
    try:
        if given.command == "policies":
            write_chalice_policies(root)
        else:
            asked = {"Alarms": given.alarms, "Dashboard": given.dashboard}
            parameters = {name: "on" for name, wanted in asked.items() if wanted}
            with refusals():
                account = Account.open(given.profile, given.region)
                provision(account, root, given.stage, _say, parameters)
    except CloudError as error:
        sys.stderr.write(f"Error: {error.message}\n{error.hint or ''}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
