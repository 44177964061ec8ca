"""The steps of a stage's life, for an account that is emulated and for a real one."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pexpect

from tests.aws.conftest import ROOT
from tests.support.town import HEADRACE, Town, eventually

CLOUD_PATIENCE = 900
TIMER_PATIENCE = 200.0
RUNG_WITHIN = timedelta(seconds=30)
"""Without a ring, an idle worker would come to a run two minutes late."""


class Place(Protocol):
    """Where the stage is."""

    @property
    def stage(self) -> str: ...

    def client(self, service: str) -> Any: ...

    def get(self, url: str) -> int: ...


def cloud(where: Town, *words: str, code: int = 0) -> str:
    """Run `headrace cloud`, and give what it says."""
    done = subprocess.run(
        [HEADRACE, "cloud", *words],
        cwd=where.home,
        env=where.environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=CLOUD_PATIENCE,
    )
    assert done.returncode == code, f"cloud {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def copied(target: Path) -> Path:
    """The checkout as it is now: what is deployed at the end is what was at the beginning."""
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("chalicelib", "infra", ".chalice", "workers/headrace"):
        shutil.copytree(ROOT / folder, target / folder, ignore=ignore)
    for file in ("app.py", "requirements.txt"):
        shutil.copyfile(ROOT / file, target / file)
    return target


def named(aws: Place) -> list[str]:
    """Everything in the account that has the stage's name."""
    found = listed_by(aws, "dynamodb", "list_tables", "TableNames")
    found += [each["Name"] for each in listed_by(aws, "s3", "list_buckets", "Buckets")]
    found += listed_by(aws, "sqs", "list_queues", "QueueUrls")
    found += [each["logGroupName"] for each in listed_by(aws, "logs", "describe_log_groups", "logGroups")]
    found += [each["RoleName"] for each in listed_by(aws, "iam", "list_roles", "Roles")]
    found += [each["FunctionName"] for each in listed_by(aws, "lambda", "list_functions", "Functions")]
    found += [each["Name"] for each in listed_by(aws, "events", "list_rules", "Rules")]
    found += [each["name"] for each in listed_by(aws, "apigateway", "get_rest_apis", "items")]
    found += [each["AlarmName"] for each in listed_by(aws, "cloudwatch", "describe_alarms", "MetricAlarms")]
    found += [
        each["DashboardName"] for each in listed_by(aws, "cloudwatch", "list_dashboards", "DashboardEntries")
    ]
    found += [each["TopicArn"] for each in listed_by(aws, "sns", "list_topics", "Topics")]
    stacks = listed_by(aws, "cloudformation", "describe_stacks", "Stacks")
    found += [each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"]
    return [name for name in found if f"headrace-{aws.stage}" in name]


def listed_by(aws: Place, service: str, operation: str, member: str) -> list[Any]:
    """All pages of a list."""
    pages = aws.client(service).get_paginator(operation).paginate()
    return [each for page in pages for each in page.get(member, ())]


def made_from_nothing(aws: Place, operator: Town) -> str:
    """The stage is there, watched, and closed to strangers. Returns a worker's key."""
    watched = ("--alarms", "--dashboard")
    planned = cloud(operator, "up", "--stage", aws.stage, *watched, "--plan")
    assert "make    table Table" in planned and "make    alarm TickAlarm" in planned
    assert "--alarms: " in planned and "0.60 USD" in planned
    assert named(aws) == []
    said = cloud(operator, "up", "--stage", aws.stage, *watched, "--yes")
    assert "the tick of this version has run" in said
    assert "hr_" not in said, "a key is never printed into a pipe"
    assert key_of(operator).startswith("hr_")
    alarms = [name for name in named(aws) if name.startswith(f"headrace-{aws.stage}-")]
    assert {f"headrace-{aws.stage}-tick-not-run", f"headrace-{aws.stage}-errors"} <= set(alarms)
    assert aws.get(f"{api_of(operator)}/health") == 200
    assert aws.get(f"{api_of(operator)}/me") == 401
    operator.run("work-pool", "create", "pool", "--type", "process")
    return str(operator.ask("api-key", "create", "machine", "--role", "worker", "--pool", "pool")["key"])


def api_of(operator: Town) -> str:
    return str(profile(operator)["api_url"])


def key_of(operator: Town) -> str:
    return str(profile(operator)["api_key"])


def profile(operator: Town) -> Any:
    """The one in use."""
    profiles = json.loads((operator.home / "home" / "profiles.json").read_text())
    return profiles["profiles"][profiles["active"]]


def of_the_page(start: str) -> list[str]:
    """The words of the line of `docs/aws.md` that begins so, behind `headrace`."""
    lines = (line.strip() for line in (ROOT / "docs" / "aws.md").read_text().splitlines())
    (line,) = (line for line in lines if line.startswith(start))
    return shlex.split(line)[1:]


def logged_in(machine: Town, api_url: str, key: str) -> None:
    """As the page has it on the VM, with the key on standard input."""
    words = [api_url if word.startswith("https://ID.") else word for word in of_the_page("headrace login")]
    done = subprocess.run(
        [HEADRACE, *words],
        cwd=machine.home,
        env=machine.environment,
        input=f"{key}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert key not in done.stdout + done.stderr
    assert profile(machine) == {"api_url": api_url, "api_key": key}


def runs_and_schedules(operator: Town, machine: Town) -> None:
    """A run that was asked for, and one that the timer made, on a machine with nothing but a key."""
    for flow, more in (("add", ("--cron", "* * * * *", "--param", "x=1")), ("mark", ())):
        operator.deploy(flow, "--source", "bundle", *more)
    worker = machine.worker()
    run = operator.trigger("add/main", x=2)
    finished(operator, run, "COMPLETED")
    assert "adding 2 and 1" in operator.run("flow-run", "logs", run).stdout
    scheduled = eventually(
        lambda: [
            each for each in listed(operator) if each["auto_scheduled"] and each["state_type"] == "COMPLETED"
        ],
        "a run of the schedule is completed",
        TIMER_PATIENCE,
    )
    due, begun = (
        datetime.fromisoformat(scheduled[-1][name]) for name in ("expected_start_time", "start_time")
    )
    assert timedelta(0) <= begun - due < RUNG_WITHIN, "the tick rang for it"
    assert "do not answer" not in worker.text(), "the credentials that the API gave open it"


def ends_what_runs(aws: Place, operator: Town, machine: Town, checkout: Path) -> None:
    """A run survives its worker's death and an upgrade, keeps the stage from being removed, and is cancelled."""
    run = operator.trigger("mark/main", folder=str(machine.home), name="one", wait_for="never")
    machine.started_mark("one")
    killed = machine.started[-1]
    killed.signal(signal.SIGKILL)
    killed.popen.wait(20)
    machine.worker()
    refused = cloud(operator, "down", "--stage", aws.stage, "--yes", code=1)
    assert "Runs are active: 1 in pool 'pool'" in refused, refused
    upgraded_meanwhile(aws, operator, run, checkout)
    operator.run("flow-run", "cancel", run)
    finished(operator, run, "CANCELLED")
    assert len(machine.marks("one")) == 1


def upgraded_meanwhile(aws: Place, operator: Town, run: str, checkout: Path) -> None:
    """Other code takes the stage over while the run goes on: the same attempt of it goes on afterwards."""
    before = operator.ask("flow-run", "inspect", run)
    altered = checkout / "chalicelib" / "observability.py"
    altered.write_text(altered.read_text() + "\n# another version\n")
    said = cloud(operator, "upgrade", "--stage", aws.stage, "--yes")
    assert "function APIHandler (Code" in said and "1 run(s) go on meanwhile" in said
    assert "the tick of this version has run" in said
    assert "1 of 1 run(s) went on undisturbed" in said
    after = operator.ask("flow-run", "inspect", run)
    assert (after["state_type"], after["attempt"]) == ("RUNNING", before["attempt"])


def brought_to_this_version(aws: Place, operator: Town) -> None:
    lost, table = key_of(operator), {"TableName": f"headrace-{aws.stage}"}
    as_made = aws.client("dynamodb").describe_table(**table)["Table"].get("DeletionProtectionEnabled")
    aws.client("dynamodb").update_table(
        **table, DeletionProtectionEnabled=False
    )  # as a broken off `down` does
    cloud(operator, "up", "--stage", aws.stage, "--yes", "--new-admin-key")
    assert key_of(operator) != lost
    assert aws.client("dynamodb").describe_table(**table)["Table"]["DeletionProtectionEnabled"] == as_made
    assert "nothing to change" in cloud(operator, "upgrade", "--stage", aws.stage, "--yes")

    def status() -> Any:
        return json.loads(cloud(operator, "status", "--stage", aws.stage, "--output", "json"))

    eventually(lambda: status()["ticked"], "the first tick is over", TIMER_PATIENCE)
    shown = status()
    assert datetime.fromisoformat(shown["ticked"]).tzinfo
    assert (shown["api"], shown["active_runs"], shown["dead_letters"]) == ("answers", {}, 0)
    assert "REPORT RequestId" in cloud(operator, "logs", "--stage", aws.stage, "--function", "tick")


def gone_without_a_trace(aws: Place, operator: Town, machine: Town) -> None:
    """Also while a run goes on, if that is said; its worker then finds no control plane any more."""
    operator.trigger("mark/main", folder=str(machine.home), name="last", wait_for="never")
    machine.started_mark("last")
    refused = cloud(operator, "down", "--stage", aws.stage, "--force", code=2)
    assert "--yes" in refused
    assert named(aws)
    assert "2 deployments" in operator.run(*of_the_page("headrace export")).stdout
    said = on_a_terminal(operator, aws.stage)
    kept = (operator.home / "kept.ndjson").read_text()
    assert '"flow_name":"mark"' in kept
    assert kept == (operator.home / "prod.ndjson").read_text()
    assert f"Nothing with the name of stage {aws.stage!r} is left." in said
    assert named(aws) == []
    assert json.loads((operator.home / "home" / "profiles.json").read_text())["profiles"] == {}


def on_a_terminal(operator: Town, stage: str) -> str:
    """Remove the stage as a person does, who is offered an export first, and asked."""
    child = pexpect.spawn(
        str(HEADRACE),
        ["cloud", "down", "--stage", stage, "--force"],
        cwd=operator.home,
        env=operator.environment,
        encoding="utf-8",
        timeout=CLOUD_PATIENCE,
        dimensions=(24, 200),
    )
    child.expect("into a file first")
    child.sendline("kept.ndjson")
    child.expect("Wrote kept.ndjson: .* 2 deployments")
    child.expect("and all of its data")
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    return str(child.before)


def listed(operator: Town) -> list[dict[str, str]]:
    found: list[dict[str, str]] = operator.ask("flow-run", "ls")
    return found


def finished(operator: Town, run: str, state: str) -> None:
    eventually(
        lambda: operator.ask("flow-run", "inspect", run)["state_type"] == state, f"{run} is {state}", 120
    )
