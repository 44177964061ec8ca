"""The table's protection from being deleted: lifted by `headrace cloud down`, set again by the `up` that comes after.

A change set compares templates, not the account: what a removal that did not go on to its end has lifted, it does not
see.
"""

from __future__ import annotations

from infra import stack
from infra.account import Account
from infra.changes import Say
from infra.names import Names
from infra.remains import Remains
from infra.templates import resolve


def lift(account: Account, names: Names, say: Say) -> None:
    """Let the table be deleted."""
    table = Remains(account, names).table()
    if table is not None and table.get("DeletionProtectionEnabled"):
        _set(account, names, on=False)
        say(f"  deletion protection of table {names.table} lifted")


def restore(account: Account, names: Names, say: Say) -> None:
    """Protect the table again, if the template does and it is not so now."""
    table = Remains(account, names).table()
    if table is not None and is_wanted(names.stage) and not table.get("DeletionProtectionEnabled"):
        _set(account, names, on=True)
        say(f"  deletion protection of table {names.table} set")


def is_wanted(stage: str) -> bool:
    """Whether the template protects the table of a stage."""
    condition = stack.base()["Conditions"]["Protected"]
    left, right = resolve(condition, {"Stage": stage})["Fn::Equals"]
    return bool(left == right)


def _set(account: Account, names: Names, *, on: bool) -> None:
    aws = account.client("dynamodb")
    aws.update_table(TableName=names.table, DeletionProtectionEnabled=on)
