"""The environment that the control plane finds in the server's process: never the user's own AWS account."""

from __future__ import annotations

import os
import secrets
from collections.abc import MutableMapping

from headrace.local.aws.place import ACCOUNT, REGION

KEY_ID = "embedded"

_SETTINGS = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "MOTO_ACCOUNT_ID": ACCOUNT,
    "HEADRACE_TABLE": "headrace-local",
    "HEADRACE_STAGE": "local",
    "HEADRACE_REGION": REGION,
    "HEADRACE_BUCKET": "headrace-local",
    "HEADRACE_WORKER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/headrace-local-worker",
}


def prepare_environment(
    environment: MutableMapping[str, str],
    aws_url: str,
    *,
    require_keys: bool = False,
    follow_host: bool = False,
) -> str:
    """Replace whatever the user's environment says about AWS by what is embedded here.

    Returns:
        The secret with which this process signs: drawn anew at each start, and told to nobody.
    """
    secret = secrets.token_hex(20)
    for name in list(environment):
        if name.startswith(("AWS_", "BOTO_", "MOTO_")):
            del environment[name]
    environment.update(_SETTINGS)
    environment["AWS_SECRET_ACCESS_KEY"] = secret
    environment["HEADRACE_REQUIRE_KEYS"] = str(int(require_keys))
    environment["HEADRACE_FOLLOW_HOST"] = str(int(follow_host))
    environment["HEADRACE_SQS_ENDPOINT_URL"] = aws_url
    environment["HEADRACE_S3_ENDPOINT_URL"] = aws_url
    return secret
