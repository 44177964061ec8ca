"""What is carried from one control plane to another: how each kind is read, made, and brought up to a record.

A record holds the members with which the thing is made, so that an import sends what a person would have sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from headrace.client.resource import each

if TYPE_CHECKING:
    from pydantic import BaseModel

    from headrace.client.api import Api

Record = dict[str, Any]


def members(answer: BaseModel, create: type[BaseModel]) -> Record:
    """Of an answer, the members with which such a thing is made."""
    names = set(create.model_fields) & set(type(answer).model_fields)
    return answer.model_dump(mode="json", include=names)


class Kind(ABC):
    """One kind of record. `name` stands in the file."""

    name: str

    @abstractmethod
    def all(self, api: Api) -> Iterator[Record]:
        """All there are."""

    @abstractmethod
    def make(self, api: Api, record: Record) -> None:
        """Make one that is not there."""

    @abstractmethod
    def bring_up(self, api: Api, record: Record) -> bool:
        """Bring one that is there up to the record. False if the API has no way to."""

    def key(self, record: Record) -> str:
        """What tells one from all others of the kind."""
        return str(record["name"])

    def is_untouched(self, there: Record) -> bool:
        """Whether it came about by itself and nobody changed it: it takes the record's form unasked."""
        return False


class WorkPools(Kind):
    """Pools, each with its default queue."""

    name = "work_pool"

    def all(self, api: Api) -> Iterator[Record]:
        """All pools."""
        from headrace.contract.work_pools import WorkPoolCreate, WorkPoolList

        return (members(pool, WorkPoolCreate) for pool in each(api.pools.list, WorkPoolList()))

    def make(self, api: Api, record: Record) -> None:
        """Make a pool."""
        from headrace.contract.work_pools import WorkPoolCreate

        api.pools.create(WorkPoolCreate.model_validate(record))

    def bring_up(self, api: Api, record: Record) -> bool:
        """All but its type can be changed."""
        from headrace.contract.work_pools import WorkPoolUpdate

        if api.pools.read(record["name"]).type != record["type"]:
            return False
        changes = {name: value for name, value in record.items() if name not in ("name", "type")}
        api.pools.update(record["name"], WorkPoolUpdate.model_validate(changes))
        return True


class WorkQueues(Kind):
    """Queues of pools."""

    name = "work_queue"

    def all(self, api: Api) -> Iterator[Record]:
        """All queues."""
        from headrace.contract.work_pools import WorkQueueCreate, WorkQueueList

        for queue in each(api.queues.list, WorkQueueList()):
            yield {"work_pool_name": queue.work_pool_name, **members(queue, WorkQueueCreate)}

    def key(self, record: Record) -> str:
        """Pool and name."""
        return f"{record['work_pool_name']}/{record['name']}"

    def is_untouched(self, there: Record) -> bool:
        """A pool's default queue, as it is made with the pool."""
        fresh = {"name": "default", "is_paused": False, "concurrency_limit": None, "priority": 1}
        return all(there[name] == value for name, value in fresh.items()) and not there["description"]

    def make(self, api: Api, record: Record) -> None:
        """Make a queue."""
        from headrace.contract.work_pools import WorkQueueCreate

        body = {name: value for name, value in record.items() if name != "work_pool_name"}
        api.queues.create(record["work_pool_name"], WorkQueueCreate.model_validate(body))

    def bring_up(self, api: Api, record: Record) -> bool:
        """Change a queue."""
        from headrace.contract.work_pools import WorkQueueUpdate

        queue = api.queues.read_by_name(record["work_pool_name"], record["name"])
        changes = {name: value for name, value in record.items() if name not in ("name", "work_pool_name")}
        api.queues.update(queue.id, WorkQueueUpdate.model_validate(changes))
        return True


