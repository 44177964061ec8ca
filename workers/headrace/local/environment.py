"""The environment that the control plane finds in the server's process: never the user's own AWS account."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from headrace.local.aws.place import ACCOUNT, REGION

_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
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
}


def prepare_environment(environment: MutableMapping[str, str], aws_url: str) -> None:
    """Replace whatever the user's environment says about AWS by what is embedded here."""
    for name in list(environment):
        if name.startswith(("AWS_", "BOTO_", "MOTO_")):
            del environment[name]
    environment.update(_SETTINGS)
    environment["HEADRACE_SQS_ENDPOINT_URL"] = aws_url
    environment["HEADRACE_S3_ENDPOINT_URL"] = aws_url
