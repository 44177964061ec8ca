"""The same life in a real account. Skipped unless it is told one; it costs less than a cent and takes ten minutes.

    HEADRACE_TEST_AWS_PROFILE=me HEADRACE_TEST_AWS_REGION=eu-west-1 HEADRACE_TEST_AWS_STAGE=trial \\
        make test ARGS="-m real_aws -n 0 -s tests/aws"

The stage must not be there yet; it is removed at the end, also when a step fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest

from tests.aws import life
from tests.support.town import Town, town

NEEDED = ("HEADRACE_TEST_AWS_PROFILE", "HEADRACE_TEST_AWS_REGION", "HEADRACE_TEST_AWS_STAGE")


@dataclass(frozen=True)
class Account:
    """The account that it was told."""

    profile: str
    region: str
    stage: str

    def client(self, service: str) -> Any:
        return botocore.session.Session(profile=self.profile).create_client(service, region_name=self.region)

    def get(self, url: str) -> int:
        return httpx.get(url, timeout=30).status_code


@pytest.fixture
def account() -> Account:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.skip(f"needs an AWS account: set {', '.join(missing)}")
    return Account(*(os.environ[name] for name in NEEDED))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return life.copied(tmp_path / "checkout")


@pytest.fixture
def operator(account: Account, checkout: Path, tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "operator").mkdir()
    settings = {"AWS_PROFILE": account.profile, "AWS_DEFAULT_REGION": account.region}
    settings["PYTHONPATH"] = str(checkout / "workers")
    with town(tmp_path / "operator", **settings) as made:
        assert life.named(account) == [], "this stage is there already"
        yield made
        if life.named(account):
            life.cloud(made, "down", "--stage", account.stage, "--force", "--yes")


def unknown_routes_tell_nothing(api: str, key: str) -> None:
    """API Gateway takes a key for a wrong signature, and would print it."""
    for headers in ({}, {"Authorization": f"Bearer {key}"}):
        for method, path in (("GET", "no/such/route"), ("PUT", "work_pools"), ("GET", "deployments/name")):
            answer = httpx.request(method, f"{api}/{path}", headers=headers, timeout=30)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path, headers)
            assert "hr_" not in answer.text


@pytest.mark.real_aws
@pytest.mark.timeout(3600)
def test_from_nothing_to_a_running_schedule_and_back_to_nothing(
    account: Account, operator: Town, checkout: Path, tmp_path: Path
) -> None:
    key = life.made_from_nothing(account, operator)
    (tmp_path / "machine").mkdir()
    settings = {"HEADRACE_API_URL": life.api_of(operator), "HEADRACE_API_KEY": key}
    with town(tmp_path / "machine", AWS_EC2_METADATA_DISABLED="true", **settings) as machine:
        unknown_routes_tell_nothing(life.api_of(operator), key)
        life.runs_and_schedules(operator, machine)
        life.ends_what_runs(account, operator, machine, checkout)
        life.brought_to_this_version(account, operator)
        life.gone_without_a_trace(account, operator, machine)
