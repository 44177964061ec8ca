"""Plain `chalice deploy` from a checkout, with `python -m infra provision` for the rest, against moto."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest

from tests.aws.conftest import ROOT
from tests.support.town import HEADRACE, eventually

KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass(frozen=True)
class Checkout:
    """A copy of the project whose AWS is moto."""

    root: Path
    url: str

    def run(self, *command: str | Path, code: int = 0) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_"))}
        more = {name.upper(): value for name, value in KEYS.items()}
        more |= {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION, "PYTHONDONTWRITEBYTECODE": "1"}
        more |= {"PYTHONPATH": str(self.root / "workers"), "HEADRACE_HOME": str(self.root / "home")}
        done = subprocess.run(
            command, cwd=self.root, env={**kept, **more}, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def chalice(self, *words: str) -> str:
        return self.run(Path(sys.executable).with_name("chalice"), *words)

    def provision(self, stage: str = "dev", *more: str, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "infra", "provision", "--stage", stage, *more, code=code)

    def profile(self) -> dict[str, str]:
        """That of the stage, in a file that is its owner's alone."""
        file = self.root / "home" / "profiles.json"
        assert file.stat().st_mode & 0o777 == 0o600
        known: dict[str, str] = json.loads(file.read_text())["profiles"]["prod"]
        return known

    def down(self, stage: str, code: int = 0) -> str:
        return self.run(HEADRACE, "cloud", "down", "--stage", stage, "--yes", code=code)

    def aws(self, service: str) -> Any:
        session = botocore.session.Session()
        return session.create_client(service, region_name=REGION, endpoint_url=self.url, **KEYS)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root = tmp_path / "project"
    ignore = shutil.ignore_patterns("__pycache__", "deployed", "deployments")
    for folder in ("chalicelib", "infra", ".chalice", "vendor", "workers"):
        shutil.copytree(ROOT / folder, root / folder, symlinks=True, ignore=ignore)
    shutil.copyfile(ROOT / "app.py", root / "app.py")
    (root / "requirements.txt").write_text("")  # Chalice would fetch libraries from the network
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, Path(__file__).with_name("moto_server.py"), str(port)])
    made = Checkout(root, f"http://127.0.0.1:{port}")
    try:
        eventually(lambda: _is_up(made.url), "moto answers")
        yield made
    finally:
        server.kill()
        server.wait(20)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/moto-api/data.json", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def functions(checkout: Checkout) -> dict[str, Any]:
    """What differs between one deploy and the next, if anything does."""
    found = checkout.aws("lambda").list_functions()["Functions"]
    volatile = ("LastModified", "RevisionId")
    return {each["FunctionName"]: {k: v for k, v in each.items() if k not in volatile} for each in found}


def test_deploy_again_and_take_all_away(checkout: Checkout) -> None:
    said = checkout.provision("prod")
    assert "make    table Table" in said
    assert "Next: chalice deploy --stage prod" in said
    table = checkout.aws("dynamodb").describe_table(TableName="headrace-prod")["Table"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"lane", "history", "day"}

    checkout.chalice("deploy", "--stage", "prod")
    first = functions(checkout)
    assert first.keys() == {"headrace-prod", "headrace-prod-tick"}
    told = first["headrace-prod"]["Environment"]["Variables"]
    assert told["HEADRACE_BUCKET"] == f"headrace-prod-{ACCOUNT}-{REGION}"
    assert told["HEADRACE_WORKER_ROLE_ARN"] == f"arn:aws:iam::{ACCOUNT}:role/headrace-prod-{REGION}-worker"
    assert told["HEADRACE_REGION"] == REGION
    roles = {name: each["Role"].rpartition("/")[2] for name, each in first.items()}
    assert roles == {"headrace-prod": "headrace-prod-api_handler", "headrace-prod-tick": "headrace-prod-tick"}

    reserved = checkout.aws("lambda").get_function_concurrency(FunctionName="headrace-prod-tick")
    assert reserved["ReservedConcurrentExecutions"] == 1, (
        "a deploy would take away what is not in its configuration"
    )

    without_chalices_note(checkout)
    provisioned(checkout)
    api = api_id(checkout)

    before = functions(checkout)
    checkout.chalice("deploy", "--stage", "prod")
    assert functions(checkout) == before, "a second deploy changes nothing"
    assert api_id(checkout) == api

    refused = checkout.down("prod", code=1)
    assert "Not made by `headrace cloud up`: headrace-prod, headrace-prod-tick" in refused
    checkout.chalice("delete", "--stage", "prod")
    assert functions(checkout) == {}
    assert checkout.aws("apigateway").get_rest_apis()["items"] == []
    assert checkout.aws("events").list_rules()["Rules"] == []
    left = {role["RoleName"] for role in checkout.aws("iam").list_roles()["Roles"]}
    assert left == {f"headrace-prod-{REGION}-worker"}, "the stack's"
    assert "Nothing with the name of stage 'prod' is left." in checkout.down("prod")
    assert checkout.aws("dynamodb").list_tables()["TableNames"] == []
    assert checkout.aws("iam").list_roles()["Roles"] == []


