"""Pull steps of a deployment: stored and shown to whoever may see it, so no secret may be in them; and known ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from chalicelib.domain.errors import FieldProblem, Invalid
from headrace.contract.addresses import SECRET_QUERY, USERS

EXPECTED = '{"env": "NAME"}, {"ssm": "/path"}, {"secretsmanager": "arn"} or {"credential_helper": true}'
_ADDRESS = "an address without user, password and token; a user name goes into `credentials`, as `username`"
_PLACES = ("env", "ssm", "secretsmanager")
_NAME = re.compile(r"[A-Za-z_]\w{0,200}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")


def check(steps: Sequence[Mapping[str, object]] | None) -> None:
    """See that credentials are references, and that each step is one that a worker can know.

    Raises:
        Invalid: Names each place; never tells a value.
    """
    problems = [problem for number, step in enumerate(steps or ()) for problem in _problems(number, step)]
    if problems:
        raise Invalid(
            f"{problems[0].path} {problems[0].message}.",
            code="secret",
            hint="Put the secret where the worker can read it, and say where that is.",
            errors=problems[:20],
        )
    unknown = [problem for number, step in enumerate(steps or ()) for problem in _unknown(number, step)]
    if unknown:
        raise Invalid(
            f"{unknown[0].path} {unknown[0].message}.",
            hint="Correct its name; a function of your own is named with its module, module.function.",
            errors=unknown[:20],
        )


def _unknown(number: int, step: Mapping[str, object]) -> Iterator[FieldProblem]:
    from headrace.contract.pull_steps import mistakes  # not at a cold start: few requests deploy

    for name, options in step.items():
        for member, message in mistakes(name, options, prefixed=True):
            yield FieldProblem(".".join(filter(None, ("pull_steps", str(number), name, member))), message)


def _problems(number: int, step: Mapping[str, object]) -> Iterator[FieldProblem]:
    for name, options in step.items():
        if not isinstance(options, Mapping):
            continue
        path = f"pull_steps.{number}.{name}"
        if not _may_stand(options.get("access_token")):
            yield FieldProblem(f"{path}.access_token", "would be stored", f"`credentials`: {EXPECTED}")
        if not _is_reference(options.get("credentials")):
            yield FieldProblem(f"{path}.credentials", "must say where the secret is", EXPECTED)
        if _has_secret(options.get("repository")):
            yield FieldProblem(f"{path}.repository", "may have a secret in its address", _ADDRESS)


def _may_stand(value: object) -> bool:
    """Nothing, or a placeholder that other clients fill in where the run is."""
    return not value or (isinstance(value, str) and _PLACEHOLDER.fullmatch(value.strip()) is not None)


def _is_reference(value: object) -> bool:
    if not isinstance(value, Mapping):
        return _may_stand(value)
    if value.get("credential_helper") is True:
        return True
    places = [place for name in _PLACES if isinstance(place := value.get(name), str) and place]
    env = value.get("env")
    return bool(places) and (env is None or (isinstance(env, str) and _NAME.fullmatch(env) is not None))


def _has_secret(address: object) -> bool:
    if not isinstance(address, str) or "://" not in address:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.password or any(SECRET_QUERY.search(name) for name, _ in parse_qsl(parts.query, True)):
        return True
    return parts.scheme in ("http", "https") and parts.username not in (None, "", *USERS)
