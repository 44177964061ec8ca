"""What a deployment takes over from its flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.flows import Flow

NO_PARAMETERS = "A command gets no parameters."
INSTEAD = (
    "Give it what it needs as arguments in --command, or as a job variable of the deployment or of one run: "
    """--job-variable 'env={"NAME": "VALUE"}'."""
)


def facts_of(flow: Flow[..., Any]) -> dict[str, Any]:
    """What the flow says of itself, in the words of a deployment; `flow_name` beside them."""
    return {
        "flow_name": flow.name,
        "description": flow.description,
        "version": flow.version,
        "retry_policy": flow.rules.as_policy(),
        "timeout_seconds": flow.timeout_seconds,
        "parameter_openapi_schema": flow.parameter_schema(),
        "enforce_parameter_schema": flow.should_validate,
    }
