"""Makes the SQS client: the only file that knows botocore's settings.

botocore alone is used: boto3 would add 10 MB and 40 ms for nothing.
"""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from headrace.contract.workers import SqsAccess

SQS_ERRORS = (BotoCoreError, ClientError)
WAIT_SECONDS = 20
"""The longest long poll that SQS has."""


def make_client(access: SqsAccess, connections: int = 20) -> Any:
    """An SQS client without retries of its own: whoever calls it waits and tells people.

    With an endpoint (the embedded control plane) no credentials are looked for; with none, botocore's usual
    chain finds them.
    """
    config = Config(
        region_name=access.region,
        connect_timeout=5,
        read_timeout=WAIT_SECONDS + 10,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        proxies={} if access.endpoint_url else None,
    )
    options: dict[str, Any] = {"config": config, "region_name": access.region}
    if access.endpoint_url:
        options |= {
            "endpoint_url": access.endpoint_url,
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
        }
    return botocore.session.get_session().create_client("sqs", **options)
