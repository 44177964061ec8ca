"""What may surprise a user about a deployment, and is no reason to refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.values import quote
from headrace.project.sources import BUNDLE, GIT, Sources, pinned

if TYPE_CHECKING:
    from headrace.contract.work_pools import WorkPool


def about_code(entrypoint: str, steps: list[dict[str, Any]], sources: Sources) -> Iterator[str]:
    """The folder is not the repository's root; what workers will get is not what is here."""
    here = sources.checkout
    if here is None or not any({GIT, BUNDLE} & step.keys() for step in steps):
        return
    if here.prefix:
        yield f"this folder is {here.prefix} of the repository {here.root}, not its root: imports count from here."
    if not any(GIT in step for step in steps):
        return
    repository = next(step[GIT]["repository"] for step in steps if GIT in step)
    if repository != here.repository:
        return
    file = entrypoint.rpartition(":")[0]
    path = sources.folder / (file if file.endswith(".py") else f"{file.replace('.', '/')}.py")
    if path.exists() and here.is_changed(Path(path)):
        yield f"{file} has changes that are not committed: workers will not see them."
    commit = pinned(steps)
    if commit and not here.is_commit_pushed(commit):
        yield f"commit {commit[:12]} is not pushed to {here.remote or 'a remote'}: workers cannot fetch it yet."


def about_pool(pool: WorkPool) -> Iterator[str]:
    """Nobody would start its runs now."""
    from headrace.contract.work_pools import PoolStatus

    if pool.is_paused:
        yield f"work pool {pool.name!r} is paused: headrace work-pool resume {quote(pool.name)}"
    elif pool.status is PoolStatus.NOT_READY:
        yield f"no worker serves work pool {pool.name!r} now: its runs wait until one does."
