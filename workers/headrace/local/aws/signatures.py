"""Signature Version 4: what a request says of who signed it, and whether its signature is right.

By AWS's description of the algorithm ("Create a signed AWS API request", IAM user guide).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

SKEW = timedelta(minutes=15)
"""By how much the signer's clock may differ (AWS)."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_CREDENTIAL = re.compile(r"([A-Za-z0-9]{1,128})/(\d{8})/([a-z0-9-]{1,40})/([a-z0-9-]{1,40})/aws4_request")
_SERVICE = re.compile(r"[^/\s]*/\d+/[^/\s]+/([\w-]+)/aws4_request")
_HEADER = re.compile(
    rf"{_ALGORITHM} Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})"
)


class BadSignature(Exception):
    """The request is not signed, or not as it should be."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request's signature, taken apart. `presigned`: it stands in the address."""

    method: str
    target: str
    headers: Mapping[str, str]
    key_id: str
    scope: str
    service: str
    at: datetime
    good_for: timedelta
    signed_headers: tuple[str, ...]
    payload: str
    signature: str
    token: str | None
    presigned: bool

    def check(self, secret: str, now: datetime) -> None:
        """Raise `BadSignature` unless the secret made the signature, and not too long ago."""
        if not self.at - SKEW <= now <= self.at + self.good_for:
            raise BadSignature("The signature is too old, or of another time.")
        wanted = hmac.new(_key(secret, self.scope), self._text().encode(), sha256).hexdigest()
        if not hmac.compare_digest(wanted, self.signature):
            raise BadSignature("The signature does not match.")

    def _text(self) -> str:
        canonical = "\n".join(
            [
                self.method,
                _path(self.target),
                _query(self.target),
                *(f"{name}:{_squeezed(self.headers.get(name, ''))}" for name in self.signed_headers),
                "",
                ";".join(self.signed_headers),
                self.payload,
            ]
        )
        digest = sha256(canonical.encode()).hexdigest()
        return "\n".join([_ALGORITHM, f"{self.at:%Y%m%dT%H%M%SZ}", self.scope, digest])


def read(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Signed:
    """Take a request's signature apart. Raises `BadSignature` for one that has none."""
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) != len(headers):
        raise BadSignature("The request has a header twice.")
    query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    presigned = "X-Amz-Signature" in query
    if presigned:
        parts = (query.get("X-Amz-Credential", ""), query.get("X-Amz-SignedHeaders", ""))
        signature, moment = query["X-Amz-Signature"], query.get("X-Amz-Date", "")
        seconds, payload = query.get("X-Amz-Expires", ""), "UNSIGNED-PAYLOAD"
        token = query.get("X-Amz-Security-Token")
    else:
        found = _HEADER.fullmatch(lower.get("authorization", ""))
        if found is None:
            raise BadSignature("The request is not signed.")
        parts, signature, moment = (found[1], found[2]), found[3], lower.get("x-amz-date", "")
        seconds, payload = f"{SKEW.seconds}", sha256(body).hexdigest()
        token = lower.get("x-amz-security-token")
    credential, names = _CREDENTIAL.fullmatch(parts[0]), tuple(parts[1].split(";"))
    if credential is None or "host" not in names or not re.fullmatch(r"\d{1,6}", seconds):
        raise BadSignature("The signature is incomplete.")
    return Signed(
        method=method,
        target=target,
        headers=lower,
        key_id=credential[1],
        scope=parts[0].partition("/")[2],
        service=credential[4],
        at=_moment(moment, credential[2]),
        good_for=timedelta(seconds=int(seconds)),
        signed_headers=names,
        payload=payload,
        signature=signature,
        token=token,
        presigned=presigned,
    )


def signed_for(target: str, headers: Mapping[str, str]) -> str:
    """The service that a request says it is signed for, from the very place that `read` goes by; may be empty.

    `headers` have their names in lower case. Nothing is checked: that is the door's business.
    """
    query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    said = headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
    if "X-Amz-Signature" in query:
        said = query.get("X-Amz-Credential", "")
    found = _SERVICE.fullmatch(said.strip())
    return found[1] if found else ""


def _moment(text: str, day: str) -> datetime:
    try:
        moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("The signature has no time.") from None
    if f"{moment:%Y%m%d}" != day:
        raise BadSignature("The signature is of two days.")
    return moment


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key


def _path(target: str) -> str:
    """The path as it came: what is called here has no letter that is written in two ways."""
    return urlsplit(target).path or "/"


def _query(target: str) -> str:
    pairs = [
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(urlsplit(target).query, keep_blank_values=True)
        if name != "X-Amz-Signature"
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _squeezed(value: str) -> str:
    return " ".join(value.split())
