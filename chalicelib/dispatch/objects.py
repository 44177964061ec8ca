"""S3: what is too large for the table. Callers from outside get addresses of code, never its bytes."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.dispatch.clients import Clients
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.reachable import reachable
from chalicelib.settings import Settings

GOOD_FOR = 3600
"""Seconds for which an address is good."""
ADDRESSES = 8
"""Hosts under which the embedded S3 is told of before the clients for them are made anew."""


class Objects:
    """The stage's bucket."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._bucket = settings.bucket
        self._clients = clients
        self._endpoint = settings.s3_endpoint_url
        self._follow_host = settings.follow_host
        self._made: dict[str, Any] = {}

    def size(self, key: str) -> int | None:
        """Bytes of an object; `None` if there is none. Raises `Unavailable`."""
        try:
            return int(self._client(None).head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise _unavailable(error) from error
        except BotoCoreError as error:
            raise _unavailable(error) from error

    def put(self, key: str, data: bytes) -> None:
        """Write an object. Raises `Unavailable`."""
        self._make_bucket()
        try:
            self._client(None).put_object(Bucket=self._bucket, Key=key, Body=data)
        except (ClientError, BotoCoreError) as error:
            raise _unavailable(error) from error

    def get(self, key: str) -> bytes | None:
        """The bytes of an object; `None` if there is none. Raises `Unavailable`."""
        try:
            return bytes(self._client(None).get_object(Bucket=self._bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket", "404"):
                return None
            raise _unavailable(error) from error
        except BotoCoreError as error:
            raise _unavailable(error) from error

    def delete_all(self, prefix: str) -> None:
        """Delete what begins with a prefix, at most 1,000 objects. Raises `Unavailable`."""
        try:
            found = self._client(None).list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", ())
            for each in found:
                self._client(None).delete_object(Bucket=self._bucket, Key=each["Key"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise _unavailable(error) from error
        except BotoCoreError as error:
            raise _unavailable(error) from error

    def upload_url(
        self, key: str, size: int, checksum: str, host: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """Where to PUT an object of this size and SHA-256 (base64), and the headers that must go along.

        `host` is the one by which the caller came to the API.
        """
        self._make_bucket()
        members = {"ContentLength": size, "ChecksumSHA256": checksum}
        return self._signed("put_object", host, Key=key, **members), {"x-amz-checksum-sha256": checksum}

    def download_url(self, key: str, host: str | None = None) -> str:
        """Where to GET an object."""
        return self._signed("get_object", host, Key=key)

    def _signed(self, operation: str, host: str | None, **members: object) -> str:
        params = {"Bucket": self._bucket, **members}
        client = self._client(reachable(self._endpoint, host if self._follow_host else None))
        return str(client.generate_presigned_url(operation, Params=params, ExpiresIn=GOOD_FOR))

    def _make_bucket(self) -> None:
        """The embedded S3 starts without a bucket; in the cloud it is provisioned with the table."""
        if self._endpoint is None:
            return
        try:
            self._client(None).create_bucket(Bucket=self._bucket)
        except (ClientError, BotoCoreError) as error:
            raise _unavailable(error) from error

    def _client(self, endpoint: str | None) -> Any:
        """Calls go to AWS; what is signed for others names the endpoint that they can reach."""
        name = endpoint or ""
        made = self._made.get(name)
        if made is None:
            if len(self._made) > ADDRESSES:
                self._made = {kept: client for kept, client in self._made.items() if not kept}
            # "auto" signs for S3's global host, which sends new buckets of other regions on for hours.
            style = {"addressing_style": "path" if endpoint else "virtual"}
            made = self._clients.make("s3", endpoint, signature_version="s3v4", s3=style)
            self._made[name] = made
        return made


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"The storage does not answer: {error}", hint="Try again in a moment.")
