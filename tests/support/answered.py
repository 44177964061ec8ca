"""A flow with a parameter of each kind that the wizard asks for, and the schema that is drawn from it."""

from __future__ import annotations

import datetime
import uuid
from typing import Literal, Optional

from headrace import Secret, flow
from headrace.project.facts import facts_of


@flow
def answered(
    opts: Optional[dict[str, int]] = None,  # noqa: UP045 - both spellings mean the same
    when: datetime.date | None = None,
    at: datetime.datetime | None = None,
    size: Literal["s", "m"] = "s",
    some: list[int] | int = 1,
    key: uuid.UUID | None = None,
    share: float = 0.5,
    on: bool = True,
    password: Secret | None = None,
    anything=None,
):
    """Nothing."""
    return opts


SCHEMA = facts_of(answered)["parameter_openapi_schema"]
