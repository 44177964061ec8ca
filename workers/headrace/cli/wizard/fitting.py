"""What a parameter takes, in words, and whether an answer fits it: asked of the control plane, the judge of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.cli.deploying.checking import judged
from headrace.cli.values import resolved
from headrace.project.plan import NO_FLOW

if TYPE_CHECKING:
    from headrace.client.api import Api

EXAMPLES = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:00:00+01:00",
    "time": "09:00:00",
    "uuid": "6f1c2a9e-5b7d-4e1f-9c3a-0d2b8e4f6a71",
}
"""A text of each format."""


def misfit(api: Api, schema: Mapping[str, Any], name: str, value: object) -> str | None:
    """Why a parameter's value would be refused, told with its place; None if it would be taken."""
    from headrace.contract.deployments import DeploymentCreate

    one = DeploymentCreate(
        name="answer",
        flow_id=NO_FLOW,
        parameter_openapi_schema=dict(schema),
        parameters={name: value},
        tags=[],
    )
    for refusal in judged(api, [one]):
        for problem in refusal.errors:
            place = problem.path.removeprefix("parameters.")
            if place != problem.path:
                expected = f"; expected {problem.expected}" if problem.expected else ""
                return f"{place} {problem.message}{expected}"
    return None


def kind_of(schema: Mapping[str, Any], rule: object) -> str:
    """What a parameter takes, in a few words: `integer`, `date`, `object or null`; empty if anything."""
    rule = resolved(schema, rule)
    if any(name in rule for name in ("anyOf", "oneOf")):
        kinds = [kind_of(schema, one) for one in rule.get("anyOf") or rule.get("oneOf") or ()]
        return " or ".join(dict.fromkeys(kinds)) if all(kinds) else ""
    if rule.get("format") in EXAMPLES:
        return f"{rule['format']}, as in {EXAMPLES[rule['format']]}"
    kind = rule.get("type")
    return " or ".join(kind) if isinstance(kind, list) else str(kind or "")
