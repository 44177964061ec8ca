"""The whole HTTP API: one object, one attribute per resource, one method per endpoint."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from headrace.client.bundles import Bundles
from headrace.client.deployments import Deployments, Schedules
from headrace.client.flows import Flows
from headrace.client.limits import Limits
from headrace.client.pools import Pools, Queues
from headrace.client.runs import Logs, Runs
from headrace.client.system import System
from headrace.client.transport import Transport
from headrace.client.workers import Workers
from headrace.settings import Settings


class Api:
    """A client of one control plane.

    ```python
    with Api.connect(load_settings()) as api:
        pool = api.pools.read("my-pool")
        for run in each(api.runs.list, FlowRunList()):
            ...
    ```
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.pools = Pools(transport)
        self.queues = Queues(transport)
        self.workers = Workers(transport)
        self.flows = Flows(transport)
        self.deployments = Deployments(transport)
        self.schedules = Schedules(transport)
        self.runs = Runs(transport)
        self.logs = Logs(transport)
        self.limits = Limits(transport)
        self.bundles = Bundles(transport)
        self.system = System(transport)

    @classmethod
    def connect(cls, settings: Settings, *, timeout: float = 30.0) -> Self:
        """A client of the control plane that the settings name.

        Raises:
            SettingsError: They name none.
        """
        return cls(Transport(settings.require_api_url(), settings.api_key, timeout=timeout))

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
