"""What a person needs in the account to run `headrace cloud up`, `status`, `logs`, `upgrade` and `down`.

CloudFormation makes everything with the operator's own rights, and reads each resource back, which asks for more than
this project's templates set: so all settings of what has the stage's name may be read (`Get*`, `Describe*`).
"""

from __future__ import annotations

from typing import Any

from infra.names import partition_of

Document = dict[str, Any]
_RIGHTS = (
    (
        "Stack",
        "cloudformation",
        "ContinueUpdateRollback CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet "
        "DescribeStackEvents DescribeStackResources DescribeStacks ExecuteChangeSet",
        "arn:{partition}:cloudformation:{here}:stack/{name}/*",
    ),
    (
        "Table",
        "dynamodb",
        "BatchGetItem CreateTable DeleteTable Describe* GetItem GetResourcePolicy ListTagsOfResource PutItem "
        "Query TagResource UntagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive",
        "arn:{partition}:dynamodb:{here}:table/{name}",
        "arn:{partition}:dynamodb:{here}:table/{name}/index/*",
    ),
    (
        "Bucket",
        "s3",
        "CreateBucket DeleteBucket DeleteBucketPolicy GetBucket* Get*Configuration ListBucket "
        "ListTagsForResource PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock "
        "PutBucketTagging PutEncryptionConfiguration PutLifecycleConfiguration TagResource UntagResource",
        "arn:{partition}:s3:::{name}-{account}-{region}",
    ),
    ("Objects", "s3", "DeleteObject GetObject PutObject", "arn:{partition}:s3:::{name}-{account}-{region}/*"),
    (
        "Queues",
        "sqs",
        "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue "
        "UntagQueue",
        "arn:{partition}:sqs:{here}:{name}-*",
        "arn:{partition}:sqs:{here}:{name}_*",
    ),
    (
        "Logs",
        "logs",
        "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy DescribeIndexPolicies FilterLogEvents "
        "GetDataProtectionPolicy ListTagsForResource PutRetentionPolicy TagResource UntagResource",
        "arn:{partition}:logs:{here}:log-group:/aws/lambda/{name}",
        "arn:{partition}:logs:{here}:log-group:/aws/lambda/{name}:*",
        "arn:{partition}:logs:{here}:log-group:/aws/lambda/{name}-*",
    ),
    (
        "Roles",
        "iam",
        "DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies TagRole "
        "UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        "arn:{partition}:iam::{account}:role/{name}-*",
    ),
    (
        "Functions",
        "lambda",
        "AddPermission CreateFunction DeleteFunction DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig "
        "GetFunction* GetPolicy GetRuntimeManagementConfig InvokeFunction ListTags PutFunctionConcurrency "
        "PutFunctionEventInvokeConfig RemovePermission TagResource UntagResource UpdateFunctionCode "
        "UpdateFunctionConfiguration UpdateFunctionEventInvokeConfig",
        "arn:{partition}:lambda:{here}:function:{name}",
        "arn:{partition}:lambda:{here}:function:{name}-*",
    ),
    (
        "Timer",
        "events",
        "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets "
        "TagResource UntagResource",
        "arn:{partition}:events:{here}:rule/{name}-*",
    ),
    (
        "Api",
        "apigateway",
        "DELETE GET PATCH POST PUT",
        "arn:{partition}:apigateway:{region}::/restapis",
        "arn:{partition}:apigateway:{region}::/restapis/*",
        "arn:{partition}:apigateway:{region}::/tags/*",
    ),
    (
        "AlarmsAndDashboard",
        "cloudwatch",
        "DeleteAlarms DeleteDashboards GetDashboard ListTagsForResource PutDashboard PutMetricAlarm "
        "TagResource UntagResource",
        "arn:{partition}:cloudwatch:{here}:alarm:{name}-*",
        "arn:{partition}:cloudwatch::{account}:dashboard/{name}-{region}",
    ),
    (
        "AlarmTopic",
        "sns",
        "CreateTopic DeleteTopic GetDataProtectionPolicy GetSubscriptionAttributes GetTopicAttributes "
        "ListSubscriptionsByTopic ListTagsForResource SetSubscriptionAttributes SetTopicAttributes "
        "Subscribe TagResource Unsubscribe UntagResource",
        "arn:{partition}:sns:{here}:{name}-alarms",
        "arn:{partition}:sns:{here}:{name}-alarms:*",
    ),
)
"""What it is for, the service, the actions, and on what."""
_NAMELESS = {
    "Sid": "WhatHasNoName",
    "Effect": "Allow",
    "Action": [
        "cloudwatch:DescribeAlarms",
        "lambda:GetAccountSettings",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "sqs:ListQueues",
    ],
    "Resource": "*",
}


def operator_policy(
    stage: str, account: str = "*", region: str = "*", boundary: str | None = None
) -> Document:
    """The policy, for one stage. CloudFormation makes the resources with the operator's own rights.

    Who makes roles and says what they may do can do whatever an administrator can, by way of a role; unless
    it is said by `boundary`, the address of a managed policy that each of these roles must have as its
    permissions boundary (AWS: "Permissions boundaries for IAM entities", delegating to others).
    """
    partition = partition_of(region)
    given = {
        "partition": partition,
        "here": f"{region}:{account}",
        "name": f"headrace-{stage}",
        "account": account,
        "region": region,
    }
    statements = []
    for sid, service, actions, *resources in _RIGHTS:
        filled = [resource.format(**given) for resource in resources]
        statements.append(_allow(sid, service, actions, filled))
    roles = [f"arn:{partition}:iam::{account}:role/headrace-{stage}-*"]
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    empowering = _empowering(roles, boundary)
    passing = {**_allow("RolesOfFunctions", "iam", "PassRole", roles), "Condition": to_lambda}
    return {"Version": "2012-10-17", "Statement": [*statements, empowering, passing, _NAMELESS]}


def _empowering(roles: list[str], boundary: str | None) -> Document:
    """The rights by which a role is made, and gets what it may do."""
    if boundary is None:
        return _allow("PowersOfRoles", "iam", "CreateRole PutRolePolicy", roles)
    actions = "CreateRole PutRolePolicy PutRolePermissionsBoundary"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    return {**_allow("PowersOfRoles", "iam", actions, roles), "Condition": bounded}


def _allow(sid: str, service: str, actions: str, resources: list[str]) -> Document:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions.split()],
        "Resource": resources,
    }
