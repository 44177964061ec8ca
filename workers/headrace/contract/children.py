"""What the code of a run asks for by way of its worker."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from headrace.contract.base import Counter, Json, Name, Request, SmallJson, Tags, Time


class ChildRunCreate(Request):
    """`POST /work_pools/{pool}/workers/{worker}/create_flow_run`: a run's code starts another one.

    `run` and `attempt` are whose code it is, and `session` holds it. `call` names the call in that code: the
    same one finds the same run, also in a later attempt, unless the run has ended without success before
    that. `idempotency_key` takes its place. `as_child` links the new run to the one that started it.
    """

    session: UUID
    run: UUID
    attempt: Counter
    deployment: Annotated[str, Field(min_length=3, max_length=401)]
    call: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name | None = None
    parameters: Json = Field(default_factory=dict)
    tags: Tags
    labels: SmallJson | None = None
    job_variables: SmallJson | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)
    scheduled_time: Time | None = None
    as_child: bool = True


class SeenBy(Request):
    """The query of `GET /work_pools/{pool}/workers/{worker}/flow_runs/{id}`: the session that asks.

    `parameters`: give them even where they are so large that they lie elsewhere. A run of another pool is shown
    to who has started it, and to who names the `idempotency_key` that it was made with.
    """

    session: UUID
    parameters: bool = False
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)
