"""Whether an answer of the wizard fits is what the control plane says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.cli.connect import connect
from headrace.cli.values import read_for
from headrace.cli.wizard.fitting import misfit
from headrace.client.api import Api
from tests.integration.cli.conftest import Bridge
from tests.support.answered import SCHEMA
from tests.support.plane import Rig

FITS = [
    ("opts", '{"a": 1}'),
    ("opts", "null"),
    ("when", "2026-01-31"),
    ("at", "2026-01-31T09:00:00+01:00"),
    ("size", "m"),
    ("some", "[1, 2]"),
    ("some", "3"),
    ("key", "6f1c2a9e-5b7d-4e1f-9c3a-0d2b8e4f6a71"),
    ("share", "1"),
    ("on", "false"),
    ("password", "env:DB_PASSWORD"),
    ("anything", "[1]"),
]
MISFITS = [
    ("opts", "not json", "opts is 'not json' (a string); expected an object or null"),
    ("opts", '{"a": "b"}', "opts.a is 'b' (a string); expected an integer"),
    ("when", "ten", "when is 'ten' (a string); expected a text in the format date"),
    ("when", "2026-02-30", "when is '2026-02-30' (a string); expected a text in the format date"),
    ("at", "noon", "at is 'noon' (a string); expected a text in the format date-time"),
    ("size", "xl", "size is 'xl' (a string); expected one of 's', 'm'"),
    ("some", '["a"]', "some.0 is 'a' (a string); expected an integer"),
    ("some", "a", "some is 'a' (a string); expected an array or an integer"),
    ("key", "7-7", "key is '7-7' (a string); expected a text in the format uuid"),
    ("share", "half", "share is 'half' (a string); expected a number"),
    ("on", "1", "on is 1 (an integer); expected true or false"),
]


@pytest.fixture
def api(plane: Rig, bridge: Bridge) -> Iterator[Api]:
    with connect() as opened:
        yield opened


@pytest.mark.parametrize(("name", "line"), FITS)
def test_an_answer_that_fits(api: Api, name: str, line: str) -> None:
    assert misfit(api, SCHEMA, name, read_for(SCHEMA, name, line)) is None


@pytest.mark.parametrize(("name", "line", "reason"), MISFITS)
def test_an_answer_that_does_not(api: Api, name: str, line: str, reason: str) -> None:
    assert misfit(api, SCHEMA, name, read_for(SCHEMA, name, line)) == reason


def test_nothing_is_made_by_asking(api: Api, plane: Rig) -> None:
    misfit(api, SCHEMA, "opts", {})
    assert plane.ok("POST", "/deployments/filter", {}) == []
