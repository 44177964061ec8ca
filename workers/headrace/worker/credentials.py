"""AWS credentials that the API gives: fetched when first needed, renewed in time, kept through an outage."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError

from headrace.client.errors import ApiError, Conflict
from headrace.contract.workers import AwsCredentials, SqsAccess

Choice = Literal["auto", "api", "own"]
RENEWED_AT = (0.5, 0.75)
"""Parts of their life after which credentials are renewed, spread so that a fleet does not ask at once.

What is left is how long the API may be away before SQS is lost: 15 minutes at least, of an hour.
"""
TRIED_EVERY = 30.0
"""Seconds between tries to renew what is still good."""
REFUSED_EVERY = 10.0
"""Seconds between renewals because SQS did not know the credentials."""
UNKNOWN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "UnrecognizedClientException",
    }
)
"""What AWS says to credentials that have ended, or were taken back."""


class ApiCredentials(Credentials):  # type: ignore[misc]
    """What botocore signs with. Several threads may ask; one of them fetches, the others go on meanwhile."""

    def __init__(
        self,
        fetch: Callable[[], AwsCredentials],
        otherwise: Callable[[], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[float, float], float] = random.uniform,
    ) -> None:
        super().__init__(access_key="", secret_key="", method="headrace-api")
        self._fetch = fetch
        self._otherwise = otherwise
        self._clock = clock
        self._dice = dice
        self._lock = threading.Lock()
        self._given: Credentials | None = None
        self._own: Any = None
        self._renew_at = self._ends_at = 0.0
        self._refused_at: float | None = None

    def get_frozen_credentials(self) -> Any:
        """Credentials that are good now.

        Raises:
            CredentialRetrievalError: There are none, and the API gives none.
        """
        if self._clock() >= self._renew_at:
            # Who finds another one fetching waits only if nothing is good any more.
            good = self._clock() < self._ends_at
            if self._lock.acquire(blocking=not good):
                try:
                    self._renew()
                finally:
                    self._lock.release()
        source = self._own or self._given
        if source is None:
            raise CredentialRetrievalError(provider=self.method, error_msg="the API gave none")
        return source.get_frozen_credentials()

    def refused(self) -> None:
        """AWS does not know them: the next call fetches others, but not over and over."""
        now = self._clock()
        if self._own is None and (self._refused_at is None or now - self._refused_at >= REFUSED_EVERY):
            self._refused_at = now
            self._renew_at = self._ends_at = now

    def _renew(self) -> None:
        now = self._clock()
        if now < self._renew_at:
            return  # another thread did it meanwhile
        try:
            given = self._fetch()
        except ApiError as error:
            self._failed(error, now)
            return
        self._given = Credentials(given.access_key_id, given.secret_access_key, given.session_token)
        self._ends_at = now + given.lifetime_seconds
        self._renew_at = now + given.lifetime_seconds * self._dice(*RENEWED_AT)

    def _failed(self, error: ApiError, now: float) -> None:
        if isinstance(error, Conflict) and error.code == "no_worker_role" and self._otherwise is not None:
            self._own = self._otherwise()
            if self._own is not None:
                self._renew_at = float("inf")
                return
        if now < self._ends_at:
            self._renew_at = min(now + TRIED_EVERY * self._dice(0.5, 1.0), self._ends_at)
            return
        raise CredentialRetrievalError(provider=self.method, error_msg=error.message) from error


def from_api(choice: Choice, access: SqsAccess, *, has_key: bool) -> bool:
    """Whether a worker takes its AWS credentials from the API.

    `auto`: wherever there is an API key. They are of the right account and may do no more than they must,
    while those that lie about on a machine are often of another account and may do much.
    """
    if access.endpoint_url is not None:
        return access.credentials_needed and choice != "own"
    return choice == "api" or (choice == "auto" and has_key)