def without_chalices_note(checkout: Checkout) -> None:
    note = checkout.root / ".chalice" / "deployed" / "prod.json"
    kept = note.read_text()
    note.unlink()
    said = checkout.provision("prod", code=1)
    assert f"Error: {note} is missing" in said and "chalice deploy --stage prod" in said
    note.write_text(kept)


def provisioned(checkout: Checkout) -> None:
    """What Chalice has no words for is so."""
    finished = checkout.provision("prod")
    assert "an unknown route with 404" in finished
    assert "hr_" not in finished, "a key is never printed into a pipe"
    assert "kept in that profile" in finished
    first = checkout.profile()
    assert api_id(checkout) in first["api_url"]
    assert first["api_url"].endswith("/prod/_user_request_/api")
    assert first["api_key"].startswith("hr_")
    again = checkout.provision("prod", "--new-admin-key")
    assert "kept in that profile" in again
    assert checkout.profile()["api_key"] not in ("", None, first["api_key"])
    (api,) = checkout.aws("apigateway").get_rest_apis()["items"]
    assert api["name"] == "headrace-prod", "the alarm finds the API by its name"
    for kind, status in (("MISSING_AUTHENTICATION_TOKEN", "404"), ("DEFAULT_5XX", "503")):
        answer = checkout.aws("apigateway").get_gateway_response(restApiId=api["id"], responseType=kind)
        assert answer["statusCode"] == status
    assert "go to headrace-prod_dead-letters" in finished  # moto does not keep where they go
    calls = checkout.aws("lambda").get_function_event_invoke_config(FunctionName="headrace-prod-tick")
    assert (calls["MaximumRetryAttempts"], calls["MaximumEventAgeInSeconds"]) == (0, 60)
    kept = checkout.aws("iam").list_role_policies(RoleName="headrace-prod-tick")["PolicyNames"]
    assert "dead-letters" in kept


def api_id(checkout: Checkout) -> str:
    (api,) = checkout.aws("apigateway").get_rest_apis()["items"]
    return str(api["id"])


def test_a_second_provision_changes_nothing(checkout: Checkout) -> None:
    checkout.provision()
    written = (checkout.root / ".chalice" / "config.json").read_text()
    again = checkout.provision()
    assert "Wrote" not in again
    assert (checkout.root / ".chalice" / "config.json").read_text() == written


@pytest.mark.parametrize("stage", ["staging", "Prod", "a-b", "", "1", "x" * 17])
def test_a_stage_that_cannot_be_is_refused_before_anything_is_made(checkout: Checkout, stage: str) -> None:
    before = json.loads((checkout.root / ".chalice" / "config.json").read_text())
    said = checkout.provision(stage, code=1)
    assert said.startswith("Error: ")
    assert checkout.aws("dynamodb").list_tables()["TableNames"] == []
    assert json.loads((checkout.root / ".chalice" / "config.json").read_text()) == before
