"""Roles and needs, and what a key is: by hand, without a control plane."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.domain import access
from chalicelib.domain.access import ANYBODY, GRANTS, NOBODY, ApiKey, Caller, Need
from chalicelib.domain.errors import Forbidden, Unauthenticated
from headrace.contract import key_text
from headrace.contract.roles import Role

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = UUID("b9ddc6f1-fb5d-4340-ac0e-2900d9b74120")
SECRET = "a" * key_text.SECRET_LENGTH


def made(text: str, **values: Any) -> ApiKey:
    return ApiKey(
        **{"id": ID, "name": "ci", "role": Role.VIEWER, "digest": access.digest(text), "created": NOW}
        | values
    )


def test_each_role_has_what_the_smaller_one_has() -> None:
    assert GRANTS[Role.VIEWER] < GRANTS[Role.OPERATOR] < GRANTS[Role.DEPLOYER] < GRANTS[Role.ADMIN]
    assert GRANTS[Role.ADMIN] == set(Need)
    assert [role for role in Role if Need.MANAGE in GRANTS[role]] == [Role.ADMIN]
    assert [role for role in Role if Need.WORK in GRANTS[role]] == [Role.ADMIN, Role.WORKER]
    assert GRANTS[Role.WORKER] == {Need.NOTHING, Need.KEY, Need.WORK, Need.FETCH}
    assert not NOBODY.may(Need.OPERATE) and ANYBODY.may(Need.MANAGE)


def test_a_new_key_has_256_bits_and_is_known_again() -> None:
    key_id = uuid4()
    texts = {key_text.draw(key_id) for _ in range(100)}
    assert len(texts) == 100
    assert len(key_text.LETTERS) ** key_text.SECRET_LENGTH > 2**256
    for text in texts:
        assert access.key_id(text) == key_id
        assert access.check(made(text), text, NOW).name == "ci"
        assert text not in repr(made(text)) and access.digest(text) not in repr(made(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hr_",
        "hr__",
        f"hr_{ID.hex}",
        f"hr_{ID.hex}_",
        f"hr_{ID.hex}_{SECRET}a",
        f"hr_{ID.hex}_{SECRET[1:]}",
        f"hr_{ID.hex.upper()}_{SECRET}",
        f"hr_{ID}_{SECRET}",
        f"HR_{ID.hex}_{SECRET}",
        f" hr_{ID.hex}_{SECRET}",
        f"hr_{ID.hex}_{SECRET}\n",
        f"hr_{ID.hex}_{'é' * key_text.SECRET_LENGTH}",
        f"hr_{ID.hex}_{'٣' * key_text.SECRET_LENGTH}",
        f"hr_{'٣' * 32}_{SECRET}",
        "\x00" * 79,
        "\ud800" * 79,
        "x" * 100_000,
    ],
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert access.key_id(text) is None


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "no_key"),
        ("", "no_key"),
        ("   ", "no_key"),
        ("Basic YTpi", "no_key"),
        (f"hr_{ID.hex}_{SECRET}", "no_key"),
    ],
)
def test_a_request_without_a_bearer_has_no_key(header: str | None, code: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        access.presented(header)
    assert caught.value.code == code
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("header", ["Bearer k", "bearer k", "BEARER  k ", " Bearer k"])
def test_the_scheme_may_be_written_in_any_case(header: str) -> None:
    assert access.presented(header) == "k"


def test_another_secret_no_key_and_an_ended_key_are_refused() -> None:
    text = f"hr_{ID.hex}_{SECRET}"
    for key, given in ((made(text), text[:-1] + "b"), (None, text), (made("other"), text)):
        with pytest.raises(Unauthenticated) as caught:
            access.check(key, given, NOW)
        assert caught.value.code == "unknown_key"
        assert SECRET not in f"{caught.value} {caught.value.hint}"
    ending = made(text, expires_at=NOW)
    assert access.check(ending, text, NOW - timedelta(microseconds=1)) is ending
    with pytest.raises(Unauthenticated) as caught:
        access.check(ending, text, NOW)
    assert caught.value.code == "key_expired"


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    text = f"hr_{ID.hex}_{SECRET}"
    access.check(made(text), text, NOW)
    with pytest.raises(Unauthenticated):
        access.check(None, text, NOW)
    assert [len(one) == len(other) == 64 for one, other in compared] == [True, True]


def test_a_workers_key_is_for_one_pool() -> None:
    bound = Caller(Role.WORKER, made("x", role=Role.WORKER, work_pool_name="a"))
    access.check_pool(bound, "a")
    access.check_pool(ANYBODY, "b")
    for other in ("b", "A", "a ", ""):
        with pytest.raises(Forbidden) as caught:
            access.check_pool(bound, other)
        assert caught.value.code == "wrong_pool"


def test_a_refusal_names_the_need_and_the_role_and_who_may() -> None:
    error = access.forbidden(Caller(Role.VIEWER), Need.DEPLOY)
    assert error.message == "This needs the right to deploy, which the role viewer does not have."
    assert error.hint == "Use a key with one of the roles admin, deployer."
