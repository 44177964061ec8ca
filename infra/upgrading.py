"""What is looked at before and after a stage that is there is changed: no way back by accident, no work disturbed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from botocore.exceptions import ClientError

import headrace
from chalicelib.storage import schema
from infra.account import Account, code
from infra.changes import Say
from infra.errors import CloudError
from infra.names import Names
from infra.packaging import RUNTIME
from infra.plane import active

if TYPE_CHECKING:
    from chalicelib.domain.runs import Run
    from chalicelib.services.control_plane import ControlPlane

PATIENCE = 90.0
"""Seconds in which the timer's own tick must make room for the one that is asked for."""
LOOK_EVERY = 5.0


def refuse_going_back(outputs: Mapping[str, str], *, force: bool) -> None:
    """Refuse a version below the stage's, and one whose form of records the stage's code could not read.

    Args:
        outputs: What the stage's stack says of itself.
        force: An older version is wanted, as long as it reads what there is.

    Raises:
        CloudError: It is refused; says which version to take.
    """
    there, here = outputs.get("Version", "0"), headrace.__version__
    form = int(outputs.get("Schema", schema.NUMBER))
    if form > schema.NUMBER:
        raise CloudError(
            f"The stage's records are of form {form} (version {there}); version {here} reads up to {schema.NUMBER}.",
            f"Go on with the version that wrote them: pip install headrace=={there}",
        )
    if form + 1 < schema.NUMBER:
        raise CloudError(
            f"The stage's records are of form {form} (version {there}); version {here} writes form {schema.NUMBER},"
            " which functions of the stage's version would misread while they are exchanged.",
            f"Upgrade by way of a version that writes form {form + 1}; CHANGELOG.md says which do.",
        )
    if _release(here) < _release(there) and not force:
        raise CloudError(
            f"The stage is of version {there}; this is {here}.",
            f"Take that one or a later one: pip install --upgrade 'headrace[aws]>={there}'. To go back, say --force.",
        )


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def tell_of_another_python(account: Account, names: Names, say: Say) -> None:
    """The functions run the operator's Python: whoever upgrades with another changes theirs."""
    try:
        told = account.client("lambda").get_function_configuration(FunctionName=names.functions["api"])
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return
    if told["Runtime"] != RUNTIME:
        say(
            f"Note: the functions run {told['Runtime']} and would run {RUNTIME}, since that is what this command"
            " runs on."
        )


class Work:
    """The runs that go on while a stage is changed, or made (`new`): then there are none yet."""

    def __init__(self, account: Account, names: Names, plane: ControlPlane, *, new: bool = False) -> None:
        self._new = new
        self._account = account
        self._names = names
        self._plane = plane
        self._before: dict[UUID, Run] = {run.id: run for run in active(self._plane)}

    def check(self, say: Say) -> None:
        """Have the new code tick once, and tell what became of the runs that went on before.

        Raises:
            CloudError: The tick fails; says what to do.
        """
        self._tick()
        say("  the tick of this version has run")
        if not self._before:
            return
        after = self._plane.ports.runs.read_many(self._before)
        lost = [run for run in after.values() if run.lost_count > self._before[run.id].lost_count]
        for run in lost:
            say(
                f"  note: run {run.id} lost its worker meanwhile: {run.state.type} {run.state.message or ''}".rstrip()
            )
        say(f"  {len(self._before) - len(lost)} of {len(self._before)} run(s) went on undisturbed")

    def _tick(self) -> None:
        aws, pace = self._account.client("lambda"), self._account.pace
        until = pace.now() + PATIENCE
        while True:
            try:
                answer = aws.invoke(FunctionName=self._names.functions["tick"], Payload=self._event())
            except ClientError as error:
                if code(error) != "TooManyRequestsException" or pace.now() >= until:
                    raise
                pace.wait(LOOK_EVERY)
                continue
            if "FunctionError" not in answer:
                return
            # What a new role may do is known everywhere only after a while.
            if not self._new or pace.now() >= until:
                raise self._failed(answer["Payload"].read().decode(errors="replace")[:300])
            pace.wait(LOOK_EVERY)

    def _failed(self, said: str) -> CloudError:
        account, stage = self._account, self._names.stage
        more = f"More of it: {account.command('logs', stage)} --function tick."
        if self._new:
            return CloudError(
                f"All is made, but the tick fails: {said}",
                f"{more} Mend the reason, then: {account.command('up', stage)}",
            )
        return CloudError(
            f"The stage is changed, but the tick of version {headrace.__version__} fails: {said}",
            f"{more} To go back: install the version before, then: {account.command('upgrade', stage)} --force",
        )

    def _event(self) -> bytes:
        """As the timer sends it."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        where = {"account": self._account.id, "region": self._account.region, "time": now}
        what = {
            "version": "0",
            "id": "upgrade",
            "source": "headrace.upgrade",
            "detail-type": "Scheduled Event",
        }
        return json.dumps({**what, **where, "detail": {}, "resources": []}).encode()
