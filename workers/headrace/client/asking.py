"""What code outside of a worker asks the control plane: see `headrace.deployment_runs`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError

from headrace.asking import ControlPlaneError
from headrace.client.api import Api
from headrace.client.errors import ApiError
from headrace.contract.errors import wording
from headrace.contract.states import StateType
from headrace.settings import SettingsError, load_settings


@contextmanager
def connected() -> Iterator[Api]:
    """A client by the settings in force; all that can go wrong is a `ControlPlaneError`."""
    try:
        with Api.connect(load_settings()) as api:
            yield api
    except SettingsError as error:
        raise ControlPlaneError(str(error), code="settings") from None
    except ApiError as error:
        told = as_told(error)
        raise ControlPlaneError(told["message"], told["hint"], told["code"], told["status"]) from None
    except ValidationError as error:
        raise ControlPlaneError(wrong(error), code="invalid", status=422) from None


class ByApi:
    """Asks by HTTP, with a connection for each question."""

    def start_run(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Start a run; the run as JSON."""
        from headrace.contract.flow_runs import FlowRunCreate  # not for workers, which import this module too

        body = {"idempotency_key": str(uuid4()), **wanted}  # so that it is repeated when its answer is lost
        deployment = body.pop("deployment")
        if due := body.pop("scheduled_time", None):
            details = {"scheduled_time": due}
            body["state"] = {"type": StateType.SCHEDULED, "state_details": details}
        with connected() as api:
            if deployment.count("/") != 1:
                raise ControlPlaneError(
                    f"{deployment!r} does not name a deployment.",
                    "Write flow-name/deployment-name.",
                    "invalid",
                    422,
                )
            found = api.deployments.read_by_name(deployment)
            return api.deployments.run(found.id, FlowRunCreate(**body)).value.model_dump(mode="json")

    def read_run(self, run: str, key: str | None) -> dict[str, Any]:
        """Look at a run; the run as JSON."""
        from headrace.contract.flow_runs import FlowRunList

        with connected() as api:
            # A list: it leaves large parameters out, which are not looked at while one waits.
            wanted = FlowRunList.model_validate({"flow_runs": {"id": {"any_": [run]}}, "limit": 1})
            found = api.runs.list(wanted).items
            return (found[0] if found else api.runs.read(UUID(run))).model_dump(mode="json")


def as_told(error: ApiError) -> dict[str, Any]:
    """What the API refused, as a worker tells it to a child."""
    fields = "; ".join(
        f"{one.path}: {one.message}" for one in error.errors if one.message not in error.message
    )
    message = f"{error.message} ({fields})" if fields else error.message
    return {"code": error.code, "status": error.status, "message": message, "hint": error.hint}


def wrong(error: ValidationError) -> str:
    """What does not fit into a request, in one sentence."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the request"
    return f"{place}: {wording(first)}."
