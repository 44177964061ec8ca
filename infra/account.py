"""The account that is worked in: whose credentials, which region, and its clients."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, InvalidRegionError
from botocore.exceptions import ConnectionError as NoConnection

from infra.errors import CloudError

STRONGER_THAN_A_PROFILE = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
"""What in the environment AWS's libraries follow before they look at `AWS_PROFILE`."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes while something is waited for."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Account:
    """An AWS account in one region. Clients are made once each."""

    id: str
    region: str
    arn: str
    session: Any = field(repr=False)
    clients: dict[str, Any] = field(default_factory=dict, repr=False)
    pace: Pace = field(default_factory=Pace, repr=False)
    profile: str | None = None

    @classmethod
    def open(cls, profile: str | None = None, region: str | None = None) -> Account:
        """The account of a profile of the AWS configuration, or of the environment.

        From now on all of this process is in that account and region, the control plane's own code too. A
        profile that is named wins over keys in the environment.

        Raises:
            CloudError: There are no credentials, no region, no such region, or AWS does not take the credentials.
        """
        if profile is not None:
            for name in STRONGER_THAN_A_PROFILE:
                os.environ.pop(name, None)
            os.environ["AWS_PROFILE"] = profile
        if region is not None:
            os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = region
        session = botocore.session.get_session()
        try:
            found = region or session.get_config_variable("region")
            if not found:
                raise CloudError("No AWS region is set.", "Say --region, or set AWS_DEFAULT_REGION.")
            who = session.create_client("sts", region_name=found).get_caller_identity()
        except (NoConnection, HTTPClientError, InvalidRegionError) as error:
            raise CloudError(
                f"AWS does not answer in region {found!r}: {error}",
                "There is no such region, or no network from here. Regions are written like eu-west-1.",
            ) from error
        except (ClientError, BotoCoreError) as error:
            raise CloudError(
                f"AWS does not let you in: {error}",
                "Say --profile, or set AWS_PROFILE. Credentials that are over or wrong: `aws sso login` or `aws"
                " configure`; `aws sts get-caller-identity` shows who you are.",
            ) from error
        return cls(who["Account"], found, who["Arn"], session, profile=profile)

    def client(self, service: str) -> Any:
        """The client of a service."""
        if service not in self.clients:
            self.clients[service] = self.session.create_client(service, region_name=self.region)
        return self.clients[service]

    @property
    def partition(self) -> str:
        """`aws`, or what it is called in China and for governments."""
        return self.arn.split(":")[1]

    def command(self, what: str, stage: str) -> str:
        """The command that does `what` to a stage of just this account and region, to be copied as it is."""
        words = ["headrace", "cloud", what, "--stage", stage, "--region", self.region]
        return shlex.join([*words, *(("--profile", self.profile) if self.profile else ())])

    def role(self, name: str) -> str:
        """The ARN of a role."""
        return f"arn:{self.partition}:iam::{self.id}:role/{name}"

    @cached_property
    def emulator(self) -> str | None:
        """The address of what stands in for AWS (`AWS_ENDPOINT_URL`), for a first try without an account."""
        endpoint = str(self.client("cloudformation").meta.endpoint_url)
        return None if ".amazonaws.com" in endpoint else endpoint.rstrip("/")


def code(error: ClientError) -> str:
    """AWS's word for what is wrong."""
    return str(error.response["Error"]["Code"])


DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
"""The services' words for a right that is missing."""


@contextmanager
def refusals() -> Iterator[None]:
    """What AWS refuses within, and that it does not answer, is a `CloudError`."""
    try:
        yield
    except ClientError as error:
        denied = code(error) in DENIED
        raise CloudError(
            f"AWS refuses {error.operation_name}: {error.response['Error'].get('Message')}",
            "`headrace cloud policies operator` shows what you need." if denied else None,
        ) from error
    except BotoCoreError as error:
        raise CloudError(f"AWS cannot be reached: {error}", "Look at the network and repeat it.") from error