class Flows(Kind):
    """Flows."""

    name = "flow"

    def all(self, api: Api) -> Iterator[Record]:
        """All flows."""
        from headrace.contract.flows import FlowCreate, FlowList

        return (members(flow, FlowCreate) for flow in each(api.flows.list, FlowList()))

    def make(self, api: Api, record: Record) -> None:
        """Make a flow."""
        from headrace.contract.flows import FlowCreate

        api.flows.create(FlowCreate.model_validate(record))

    def bring_up(self, api: Api, record: Record) -> bool:
        """A flow is never changed."""
        return False


class TagLimits(Kind):
    """Concurrency limits of tags; those of pools, queues and deployments are members of these."""

    name = "concurrency_limit"

    def all(self, api: Api) -> Iterator[Record]:
        """All limits of tags."""
        from headrace.contract.limits import ConcurrencyLimitList

        for limit in each(api.limits.list, ConcurrencyLimitList()):
            if limit.kind == "tag":
                yield {"name": limit.subject, "limit": limit.limit}

    def make(self, api: Api, record: Record) -> None:
        """Make a limit."""
        from headrace.contract.limits import ConcurrencyLimitCreate

        api.limits.create(ConcurrencyLimitCreate.model_validate(record))

    def bring_up(self, api: Api, record: Record) -> bool:
        """Another maximum."""
        from headrace.contract.limits import ConcurrencyLimitUpdate

        api.limits.update(f"tag:{record['name']}", ConcurrencyLimitUpdate(limit=record["limit"]))
        return True


class Variables(Kind):
    """Variables, which project files are filled in from."""

    name = "variable"

    def all(self, api: Api) -> Iterator[Record]:
        """All variables."""
        from headrace.contract.variables import VariableCreate, VariableList

        return (members(variable, VariableCreate) for variable in each(api.variables.list, VariableList()))

    def make(self, api: Api, record: Record) -> None:
        """Make a variable."""
        from headrace.contract.variables import VariableCreate

        api.variables.create(VariableCreate.model_validate(record))

    def bring_up(self, api: Api, record: Record) -> bool:
        """Another value, other tags."""
        from headrace.contract.variables import VariableUpdate

        changes = {name: value for name, value in record.items() if name != "name"}
        api.variables.update(record["name"], VariableUpdate.model_validate(changes))
        return True


class Deployments(Kind):
    """Deployments with their schedules; the version in force alone."""

    name = "deployment"

    def all(self, api: Api) -> Iterator[Record]:
        """All deployments."""
        from headrace.contract.deployments import DeploymentCreate, DeploymentList
        from headrace.contract.schedules import ScheduleCreate

        for deployment in each(api.deployments.list, DeploymentList()):
            record = {"flow_name": deployment.flow_name, **members(deployment, DeploymentCreate)}
            record.pop("flow_id")
            record["schedules"] = [members(one, ScheduleCreate) for one in deployment.schedules]
            yield record

    def key(self, record: Record) -> str:
        """The full name."""
        return f"{record['flow_name']}/{record['name']}"

    def make(self, api: Api, record: Record) -> None:
        """Make it, or bring the one of that name up to the record."""
        from headrace.contract.deployments import DeploymentCreate
        from headrace.contract.flows import FlowCreate

        flow = api.flows.create(FlowCreate.model_validate({"name": record["flow_name"]})).value
        body = {name: value for name, value in record.items() if name != "flow_name"}
        api.deployments.create(DeploymentCreate.model_validate({**body, "flow_id": flow.id}))

    def bring_up(self, api: Api, record: Record) -> bool:
        """As when it is deployed again."""
        self.make(api, record)
        return True


def bundle_of(record: Record) -> str | None:
    """The digest of the bundle that a deployment's code is in; None if it comes from elsewhere."""
    from headrace.project.sources import BUNDLE

    steps = record.get("pull_steps")
    for step in steps if isinstance(steps, list) else ():
        options = step.get(BUNDLE) if isinstance(step, dict) else None
        if isinstance(options, dict) and isinstance(options.get("digest"), str):
            return str(options["digest"])
    return None


KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (WorkPools(), WorkQueues(), Flows(), TagLimits(), Variables(), Deployments())
}
"""In the order in which they need each other."""
RUN = "flow_run"
"""Rows of history: kept for reading, never imported."""
