"""The one place where PynamoDB's errors become ours.

A lost race is no error: a conditional write answers `False`. Everything that may succeed when it is
tried again is `Unavailable`; an item over DynamoDB's 400 KB is `TooLarge`. The cause is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.errors import TooLarge, Unavailable

CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_CONFLICT = "TransactionConflictException"
TRANSACTION_CANCELED = "TransactionCanceledException"
_TOO_LARGE = "The record is larger than the 400 KB that an item of the table may have."


class LostRace(Exception):
    """The condition of a write did not hold."""


class Busy(Unavailable):
    """Somebody else's transaction touches the same items at this very moment; nothing was written."""

    default_code = "busy"


@contextmanager
def seam() -> Iterator[None]:
    """Translate what the table says."""
    try:
        yield
    except PynamoDBException as error:
        raise _translated(error) from error
    except (ClientError, BotoCoreError) as error:
        raise Unavailable("The table did not answer.", hint="Try again in a moment.") from error


def _translated(error: PynamoDBException) -> Exception:
    # Where no answer came there is no code to ask for: botocore's connection errors carry `response = None`.
    code = error.cause_response_code if isinstance(error.cause, ClientError) else None
    if code == CONDITION_FAILED:
        return LostRace()
    if code == TRANSACTION_CANCELED:
        reasons = {reason.code for reason in getattr(error, "cancellation_reasons", ()) if reason}
        if reasons <= {"ConditionalCheckFailed", "None"}:
            return LostRace()
        if "ValidationError" in reasons:
            return TooLarge(_TOO_LARGE)
        if reasons <= {"ConditionalCheckFailed", "TransactionConflict", "None"}:
            return Busy("Another change was made at the same moment.", hint="Try again.")
        return Unavailable("The table has no capacity for this at the moment.", hint="Try again.")
    if code == TRANSACTION_CONFLICT:
        return Busy("Another change was made at the same moment.", hint="Try again.")
    if code == "ValidationException" and "size" in str(error.cause_response_message).lower():
        return TooLarge(_TOO_LARGE)
    return Unavailable(f"The table refused: {code or 'no answer'}.", hint="Try again in a moment.")
