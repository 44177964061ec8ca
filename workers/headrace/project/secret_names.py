"""Which variables of the environment are secrets, so that nothing must write them into a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from headrace.project.errors import Place

_SECRETS = frozenset(
    ("password", "passwd", "passphrase", "pass", "pwd", "secret", "secrets", "token", "credential", "apikey")
) | {"credentials", "dsn"}
"""Words in a name that say what it holds."""
_ABOUT = frozenset(
    ("path", "file", "name", "url", "uri", "arn", "id", "region", "count", "limit", "length", "ttl")
)
"""Last words of names that are about a secret, and hold none."""
_OPEN_KEYS = frozenset(("public", "primary", "foreign", "partition", "sort", "cache", "group", "idempotency"))
"""What stands before `key` in the names of keys that open nothing."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_SWITCHES = frozenset(("", "true", "false", "yes", "no", "on", "off", "none"))
_NOT_STORED = frozenset({"build", "push"})
"""Steps that run here, and are neither sent nor kept."""


def names_a_secret(name: str) -> bool:
    """Whether a name says that a secret is behind it: DB_PASSWORD, apiToken, STRIPE_KEY; not SORT_KEY."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _ABOUT or name == "PWD":
        return False
    keys = any(after == "key" and before not in _OPEN_KEYS for before, after in pairwise(words))
    return keys or not _SECRETS.isdisjoint(words)


def holds_a_secret(name: str, value: str) -> bool:
    """Whether a value is a secret, by its name or because an address in it has a password."""
    return bool(value) and (names_a_secret(name) or _PASSWORD_IN_ADDRESS.search(value) is not None)


def secret_variable(place: Place, expressions: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """The variable, of those that templates name, that would be stored and is a secret by name, use or content."""
    if not _NOT_STORED.isdisjoint(place) or place[:1] == ("definitions",):
        return None
    member = next((part for part in reversed(place) if isinstance(part, str)), "")
    into_secret = names_a_secret(member) and not {"parameters", "env"}.isdisjoint(place)
    for expression in expressions:
        kind, _, name = expression.strip().partition(".")
        is_secret = names_a_secret(name) or holds_a_secret(name, environment.get(name, ""))
        if kind == "env" and (into_secret or is_secret):
            return name
    return None


def instead(place: Place, name: str) -> str:
    """What to write where a template would store a secret."""
    told = f"{{{{ env.{name} }}}} is filled in now, and what it gives is stored and shown"
    reference = f'{{$secret: "env:{name}"}}'
    if "env" in place:
        return f"{told}: let the worker read it, {reference}, from its own environment"
    if "parameters" in place:
        return f"{told}: let the worker read it, {reference}, and type the flow's parameter `Secret`"
    return f"{told}: let the worker read it, as {reference} below `env` of the step or of job_variables"


LITERAL = (
    'is a secret by its name, and would be stored and shown: let the worker read it, {$secret: "env:NAME"}, from '
    "its own environment"
)


def literal_secrets(value: object, place: Place) -> Iterator[Place]:
    """Variables of an `env` anywhere below a value whose name says that a secret is written there."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            here = (*place, str(name))
            if place[-1:] == ("env",) and names_a_secret(str(name)) and _holds_one(inner):
                yield here
            else:
                yield from literal_secrets(inner, here)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from literal_secrets(inner, (*place, number))


def _holds_one(value: object) -> bool:
    """Not nothing, a switch or a small number, and not what an earlier step gives."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = str(value).strip().lower()
    return text not in _SWITCHES and not (text.isdigit() and len(text) <= 3) and "{{" not in text
