"""What the wizard knows by itself: what a parameter takes, and which flows it offers under which names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from headrace.cli.wizard.fitting import kind_of
from headrace.cli.wizard.flow import offered
from headrace.project.discovery import find_flows
from tests.support.answered import SCHEMA


def test_kinds_and_references_in_words() -> None:
    kinds = {name: kind_of(SCHEMA, rule) for name, rule in SCHEMA["properties"].items()}
    assert (kinds["opts"], kinds["share"], kinds["anything"]) == ("object or null", "number", "")
    assert kinds["when"] == "date, as in 2026-01-31 or null"
    schema = {"definitions": {"Me": {"type": "object"}, "A": {"$ref": "#/definitions/A"}}}
    assert kind_of(schema, {"$ref": "#/definitions/Me"}) == "object"
    assert kind_of(schema, {"$ref": "#/definitions/A"}) == ""


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
