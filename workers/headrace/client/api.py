"""The whole HTTP API: one object, one attribute per resource, one method per endpoint.

A resource is imported when it is first used: its models are megabytes that a worker does not need.
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from headrace.client.transport import Transport
from headrace.settings import Settings

if TYPE_CHECKING:
    from headrace.client.api_keys import ApiKeys
    from headrace.client.bundles import Bundles
    from headrace.client.deployments import Deployments, Schedules
    from headrace.client.flows import Flows
    from headrace.client.limits import Limits
    from headrace.client.pools import Pools, Queues
    from headrace.client.runs import Logs, Runs
    from headrace.client.system import System
    from headrace.client.variables import Variables
    from headrace.client.versions import Versions
    from headrace.client.workers import Workers


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

    @cached_property
    def pools(self) -> Pools:
        """Work pools."""
        from headrace.client.pools import Pools

        return Pools(self.transport)

    @cached_property
    def queues(self) -> Queues:
        """Work queues."""
        from headrace.client.pools import Queues

        return Queues(self.transport)

    @cached_property
    def workers(self) -> Workers:
        """Workers and their sessions."""
        from headrace.client.workers import Workers

        return Workers(self.transport)

    @cached_property
    def flows(self) -> Flows:
        """Flows."""
        from headrace.client.flows import Flows

        return Flows(self.transport)

    @cached_property
    def deployments(self) -> Deployments:
        """Deployments."""
        from headrace.client.deployments import Deployments

        return Deployments(self.transport)

    @cached_property
    def schedules(self) -> Schedules:
        """Schedules of deployments."""
        from headrace.client.deployments import Schedules

        return Schedules(self.transport)

    @cached_property
    def versions(self) -> Versions:
        """Versions of deployments."""
        from headrace.client.versions import Versions

        return Versions(self.transport)

    @cached_property
    def runs(self) -> Runs:
        """Flow runs."""
        from headrace.client.runs import Runs

        return Runs(self.transport)

    @cached_property
    def logs(self) -> Logs:
        """Logs of runs."""
        from headrace.client.runs import Logs

        return Logs(self.transport)

    @cached_property
    def variables(self) -> Variables:
        """Variables."""
        from headrace.client.variables import Variables

        return Variables(self.transport)

    @cached_property
    def limits(self) -> Limits:
        """Concurrency limits."""
        from headrace.client.limits import Limits

        return Limits(self.transport)

    @cached_property
    def bundles(self) -> Bundles:
        """Bundles of code."""
        from headrace.client.bundles import Bundles

        return Bundles(self.transport)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """API keys."""
        from headrace.client.api_keys import ApiKeys

        return ApiKeys(self.transport)

    @cached_property
    def system(self) -> System:
        """Health and version."""
        from headrace.client.system import System

        return System(self.transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
