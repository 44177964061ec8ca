"""Job variables of one run that decide what a worker executes, or which of its secrets the run sees.

Who may start a run chooses its limits and plain environment variables. What is executed, and with which
secrets, is for who may deploy: else the right to start a run would be that to run anything on a worker.
What counts is where the pool's job template puts a variable, not what the variable is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from chalicelib.domain import job_templates, secrets
from chalicelib.domain.access import GRANTS, Caller, Need
from chalicelib.domain.errors import FieldProblem, Forbidden
from headrace.contract.roles import Role
from headrace.contract.secrets import KEY

EXECUTES = "decides what the worker executes"
CONFIDES = "refers to a secret of the worker"
MEMBERS = {"command": EXECUTES, "python": EXECUTES, "preload": EXECUTES, "working_dir": EXECUTES}
"""Members of the job configuration that are not for who may only run."""
ENVIRONMENT = re.compile(
    r"PATH|PATHEXT|COMSPEC|SHELL|SHELLOPTS|ENV|BASH.*|IFS|PS4|PROMPT_COMMAND|ZDOTDIR"  # shells
    r"|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|GLIBC_TUNABLES|OPENSSL_.*"  # what is loaded into any process
    r"|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|XDG_.*"  # where programs look for their settings
    r"|PYTHON.*|VIRTUAL_ENV|CONDA_.*|PIP_.*|UV_.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|NODE_.*|NPM_.*|PHP.*|LUA_.*"
    r"|_?JAVA_.*|JDK_.*|CLASSPATH|R_(HOME|PROFILE|ENVIRON|LIBS).*"
    r"|GIT_.*|SSH_.*|EDITOR|VISUAL|PAGER|LESSOPEN|LESSCLOSE|BROWSER"  # what programs start
    r"|.*_PROXY|SSL_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"  # whom they talk to, and trust
    r"|AWS_.*|HEADRACE_.*",
    re.IGNORECASE | re.DOTALL,
)
"""Environment variables by which a program is made to run or trust something else. Case does not tell them
apart, since on Windows it does not."""


def check(template: Mapping[str, object], variables: Mapping[str, object], caller: Caller) -> None:
    """See that the caller may give one run these job variables.

    Raises:
        Forbidden: Some need the right to deploy; `errors` names each of them, and no value.
    """
    if caller.may(Need.DEPLOY):
        return
    problems = list(_problems(template, variables))
    if problems:
        able = ", ".join(role for role in Role if Need.DEPLOY in GRANTS[role])
        raise Forbidden(
            f"{problems[0].path} {problems[0].message}: to give it to a run needs the right to "
            f"{Need.DEPLOY.value}, which the role {caller.role.value} does not have.",
            code="role_forbids",
            hint=f"Put it into the job variables of the deployment, or use a key with one of the roles {able}.",
            errors=problems[:20],
        )


def _problems(template: Mapping[str, object], variables: Mapping[str, object]) -> Iterator[FieldProblem]:
    expected = f"the right to {Need.DEPLOY.value}"
    for name, value in variables.items():
        path = f"job_variables.{name}"
        if any(True for _ in secrets.references(value)):
            yield FieldProblem(path, CONFIDES, expected)
        for place in job_templates.places(template, name):
            member, _, within = place.partition(".")
            if member in MEMBERS:
                yield FieldProblem(path, MEMBERS[member], expected)
            elif KEY in within.split("."):
                yield FieldProblem(path, CONFIDES, expected)
            elif member == "env":
                yield from _of_environment(path, within, value, expected)


def _of_environment(path: str, within: str, value: object, expected: str) -> Iterator[FieldProblem]:
    """A variable that is one environment variable's value, or that holds several by name."""
    if within and ENVIRONMENT.fullmatch(within.partition(".")[0]):
        yield FieldProblem(path, EXECUTES, expected)
    elif not within and isinstance(value, Mapping):
        named = (name for name in value if ENVIRONMENT.fullmatch(name))
        yield from (FieldProblem(f"{path}.{name}", EXECUTES, expected) for name in named)
