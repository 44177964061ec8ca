"""Makes the SQS client: the only file that knows botocore's settings.

botocore alone is used: boto3 would add 10 MB and 40 ms for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.loaders import Loader

from headrace.contract.workers import SqsAccess
from headrace.worker.credentials import UNKNOWN, ApiCredentials

SQS_ERRORS = (BotoCoreError, ClientError)
CONNECTIONS = 100
"""Kept open at most: one for each queue's long poll. Each is made when it is needed; beyond so many queues a poll
makes one anew, and none waits for another."""
_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
WAIT_SECONDS = 20
"""The longest long poll that SQS has."""
_PLAIN = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+")
"""Regions whose SQS is at `sqs.REGION.amazonaws.com`, as botocore's own table of them has it."""


def trouble(error: Exception, endpoint: str) -> str:
    """What keeps a queue from answering, for people: no connection in plain words, all else as AWS says it."""
    if isinstance(error, (HTTPClientError, NoConnection)):
        return f"no connection to {urlsplit(endpoint).netloc}"
    return f"{type(error).__name__}: {str(error).rstrip('.')}"


def is_gone(error: Exception) -> bool:
    """Whether there is no such queue."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _GONE


class _WithoutEndpoints(Loader):  # type: ignore[misc]
    """botocore's data but for its table of all services' endpoints, which takes 7 MB and 90 ms.

    Without it a client takes the endpoint it is given, or else `SERVICE.REGION.amazonaws.com`.
    """

    def load_data_with_path(self, name: str) -> Any:
        """One file of it."""
        if name == "endpoints":
            return {"version": 3, "partitions": []}, ""
        return super().load_data_with_path(name)


def make_client(access: SqsAccess, credentials: ApiCredentials | None = None) -> Any:
    """An SQS client without retries of its own: whoever calls it waits and tells people.

    Without `credentials`: at an endpoint (the embedded control plane) none are looked for; at AWS, botocore's
    usual chain finds them.
    """
    session = botocore.session.get_session()
    if access.endpoint_url or _is_plain(session, access.region):
        session.register_component("data_loader", _WithoutEndpoints())
    config = Config(
        region_name=access.region,
        connect_timeout=5,
        read_timeout=WAIT_SECONDS + 10,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        proxies={} if access.endpoint_url else None,
    )
    options: dict[str, Any] = {"config": config, "region_name": access.region}
    if access.endpoint_url:
        options["endpoint_url"] = access.endpoint_url
    if credentials is not None:
        session._credentials = credentials
    elif access.endpoint_url:
        options |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    client = session.create_client("sqs", **options)
    if credentials is not None:
        client.meta.events.register("after-call.sqs", _watch(credentials))
    return client


def _is_plain(session: Any, region: str) -> bool:
    special = ("use_fips_endpoint", "use_dualstack_endpoint")
    return bool(_PLAIN.fullmatch(region)) and not any(session.get_config_variable(name) for name in special)


def own_credentials() -> Any:
    """What botocore's usual chain finds: environment, profile, role of the machine."""
    return botocore.session.get_session().get_credentials()


def _watch(credentials: ApiCredentials) -> Callable[..., None]:
    def answered(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("Error", {}).get("Code") in UNKNOWN:
            credentials.refused()

    return answered
