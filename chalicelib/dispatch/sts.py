"""STS: short-lived AWS credentials for workers that have only an API key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.dispatch.clients import Clients
from chalicelib.domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Issued:
    """What STS gave, and until when it is good."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: datetime


class Sts:
    """Takes on the worker role, narrowed by a policy."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._made: Any = None

    def assume(self, role_arn: str, session_name: str, policy: str, seconds: int) -> Issued:
        """Credentials of the role for so many seconds. Raises `Unavailable`."""
        try:
            given = self._client().assume_role(
                RoleArn=role_arn, RoleSessionName=session_name, Policy=policy, DurationSeconds=seconds
            )["Credentials"]
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(
                f"AWS gave no credentials of {role_arn}: {error}",
                hint="Try again in a moment; if it stays so, `headrace cloud policies` shows what is needed.",
            ) from error
        return Issued(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"]
        )

    def _client(self) -> Any:
        if self._made is None:
            self._made = self._clients.make("sts")
        return self._made
