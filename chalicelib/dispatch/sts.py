"""STS: short-lived AWS credentials for workers that have only an API key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings


@dataclass(frozen=True, slots=True)
class Issued:
    """What STS gave, and until when it is good."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: datetime


class Sts:
    """Takes on the worker role, narrowed by a policy."""

    def __init__(self, settings: Settings) -> None:
        self._region = settings.region
        self._made: Any = None

    def assume(self, role_arn: str, session_name: str, policy: str, seconds: int) -> Issued:
        """Credentials of the role for so many seconds. Raises `Unavailable`."""
        from botocore.exceptions import BotoCoreError, ClientError

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
            import botocore.session
            from botocore.config import Config

            config = Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2})
            session = botocore.session.get_session()
            self._made = session.create_client("sts", region_name=self._region, config=config)
        return self._made
