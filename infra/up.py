"""`headrace cloud up` and `headrace cloud upgrade`: from nothing, or from an older version, to a running stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from botocore.exceptions import ClientError

from infra import protection, stack
from infra.account import Account
from infra.changes import Change, Say, Stack, refuse_loss
from infra.errors import CloudError
from infra.names import Names
from infra.packaging import Package, build
from infra.plane import active_by_pool, control_plane
from infra.quota import can_reserve, reopen
from infra.remains import Remains
from infra.templates import Template
from infra.upgrading import Work, refuse_going_back, tell_of_another_python

PATIENCE = 120
"""Seconds in which the API must answer once it is made."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator wants of a stage. `parameters` are those of the template that are given anew.

    `force`: an older version than the stage's, too. `new_admin_key`: all admin keys that there were are lost.
    """

    stage: str
    plan: bool = False
    force: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    new_admin_key: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What there is now, and where. The key is told once, when the stage had none or another was wanted."""

    api_url: str
    account: str
    region: str
    first_key: str | None = field(repr=False)


class Up:
    """Makes a stage, or brings it to this version."""

    def __init__(self, account: Account, root: Path, say: Say, confirm: Callable[[str], bool]) -> None:
        self._account = account
        self._root = root
        self._say = say
        self._confirm = confirm

    def make(self, wish: Wish, *, must_exist: bool = False) -> Made | None:
        """Carry the wish out; None if it was a plan, or not confirmed.

        Raises:
            CloudError: Nothing was changed, or what was begun has been undone.
        """
        names = Names(wish.stage)
        stack_ = Stack(self._account, names.stack)
        before = self._settled(wish, stack_, must_exist)
        if before is not None:
            refuse_going_back(stack_.outputs(), force=wish.force)
            tell_of_another_python(self._account, names, self._say)
        reserve = can_reserve(self._account, names, self._say)
        if before is None and not self._agreed(wish, names, reserve):
            return None
        with TemporaryDirectory(prefix="headrace-up-") as place:
            package = build(self._root, Path(place) / "code.zip")
            self._say(f"Packed {package.zipped / 1e6:.1f} MB of code ({package.digest[:12]}).")
            template = self._template(names, package.key, reserve)
            if before is None:
                self._make_base(wish, stack_)
            self._upload(names, package, template, code_too=not wish.plan)
        done, work = self._bring(wish, names, stack_, template, new=before is None)
        if not done:
            return None
        reopen(self._account, names, reserve=reserve)
        protection.restore(self._account, names, self._say)
        if work is not None:
            work.check(self._say)
        return self._finish(wish, names, stack_, package)

    def _settled(self, wish: Wish, stack_: Stack, must_exist: bool) -> dict[str, Any] | None:
        found = stack_.describe()
        status = found["StackStatus"] if found else None
        if status is not None and status.endswith("_IN_PROGRESS"):
            raise CloudError(
                f"Something is being done to {stack_.name} just now ({status}).", "Wait until it is over."
            )
        if status in ("ROLLBACK_COMPLETE", "DELETE_FAILED", "ROLLBACK_FAILED"):
            raise CloudError(
                f"An earlier attempt left {stack_.name} unusable ({status}).",
                f"Clear it away: {self._account.command('down', wish.stage)}",
            )
        if found is None and must_exist:
            here = f"account {self._account.id}, {self._account.region}"
            raise CloudError(
                f"There is no {stack_.name} in {here}.", f"Make it: {self._account.command('up', wish.stage)}"
            )
        if others := Remains(self._account, Names(wish.stage)).strangers(stack_):
            raise CloudError(
                f"{' and '.join(others)} are there already, and not made by this command.",
                "A stage deployed with Chalice goes on with `chalice deploy` and `python -m infra provision`; to"
                f" change over, first: chalice delete --stage {wish.stage}",
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            self._undo(wish, stack_)
        return found

    def _undo(self, wish: Wish, stack_: Stack) -> None:
        """An earlier change failed, and its undoing came to a halt: nothing can be done before that is over."""
        halted = f"The undoing of an earlier change of {stack_.name} came to a halt."
        if wish.plan or not self._confirm(f"{halted} Go on with it?"):
            raise CloudError(
                halted, "It must be over before anything else: run this without --plan, and confirm."
            )
        stack_.go_on_undoing(self._say)

    def _template(self, names: Names, key: str, reserve: bool) -> Template:
        import app

        return stack.whole(self._root, app.app, stack.Shape(names.stage, key, reserve=reserve))

    def _agreed(self, wish: Wish, names: Names, reserve: bool) -> bool:
        """Show all that a new stage will have, and ask."""
        account = self._account
        self._say(f"In account {account.id}, {account.region}, as {account.arn}, this would be made:")
        template = self._template(names, "code/that is packed then", reserve)
        self._tell([Change("make", part["Type"], name) for name, part in _wanted(template, wish).items()])
        self._tell_prices(template, wish)
        return not wish.plan and self._confirm(f"Make stage {wish.stage!r} now?")

    def _make_base(self, wish: Wish, stack_: Stack) -> None:
        """What outlives the code comes first: the bucket must be there before code can be put into it."""
        base = stack.base()
        given = {name: value for name, value in wish.parameters.items() if name in base["Parameters"]}
        stack_.propose(base, {"Stage": wish.stage, **given})
        stack_.carry_out(self._say)

    def _upload(self, names: Names, package: Package, template: Template, *, code_too: bool) -> None:
        """Put the template where CloudFormation can read it, and the code where Lambda can."""
        bucket, aws = self._bucket(names), self._account.client("s3")
        text = stack.written(template).encode()
        aws.put_object(Bucket=bucket, Key=_template_key(text), Body=text)
        if not code_too:
            return
        try:
            aws.head_object(Bucket=bucket, Key=package.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            aws.put_object(Bucket=bucket, Key=package.key, Body=package.path.read_bytes())

    def _bring(
        self, wish: Wish, names: Names, stack_: Stack, template: Template, *, new: bool
    ) -> tuple[bool, Work | None]:
        """Whether the stage is as it should be, and the work that went on while it was made so."""
        changes = stack_.propose(template, wish.parameters, url=self._template_url(names, template))
        if not changes:
            self._say(f"{stack_.name} is as it should be; nothing to change.")
            return not wish.plan, None
        refuse_loss(changes, stack_)
        if not new:
            self._say(f"In account {self._account.id}, {self._account.region}, this would be done:")
            self._tell(changes)
            self._tell_prices(template, wish)
            self._tell_of_work(names)
            if wish.plan or not self._confirm(f"Change stage {wish.stage!r} now?"):
                stack_.forget()
                return False, None
        never_ran = "ApiUrl" not in stack_.outputs()  # a first `up` may have failed after its base
        work = Work(self._account, names, control_plane(self._account, names), new=never_ran)
        stack_.carry_out(self._say)
        return True, work

    def _tell_of_work(self, names: Names) -> None:
        runs = active_by_pool(control_plane(self._account, names))
        total = sum(runs.values())
        self._say(
            f"{total} run(s) go on meanwhile: workers hold them, and functions are exchanged between two calls."
            if total
            else "No run goes on now."
        )

    def _finish(self, wish: Wish, names: Names, stack_: Stack, package: Package) -> Made:
        """The key comes last: one that was made before something fails would never be shown."""
        api_url = address(self._account, names, stack_.outputs())
        self._wait_for(api_url, wish.stage)
        self._forget_old_code(names, package)
        key = control_plane(self._account, names).access.first_admin(anew=wish.new_admin_key)
        return Made(api_url, self._account.id, self._account.region, key)

    def _wait_for(self, api_url: str, stage: str) -> None:
        until = time.monotonic() + PATIENCE
        while (wrong := trouble(api_url)) is not None:
            if time.monotonic() > until:
                raise CloudError(
                    f"All is made, but the API does not answer at {api_url}: {wrong}",
                    f"This shows what it says: {self._account.command('logs', stage)}",
                )
            time.sleep(1)

    def _forget_old_code(self, names: Names, package: Package) -> None:
        """Keep the code and the template before these: CloudFormation may still want to go back to them."""
        aws, bucket = self._account.client("s3"), self._bucket(names)
        for prefix in ("code/", "templates/"):
            found = aws.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
            by_age = sorted(found, key=lambda each: each["LastModified"], reverse=True)
            for each in by_age[3:]:
                if each["Key"] != package.key:
                    aws.delete_object(Bucket=bucket, Key=each["Key"])

    def _template_url(self, names: Names, template: Template) -> str:
        key, bucket = _template_key(stack.written(template).encode()), self._bucket(names)
        if self._account.emulator:
            return f"{self._account.emulator}/{bucket}/{key}"
        return f"https://{bucket}.s3.{self._account.region}.amazonaws.com/{key}"

    def _bucket(self, names: Names) -> str:
        return names.bucket(self._account.id, self._account.region)

    def _tell(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._say(f"  {change}")

    def _tell_prices(self, template: Template, wish: Wish) -> None:
        """Of what is asked for beside the stage itself; the template knows them."""
        for name, value in wish.parameters.items():
            if value == "on":
                self._say(f"  --{name.lower()}: {template['Parameters'][name]['Description']}")


def address(account: Account, names: Names, outputs: Mapping[str, str]) -> str:
    """Where the API is. An emulator serves it under its own address, as all of them do."""
    told = outputs.get("ApiUrl")
    if told is None:
        raise CloudError(f"{names.stack} has no API.", f"Make it: {account.command('up', names.stage)}")
    if account.emulator is None:
        return told
    api = told.removeprefix("https://").partition(".")[0]
    return f"{account.emulator}/restapis/{api}/{names.stage}/_user_request_/api"


def trouble(api_url: str) -> str | None:
    """What is wrong with the API; None if it answers."""
    try:
        with urlopen(f"{api_url}/health", timeout=30) as answer:  # noqa: S310 - our own address
            answer.read()
    except (URLError, HTTPException, OSError) as error:
        return str(error)
    return None


def _template_key(text: bytes) -> str:
    return f"templates/{sha256(text).hexdigest()}.json"


def _wanted(template: Template, wish: Wish) -> dict[str, Any]:
    """The resources that will be there: those of opt-in parts only if they were asked for."""
    asked = {name for name in ("Alarms", "Dashboard") if wish.parameters.get(name) == "on"}
    conditions = {"WithAlarms": "Alarms" in asked, "WithDashboard": "Dashboard" in asked}
    conditions["WithEmail"] = "Alarms" in asked and bool(wish.parameters.get("AlarmEmail"))
    parts = template["Resources"].items()
    return {name: part for name, part in parts if conditions.get(part.get("Condition"), True)}
