"""`deploy`: makes deployments from Python, by the very steps that `headrace deploy` takes for a project file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import ValidationError

from headrace.asking import ControlPlaneError
from headrace.client.asking import connected, wrong
from headrace.client.errors import ApiError, Conflict, NotFound
from headrace.contract.work_pools import WorkPoolCreate
from headrace.flow_deployments import FlowDeployment, check_deployments
from headrace.flows import loading
from headrace.project.desired import wanted_of
from headrace.project.errors import ProjectError
from headrace.project.facts import facts_of
from headrace.project.model import DeploymentEntry
from headrace.project.plan import Wanted
from headrace.project.sources import BUNDLE, GIT, LOCAL, Sources
from headrace.project.target import ApiTarget

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment

SOURCES = {"local": LOCAL, "bundle": BUNDLE, "git": GIT}


def deploy(
    *deployments: FlowDeployment,
    work_pool_name: str | None = None,
    source: str | Mapping[str, Any] = "local",
    create_pool: bool = False,
) -> list[UUID]:
    """Make deployments, or bring those of these names up to date; their ids.

    Nothing is made before all of them are known to fit. While a flow's file is loaded by a worker, this does
    nothing.

    Args:
        *deployments: What `Flow.to_deployment` gives.
        work_pool_name: The pool of those that name none.
        source: Where workers get the code: `local` (this folder, on this machine), `bundle` (uploaded), `git`
            (the commit that this clone is at), or a git step's options, such as `{"repository": URL,
            "branch": "main", "credentials": {"env": "GIT_TOKEN"}}`.
        create_pool: Make a pool of type process that does not exist.

    Raises:
        ControlPlaneError: The control plane refuses it, or does not answer.
        TypeError: An argument is of another kind.
        ValueError: The deployments contradict themselves, or the code has no such source.
    """
    if loading.active or not deployments:
        return []
    check_deployments("deploy", deployments)
    if not isinstance(create_pool, bool):
        raise TypeError(f"create_pool takes True or False, not {create_pool!r}")
    pull, pool = pull_of(source), _pool_of(work_pool_name, deployments)
    with prepared(deployments, pull, pool) as (wanted, packed), connected() as api:
        pools = sorted({str(one.body["work_pool_name"]) for one in wanted})
        with with_pools(api, pools, create=create_pool):
            return [made.id for made in publish(api, wanted, packed)]


def _pool_of(name: str | None, deployments: Sequence[FlowDeployment]) -> dict[str, str]:
    """The pool of those that name none."""
    if name is not None:
        if not isinstance(name, str):
            raise TypeError(f"work_pool_name takes text, not {name!r}")
        return {"name": name}
    without = [one.full_name for one in deployments if "name" not in one.entry["work_pool"]]
    if without:
        raise ValueError(
            f"no work pool is named for {', '.join(without)}: say work_pool_name=... (headrace work-pool ls shows them)"
        )
    return {}


@contextmanager
def with_pools(api: Api, names: Sequence[str], *, create: bool) -> Iterator[None]:
    """See that pools are there; those that were made go again if what follows fails, which is what is told."""
    new: list[str] = []
    try:
        new.extend(name for name in names if need_pool(api, name, create=create))
        yield
    except BaseException:
        for name in new:
            with suppress(ApiError):
                api.pools.delete(name)
        raise


def pull_of(source: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pull steps for a source, still without what only the folder knows."""
    if isinstance(source, Mapping):
        return [{GIT: dict(source)}]
    if not isinstance(source, str):
        raise TypeError(
            f"source takes {', '.join(SOURCES)}, or a dict with the options of a git step, not {source!r}"
        )
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}; expected {', '.join(SOURCES)}, or the options of a git step")
    return [{SOURCES[source]: {}}]


@contextmanager
def prepared(
    deployments: Sequence[FlowDeployment], pull: list[dict[str, Any]], pool: Mapping[str, Any]
) -> Iterator[tuple[list[Wanted], list[Sources]]]:
    """The requests for deployments, and the sources that may have packed a bundle; `pool` is what they do not say."""
    with ExitStack() as stack:
        sources = {
            folder: stack.enter_context(Sources(Path(folder)).kept())
            for folder in dict.fromkeys(one.folder for one in deployments)
        }
        try:
            wanted = [_wanted(one, sources[one.folder], pull, pool) for one in deployments]
        except ProjectError as error:
            raise ValueError(f"{error.message} {error.hint or ''}".strip()) from None
        keys = [one.key for one in wanted]
        if doubled := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"two deployments are named {', '.join(sorted(doubled))}")
        yield wanted, list(sources.values())


def publish(api: Api, wanted: Sequence[Wanted], sources: Sequence[Sources]) -> list[Deployment]:
    """Upload what was packed, then make the deployments."""
    for one in sources:
        if one.packed is not None:
            api.bundles.upload(one.packed.path, one.packed.digest)
    target = ApiTarget(api)
    return [target.upsert(one.flow_name, one.name, one.body) for one in wanted]


def need_pool(api: Api, name: str, *, create: bool) -> bool:
    """See that a pool is there; says whether it was made.

    Raises:
        ControlPlaneError: It is not, and shall not be made.
    """
    try:
        api.pools.read(name)
    except NotFound as error:
        if not create:
            hint = f"Make it: headrace work-pool create --type process {name}   (or say create_pool=True)"
            raise ControlPlaneError(error.message, hint, error.code, error.status) from None
        with suppress(Conflict):  # another program has made it meanwhile, and keeps it
            api.pools.create(WorkPoolCreate(name=name, type="process"))
            return True
    return False


def _wanted(
    one: FlowDeployment, sources: Sources, pull: list[dict[str, Any]], pool: Mapping[str, Any]
) -> Wanted:
    entry = {**one.entry, "pull": pull, "work_pool": {**pool, **one.entry["work_pool"]}}
    try:
        parsed = DeploymentEntry.model_validate(entry)
    except ValidationError as error:
        raise ValueError(f"deployment {one.name!r}: {wrong(error)}") from None
    facts = facts_of(one.flow)
    return wanted_of(parsed, str(facts.pop("flow_name")), facts, sources)
