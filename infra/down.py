"""`headrace cloud down`: everything of a stage away, and proof that nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from infra import protection
from infra.account import Account
from infra.changes import Say, Stack
from infra.errors import CloudError, NothingThereError
from infra.names import Names
from infra.plane import active_by_pool, control_plane
from infra.quota import close
from infra.remains import Remains, is_gone

PATIENCE = 90.0
"""Seconds in which what was deleted must have gone: SQS may list a deleted queue for a minute."""
LOOK_EVERY = 5.0


class Down:
    """Takes a stage away."""

    def __init__(self, account: Account, say: Say, confirm: Callable[[str], bool]) -> None:
        self._account = account
        self._say = say
        self._confirm = confirm

    def remove(self, stage: str, *, force: bool, plan: bool = False) -> bool:
        """Remove the stage. False if that was not confirmed.

        Args:
            stage: Its name.
            force: Also while runs are active: their workers will find no control plane any more.
            plan: Tell what would be removed, and remove nothing.

        Raises:
            NothingThereError: There is no such stage.
            CloudError: Runs are active, or something cannot be removed.
        """
        names = Names(stage)
        stack, there = Stack(self._account, names.stack), Remains(self._account, names)
        found = list(there.all())
        if not found:
            raise NothingThereError(f"There is nothing of a stage {stage!r} in {self._account.region}.")
        _refuse_others(stack, there, stage)
        self._check_runs(names, there, force)
        self._say(f"In account {self._account.id}, {self._account.region}, stage {stage!r} will be removed:")
        for each in found:
            self._say(f"  {each}")
        self._say("All runs, logs, schedules and deployments of it will be gone.")
        if plan or not self._confirm(f"Remove stage {stage!r} and all of its data?"):
            return False
        self._close(there)
        protection.lift(self._account, names, self._say)
        self._delete_stack(stack, there)
        self._sweep(names, there)
        return True

    def _check_runs(self, names: Names, there: Remains, force: bool) -> None:
        if force or there.table() is None:
            return
        runs = active_by_pool(control_plane(self._account, names))
        if runs:
            said = ", ".join(f"{count} in pool {pool!r}" for pool, count in sorted(runs.items()))
            raise CloudError(
                f"Runs are active: {said}.",
                "Wait for them or cancel them (headrace flow-run ls --state running), or say --force.",
            )

    def _close(self, there: Remains) -> None:
        """Let no call in any more: it would make queues, objects and log groups behind our back."""
        for function in there.functions():
            close(self._account, function)
            self._say(f"  function {function} takes no calls any more")

    def _delete_stack(self, stack: Stack, there: Remains) -> None:
        """Twice if need be: an address for uploads that was given out before still lets one into the bucket."""
        kept: str | None = None
        for _ in range(2):
            self._empty(there)
            if not stack.is_there():
                return
            if (kept := stack.delete(self._say)) is None:
                return
            self._say(f"  CloudFormation keeps something: {kept}")
        raise CloudError(f"CloudFormation could not delete everything: {kept}", "Repeat the command.")

    def _empty(self, there: Remains) -> None:
        bucket, aws = there.bucket, self._account.client("s3")
        if not there.has_bucket():
            return
        emptied = 0
        while found := aws.list_objects_v2(Bucket=bucket).get("Contents"):
            keys = [{"Key": each["Key"]} for each in found]
            failed = aws.delete_objects(Bucket=bucket, Delete={"Objects": keys}).get("Errors")
            if failed:
                raise CloudError(f"S3 does not delete {failed[0]['Key']}: {failed[0].get('Message')}")
            emptied += len(keys)
        self._say(f"  {emptied} objects of bucket {bucket} deleted")

    def _sweep(self, names: Names, there: Remains) -> None:
        """Delete what was made at run time, and what an interrupted removal left; wait until it has gone."""
        sqs, logs, pace = self._account.client("sqs"), self._account.client("logs"), self._account.pace
        deleted: set[str] = set()
        until = pace.now() + PATIENCE
        while True:
            for url in set(there.queues()) - deleted:
                _unless_gone(partial(sqs.delete_queue, QueueUrl=url))
                deleted.add(url)
            for group in list(there.log_groups()):
                _unless_gone(partial(logs.delete_log_group, logGroupName=group))
            self._table_and_bucket(names, there)
            if not (rest := list(there.all())):
                self._say(f"Nothing with the name of stage {names.stage!r} is left.")
                return
            if pace.now() >= until:
                raise CloudError(f"Still there: {', '.join(rest)}.", "Repeat the command in a minute.")
            pace.wait(LOOK_EVERY)

    def _table_and_bucket(self, names: Names, there: Remains) -> None:
        """They go with the stack, unless an interrupted removal or replacement left them."""
        table = there.table()
        if table is not None and table["TableStatus"] != "DELETING":
            aws = self._account.client("dynamodb")
            _unless_gone(partial(aws.delete_table, TableName=names.table))
        if there.has_bucket():
            self._empty(there)
            _unless_gone(partial(self._account.client("s3").delete_bucket, Bucket=there.bucket))


def _refuse_others(stack: Stack, there: Remains, stage: str) -> None:
    """What plain `chalice deploy` made is known to Chalice alone."""
    if others := there.strangers(stack):
        raise CloudError(
            f"Not made by `headrace cloud up`: {', '.join(others)}.",
            f"If it was Chalice, let it take them away first: chalice delete --stage {stage}",
        )


def _unless_gone(delete: Callable[[], Any]) -> None:
    try:
        delete()
    except ClientError as error:
        if not is_gone(error):
            raise
