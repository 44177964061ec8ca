"""Lets into the embedded AWS what is signed with credentials that were given out, and what these allow.

Needed as soon as keys are asked for: SQS and S3 stand behind the same port as the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any
from xml.sax.saxutils import escape

from headrace.local.aws import signatures
from headrace.local.aws.answers import Answer, refusal
from headrace.local.aws.place import ACCOUNT, REGION
from headrace.local.aws.signatures import BadSignature, Signed

_ACTION = re.compile(r"AmazonSQS\.(\w+?)(?:Batch)?")
"""A batch is the same right as the single action (AWS, actions of SQS)."""


class Door:
    """Decides on one request of another process.

    The server's own credentials open nothing but the very address that it signed with them: their secret
    never leaves it. Credentials from STS open what their session policy allows, until they end.
    """

    def __init__(
        self, key_id: str, secret: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._key_id = key_id
        self._secret = secret
        self._clock = clock

    def refusal(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """The answer to a request that must not be carried out; None for one that may."""
        refused = self._refused(method, target, headers, body)
        if refused is None or any(name.lower() == "x-amz-target" for name in headers):
            return refused
        return _as_xml(refused)

    def _refused(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        try:
            signed = signatures.read(method, target, headers, body)
        except BadSignature as error:
            return refusal("MissingAuthenticationToken", str(error), status=403)
        if signed.presigned:
            return self._address(signed)
        role = _assumed(signed.key_id)
        if role is None or not compare_digest(role.session_token, signed.token or ""):
            return refusal("InvalidClientTokenId", "These credentials are not known here.", status=403)
        if role.expiration.replace(tzinfo=UTC) <= self._clock():
            return refusal("ExpiredToken", "These credentials have ended.", status=403)
        return self._checked(signed, role.secret_access_key) or _not_allowed(role.policy, signed, body)

    def _address(self, signed: Signed) -> Answer | None:
        """An address is for S3: a target in a header would make it a call of another service."""
        if signed.key_id != self._key_id or signed.service != "s3" or "x-amz-target" in signed.headers:
            return refusal("AccessDenied", "This address was not signed here.", status=403)
        return self._checked(signed, self._secret)

    def _checked(self, signed: Signed, secret: str) -> Answer | None:
        try:
            signed.check(secret, self._clock())
        except BadSignature as error:
            return refusal("SignatureDoesNotMatch", str(error), status=403)
        return None


def allows(policy: str | None, action: str, resource: str) -> bool:
    """Whether a session policy of ours (Allow, lists, wildcards at the end) lets this be done."""
    for statement in json.loads(policy or "{}").get("Statement", ()):
        pattern = str(statement["Resource"])
        fits = resource == pattern or (pattern.endswith("*") and resource.startswith(pattern[:-1]))
        if statement["Effect"] == "Allow" and action in statement["Action"] and fits:
            return True
    return False


def _as_xml(refused: Answer) -> Answer:
    """The refusal for a caller that names no target: one of S3's or STS's, which speak XML."""
    said = json.loads(refused.body)
    text = f"<Error><Code>{said['__type']}</Code><Message>{escape(said['message'])}</Message></Error>"
    return Answer(refused.status, text.encode(), {"Content-Type": "application/xml"})


def _not_allowed(policy: str | None, signed: Signed, body: bytes) -> Answer | None:
    """Only SQS is open to roles: everything else comes by addresses that the server signed."""
    action = _ACTION.fullmatch(signed.headers.get("x-amz-target", ""))
    queue = _queue_of(body)
    resource = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
    if action and signed.service == "sqs" and queue and allows(policy, f"sqs:{action[1]}", resource):
        return None
    return refusal("AccessDenied", "These credentials do not allow this.", status=403)


def _queue_of(body: bytes) -> str:
    """The one queue that a call names; empty if it names none, or two."""
    try:
        said = json.loads(body)
        named = [said[member] for member in ("QueueUrl", "QueueName") if member in said]
    except (ValueError, TypeError):
        return ""
    return named[0].rpartition("/")[2] if len(named) == 1 and isinstance(named[0], str) else ""


def _assumed(key_id: str) -> Any:
    """The role that STS gave under this id; those that are long over are forgotten."""
    from moto.sts.models import sts_backends

    backend = sts_backends[ACCOUNT]["aws"]
    if len(backend.assumed_roles) > 1000:
        now = datetime.now(UTC)
        backend.assumed_roles = [r for r in backend.assumed_roles if r.expiration.replace(tzinfo=UTC) > now]
    return backend.get_assumed_role_from_access_key(key_id)
