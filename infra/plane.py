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
    from chalicelib.services.active import active_in_pools

    return active_in_pools(plane.ports)


def active_by_pool(plane: ControlPlane) -> dict[str, int]:
    """How many runs are being worked on, by pool; pools without any are left out."""
    return dict(Counter(run.work_pool_name or "" for run in active(plane)))
