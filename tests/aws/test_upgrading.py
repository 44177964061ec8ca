"""What `headrace cloud upgrade` refuses, and what it looks at afterwards."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

import headrace
from app import tick
from chalicelib.storage import schema
from infra.account import Account
from infra.errors import CloudError
from infra.names import Names
from infra.packaging import RUNTIME
from infra.upgrading import PATIENCE, Work, refuse_going_back, tell_of_another_python
from tests.aws.in_process import Clock, Said
from tests.support.plane import Rig

NAMES = Names("prod")
HERE = {"Version": headrace.__version__, "Schema": str(schema.NUMBER)}


class Lambda:
    """Answers each `invoke` with the next of `answers`: an error of the function's, AWS's code, or None."""

    def __init__(self, *answers: str | None, refusal: str | None = None, runtime: str = RUNTIME) -> None:
        self._answers = list(answers)
        self._refusal = refusal
        self._runtime = runtime
        self.events: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - botocore's names
        assert FunctionName == "headrace-prod-tick"
        self.events.append(json.loads(Payload))
        if self._refusal is not None:
            raise ClientError({"Error": {"Code": self._refusal, "Message": "Rate exceeded"}}, "Invoke")
        answer = self._answers.pop(0) if self._answers else None
        if answer == "TooManyRequestsException":
            raise ClientError({"Error": {"Code": answer, "Message": "Rate exceeded"}}, "Invoke")
        return {"FunctionError": "Unhandled", "Payload": io.BytesIO(answer.encode())} if answer else {}

    def get_function_configuration(self, FunctionName: str) -> dict[str, str]:  # noqa: N803
        return {"Runtime": self._runtime}


def account(aws: Lambda, clock: Clock) -> Account:
    return Account("1", "eu-west-1", "arn:aws:iam::1:user/me", None, {"lambda": aws}, clock.pace)


@pytest.mark.parametrize("outputs", [{}, HERE, {"Version": "0.0.9"}, {**HERE, "Version": "0.0"}])
def test_a_later_version_or_the_same_is_taken(outputs: dict[str, str]) -> None:
    refuse_going_back(outputs, force=False)


def test_an_older_version_is_refused_unless_it_is_wanted() -> None:
    later = {**HERE, "Version": "99.10"}
    with pytest.raises(CloudError, match=r"The stage is of version 99\.10; this is ") as refused:
        refuse_going_back(later, force=False)
    assert "--force" in str(refused.value.hint)
    refuse_going_back(later, force=True)


@pytest.mark.parametrize(
    ("form", "said"), [(schema.NUMBER + 1, "reads up to"), (schema.NUMBER - 2, "would misread")]
)
def test_records_that_one_side_would_misread_are_refused_whatever_is_wanted(form: int, said: str) -> None:
    with pytest.raises(CloudError, match=said):
        refuse_going_back({**HERE, "Schema": str(form)}, force=True)


def test_the_form_before_is_read() -> None:
    refuse_going_back({**HERE, "Schema": str(schema.NUMBER - 1)}, force=False)


def test_another_python_is_told(clock: Clock) -> None:
    said = Said()
    tell_of_another_python(account(Lambda(), clock), NAMES, said.say)
    assert not said.lines
    tell_of_another_python(account(Lambda(runtime="python3.99"), clock), NAMES, said.say)
    assert said.text.startswith(f"Note: the functions run python3.99 and would run {RUNTIME}")


def test_what_goes_on_is_told_and_who_lost_its_worker(plane: Rig, clock: Clock) -> None:
    plane.pool()
    deployment = plane.deployment()
    kept, lost = plane.run(deployment), plane.run(deployment)
    ids = {one["id"] for one in (kept, lost)}
    worker = plane.worker(limit=2)
    assert {grant["run"] for grant in worker.claim(2)} == ids
    worker.report(kept["id"], "started")
    said, aws = Said(), Lambda()
    work = Work(account(aws, clock), NAMES, plane.plane)
    worker.report(kept["id"], "ended", state_type="COMPLETED")
    work.check(said.say)
    assert said.lines == ["  the tick of this version has run", "  2 of 2 run(s) went on undisturbed"]
    worker.report(lost["id"], "started")
    plane.clock.forward(1000)
    plane.plane.tick()
    plane.clock.forward(1000)
    plane.plane.tick()
    said.lines.clear()
    work.check(said.say)
    assert said.lines[1].startswith(f"  note: run {lost['id']} lost its worker meanwhile: CRASHED")
    assert said.lines[2] == "  1 of 2 run(s) went on undisturbed"


def test_the_event_is_one_that_the_tick_takes(plane: Rig, clock: Clock) -> None:
    aws = Lambda()
    Work(account(aws, clock), NAMES, plane.plane).check(Said().say)
    (event,) = aws.events
    assert set(event) >= {
        "version",
        "account",
        "region",
        "detail",
        "detail-type",
        "source",
        "time",
        "id",
        "resources",
    }
    assert tick.event_class(event, None).region == "eu-west-1"


def test_a_tick_that_fails_is_told_with_the_way_back(plane: Rig, clock: Clock) -> None:
    aws = Lambda('{"errorMessage": "no module named x"}')
    with pytest.raises(CloudError, match=r"the tick of version .* fails: .*no module named x") as failed:
        Work(account(aws, clock), NAMES, plane.plane).check(Said().say)
    assert "headrace cloud upgrade --stage prod --region eu-west-1 --force" in str(failed.value.hint)


def test_the_first_tick_of_a_new_stage_may_come_before_its_rights(plane: Rig, clock: Clock) -> None:
    said, denied = Said(), '{"errorMessage": "not authorized to perform: dynamodb:Query"}'
    aws = Lambda(denied, denied)
    Work(account(aws, clock), NAMES, plane.plane, new=True).check(said.say)
    assert len(aws.events) == 3 and said.lines == ["  the tick of this version has run"]
    never = Lambda(*[denied] * 100)
    with pytest.raises(CloudError, match=r"All is made, but the tick fails: .*dynamodb:Query") as failed:
        Work(account(never, clock), NAMES, plane.plane, new=True).check(Said().say)
    assert "headrace cloud up --stage prod --region eu-west-1" in str(failed.value.hint)
    assert clock.at >= PATIENCE


def test_the_timer_s_own_tick_is_waited_for(plane: Rig, clock: Clock) -> None:
    aws = Lambda("TooManyRequestsException", "TooManyRequestsException")
    Work(account(aws, clock), NAMES, plane.plane).check(Said().say)
    assert len(aws.events) == 3 and clock.at > 0
    busy = Work(account(Lambda(refusal="TooManyRequestsException"), clock), NAMES, plane.plane)
    with pytest.raises(ClientError, match="Rate exceeded"):
        busy.check(Said().say)
    assert clock.at >= PATIENCE
