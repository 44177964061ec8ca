"""The addresses of bundles: signed for the host that answers without sending the caller on."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from chalicelib.dispatch.clients import Clients
from chalicelib.dispatch.objects import Objects
from chalicelib.settings import Settings


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")


def test_in_the_cloud_they_name_the_bucket_in_its_own_region() -> None:
    settings = Settings(region="eu-west-1", bucket="headrace-prod-1-eu-west-1")
    objects = Objects(settings, Clients(settings.region))
    up, headers = objects.upload_url("bundles/ab", 3, "sum")
    for url in (up, objects.download_url("bundles/ab")):
        assert urlsplit(url).netloc == "headrace-prod-1-eu-west-1.s3.eu-west-1.amazonaws.com"
        assert urlsplit(url).path == "/bundles/ab"
    assert headers == {"x-amz-checksum-sha256": "sum"}


def test_of_the_embedded_storage_they_name_the_host_by_which_the_caller_came() -> None:
    settings = Settings(bucket="headrace-local", s3_endpoint_url="http://127.0.0.1:5000", follow_host=True)
    url = urlsplit(Objects(settings, Clients(settings.region)).download_url("bundles/ab", "mill.local:5000"))
    assert (url.netloc, url.path) == ("mill.local:5000", "/headrace-local/bundles/ab")
