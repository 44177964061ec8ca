"""The control plane's own code, called here with the operator's rights on the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.account import Account
from infra.names import Names

if TYPE_CHECKING:
    from chalicelib.domain.runs import Run
    from chalicelib.services.control_plane import ControlPlane


def control_plane(account: Account, names: Names) -> ControlPlane:
    """The use cases over a stage's table and queues."""
    from chalicelib import wiring
    from chalicelib.dispatch.queues import Queues
    from chalicelib.services.ports import Ports
    from chalicelib.settings import Settings

    settings = Settings(
        table=names.table,
        stage=names.stage,
        region=account.region,
        bucket=names.bucket(account.id, account.region),
    )
    return wiring.build(Ports(settings=settings, queues=Queues(settings)))


def active(plane: ControlPlane) -> Iterator[Run]:
    """The runs that workers hold."""
    from chalicelib.services.active import active_runs as of_pool

    after: str | None = None
    while True:
        names, after = _pools(plane, after)
        for pool in names:
            yield from of_pool(plane.ports, pool)
        if after is None:
            return


def active_runs(plane: ControlPlane) -> dict[str, int]:
    """How many runs are being worked on, by pool; pools without any are left out."""
    return dict(Counter(run.work_pool_name or "" for run in active(plane)))


def _pools(plane: ControlPlane, after: str | None) -> tuple[list[str], str | None]:
    rows, more = plane.ports.pools.names(after, 100)
    return rows, rows[-1] if more and rows else None
