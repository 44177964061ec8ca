"""The composition root: the only place that says which part gets which. Tests call it with other parts."""

from __future__ import annotations

from chalicelib.dispatch.objects import Objects
from chalicelib.dispatch.queues import Queues
from chalicelib.dispatch.sts import Sts
from chalicelib.services.access import Access
from chalicelib.services.bulk import Bulk
from chalicelib.services.bundles import Bundles
from chalicelib.services.children import Children
from chalicelib.services.claims import Claims
from chalicelib.services.collisions import Collisions
from chalicelib.services.control_plane import ControlPlane
from chalicelib.services.credentials import Credentials
from chalicelib.services.definitions import Definitions
from chalicelib.services.deployments import Deployments
from chalicelib.services.heirs import Heirs
from chalicelib.services.large_parameters import LargeParameters
from chalicelib.services.lateness import Lateness
from chalicelib.services.limits import Limits
from chalicelib.services.lines import Lines
from chalicelib.services.logs import Logs
from chalicelib.services.occurrences import Occurrences
from chalicelib.services.pools import Pools
from chalicelib.services.ports import Ports
from chalicelib.services.proposals import Proposals
from chalicelib.services.put_away import PutAway
from chalicelib.services.readiness import Readiness
from chalicelib.services.reporting import Reporting
from chalicelib.services.rescue import Rescue
from chalicelib.services.run_edits import RunEdits
from chalicelib.services.run_lists import RunLists
from chalicelib.services.runs import Runs
from chalicelib.services.schedules import Schedules
from chalicelib.services.strays import Strays
from chalicelib.services.sync import Sync
from chalicelib.services.tick import Tick
from chalicelib.services.variables import Variables
from chalicelib.services.versions import Versions
from chalicelib.services.waiting import Waiting
from chalicelib.services.why import Why
from chalicelib.services.workers import Workers
from chalicelib.settings import Settings
from chalicelib.storage.bulk import BulkStore
from chalicelib.storage.documents import use_clock
from chalicelib.storage.table import use_table


def build(ports: Ports) -> ControlPlane:
    """Put the parts together."""
    use_table(ports.settings)
    use_clock(ports.clock)
    lines = Lines(ports)
    objects = Objects(ports.settings, ports.queues.clients)
    large = LargeParameters(ports, objects)
    runs = Runs(ports, lines, large)
    limits = Limits(ports, lines)
    occurrences = Occurrences(ports, lines)
    waiting = Waiting(ports, lines, runs)
    heirs = Heirs(ports, lines, occurrences)
    strays = Strays(ports, lines, waiting, heirs, runs)
    rescue = Rescue(ports, lines, strays, runs)
    workers = Workers(ports, rescue)
    schedules = Schedules(ports, heirs)
    pools = Pools(ports, workers, limits, lines, waiting)
    definitions = Definitions(ports, limits, lines, schedules)
    deployments = Deployments(ports, lines, waiting, schedules, definitions)
    away = PutAway(ports, lines, runs)
    claims = Claims(ports, lines, away, heirs)
    reporting = Reporting(ports, lines, strays, Collisions(ports, away), runs)
    return ControlPlane(
        ports=ports,
        access=Access(ports),
        pools=pools,
        workers=workers,
        readiness=Readiness(ports, workers),
        credentials=Credentials(ports, Sts(ports.queues.clients)),
        deployments=deployments,
        schedules=schedules,
        versions=Versions(ports, deployments, definitions),
        occurrences=occurrences,
        runs=runs,
        run_edits=RunEdits(ports, lines, large),
        bulk=Bulk(ports, lines, runs, BulkStore(ports.runs)),
        children=Children(ports, runs),
        variables=Variables(ports),
        proposals=Proposals(ports, lines, strays, runs),
        run_lists=RunLists(ports),
        logs=Logs(ports, runs),
        limits=limits,
        lateness=Lateness(ports, lines, pools, deployments, waiting, runs),
        bundles=Bundles(objects),
        sync=Sync(ports, claims, reporting, rescue, runs),
        why=Why(ports, workers),
        timed=Tick(ports, rescue, lines, limits, occurrences, away, strays, runs),
    )


_made: list[ControlPlane] = []


def control_plane() -> ControlPlane:
    """The control plane of this process, by its environment; made at the first call and kept warm."""
    if not _made:
        settings = Settings.from_environment()
        _made.append(build(Ports(settings=settings, queues=Queues(settings))))
    return _made[0]
