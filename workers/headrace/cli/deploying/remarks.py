"""What may surprise a user about deployments, and is no reason to refuse them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.cli.values import quote
from headrace.project.git import is_same_repository
from headrace.project.sources import BUNDLE, GIT, Sources

if TYPE_CHECKING:
    from headrace.contract.work_pools import WorkPool
    from headrace.project.git import Checkout

Steps = Sequence[Mapping[str, Any]]


def about_code(wanted: Sequence[tuple[str | None, Steps]], sources: Sources) -> Iterator[str]:
    """The folder is not the repository's root; what workers will get is not what is here.

    `wanted` are entrypoints (None for a command) with their pull steps, as many as are deployed together; they
    count from the folder.
    """
    here = sources.checkout
    if here is None or not any({GIT, BUNDLE} & step.keys() for _, steps in wanted for step in steps):
        return
    if here.prefix:
        yield f"this folder is {here.prefix} of the repository {here.root}, not its root: imports count from here."
    clones = [(entrypoint, clone) for entrypoint, steps in wanted if (clone := _clone(steps, here))]
    files = {name: sources.folder / name for entrypoint, _ in clones if (name := _file(entrypoint))}
    changed = here.changed([path for path in files.values() if path.exists()])
    for name, path in files.items():
        if path in changed:
            yield f"{name} has changes that are not committed: workers will not see them."
    yield from dict.fromkeys(text for _, clone in clones if (text := _about_commit(clone, here)))


def about_pools(pools: Iterable[WorkPool]) -> Iterator[str]:
    """Nobody would start their runs now."""
    from headrace.contract.work_pools import PoolStatus

    for pool in pools:
        if pool.is_paused:
            yield f"work pool {pool.name!r} is paused: headrace work-pool resume {quote(pool.name)}"
        elif pool.status is PoolStatus.NOT_READY:
            yield f"no worker serves work pool {pool.name!r} now: its runs wait until one does."


def _clone(steps: Steps, here: Checkout) -> Mapping[str, Any] | None:
    """The options of the step that clones this very repository."""
    options = next((step[GIT] for step in steps if GIT in step), None)
    if options is None or here.repository is None:
        return None
    return options if is_same_repository(str(options["repository"]), here.repository) else None


def _file(entrypoint: str | None) -> str | None:
    place = (entrypoint or "").rpartition(":")[0]
    return place if not place or place.endswith(".py") else f"{place.replace('.', '/')}.py"


def _about_commit(clone: Mapping[str, Any], here: Checkout) -> str | None:
    remote = here.remote or "a remote"
    if clone.get("track") == "branch":
        branch = str(clone.get("branch"))
        tip = here.own_tip(branch)
        if tip and not here.is_commit_pushed(tip):
            return (
                f"branch {branch} has commits that are not pushed to {remote}: workers follow what is there."
            )
    elif (commit := clone.get("commit")) and not here.is_commit_pushed(str(commit)):
        if here.has_commit(str(commit)) is None:
            return f"commit {str(commit)[:12]} is unknown in this clone: is it in {remote}? Runs fail if it is not."
        return f"commit {str(commit)[:12]} is not pushed to {remote}: workers cannot fetch it yet."
    return None
