"""References to secrets, and keeping them out of texts."""

from __future__ import annotations

import base64
import json

import boto3
import pytest
from moto import mock_aws

from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.secrets import Redactor, fields_of, read_reference


def test_texts_are_cleaned_of_every_form() -> None:
    redactor = Redactor()
    redactor.add("s3cr/et")
    encoded = base64.b64encode(b"s3cr/et").decode()
    text = f"plain s3cr/et quoted s3cr%2Fet encoded {encoded} https://me:other@host/x"
    assert redactor.clean(text) == "plain *** quoted *** encoded *** https://***@host/x"
    redactor.add("ab")
    assert redactor.clean("table") == "table"


def test_only_the_end_is_kept() -> None:
    assert Redactor().clean("x" * 20_000 + "end", 10) == "xxxxxxxend"


def test_references_into_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        content = json.dumps({"username": "me", "password": "from-manager"})
        made = boto3.client("secretsmanager").create_secret(Name="git", SecretString=content)
        boto3.client("ssm").put_parameter(Name="/git/token", Value="from-ssm", Type="SecureString")
        redactor = Redactor()
        assert read_reference({"ssm": "/git/token"}, {}, redactor) == "from-ssm"
        arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/git/token"
        assert read_reference({"ssm": arn}, {}, redactor) == "from-ssm"
        secret = read_reference({"secretsmanager": made["ARN"]}, {}, redactor)
        assert fields_of(secret, redactor) == ("me", "from-manager")
        assert redactor.clean("from-manager") == "***"
        with pytest.raises(SourceError, match="cannot be read by this worker"):
            read_reference({"secretsmanager": made["ARN"] + "x"}, {}, redactor)


def test_what_aws_says_ends_in_one_period(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(SourceError, match=r"You must specify a region\. Its AWS credentials"):
        read_reference({"ssm": "/git/token"}, {}, Redactor())


@pytest.mark.parametrize("reference", [None, "token", {}, {"env": ""}, {"env": 1}, {"value": "token"}])
def test_what_is_no_reference(reference: object) -> None:
    with pytest.raises(SourceError, match="by reference only") as raised:
        read_reference(reference, {}, Redactor())
    assert "token" not in str(raised.value)


@pytest.mark.parametrize("name", ["HEADRACE_API_KEY", "AWS_SECRET_ACCESS_KEY", "aws_session_token"])
def test_the_workers_own_keys_are_given_to_nobody(name: str) -> None:
    environ = {name: "the-key", "MY_AWS_KEY": "mine"}
    for reference in ({"env": name}, {"$secret": f"env:{name}"}):
        with pytest.raises(SourceError, match="is the worker's own") as raised:
            read_reference(reference, environ, Redactor())
        assert "the-key" not in str(raised.value)
    assert read_reference({"env": "MY_AWS_KEY"}, environ, Redactor()) == "mine"


def test_a_plain_secret_that_looks_like_json() -> None:
    assert fields_of("{not json", Redactor()) == (None, "{not json")
    assert fields_of('{"a": 1}', Redactor()) == (None, '{"a": 1}')
