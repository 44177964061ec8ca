"""Settings of the control plane: the environment, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from chalicelib.domain.errors import FieldProblem, Invalid

PREFIX = "HEADRACE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from stage to stage. Durations are in seconds unless the name says days.

    `follow_host`: the embedded SQS and S3 are told of under the host by which the caller came.
    `worker_role_arn`: the role whose credentials workers are given. `require_keys` may be off only where
    SQS is embedded. `metrics`: all are written save `late_runs`, which is a metric and a setting of its own.
    """

    table: str = "headrace-local"
    stage: str = "local"
    region: str = "us-east-1"
    sqs_endpoint_url: str | None = None
    bucket: str = "headrace-local"
    s3_endpoint_url: str | None = None
    follow_host: bool = False
    worker_role_arn: str | None = None
    require_keys: bool = True
    lease_seconds: float = 120.0
    sync_within_seconds: float = 15.0
    idle_sync_seconds: float = 120.0
    retention_days: float = 30.0
    metrics: bool = False
    late_runs: bool = False

    @property
    def idle_lease_seconds(self) -> float:
        """The lease of a session with nothing in hand: it must outlast the time to its next sync."""
        return max(self.lease_seconds, 1.5 * self.idle_sync_seconds)

    @property
    def claiming_seconds(self) -> float:
        """So long after a worker's request came in, its claims may be written."""
        return self.lease_seconds / 3

    @property
    def claimed_seconds(self) -> float:
        """After so long none of them can still be under way, the last one's way to the table included."""
        return self.lease_seconds / 2

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
            read, expected = _READERS.get(type(field.default), (str, "a text"))
            try:
                values[field.name] = read(text)
            except ValueError:
                problems.append(FieldProblem(PREFIX + field.name.upper(), f"is {text!r}", expected))
        if values.get("require_keys") is False and not values.get("sqs_endpoint_url"):
            problems.append(FieldProblem("HEADRACE_REQUIRE_KEYS", "is off in the cloud", "1"))
        if problems:
            said = "; ".join(f"{each.path} {each.message}, expected {each.expected}" for each in problems)
            text = f"The control plane's settings are wrong: {said}."
            raise Invalid(text, code="bad_settings", errors=problems)
        return cls(**values)  # type: ignore[arg-type]


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError(text)
    return value


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


_READERS: dict[type, tuple[Callable[[str], object], str]] = {
    float: (_positive, "a number above 0"),
    bool: (_switch, "0 or 1"),
}
