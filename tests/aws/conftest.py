"""What the suites of this folder share."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from infra.account import Account
from infra.packaging import Package, build
from tests.aws.in_process import REGION, Clock

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """The Lambdas' zip, packed from this environment's libraries."""
    yield build(ROOT, tmp_path_factory.mktemp("package") / "code.zip")


@pytest.fixture(scope="session")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that Lambda would run."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def clock() -> Clock:
    """A clock that only waiting moves."""
    return Clock()


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """They cost more than all that they are used for."""
    return {}


@pytest.fixture
def account(clock: Clock, clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty account of moto's."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)  # so that it is put back at the end
    with mock_aws():
        yield replace(Account.open(region=REGION), pace=clock.pace, clients=clients)
