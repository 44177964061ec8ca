"""DynamoDB, SQS, S3 and STS behind one door, in process or over HTTP."""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from headrace.local.aws.answers import Answer, from_exception, refusal
from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.signatures import signed_for
from headrace.local.aws.sqs import SQS

_HOSTS = {"s3": "s3.amazonaws.com", "sts": "sts.us-east-1.amazonaws.com"}


class ObjectLog(Protocol):
    """Where S3's objects go before a call is answered."""

    def prepare(self) -> None:
        """Get ready for the first call."""

    def flush(self) -> None:
        """Keep what the last call wrote. Raises OSError when that is impossible."""


class Services:
    """Routes a request by its target header, by what it was signed for, or by its host."""

    def __init__(self, dynamodb: DynamoDB, sqs: SQS, objects: ObjectLog | None = None) -> None:
        self.dynamodb = dynamodb
        self.sqs = sqs
        self.objects = objects
        self._stock_lock = threading.RLock()

    def answer(self, method: str, url: str, headers: Any, body: Any) -> Answer:
        """Carry out a call of this process."""
        service, action = _target(headers)
        if service == "dynamodb":
            return self.dynamodb.call(action, _content(body))
        if service == "sqs":
            return self.sqs.call(action, _content(body))
        host = urlsplit(url).hostname or ""
        name = next((name for name in _HOSTS if re.search(rf"(^|\.){name}[.-]", host)), None)
        if name is None:
            return refusal("UnsupportedOperation", f"The embedded AWS does not speak for {host}.")
        return self._stock(method, url, headers, _content(body))

    def answer_http(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, base_url: str
    ) -> Answer:
        """Carry out a call of another process. The tables are not for other processes.

        `headers` have their names in lower case, so that what is done is what the door let in.
        """
        service, action = _target(headers)
        if service == "sqs":
            return self.sqs.call(action, body, base_url)
        name = service or signed_for(path, headers)
        if name == "s3" and (wrong := _wrong_checksum(headers, body)):
            return wrong
        if name not in _HOSTS:
            message = f"{name or 'This call'} is not offered over HTTP."
            return refusal("AccessDeniedException", message, status=403)
        return self._stock(method, f"https://{_HOSTS[name]}{path}", headers, body)

    def _stock(self, method: str, url: str, headers: Mapping[str, Any], body: bytes) -> Answer:
        """S3 and STS as moto answers them, one call at a time."""
        from moto.core.models import botocore_stubber

        given = HTTPHeaders()
        for name, value in headers.items():
            if name.lower() != "host":
                given[name] = value
        request = AWSPreparedRequest(method, url, given, body, False)
        shown = url.partition("?")[0]  # whoever reads a signature can use it
        objects = self.objects if ".s3." in url or "//s3." in url else None
        with self._stock_lock:
            try:
                if objects:
                    objects.prepare()
                response = botocore_stubber.process_request(request)
                if objects:
                    objects.flush()
            except Exception as error:  # noqa: BLE001 - answered as AWS would, and logged
                return from_exception(error, f"{method} {shown}")
        if response is None:
            return refusal("UnsupportedOperation", f"The embedded AWS does not speak for {shown}.")
        status, answer_headers, content = response
        return Answer(status, _content(content), {str(k): str(v) for k, v in answer_headers.items()})


def _wrong_checksum(headers: Mapping[str, str], body: bytes) -> Answer | None:
    """S3 refuses an object whose bytes are not those that were announced; moto does not look."""
    announced = headers.get("x-amz-checksum-sha256")
    if announced is None or announced == b64encode(sha256(body).digest()).decode():
        return None
    return refusal("BadDigest", "The SHA-256 you specified did not match the calculated checksum.")


def _target(headers: Mapping[str, Any]) -> tuple[str, str]:
    target = headers.get("x-amz-target") or ""
    text = target.decode() if isinstance(target, bytes) else target
    prefix, _, action = text.partition(".")
    return {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs"}.get(prefix, prefix.lower()), action


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)
