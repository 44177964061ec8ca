"""What the wizard knows by itself: whether an answer fits, and which flows it offers under which names."""

from __future__ import annotations

import datetime
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Literal, Optional

import pytest

from headrace import Secret, flow
from headrace.cli.values import read_for
from headrace.cli.wizard.fitting import kind_of, misfit
from headrace.cli.wizard.flow import offered
from headrace.project.discovery import find_flows
from headrace.project.facts import facts_of


@flow
def answered(
    opts: Optional[dict[str, int]] = None,  # noqa: UP045 - both spellings mean the same
    when: datetime.date | None = None,
    at: datetime.datetime | None = None,
    size: Literal["s", "m"] = "s",
    some: list[int] | int = 1,
    key: uuid.UUID | None = None,
    share: float = 0.5,
    on: bool = True,
    password: Secret | None = None,
    anything=None,
):
    return opts


SCHEMA = facts_of(answered)["parameter_openapi_schema"]
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
    ("opts", "not json", "is not of type object or null"),
    ("opts", '{"a": "b"}', 'at "a" is not of type integer'),
    ("when", "ten", "is no date: write it like 2026-01-31"),
    ("when", "2026-02-30", "is no date"),
    ("at", "noon", "is no date-time"),
    ("size", "xl", 'must be one of "s", "m"'),
    ("some", '["a"]', "at 0 is not of type integer"),
    ("some", "a", "is not of type array or integer"),
    ("key", "7-7", "is no uuid"),
    ("share", "half", "is not of type number"),
    ("on", "1", "is not of type boolean"),
    ("password", "hunter2", "is not of type"),
]


@pytest.mark.parametrize(("name", "line"), FITS)
def test_an_answer_that_fits(name: str, line: str) -> None:
    assert misfit(SCHEMA, SCHEMA["properties"][name], read_for(SCHEMA, name, line)) is None


@pytest.mark.parametrize(("name", "line", "reason"), MISFITS)
def test_an_answer_that_does_not(name: str, line: str, reason: str) -> None:
    said = misfit(SCHEMA, SCHEMA["properties"][name], read_for(SCHEMA, name, line))
    assert said and said.startswith(reason)


def test_kinds_and_references_in_words() -> None:
    kinds = {name: kind_of(SCHEMA, rule) for name, rule in SCHEMA["properties"].items()}
    assert (kinds["opts"], kinds["share"], kinds["anything"]) == ("object or null", "number", "")
    assert kinds["when"] == "date, as in 2026-01-31 or null"
    schema = {"definitions": {"Me": {"type": "object", "properties": {"me": {"$ref": "#/definitions/Me"}}}}}
    rule = {"allOf": [{"$ref": "#/definitions/Me"}]}
    assert misfit(schema, rule, {"me": {"me": 7}}) == 'at "me" at "me" is not of type object'
    assert misfit({"definitions": {"A": {"$ref": "#/definitions/A"}}}, {"$ref": "#/definitions/A"}, 1) is None


def test_a_file_that_needs_its_package_is_offered_by_its_module(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rates.py").write_text("RATE = 2\n")
    (package / "jobs.py").write_text(
        "from headrace import flow\nfrom .rates import RATE\n@flow\ndef load():\n    '''Loads.'''\n"
    )
    (tmp_path / "plain.py").write_text("from headrace import flow\n@flow\ndef one(): ...\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "plain.py")
    names = [found.loadable for found in offered(find_flows(tmp_path).flows, tmp_path)]
    assert names == ["plain.py:one", "shop.jobs:load"]
    load = [sys.executable, "-P", "-m", "headrace.cli.inspect_flow", "shop.jobs:load"]
    done = subprocess.run(load, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert '"description": "Loads."' in done.stdout
