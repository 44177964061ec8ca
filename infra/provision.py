"""Beside `chalice deploy`: makes what Chalice does not, as often as one likes.

Before the first deploy it makes the stack with what outlives the code, and writes what the functions must know of
the account into `.chalice/config.json`. After a deploy it gives the functions what Chalice has no words for: the
gateway's answers, the tick's dead letters, and that its calls are not repeated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import stack
from infra.account import Account, code
from infra.changes import Say, Stack, refuse_loss
from infra.errors import CloudError
from infra.gateway import RESPONSES
from infra.names import Names
from infra.plane import control_plane
from infra.quota import can_reserve
from infra.up import Made, Wish, address


def provision(account: Account, root: Path, wish: Wish, say: Say) -> Made | None:
    """Make or mend what a stage needs beside what Chalice deploys. None while Chalice has not deployed it."""
    names, stage = Names(wish.stage), wish.stage
    if stage not in _config(root)["stages"]:
        raise CloudError(
            f"There is no stage {stage!r} in .chalice/config.json.",
            "Add it there like the others, then write its policies: python -m infra policies",
        )
    made = Stack(account, names.stack)
    if names.functions["api"] in made.functions():
        raise CloudError(
            f"{names.stack} was made by `headrace cloud up`: this would take its API and functions away.",
            f"Go on with: {account.command('upgrade', stage)}",
        )
    changes = made.propose(stack.base(), {"Stage": stage, **wish.parameters})
    refuse_loss(changes, made)
    for change in changes:
        say(f"  {change}")
    if changes:
        made.carry_out(say)
    reserve, late_runs = can_reserve(account, names, say), made.parameters().get("Alarms") == "on"
    if _tell_functions(account, root, names, reserve=reserve, late_runs=late_runs):
        say("Wrote the account's names into .chalice/config.json: deploy (again) now.")
    if not _is_deployed(account, names):
        say(f"Next: chalice deploy --stage {stage}, then this command once more.")
        return None
    return _finish(account, root, wish, say)


def _tell_functions(account: Account, root: Path, names: Names, *, reserve: bool, late_runs: bool) -> bool:
    """Write what the functions must know. False if the file says so already.

    The tick's concurrency is there, too: each deploy takes away what is not. `late_runs`: an alarm watches how
    many runs are late, so the tick must count them.
    """
    config = _config(root)
    tick = config["stages"][names.stage]["lambda_functions"]["tick"]
    if reserve:
        tick["reserved_concurrency"] = 1
    else:
        tick.pop("reserved_concurrency", None)
    known = config["stages"][names.stage]["environment_variables"]
    known |= {
        "HEADRACE_REGION": account.region,
        "HEADRACE_BUCKET": names.bucket(account.id, account.region),
        "HEADRACE_WORKER_ROLE_ARN": account.role(names.roles(account.region)["worker"]),
        "HEADRACE_LATE_RUNS": "1" if late_runs else "0",
    }
    if config == _config(root):
        return False
    text = json.dumps(config, indent=2) + "\n"
    (root / ".chalice" / "config.json").write_text(text, encoding="utf-8")
    return True


def _config(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / ".chalice" / "config.json").read_text(encoding="utf-8"))
    return found


def _is_deployed(account: Account, names: Names) -> bool:
    try:
        account.client("lambda").get_function_configuration(FunctionName=names.functions["tick"])
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return False
        raise
    return True


def _finish(account: Account, root: Path, wish: Wish, say: Say) -> Made:
    names = Names(wish.stage)
    _finish_tick(account, names, say)
    api, url = _api(root, wish.stage)
    _mend_gateway(account, api, wish.stage, say)
    key = control_plane(account, names).access.first_admin(anew=wish.new_admin_key)
    return Made(address(account, names, {"ApiUrl": url}), account.id, account.region, key)


def _finish_tick(account: Account, names: Names, say: Say) -> None:
    functions, tick = account.client("lambda"), names.functions["tick"]
    role = f"{names.stack}-tick"  # as Chalice names it
    arn = f"arn:{account.partition}:sqs:{account.region}:{account.id}:{names.dead_letters}"
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    account.client("iam").put_role_policy(
        RoleName=role,
        PolicyName="dead-letters",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [send]}),
    )
    functions.update_function_configuration(FunctionName=tick, DeadLetterConfig={"TargetArn": arn})
    functions.put_function_event_invoke_config(
        FunctionName=tick, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60
    )
    say(f"  calls of {tick} that fail are not repeated, and go to {arn.rpartition(':')[2]}")


def _api(root: Path, stage: str) -> tuple[str, str]:
    """The API's id and address, as Chalice noted them."""
    note = root / ".chalice" / "deployed" / f"{stage}.json"
    if not note.exists():
        raise CloudError(
            f"{note} is missing: Chalice notes there which API it made.",
            f"Run this where the stage was deployed from, or deploy it from here: chalice deploy --stage {stage}",
        )
    noted = json.loads(note.read_text(encoding="utf-8"))
    (api,) = (each for each in noted["resources"] if each["resource_type"] == "rest_api")
    return str(api["rest_api_id"]), f"{api['rest_api_url'].rstrip('/')}/api"


def _mend_gateway(account: Account, api: str, stage: str, say: Say) -> None:
    """Each deploy replaces the API's description, and with it what was set beside it, its name too."""
    aws = account.client("apigateway")
    named = {"op": "replace", "path": "/name", "value": Names(stage).stack}
    aws.update_rest_api(restApiId=api, patchOperations=[named])
    for kind, said in RESPONSES.items():
        aws.put_gateway_response(restApiId=api, responseType=kind, **said)
    aws.create_deployment(restApiId=api, stageName=stage)
    say("  the API answers an unknown route with 404")
