"""Which work pool; a new one is only noted here, and made with the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.cli.connect import rows_of
from headrace.cli.wizard.ask import fits, select, text

if TYPE_CHECKING:
    from headrace.client.api import Api

STATUS = {"READY": "a worker serves it", "NOT_READY": "no worker now", "PAUSED": "paused"}


def ask_pool(api: Api, present: str | None = None) -> tuple[str, bool]:
    """The pool's name, and whether it is to be made. `present` is the one that the deployment has now."""
    from headrace.contract.work_pools import WorkPoolList

    pools = sorted(rows_of(api.pools.list, WorkPoolList()), key=lambda pool: list(STATUS).index(pool.status))
    if pools:
        choices: list[tuple[str, str | None]] = [
            (f"{pool.name}  ({pool.type}; {STATUS[pool.status]})", pool.name) for pool in pools
        ]
        at = next((number for number, pool in enumerate(pools) if pool.name == present), 0)
        chosen = select("Which work pool?", [*choices, ("make a new one", None)], at)
        if chosen is not None:
            return chosen, False
    return _ask_new({pool.name for pool in pools}), True


def _ask_new(taken: set[str]) -> str:
    from headrace.contract.base import StepName

    fit = fits(StepName, "a name")

    def check(name: str) -> None:
        fit(name)
        if name in taken:
            raise ValueError(f"there is a work pool {name!r} already: choose another name")

    return text("Name of the new work pool (its workers start processes):", "default", check)
