"""Clients of AWS come from one session."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from chalicelib.dispatch.clients import Clients
from chalicelib.dispatch.objects import Objects
from chalicelib.dispatch.queues import Queues
from chalicelib.dispatch.sts import Sts
from chalicelib.settings import Settings


def test_queues_objects_and_sts_share_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    original = botocore.session.get_session

    def get_session() -> Any:
        made.append(original())
        return made[-1]

    monkeypatch.setattr(botocore.session, "get_session", get_session)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    queues = Queues(Settings())
    objects, sts = Objects(Settings(), queues.clients), Sts(queues.clients)
    assert objects.download_url("key").startswith("https://")
    assert [client.meta.service_model.service_name for client in (queues._sqs, sts._client())] == [
        "sqs",
        "sts",
    ]
    assert len(made) == 1


def test_a_client_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AWS_ACCESS_KEY_ID", "x"
    )  # or they are looked for at the machine's address of metadata
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    config = Clients("us-east-1").make("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
