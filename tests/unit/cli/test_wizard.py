"""What the wizard knows by itself: what a parameter takes, and which flows it offers under which names."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from headrace import flow
from headrace.cli.deploying.flags import SourceKind
from headrace.cli.parameter_hints import how_to_give
from headrace.cli.values import read_for
from headrace.cli.wizard.fitting import kind_of
from headrace.cli.wizard.flow import offered
from headrace.cli.wizard.source import kept_steps
from headrace.contract.errors import FieldError
from headrace.project.discovery import find_flows
from headrace.project.sources import BUNDLE, GIT
from tests.support.answered import SCHEMA


def test_kinds_and_references_in_words() -> None:
    kinds = {name: kind_of(SCHEMA, rule) for name, rule in SCHEMA["properties"].items()}
    assert (kinds["opts"], kinds["share"], kinds["anything"]) == ("object or null", "number", "")
    assert kinds["when"] == "date, as in 2026-01-31 or null"
    schema = {"definitions": {"Me": {"type": "object"}, "A": {"$ref": "#/definitions/A"}}}
    assert kind_of(schema, {"$ref": "#/definitions/Me"}) == "object"
    assert kind_of(schema, {"$ref": "#/definitions/A"}) == ""


def test_an_enums_values_are_read_as_it_has_them() -> None:
    version = {"enum": ["3.11", "3.12"], "type": "string"}
    schema = {
        "properties": {
            "v": {"$ref": "#/definitions/V"},
            "o": {"anyOf": [{"$ref": "#/definitions/V"}, {"type": "null"}]},
            "m": {"$ref": "#/definitions/M"},
        },
        "definitions": {"V": version, "M": {"enum": ["3.11", 3, True]}},
    }
    given = [("v", "3.12"), ("o", "3.12"), ("m", "3.11"), ("m", "3"), ("m", "true"), ("v", "x")]
    assert [read_for(schema, *each) for each in given] == ["3.12", "3.12", "3.11", 3, True, "x"]
    wrong = FieldError(path="parameters.v", message="is 3.13", expected="one of '3.11', '3.12'")
    assert how_to_give([wrong], schema, {"v": "x"}) == "Give one of '3.11', '3.12': --param v=3.11"


def test_a_decimal_keeps_its_digits() -> None:
    @flow
    def pay(amount: Decimal, some: Decimal | None = None, plain: float = 1.0) -> None: ...

    schema = pay.parameter_schema()
    long = "12345678901234567.89"
    given = [("amount", long), ("some", long), ("some", "null"), ("amount", "7"), ("plain", "1.5")]
    assert [read_for(schema, *each) for each in given] == [long, long, None, 7, 1.5]


def test_further_steps_and_options_stay_with_a_source_of_the_same_kind() -> None:
    script = {"headrace.deployments.steps.run_shell_script": {"script": "make"}}
    known = {"repository": "r", "branch": "main", "commit": "a" * 40, "include_submodules": True}
    git = {"repository": "r", "branch": "main"}
    assert kept_steps([{GIT: known}, script], SourceKind.GIT, git) == [
        {GIT: {"include_submodules": True, **git}},
        script,
    ]
    followed = [{GIT: {"repository": "r", "branch": "main", "track": "branch"}}]
    assert kept_steps(followed, SourceKind.GIT, git) == [{GIT: {"track": "branch", **git}}]
    assert kept_steps(followed, SourceKind.GIT, git | {"branch": "other"}) is None
    assert kept_steps([{GIT: known}, script], SourceKind.BUNDLE, {}) is None
    assert kept_steps([{BUNDLE: {"digest": "d", "size": 1}}, script], SourceKind.BUNDLE, {}) == [
        {BUNDLE: {}},
        script,
    ]


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
