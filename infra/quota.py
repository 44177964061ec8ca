"""Whether the account's quota of concurrent Lambdas allows the tick a place of its own."""

from __future__ import annotations

from botocore.exceptions import ClientError

from infra.account import Account, code
from infra.changes import Say
from infra.names import Names

UNRESERVED = 100
"""Concurrency that AWS insists must stay free when a function gets some of its own."""


def can_reserve(account: Account, names: Names, say: Say) -> bool:
    """Whether it does, or the tick has its place already. Tells if it does not."""
    aws = account.client("lambda")
    try:
        found = aws.get_function_concurrency(FunctionName=names.functions["tick"])
        if found.get("ReservedConcurrentExecutions"):
            return True
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
    left = aws.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    if left - 1 >= UNRESERVED:
        return True
    say(
        f"Note: the account's Lambda concurrency ({left}) is too small to reserve one for the tick; left out."
        " Nothing depends on it. More is free: AWS console, Service Quotas, Lambda."
    )
    return False
