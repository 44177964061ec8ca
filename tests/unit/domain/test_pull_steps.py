"""Secrets in pull steps are refused before anything is stored, and never repeated."""

from __future__ import annotations

import pytest

from chalicelib.domain import pull_steps
from chalicelib.domain.errors import Invalid

SECRET = "hunter2-hunter2"
CLONE = "headrace.deployments.steps.git_clone"
BAD = [
    {"access_token": SECRET},
    {"access_token": {"value": SECRET}},
    {"credentials": SECRET},
    {"credentials": f"{SECRET} {{{{ x }}}}"},
    {"credentials": {"password": SECRET}},
    {"credentials": {"env": f"{SECRET} "}},
    {"credentials": {"env": SECRET, "ssm": "/x"}},
    {"credentials": {"env": ""}},
    {"credentials": [SECRET]},
    {"credentials": {"credential_helper": SECRET}},
    {"repository": f"https://me:{SECRET}@host/x.git"},
    {"repository": "https://ghp_hunter2@host/x.git"},
    {"repository": f"https://{SECRET}{SECRET}@host/x.git"},
    {"repository": "https://hunter2@host/x.git"},
    {"repository": "ssh://git:hunter2@host/x.git"},
    {"repository": "https://host/x.git?access_token=hunter2"},
    {"repository": "https://host/x.git?a=b&private_token=hunter2"},
    {"repository": "https://host/x.git?api_key=hunter2"},
    {"repository": "https://host/x.git?Signature=hunter2"},
]
GOOD = [
    {},
    {"credentials": None, "access_token": None},
    {"credentials": {"env": "GIT_TOKEN"}},
    {"credentials": {"env": "GIT_TOKEN", "username": "me"}},
    {"credentials": {"ssm": "/prod/token"}},
    {"credentials": {"secretsmanager": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}},
    {"credentials": {"credential_helper": True}},
    {"credentials": "{{ prefect.blocks.github-credentials.mine }}"},
    {"access_token": "{{ prefect.blocks.secret.token }}"},
    {"repository": "https://oauth2@host/x.git"},
    {"repository": "git@host:x.git"},
    {"repository": "ssh://deploy@host/x.git"},
    {"repository": "https://host/x.git?path=monkey&version=1"},
    {"repository": "https://[bad/x.git"},
]


@pytest.mark.parametrize("options", BAD, ids=str)
def test_a_secret_is_refused_and_not_repeated(options: dict[str, object]) -> None:
    with pytest.raises(Invalid) as raised:
        pull_steps.check([{"my.other": {}}, {CLONE: options}])
    error = raised.value
    (problem,) = error.errors
    assert problem.path == f"pull_steps.1.{CLONE}.{next(iter(options))}"
    assert "hunter2" not in f"{error.message}{error.hint}{error.errors}"


@pytest.mark.parametrize("options", GOOD, ids=str)
def test_references_are_right(options: dict[str, object]) -> None:
    pull_steps.check([{CLONE: options}, {"mine.step": "text"}])


def test_no_steps_are_right() -> None:
    pull_steps.check(None)


STEPS = "headrace.deployments.steps."
UNKNOWN = [
    ({"git_clon": {}}, "git_clon", "did you mean 'git_clone'?"),
    ({"git_clone": {}}, "git_clone", f"did you mean '{STEPS}git_clone'?"),
    ({"other": {}}, "other", "there are git_clone, "),
    ({f"{STEPS}run_shel_script": {}}, f"{STEPS}run_shel_script", "did you mean 'run_shell_script'?"),
    ({CLONE: {"repo": "r"}}, f"{CLONE}.repo", "did you mean 'repository'?"),
    (
        {f"{STEPS}run_shell_script": {"scrpt": "x"}},
        f"{STEPS}run_shell_script.scrpt",
        "did you mean 'script'?",
    ),
    ({f"{STEPS}pip_install": {"packages": 3}}, f"{STEPS}pip_install.packages", "a text or a list"),
    (
        {"prefect.deployments.steps.set_working_directory": {"dir": "/tmp"}},
        "prefect.deployments.steps.set_working_directory.dir",
        "did you mean 'directory'?",
    ),
    ({f"{STEPS}set_working_directory": "/tmp"}, f"{STEPS}set_working_directory", "members below it"),
]


@pytest.mark.parametrize(("step", "path", "message"), UNKNOWN, ids=str)
def test_a_step_that_no_worker_can_know_is_refused(step: dict[str, object], path: str, message: str) -> None:
    with pytest.raises(Invalid) as raised:
        pull_steps.check([{"my_package.steps.prepare": {"anything": 3}}, step])
    (problem,) = raised.value.errors
    assert problem.path == f"pull_steps.1.{path}"
    assert message in problem.message


def test_every_member_that_workers_know_is_taken() -> None:
    pull_steps.check(
        [
            {CLONE: {"repository": "r", "directories": ["a"], "include_submodules": True, "id": "clone"}},
            {f"{STEPS}pip_install": {"packages": ["a"], "directory": "{{ clone.directory }}"}},
            {f"{STEPS}run_shell_script": {"script": "x", "env": {"A": 1}, "stream_output": False}},
            {f"{STEPS}set_working_directory": None},
        ]
    )
