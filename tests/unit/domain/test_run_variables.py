"""Which job variables of a run are for who may deploy alone."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.access import ANYBODY, Caller
from chalicelib.domain.errors import Forbidden
from chalicelib.domain.job_templates import default_template
from chalicelib.domain.run_variables import check
from headrace.contract.roles import Role

PROCESS = default_template("process")
OWN = {
    "job_configuration": {
        "command": "python report.py --day {{ day }}",
        "env": {"LEVEL": "{{ level }}", "PATH": "/opt/{{ place }}/bin", "K": {"$secret": "env:{{ whose }}"}},
        "labels": {"command": "{{ note }}"},
    },
    "variables": {"properties": {name: {} for name in ("day", "level", "place", "whose", "note", "idle")}},
}


def refused(template: dict[str, Any], variables: dict[str, Any], role: Role = Role.OPERATOR) -> list[str]:
    try:
        check(template, variables, Caller(role))
    except Forbidden as error:
        assert error.code == "role_forbids"
        return [problem.path.removeprefix("job_variables.") for problem in error.errors]
    return []


@pytest.mark.parametrize(
    ("variables", "paths"),
    [
        ({"command": "sh -c 'echo $X | rev'"}, ["command"]),
        ({"command": None}, ["command"]),
        (
            {"python": "/tmp/python", "preload": ["evil"], "working_dir": "/tmp"},
            ["python", "preload", "working_dir"],
        ),
        ({"env": {"X": {"$secret": "env:TOKEN"}}}, ["env"]),
        ({"env": {"PATH": "/tmp", "LD_PRELOAD": "x", "LEVEL": "debug"}}, ["env.PATH", "env.LD_PRELOAD"]),
        ({"env": {"pythonpath": "/tmp"}}, ["env.pythonpath"]),
        ({"env": {"BASH_FUNC_ls%%": "() { id; }"}}, ["env.BASH_FUNC_ls%%"]),
        (
            {"env": {"https_proxy": "http://me", "AWS_ENDPOINT_URL": "x"}},
            ["env.https_proxy", "env.AWS_ENDPOINT_URL"],
        ),
        ({"env": {"PATH": None}}, ["env.PATH"]),
        ({"timeout": 5, "nice": 3, "memory_mb": 500, "env": {"LEVEL": "debug", "MY_PATH": "a"}}, []),
        ({}, []),
    ],
)
def test_who_may_only_run_does_not_say_what_is_executed(variables: dict[str, Any], paths: list[str]) -> None:
    assert refused(PROCESS, variables) == paths
    assert refused(PROCESS, variables, Role.WORKER) == paths
    assert refused(PROCESS, variables, Role.DEPLOYER) == []
    check(PROCESS, variables, ANYBODY)


@pytest.mark.parametrize(
    ("name", "paths"),
    [("day", ["day"]), ("place", ["place"]), ("whose", ["whose"]), ("level", []), ("note", []), ("idle", [])],
)
def test_what_counts_is_where_the_template_puts_it(name: str, paths: list[str]) -> None:
    assert refused(OWN, {name: "x"}) == paths


def test_the_refusal_names_variable_and_roles_and_no_value() -> None:
    with pytest.raises(Forbidden) as raised:
        check(PROCESS, {"command": "hidden"}, Caller(Role.OPERATOR))
    error = raised.value
    assert error.message.startswith("job_variables.command decides what the worker executes")
    assert "role operator" in error.message and "admin, deployer" in str(error.hint)
    assert "hidden" not in error.message
