"""The one door to this folder: what `headrace cloud` does, without a word of how it is printed.

Every function takes `say`, which is told each line for people, and `confirm`, which is asked before anything is
changed. What goes wrong as it may is a `CloudError`; AWS's refusals are made one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra import look, policies
from infra.account import Account, refusals
from infra.changes import Say, Stack
from infra.down import Down
from infra.errors import CloudError, NothingThereError
from infra.names import Names
from infra.operator import operator_policy
from infra.up import Made, Up, Wish, address

__all__ = ["Cloud", "CloudError", "Made", "NothingThereError", "Wish", "check_stage", "documents"]

ROOT = Path(__file__).resolve().parents[1]
"""Where `app.py` is: the checkout, or the wheel's `_control_plane`."""


class Cloud:
    """The stages of one account and region."""

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        say: Say = print,
        confirm: Callable[[str], bool] = lambda question: True,
    ) -> None:
        with refusals():
            self._account = Account.open(profile, region)
        self._say = say
        self._confirm = confirm

    def up(self, wish: Wish) -> Made | None:
        """Make a stage, or bring it to this version. None if it was a plan, or not confirmed."""
        with refusals():
            return Up(self._account, ROOT, self._say, self._confirm).make(wish)

    def upgrade(self, wish: Wish) -> Made | None:
        """Bring a stage that there is to this version."""
        with refusals():
            return Up(self._account, ROOT, self._say, self._confirm).make(wish, must_exist=True)

    @property
    def here(self) -> tuple[str, str]:
        """The account and the region."""
        return self._account.id, self._account.region

    def address(self, stage: str) -> str | None:
        """Where the API of a stage is; None if there is none."""
        with refusals():
            names = Names(stage)
            outputs = Stack(self._account, names.stack).outputs()
            return address(self._account, names, outputs) if "ApiUrl" in outputs else None

    def down(self, stage: str, *, force: bool, plan: bool = False) -> bool:
        """Remove a stage. False if that was not confirmed, or is a plan."""
        with refusals():
            return Down(self._account, self._say, self._confirm).remove(stage, force=force, plan=plan)

    def status(self, stage: str) -> dict[str, Any]:
        """How a stage stands."""
        with refusals():
            return look.status(self._account, stage)

    def logs(self, stage: str, function: str, since: timedelta, *, follow: bool) -> Iterator[str]:
        """What the function `api` or `tick` says, a line each."""
        with refusals():
            yield from look.logs(self._account, stage, function, since, follow=follow)


def check_stage(stage: str) -> None:
    """Raise `CloudError` for what is no name of a stage."""
    Names(stage)


def documents(
    stage: str, account: str = "*", region: str = "*", boundary: str | None = None
) -> dict[str, Any]:
    """All policies of a stage, by who has them; for `account` and `region`, or for any.

    `boundary`: the operator can make roles with this permissions boundary only.
    """
    check_stage(stage)
    shown: dict[str, Any] = {"operator": operator_policy(stage, account, region, boundary)}
    shown |= {role: policies.role_policy(role, stage, account, region) for role in policies.ROLES}
    shown["boundary"] = policies.boundary(stage, account, region)
    return shown
