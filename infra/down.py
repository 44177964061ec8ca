"""`headrace cloud down`: everything of a stage away, and proof that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from infra.account import Account, code
from infra.changes import Say, Stack
from infra.errors import CloudError
from infra.names import Names
from infra.plane import active_runs, control_plane

SWEEPS = 3
"""How often what functions made while they were being deleted is looked for again."""


class Down:
    """Takes a stage away."""

    def __init__(self, account: Account, say: Say, confirm: Callable[[str], bool]) -> None:
        self._account = account
        self._say = say
        self._confirm = confirm

    def remove(self, stage: str, *, force: bool) -> bool:
        """Remove the stage. False if that was not confirmed.

        Args:
            stage: Its name.
            force: Also while runs are active: their workers will find no control plane any more.

        Raises:
            CloudError: There is no such stage, or runs are active, or something cannot be removed.
        """
        names = Names(stage)
        stack = Stack(self._account, names.stack)
        if stack.describe() is None and not list(self.left(names)):
            raise CloudError(f"There is nothing of a stage {stage!r} in {self._account.region}.")
        self._check_runs(names, force)
        self._say(f"In account {self._account.id}, {self._account.region}, stage {stage!r} will be removed:")
        for each in self.left(names):
            self._say(f"  {each}")
        self._say("All runs, logs, schedules and deployments of it will be gone.")
        if not self._confirm(f"Remove stage {stage!r} and all of its data?"):
            return False
        self._unprotect(names)
        self._empty(names)
        if stack.describe() is not None:
            stack.delete(self._say)
        self._sweep(names)
        return True

    def left(self, names: Names) -> Iterator[str]:
        """What there still is with the stage's name."""
        if Stack(self._account, names.stack).describe() is not None:
            yield f"stack {names.stack}"
        if (table := self._table(names)) is not None:
            yield f"table {names.table}, {table['ItemCount']} items at AWS's last count"
        bucket = self._bucket(names)
        if self._has_bucket(bucket):
            yield f"bucket {bucket}"
        yield from (f"queue {url.rpartition('/')[2]}" for url in self._queues(names))
        yield from (f"log group {name}" for name in self._log_groups(names))

    def _check_runs(self, names: Names, force: bool) -> None:
        if force or self._table(names) is None:
            return
        runs = active_runs(control_plane(self._account, names))
        if runs:
            said = ", ".join(f"{count} in pool {pool!r}" for pool, count in sorted(runs.items()))
            raise CloudError(
                f"Runs are active: {said}.",
                "Wait for them or cancel them (headrace flow-run ls --state running), or say --force.",
            )

    def _unprotect(self, names: Names) -> None:
        table = self._table(names)
        if table is not None and table.get("DeletionProtectionEnabled"):
            aws = self._account.client("dynamodb")
            aws.update_table(TableName=names.table, DeletionProtectionEnabled=False)
            self._say(f"  deletion protection of table {names.table} lifted")

    def _empty(self, names: Names) -> None:
        bucket, aws = self._bucket(names), self._account.client("s3")
        if not self._has_bucket(bucket):
            return
        emptied = 0
        while found := aws.list_objects_v2(Bucket=bucket).get("Contents"):
            keys = [{"Key": each["Key"]} for each in found]
            failed = aws.delete_objects(Bucket=bucket, Delete={"Objects": keys}).get("Errors")
            if failed:
                raise CloudError(f"S3 does not delete {failed[0]['Key']}: {failed[0].get('Message')}")
            emptied += len(keys)
        self._say(f"  {emptied} objects of bucket {bucket} deleted")

    def _sweep(self, names: Names) -> None:
        """Delete what was made at run time, and what an interrupted removal left."""
        sqs, logs = self._account.client("sqs"), self._account.client("logs")
        for _ in range(SWEEPS):
            for url in list(self._queues(names)):
                _unless_gone(partial(sqs.delete_queue, QueueUrl=url))
            for group in list(self._log_groups(names)):
                _unless_gone(partial(logs.delete_log_group, logGroupName=group))
            self._table_and_bucket(names)
            if not (rest := list(self.left(names))):
                self._say(f"Nothing with the name of stage {names.stage!r} is left.")
                return
        raise CloudError(f"Still there: {', '.join(rest)}.", "Repeat the command in a minute.")

    def _table_and_bucket(self, names: Names) -> None:
        """They go with the stack, unless an interrupted removal or replacement left them."""
        if self._table(names) is not None:
            aws = self._account.client("dynamodb")
            _unless_gone(partial(aws.delete_table, TableName=names.table))
            aws.get_waiter("table_not_exists").wait(TableName=names.table)
        if self._has_bucket(bucket := self._bucket(names)):
            self._empty(names)
            self._account.client("s3").delete_bucket(Bucket=bucket)

    def _queues(self, names: Names) -> Iterator[str]:
        aws = self._account.client("sqs")
        for prefix in (names.queue_prefix, f"headrace-{names.stage}_"):
            for page in aws.get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
                yield from page.get("QueueUrls", ())

    def _log_groups(self, names: Names) -> Iterator[str]:
        pages = self._account.client("logs").get_paginator("describe_log_groups")
        for page in pages.paginate(logGroupNamePrefix=names.log_prefix):
            for each in page["logGroups"]:
                name = each["logGroupName"]
                if name == names.log_prefix or name.startswith(f"{names.log_prefix}-"):
                    yield name

    def _table(self, names: Names) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._account.client("dynamodb").describe_table(TableName=names.table)
        except ClientError as error:
            if code(error) == "ResourceNotFoundException":
                return None
            raise
        table: dict[str, Any] = found["Table"]
        return table

    def _has_bucket(self, bucket: str) -> bool:
        try:
            self._account.client("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _bucket(self, names: Names) -> str:
        return names.bucket(self._account.id, self._account.region)


GONE = frozenset(
    {"ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
)


def _unless_gone(delete: Callable[[], Any]) -> None:
    try:
        delete()
    except ClientError as error:
        if code(error) not in GONE:
            raise
