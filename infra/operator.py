"""What a person needs in the account to run `headrace cloud up`, `status`, `logs`, `upgrade` and `down`."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


_RIGHTS = (
    (
        "Stack",
        "cloudformation",
        "CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents DescribeStacks "
        "ExecuteChangeSet",
        "arn:aws:cloudformation:{here}:stack/{name}/*",
    ),
    (
        "Table",
        "dynamodb",
        "BatchGetItem CreateTable DeleteTable DescribeContinuousBackups DescribeContributorInsights "
        "DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetItem GetResourcePolicy "
        "ListTagsOfResource PutItem Query TagResource UntagResource UpdateContinuousBackups UpdateTable "
        "UpdateTimeToLive",
        "arn:aws:dynamodb:{here}:table/{name}",
        "arn:aws:dynamodb:{here}:table/{name}/index/*",
    ),
    (
        "Bucket",
        "s3",
        "CreateBucket DeleteBucket DeleteBucketPolicy GetBucketOwnershipControls GetBucketPolicy "
        "GetBucketPublicAccessBlock GetBucketTagging GetEncryptionConfiguration GetLifecycleConfiguration "
        "ListBucket PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock "
        "PutBucketTagging PutEncryptionConfiguration PutLifecycleConfiguration",
        "arn:aws:s3:::{name}-{account}-{region}",
    ),
    ("Objects", "s3", "DeleteObject GetObject PutObject", "arn:aws:s3:::{name}-{account}-{region}/*"),
    (
        "Queues",
        "sqs",
        "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue "
        "UntagQueue",
        "arn:aws:sqs:{here}:{name}-*",
        "arn:aws:sqs:{here}:{name}_*",
    ),
    (
        "Logs",
        "logs",
        "CreateLogGroup DeleteLogGroup FilterLogEvents ListTagsForResource PutRetentionPolicy TagResource "
        "UntagResource",
        "arn:aws:logs:{here}:log-group:/aws/lambda/{name}",
        "arn:aws:logs:{here}:log-group:/aws/lambda/{name}:*",
        "arn:aws:logs:{here}:log-group:/aws/lambda/{name}-*",
    ),
    (
        "Roles",
        "iam",
        "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies "
        "ListRolePolicies PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole",
        "arn:aws:iam::{account}:role/{name}-*",
    ),
    (
        "Functions",
        "lambda",
        "AddPermission CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction "
        "GetFunctionCodeSigningConfig GetFunctionConcurrency GetFunctionConfiguration GetPolicy "
        "GetRuntimeManagementConfig ListTags PutFunctionConcurrency RemovePermission TagResource "
        "UntagResource UpdateFunctionCode UpdateFunctionConfiguration",
        "arn:aws:lambda:{here}:function:{name}",
        "arn:aws:lambda:{here}:function:{name}-*",
    ),
    (
        "Timer",
        "events",
        "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets "
        "TagResource UntagResource",
        "arn:aws:events:{here}:rule/{name}-*",
    ),
    (
        "Api",
        "apigateway",
        "DELETE GET PATCH POST PUT",
        "arn:aws:apigateway:{region}::/restapis",
        "arn:aws:apigateway:{region}::/restapis/*",
        "arn:aws:apigateway:{region}::/tags/*",
    ),
    (
        "AlarmsAndDashboard",
        "cloudwatch",
        "DeleteAlarms DeleteDashboards DescribeAlarms GetDashboard ListTagsForResource PutDashboard "
        "PutMetricAlarm TagResource UntagResource",
        "arn:aws:cloudwatch:{here}:alarm:{name}-*",
        "arn:aws:cloudwatch::{account}:dashboard/{name}",
    ),
    (
        "AlarmTopic",
        "sns",
        "CreateTopic DeleteTopic GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic "
        "ListTagsForResource SetTopicAttributes Subscribe TagResource Unsubscribe UntagResource",
        "arn:aws:sns:{here}:{name}-alarms",
        "arn:aws:sns:{here}:{name}-alarms:*",
    ),
)
"""What it is for, the service, the actions, and on what."""
_NAMELESS = {
    "Sid": "WhatHasNoName",
    "Effect": "Allow",
    "Action": ["lambda:GetAccountSettings", "logs:DescribeLogGroups", "sqs:ListQueues"],
    "Resource": "*",
}


def operator_policy(stage: str, account: str = "*", region: str = "*") -> Document:
    """The policy, for one stage. CloudFormation makes the resources with the operator's own rights."""
    given = {"here": f"{region}:{account}", "name": f"headrace-{stage}", "account": account, "region": region}
    statements = []
    for sid, service, actions, *resources in _RIGHTS:
        filled = [resource.format(**given) for resource in resources]
        statements.append(_allow(sid, service, actions, filled))
    roles = [f"arn:aws:iam::{account}:role/headrace-{stage}-*"]
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    passing = {**_allow("RolesOfFunctions", "iam", "PassRole", roles), "Condition": to_lambda}
    return {"Version": "2012-10-17", "Statement": [*statements, passing, _NAMELESS]}


def _allow(sid: str, service: str, actions: str, resources: list[str]) -> Document:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions.split()],
        "Resource": resources,
    }
