"""Credentials from the API: fetched late, renewed early, kept while the API is away."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError

from headrace.client.errors import ApiError, Conflict, Unauthorized, Unreachable
from headrace.contract.workers import AwsCredentials, SqsAccess
from headrace.worker.credentials import ApiCredentials, from_api

AWAY = Unreachable(0, "unreachable", "No answer.")
NO_ROLE = Conflict(409, "no_worker_role", "No role.")


@dataclass
class Api:
    """Gives numbered credentials, or raises what it is told to."""

    now: float = 1000.0
    asked: int = 0
    error: ApiError | None = None
    life: float = 3600.0
    gate: threading.Event = field(default_factory=threading.Event)

    def fetch(self) -> AwsCredentials:
        self.asked += 1
        if self.error:
            raise self.error
        return AwsCredentials(
            access_key_id=f"K{self.asked}",
            secret_access_key="s3cret",
            session_token="t0ken",
            expiration=datetime(2026, 3, 2, tzinfo=UTC),
            lifetime_seconds=self.life,
        )


@pytest.fixture
def api() -> Api:
    return Api()


def credentials(api: Api, **more: Any) -> ApiCredentials:
    return ApiCredentials(api.fetch, clock=lambda: api.now, dice=lambda low, high: low, **more)


def test_they_are_fetched_when_first_needed_and_then_kept(api: Api) -> None:
    made = credentials(api)
    assert api.asked == 0
    assert [made.get_frozen_credentials().access_key for _ in range(3)] == ["K1"] * 3
    assert made.get_frozen_credentials().token == "t0ken"


def test_they_are_renewed_halfway(api: Api) -> None:
    made = credentials(api)
    made.get_frozen_credentials()
    api.now += 1799
    assert made.get_frozen_credentials().access_key == "K1"
    api.now += 1
    assert made.get_frozen_credentials().access_key == "K2"


def test_an_outage_of_the_api_does_no_harm_while_they_last(api: Api) -> None:
    made = credentials(api)
    made.get_frozen_credentials()
    api.now, api.error = api.now + 1800, AWAY
    for _ in range(10):
        assert made.get_frozen_credentials().access_key == "K1"
    assert api.asked == 2, "it is asked again, but not for each call"
    api.now += 15
    made.get_frozen_credentials()
    assert api.asked == 3
    api.now += 1785
    with pytest.raises(CredentialRetrievalError, match="No answer"):
        made.get_frozen_credentials()
    api.error = None
    assert made.get_frozen_credentials().access_key == "K5"


def test_a_revoked_key_gives_none(api: Api) -> None:
    api.error = Unauthorized(401, "unknown_key", "The API key is not known here.")
    with pytest.raises(CredentialRetrievalError, match="not known"):
        credentials(api).get_frozen_credentials()


def test_what_aws_refuses_is_renewed_but_not_over_and_over(api: Api) -> None:
    made = credentials(api)
    made.get_frozen_credentials()
    for _ in range(5):
        made.refused()
        made.get_frozen_credentials()
    assert api.asked == 2
    api.now += 10
    made.refused()
    assert made.get_frozen_credentials().access_key == "K3"


def test_without_a_role_the_machines_own_are_used(api: Api) -> None:
    api.error = NO_ROLE
    made = credentials(api, otherwise=lambda: Credentials("OWN", "s"))
    api.now += 1e6
    assert [made.get_frozen_credentials().access_key for _ in range(2)] == ["OWN", "OWN"]
    assert api.asked == 1
    with pytest.raises(CredentialRetrievalError):
        credentials(api, otherwise=lambda: None).get_frozen_credentials()
    with pytest.raises(CredentialRetrievalError, match="No role"):
        credentials(api).get_frozen_credentials()


def test_others_go_on_while_one_renews(api: Api) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow() -> AwsCredentials:
        if api.asked:
            entered.set()
            assert leave.wait(10)
        return api.fetch()

    made = ApiCredentials(slow, clock=lambda: api.now, dice=lambda low, high: low)
    made.get_frozen_credentials()
    api.now += 1800
    renewing = threading.Thread(target=made.get_frozen_credentials)
    renewing.start()
    assert entered.wait(10)
    assert made.get_frozen_credentials().access_key == "K1"
    leave.set()
    renewing.join(10)
    assert made.get_frozen_credentials().access_key == "K2"


def test_no_secret_shows(api: Api) -> None:
    given = api.fetch()
    assert "s3cret" not in repr(given) and "t0ken" not in repr(given)


@pytest.mark.parametrize(
    ("choice", "endpoint", "needed", "has_key", "expected"),
    [
        ("auto", None, False, True, True),
        ("auto", None, False, False, False),
        ("api", None, False, False, True),
        ("own", None, False, True, False),
        ("auto", "http://h/aws", False, True, False),
        ("api", "http://h/aws", False, True, False),
        ("auto", "http://h/aws", True, True, True),
        ("auto", "http://h/aws", True, False, True),
        ("own", "http://h/aws", True, True, False),
    ],
)
def test_whose_credentials(
    choice: Any, endpoint: str | None, needed: bool, has_key: bool, expected: bool
) -> None:
    access = SqsAccess(region="us-east-1", endpoint_url=endpoint, credentials_needed=needed)
    assert from_api(choice, access, has_key=has_key) is expected
