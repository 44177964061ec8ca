"""`ClientRequestToken`: a transaction sent twice within ten minutes happens once. Stock moto ignores it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError

from headrace.local.aws.wire import encode

REMEMBER_SECONDS = 600.0


class RepeatedTransactions:
    """Tokens of the transactions that succeeded lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def done(self, token: str, params: dict[str, Any]) -> bool:
        """Whether this very transaction has been carried out. Raises if the token was used for another."""
        self._forget()
        if token not in self._seen:
            return False
        if self._seen[token][1] != _digest(params):
            raise JsonRESTError(
                "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request.",
            )
        return True

    def remember(self, token: str, params: dict[str, Any]) -> None:
        """Take note of a transaction that succeeded."""
        self._seen[token] = self._clock() + REMEMBER_SECONDS, _digest(params)

    def _forget(self) -> None:
        now = self._clock()
        while self._seen and next(iter(self._seen.values()))[0] <= now:
            self._seen.popitem(last=False)


def _digest(params: dict[str, Any]) -> bytes:
    return hashlib.sha256(encode(params["TransactItems"])).digest()
