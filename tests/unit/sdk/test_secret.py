"""`Secret`: usable, and never shown."""

from __future__ import annotations

import pytest

from headrace import ParameterError, Secret, flow, secret

TEXT = "hunter2-and-more"


@flow
def one(password: Secret, spare: Secret | None = None) -> str:
    return password.get()


def test_it_is_not_shown() -> None:
    made = Secret(TEXT)
    assert TEXT not in f"{made} {made!r} {made:>20} {[made]}"
    assert (made.get(), made == Secret(TEXT), made == TEXT) == (TEXT, True, False)
    assert hash(made) == hash(Secret(TEXT))


def test_it_is_a_text() -> None:
    with pytest.raises(TypeError, match="a secret is a text, got a int"):
        Secret(7)  # type: ignore[arg-type]


def test_a_direct_call_may_give_the_text() -> None:
    assert one(TEXT) == one(Secret(TEXT)) == TEXT  # type: ignore[arg-type]


def test_a_direct_call_may_refer_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITS_PASSWORD", TEXT)
    assert one.validate_parameters({"password": {"$secret": "env:ITS_PASSWORD"}})["password"].get() == TEXT


def test_what_the_worker_read_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(secret.known, "ssm:/x", TEXT)
    assert one.validate_parameters({"password": {"$secret": "ssm:/x"}})["password"].get() == TEXT
    assert secret.filled({"a": [{"$secret": "ssm:/x"}, {"$secret": "ssm:/y"}]}) == {
        "a": [Secret(TEXT), {"$secret": "ssm:/y"}]
    }


@pytest.mark.parametrize("value", [7, ["a", TEXT], {"password": TEXT}, {"$secret": "ssm:/nowhere"}])
def test_what_cannot_be_read_is_refused_and_not_shown(value: object) -> None:
    with pytest.raises(ParameterError) as caught:
        one.validate_parameters({"password": value})
    assert "password" in str(caught.value)
    assert TEXT not in str(caught.value)
