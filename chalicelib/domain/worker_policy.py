"""What a worker's AWS credentials may do: take from its pool's queues, and nothing else."""

from __future__ import annotations

import json
import re
from hashlib import sha256

ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl")
"""Batches of deletes and changes are the same rights (AWS, actions of SQS)."""
LIFETIME = 3600
"""Seconds for which credentials are good: a role taken on by another role ends after an hour (AWS)."""
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/.+")
_SESSION_NAME = 64


def queue_prefix(stage: str, pool: str) -> str:
    """What the names of all queues of a pool begin with, those of its workers' sessions included."""
    return f"headrace-{stage}-{sha256(pool.encode()).hexdigest()[:12]}-"


def session_policy(role_arn: str, region: str, stage: str, pool: str) -> str:
    """The policy that narrows the worker role to one pool: one wildcard covers all its queues, also later ones.

    Raises `ValueError` for what is no role's ARN.
    """
    found = _ROLE.fullmatch(role_arn)
    if found is None:
        raise ValueError(f"{role_arn!r} is not the ARN of a role")
    resource = f"arn:{found[1]}:sqs:{region}:{found[2]}:{queue_prefix(stage, pool)}*"
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def session_name(worker: str) -> str:
    """A worker's name as AWS's logs show it: letters, digits and `_=,.@-` (AWS, AssumeRole)."""
    plain = re.sub(r"[^\w=,.@-]", "-", worker, flags=re.ASCII)
    return f"headrace-{plain}"[:_SESSION_NAME]
