"""The endpoint that a worker's SQS client takes is the one that botocore's own table names."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from headrace.contract.workers import SqsAccess
from headrace.worker.sqs import make_client, trouble


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def endpoint(region: str) -> str:
    return str(make_client(SqsAccess(region=region)).meta.endpoint_url)


def test_every_region_has_the_endpoint_of_botocores_table() -> None:
    session = botocore.session.get_session()
    regions = [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("sqs", partition)
    ]
    assert {"eu-central-1", "cn-north-1", "us-gov-west-1"} <= set(regions)
    resolver = EndpointResolver(Loader().load_data("endpoints"))
    table = {region: resolver.construct_endpoint("sqs", region)["hostname"] for region in regions}
    assert {region: endpoint(region).removeprefix("https://") for region in regions} == table


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_special_endpoints_are_those_of_botocore(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    expected = botocore.session.get_session().create_client("sqs", region_name="us-east-1").meta.endpoint_url
    assert endpoint("us-east-1") == expected != "https://sqs.us-east-1.amazonaws.com"


def test_a_given_endpoint_is_taken() -> None:
    access = SqsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:4200/aws")
    assert make_client(access).meta.endpoint_url == "http://127.0.0.1:4200/aws"


def test_what_keeps_a_queue_from_answering_is_said_in_words() -> None:
    url = "http://127.0.0.1:4200/aws/000000000000/q"
    assert trouble(ConnectionClosedError(endpoint_url=url), url) == "no connection to 127.0.0.1:4200"
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "You may not."}}, "ReceiveMessage")
    assert trouble(refused, url).startswith("ClientError: ")
    assert not trouble(refused, url).endswith(".")
