"""Settings of the control plane: the environment, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from chalicelib.domain.errors import FieldProblem, Invalid

PREFIX = "HEADRACE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from stage to stage. Durations are in seconds unless the name says days."""

    table: str = "headrace-local"
    stage: str = "local"
    region: str = "us-east-1"
    sqs_endpoint_url: str | None = None
    bucket: str = "headrace-local"
    s3_endpoint_url: str | None = None
    lease_seconds: float = 120.0
    sync_within_seconds: float = 15.0
    idle_sync_seconds: float = 120.0
    retention_days: float = 30.0
    tick_watermark_seconds: float = 60.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `HEADRACE_<NAME>` for every field. Raises `Invalid` naming each value that is wrong."""
        environment = os.environ if environment is None else environment
        values: dict[str, object] = {}
        problems = []
        for field in fields(cls):
            text = environment.get(PREFIX + field.name.upper())
            if not text:
                continue
            if isinstance(field.default, float):
                try:
                    values[field.name] = _positive(text)
                except ValueError:
                    problems.append(
                        FieldProblem(PREFIX + field.name.upper(), f"is {text!r}", "a number above 0")
                    )
            else:
                values[field.name] = text
        if problems:
            raise Invalid("The control plane's settings are wrong.", code="bad_settings", errors=problems)
        return cls(**values)  # type: ignore[arg-type]


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError(text)
    return value
