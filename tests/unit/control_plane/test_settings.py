"""Settings from the environment."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.settings import Settings


def test_nothing_said_means_local() -> None:
    assert Settings.from_environment({}) == Settings()
    settings = Settings()
    assert (settings.table, settings.stage, settings.lease_seconds) == ("headrace-local", "local", 120.0)
    assert settings.sqs_endpoint_url is None


def test_each_member_has_a_variable() -> None:
    said = {
        "HEADRACE_TABLE": "headrace-prod",
        "HEADRACE_STAGE": "prod",
        "HEADRACE_REGION": "eu-central-1",
        "HEADRACE_SQS_ENDPOINT_URL": "http://127.0.0.1:5000",
        "HEADRACE_LEASE_SECONDS": "60",
        "HEADRACE_RETENTION_DAYS": "7.5",
        "HEADRACE_UNKNOWN": "is nobody's business",
        "OTHER": "x",
    }
    settings = Settings.from_environment(said)
    assert (settings.table, settings.stage, settings.region) == ("headrace-prod", "prod", "eu-central-1")
    assert (settings.lease_seconds, settings.retention_days) == (60.0, 7.5)
    assert settings.sqs_endpoint_url == "http://127.0.0.1:5000"


def test_an_empty_variable_says_nothing() -> None:
    assert Settings.from_environment({"HEADRACE_LEASE_SECONDS": "", "HEADRACE_STAGE": ""}) == Settings()


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e9", "12 s", "0x10"])
def test_a_wrong_number_is_named(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Settings.from_environment({"HEADRACE_LEASE_SECONDS": text, "HEADRACE_RETENTION_DAYS": "no"})
    assert caught.value.code == "bad_settings"
    paths = [problem.path for problem in caught.value.errors]
    assert paths == ["HEADRACE_LEASE_SECONDS", "HEADRACE_RETENTION_DAYS"]
    assert repr(text) in caught.value.errors[0].message


def test_keys_are_asked_for_unless_it_is_embedded() -> None:
    assert Settings.from_environment({}).require_keys is True
    embedded = {"HEADRACE_SQS_ENDPOINT_URL": "http://127.0.0.1:4200/aws", "HEADRACE_REQUIRE_KEYS": "0"}
    assert Settings.from_environment(embedded).require_keys is False
    assert Settings.from_environment(embedded | {"HEADRACE_REQUIRE_KEYS": "1"}).require_keys is True
    with pytest.raises(Invalid) as caught:
        Settings.from_environment({"HEADRACE_REQUIRE_KEYS": "0"})
    assert caught.value.errors[0].path == "HEADRACE_REQUIRE_KEYS"


@pytest.mark.parametrize("text", ["no", "false", "False", "2", " 0"])
def test_a_switch_that_is_none_is_named(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Settings.from_environment({"HEADRACE_REQUIRE_KEYS": text})
    assert caught.value.errors[0].expected == "0 or 1"
