"""How many calls of the functions may run at once: the tick's own place, and none of what is being removed."""

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


def close(account: Account, function: str) -> None:
    """Let no call of a function in any more."""
    aws = account.client("lambda")
    aws.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)


def reopen(account: Account, names: Names, *, reserve: bool) -> None:
    """Let calls in again, if a removal that did not go on to its end had closed the functions."""
    aws = account.client("lambda")
    for name, function in names.functions.items():
        if aws.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions") != 0:
            continue
        if name == "tick" and reserve:
            aws.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
        else:
            aws.delete_function_concurrency(FunctionName=function)
