"""What the control plane says of itself."""

from __future__ import annotations

from headrace.contract.base import Answer


class Version(Answer):
    """`GET /version`."""

    version: str
    stage: str


class Explanation(Answer):
    """`GET /flow_runs/{id}/why`: a stable `code`, one sentence with the facts, and what to do about it."""

    code: str
    reason: str
    hint: str | None = None


class Skipped(Answer):
    """`POST .../skip_late`: how many late runs were ended as Skipped. With `more`, the same call goes on."""

    skipped: int
    more: bool = False
