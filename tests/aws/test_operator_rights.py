"""The operator's policy against what CloudFormation's own handlers of our resources ask for, as their schemas say."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from functools import cache

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as SCHEMAS

import app
from infra.cloud import documents
from infra.stack import Shape, whole
from tests.aws.conftest import ROOT

NOT_USED = {
    "a key of KMS": "kms:*",
    "a table with a resource policy": "dynamodb:*ResourcePolicy",
    "tables in other regions": "dynamodb:*Replica iam:CreateServiceLinkedRole",
    "a table filled by CloudFormation": (
        "dynamodb:ImportTable dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:UpdateItem dynamodb:Scan "
        "logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents s3:GetObjectMetadata"
    ),
    "a table that writes to Kinesis": "dynamodb:*KinesisStreamingDestination kinesis:*",
    "insight into a table": "dynamodb:UpdateContributorInsights",
    "managed policies of a role": "iam:*tachRolePolicy",
    "a boundary of a role": "iam:*RolePermissionsBoundary",
    "an API with a resource policy": "apigateway:UpdateRestApiPolicy",
    "a function in a network, or with a file system": "ec2:* elasticfilesystem:* s3files:*",
    "signed code, layers, versions": (
        "lambda:GetCodeSigningConfig lambda:*FunctionCodeSigningConfig lambda:GetLayerVersion "
        "lambda:PublishVersion s3:GetObjectVersion"
    ),
    "a function whose runtime, recursion or capacity is set": (
        "lambda:PutFunctionRecursionConfig lambda:PutFunctionScalingConfig lambda:PassCapacityProvider "
        "lambda:AssociateRuntimeAlias lambda:PutRuntimeManagementConfig"
    ),
    "logs that are delivered, indexed, masked or protected": (
        "firehose:* logs:CreateLogDelivery logs:*ResourcePolicy logs:*IndexPolicy logs:*KmsKey "
        "logs:*DataProtectionPolicy logs:PutBearerTokenAuthentication logs:PutLogGroupDeletionProtection "
        "s3:REST.PUT.OBJECT"
    ),
    "a topic that masks": "sns:PutDataProtectionPolicy",
    "tables of a bucket's metadata": "s3tables:* s3:*MetadataTableConfiguration s3:UpdateBucketMetadata*",
    "no action of IAM: deleting is the right to put": (
        "s3:DeleteBucket*Configuration s3:DeleteBucketCors s3:DeleteBucketEncryption s3:DeleteBucketLifecycle "
        "s3:DeleteBucketReplication s3:DeleteBucketWebsite"
    ),
    "a bucket with versions, a site, logs, copies, statistics or locks": (
        "s3:PutAccelerateConfiguration s3:PutAnalyticsConfiguration s3:PutBucketAbac s3:PutBucketAcl "
        "s3:PutBucketCORS s3:PutBucketLogging s3:PutBucketNotification s3:PutBucketObjectLockConfiguration "
        "s3:PutBucketReplication s3:PutBucketVersioning s3:PutBucketWebsite s3:PutMetricsConfiguration "
        "s3:PutIntelligentTieringConfiguration s3:PutInventoryConfiguration s3:PutObjectAcl "
        "s3:PutObjectLockConfiguration s3:PutReplicationConfiguration"
    ),
}
"""What our templates never set, and the rights that only that would need."""
KINDS = sorted(
    {part["Type"] for part in whole(ROOT, app.app, Shape("prod", "code/0.zip"))["Resources"].values()}
)


def asked(kind: str) -> set[str]:
    handlers = SCHEMAS.get_resource_schema("eu-west-1", kind).schema["handlers"]
    verbs = (handlers.get(verb, {}) for verb in ("create", "read", "update", "delete"))
    return {action for verb in verbs for action in verb.get("permissions", ())}


@cache
def granted() -> tuple[str, ...]:
    return tuple(action for each in documents("prod")["operator"]["Statement"] for action in each["Action"])


def covered(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(action.lower(), pattern.lower()) for pattern in patterns)


@pytest.mark.parametrize("kind", KINDS)
def test_every_right_that_cloudformation_asks_for_is_granted_or_not_needed(kind: str) -> None:
    unused = [pattern for patterns in NOT_USED.values() for pattern in patterns.split()]
    missing = {action for action in asked(kind) if not covered(action, granted())}
    assert {action for action in missing if not covered(action, unused)} == set()


def test_nothing_is_left_out_that_nobody_asks_for() -> None:
    every = {action for kind in KINDS for action in asked(kind)}
    for patterns in NOT_USED.values():
        for pattern in patterns.split():
            assert any(covered(action, [pattern]) for action in every), pattern
