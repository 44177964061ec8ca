"""Secrets by reference: read where the worker runs, when they are needed, and taken out of every output."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from headrace.secret import reference_in
from headrace.worker.sources.errors import SourceError

REFERENCES = '{"env": "NAME"}, {"ssm": "/path"} or {"secretsmanager": "arn"}'
_IN_URL = re.compile(r"://[^/\s@]*@")
_ITS_OWN = re.compile(r"(HEADRACE|AWS)_", re.IGNORECASE)
"""Names of the worker's own keys, by which a run could do what the worker may. Windows does not tell case apart."""
SHORTEST = 4
"""Shorter texts are not taken out: they are no secrets, and would garble the output."""


class Redactor:
    """Replaces secrets in texts; knows more of them as they are read."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Take this out from now on, also in the forms that HTTP, JSON and Python's `repr` give it."""
        for text in (secret, *secret.splitlines()):
            if len(text.strip()) >= SHORTEST:
                written = (json.dumps(text, ensure_ascii=False), json.dumps(text), repr(text), ascii(text))
                forms = (text, quote(text, safe=""), base64.b64encode(text.encode()).decode())
                self._secrets.update((*forms, *(form[1:-1] for form in written), text.strip()))

    def forms(self) -> tuple[str, ...]:
        """All texts that it takes out, long ones first."""
        return tuple(sorted(self._secrets, key=len, reverse=True))

    def clean(self, text: str, most: int = 10_000) -> str:
        """The end of the text, without secrets and without credentials in addresses."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return _IN_URL.sub("://***@", text)[-most:]


def read_reference(reference: object, environ: Mapping[str, str], redactor: Redactor) -> str:
    """The secret that a reference names: `{"env": "NAME"}`, or `{"$secret": "env:NAME"}` as parameters have it.

    Raises:
        SourceError: It is no reference, or there is nothing where it points.
    """
    if (written := reference_in(reference)) is not None:
        kind, _, where = written.partition(":")
        reference = {kind: where}
    if isinstance(reference, dict):
        for name, read in _READERS.items():
            if isinstance(place := reference.get(name), str) and place:
                secret = read(place, environ)
                redactor.add(secret)
                return secret
    raise SourceError(f"a secret is given by reference only: {REFERENCES}; never the secret itself")


def fields_of(secret: str, redactor: Redactor) -> tuple[str | None, str]:
    """User name, if it says one, and password: a plain text, or JSON with `username` and `password`."""
    if secret.lstrip().startswith("{"):
        try:
            content = json.loads(secret)
        except ValueError:
            return None, secret
        password = content.get("password") or content.get("token")
        if isinstance(password, str):
            redactor.add(password)
            user = content.get("username")
            return (user if isinstance(user, str) else None), password
    return None, secret


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if _ITS_OWN.match(name):
        raise SourceError(
            f"the environment variable {name} is the worker's own, and is given to no run; if a run needs what it "
            "holds, set it where the worker runs under a name that begins with neither HEADRACE_ nor AWS_"
        )
    if not (value := environ.get(name)):
        raise SourceError(
            f"the environment variable {name} is not set where this worker runs; "
            "set it there and restart the worker"
        )
    return value.strip()


def _from_ssm(path: str, _: Mapping[str, str]) -> str:
    def read(session: object) -> str:
        client = session.client("ssm", region_name=_region(path))  # type: ignore[attr-defined]
        name = path.partition(":parameter")[2] if path.startswith("arn:") else path
        return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])

    return _from_aws(f"the SSM parameter {path}", read)


def _from_secrets_manager(arn: str, _: Mapping[str, str]) -> str:
    def read(session: object) -> str:
        client = session.client("secretsmanager", region_name=_region(arn))  # type: ignore[attr-defined]
        return str(client.get_secret_value(SecretId=arn)["SecretString"])

    return _from_aws(f"the secret {arn} of Secrets Manager", read)


def _from_aws(what: str, read: Callable[[object], str]) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return read(boto3.session.Session())
    except (BotoCoreError, ClientError, KeyError) as error:
        raise SourceError(
            f"{what} cannot be read by this worker: {str(error).rstrip('.')}. Its AWS credentials must be allowed to"
        ) from error


def _region(name: str) -> str | None:
    return name.split(":")[3] if name.startswith("arn:") and name.count(":") > 4 else None


_READERS: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "env": _from_environment,
    "ssm": _from_ssm,
    "secretsmanager": _from_secrets_manager,
}
