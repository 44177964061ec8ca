"""What everything of a stage is called. Several stages live in one account, so each name carries the stage."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.errors import CloudError

STAGE = re.compile(r"[a-z][a-z0-9]{0,15}", re.ASCII)
"""No dash: `headrace-prod-*` must not cover what belongs to a stage `prod-eu`."""
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""By how the names of their regions begin (AWS, ARNs); all others are of the partition `aws`."""


def partition_of(region: str) -> str:
    """What addresses of a region begin with, after `arn:`."""
    found = (name for prefix, name in _PARTITIONS.items() if region.startswith(prefix))
    return next(found, "aws")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one stage; `infra/template.yaml` says the same, and a test compares.

    Raises:
        CloudError: The stage's name cannot be part of every name that AWS has here.
    """

    stage: str

    def __post_init__(self) -> None:
        """Refuse a stage that would make names overlap, or be too long."""
        if STAGE.fullmatch(self.stage) is None:
            raise CloudError(
                f"{self.stage!r} is no name of a stage.",
                "Take 1 to 16 small letters and digits, a letter first, for example: prod",
            )

    @property
    def stack(self) -> str:
        """The CloudFormation stack, and the Lambda that answers the API."""
        return f"headrace-{self.stage}"

    @property
    def table(self) -> str:
        """The DynamoDB table."""
        return f"headrace-{self.stage}"

    def bucket(self, account: str, region: str) -> str:
        """The S3 bucket: bucket names are shared by all of AWS's customers."""
        return f"headrace-{self.stage}-{account}-{region}"

    @property
    def queue_prefix(self) -> str:
        """How the names of queues begin that the control plane makes and deletes by itself."""
        return f"headrace-{self.stage}-"

    @property
    def dead_letters(self) -> str:
        """The queue of calls that failed again and again. No worker's wildcard covers it."""
        return f"headrace-{self.stage}_dead-letters"

    @property
    def log_prefix(self) -> str:
        """The log group of the API; with a dash and a handler's name, those of the others."""
        return f"/aws/lambda/headrace-{self.stage}"

    @property
    def functions(self) -> dict[str, str]:
        """The Lambdas, by what people call them: as Chalice names them."""
        return {"api": self.stack, "tick": f"{self.stack}-tick"}

    def roles(self, region: str) -> dict[str, str]:
        """The roles, by who has them: an account's regions share its roles, so their names say the region."""
        return {who: f"{self.stack}-{region}-{who}" for who in ("api_handler", "tick", "worker")}

    def dashboard(self, region: str) -> str:
        """The dashboard: an account's regions share those, too."""
        return f"{self.stack}-{region}"

    @property
    def timers(self) -> tuple[str, ...]:
        """The rule that starts the tick: as the template names it, and as Chalice does."""
        return (f"{self.stack}-tick", f"{self.stack}-tick-event")
