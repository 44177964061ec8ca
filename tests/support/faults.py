"""Ways in which one AWS call can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.aws import Carry
from tests.support.strict import Call


class Killed(BaseException):
    """The process ends here: no handler of exceptions runs.

    Only after writes: being killed before one leaves the same table as being killed after the one before.
    """


@dataclass(frozen=True)
class Mode:
    """One way; `fits` says which calls it can happen to."""

    name: str
    happen: Callable[[Call, Carry], Any]
    fits: Callable[[Call], bool]


def _killed_after(call: Call, carry: Carry) -> Any:
    carry()
    raise Killed(str(call))


def _answer_lost(call: Call, carry: Carry) -> Any:
    carry()
    raise ReadTimeoutError(endpoint_url=f"https://{call.service}.us-east-1.amazonaws.com")


def _throttled(call: Call, carry: Carry) -> Any:
    code = "ProvisionedThroughputExceededException" if call.service == "dynamodb" else "ThrottlingException"
    answer = {"HTTPStatusCode": 400, "RequestId": "", "HostId": "", "HTTPHeaders": {}, "RetryAttempts": 0}
    error = {"Code": code, "Message": "Rate exceeded"}
    raise ClientError({"Error": error, "ResponseMetadata": answer}, call.operation)  # type: ignore[typeddict-item]


def _conflict(call: Call, carry: Carry) -> Any:
    if call.operation != "TransactWriteItems":
        error = {"Code": "TransactionConflictException", "Message": "Transaction is ongoing for the item"}
        raise ClientError({"Error": error}, call.operation)
    reasons = [{"Code": "None"} for _ in call.params["TransactItems"]]
    reasons[-1] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
    raise ClientError({"Error": error, "CancellationReasons": reasons}, call.operation)  # type: ignore[typeddict-unknown-key]


def _repeated(call: Call, carry: Carry) -> Any:
    """The answer is lost, the SDK sends the call again, and the second answer arrives."""
    carry()
    return carry()


def _any(call: Call) -> bool:
    return True


def _writes(call: Call) -> bool:
    return call.writes


def _table_writes(call: Call) -> bool:
    return call.writes and call.service == "dynamodb"


def _single_writes(call: Call) -> bool:
    # A transaction carries a token by which AWS knows it again; single writes do not.
    return call.writes and call.operation not in ("TransactWriteItems", "CreateQueue", "DeleteQueue")


MODES = (
    Mode("killed after", _killed_after, _writes),
    Mode("answer lost", _answer_lost, _writes),
    Mode("throttled", _throttled, _any),
    Mode("conflict", _conflict, _table_writes),
    Mode("repeated", _repeated, _single_writes),
)


@dataclass
class Strike:
    """A fault that strikes the call of one number, and only once."""

    mode: Mode
    at: int
    seen: int = 0
    struck: bool = False

    def __call__(self, call: Call, carry: Carry) -> Any:
        self.seen += 1
        if self.seen - 1 != self.at or self.struck:
            return carry()
        self.struck = True
        return self.mode.happen(call, carry)
