"""What there is in the account with a stage's name, whoever made it: the stack, Chalice, or a function at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.account import Account, code
from infra.changes import Stack
from infra.names import Names

GONE = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "NoSuchEntity",
        "NotFound",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)
"""The services' words for what is not there."""


class Remains:
    """Looks for it. Everything has a name that is known before, so that no right to list others' is needed."""

    def __init__(self, account: Account, names: Names) -> None:
        self._account = account
        self._names = names
        self.bucket = names.bucket(account.id, account.region)

    def all(self) -> Iterator[str]:
        """All that there is, in words."""
        if Stack(self._account, self._names.stack).is_there():
            yield f"stack {self._names.stack}"
        if (table := self.table()) is not None:
            yield f"table {self._names.table}, {table['ItemCount']} items at AWS's last count"
        if self.has_bucket():
            yield f"bucket {self.bucket}"
        yield from (f"queue {url.rpartition('/')[2]}" for url in self.queues())
        yield from (f"log group {name}" for name in self.log_groups())
        yield from (f"function {name}" for name in self.functions())
        yield from self._others()

    def functions(self) -> list[str]:
        """The functions that there are."""
        aws = self._account.client("lambda")
        wanted = self._names.functions.values()
        return [name for name in wanted if self._is(aws.get_function_configuration, FunctionName=name)]

    def strangers(self, stack: Stack) -> list[str]:
        """The functions that are there and do not belong to the stack."""
        functions = self.functions()
        return sorted(set(functions) - stack.functions()) if functions else []

    def table(self) -> dict[str, Any] | None:
        """The table, as DynamoDB describes it."""
        found = self._is(self._account.client("dynamodb").describe_table, TableName=self._names.table)
        return found["Table"] if found else None

    def has_bucket(self) -> bool:
        """Whether the bucket is there."""
        return self._is(self._account.client("s3").head_bucket, Bucket=self.bucket) is not None

    def queues(self) -> Iterator[str]:
        """The addresses of the queues, the dead letters' too."""
        aws = self._account.client("sqs")
        for prefix in (self._names.queue_prefix, f"{self._names.stack}_"):
            for page in aws.get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
                yield from page.get("QueueUrls", ())

    def log_groups(self) -> Iterator[str]:
        """The log groups, by name."""
        prefix = self._names.log_prefix
        pages = self._account.client("logs").get_paginator("describe_log_groups")
        for page in pages.paginate(logGroupNamePrefix=prefix):
            for each in page["logGroups"]:
                name = each["logGroupName"]
                if name == prefix or name.startswith(f"{prefix}-"):
                    yield name

    def _others(self) -> Iterator[str]:
        """What the stack or Chalice makes beside what holds data or runs."""
        name, iam, events = self._names.stack, self._account.client("iam"), self._account.client("events")
        roles = self._names.roles(self._account.region).values()
        yield from (f"role {role}" for role in roles if self._is(iam.get_role, RoleName=role))
        yield from (
            f"timer {rule}" for rule in self._names.timers if self._is(events.describe_rule, Name=rule)
        )
        for page in self._account.client("apigateway").get_paginator("get_rest_apis").paginate():
            yield from (f"API {api['id']} {name}" for api in page["items"] if api["name"] == name)
        yield from self._watchers()

    def _watchers(self) -> Iterator[str]:
        """Alarms and what goes with them."""
        name, aws = self._names.stack, self._account.client("cloudwatch")
        for page in aws.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{name}-"):
            yield from (f"alarm {alarm['AlarmName']}" for alarm in page["MetricAlarms"])
        dashboard = self._names.dashboard(self._account.region)
        if self._is(aws.get_dashboard, DashboardName=dashboard):
            yield f"dashboard {dashboard}"
        topic = f"arn:{self._account.partition}:sns:{self._account.region}:{self._account.id}:{name}-alarms"
        if self._is(self._account.client("sns").get_topic_attributes, TopicArn=topic):
            yield f"topic {name}-alarms"

    @staticmethod
    def _is(look: Callable[..., dict[str, Any]], **what: str) -> dict[str, Any] | None:
        """What a look shows; None if there is nothing."""
        try:
            return look(**what)
        except ClientError as error:
            if is_gone(error):
                return None
            raise


def is_gone(error: ClientError) -> bool:
    """Whether AWS says that there is no such thing."""
    return code(error) in GONE
