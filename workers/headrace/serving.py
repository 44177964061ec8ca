"""`serve`: one process that registers deployments, and is the worker of their runs until Ctrl-C."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from headrace.asking import ControlPlaneError
from headrace.client.api import Api
from headrace.client.asking import connected
from headrace.client.errors import ApiError, Conflict
from headrace.contract.deployments import Deployment, DeploymentUpdate
from headrace.contract.sizes import WORKER_LIMIT
from headrace.contract.work_pools import WorkQueueCreate
from headrace.flow_deployments import FlowDeployment, check_deployments
from headrace.flows import loading
from headrace.publishing import prepared, publish, pull_of, with_pools
from headrace.settings import Settings, load_settings

PATIENCE = 60.0
"""Seconds for which a control plane that was started here may come up."""
OTHERS_PATIENCE = 30.0
"""Seconds for which one that another program starts at this moment may come up, in which ours found no place."""
PORT = 4200
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def serve(*deployments: FlowDeployment, limit: int = 10, pause_on_shutdown: bool = True) -> None:
    """Register deployments, and run what their schedules and people start, here, until Ctrl-C.

    Their code is this folder. They share a pool with all that is served on this machine, and have a queue of
    their own in it, so that their runs start in this process's care alone. Without a control plane to talk to,
    the embedded one is started, and ended with this process. While a flow's file is loaded by a worker, this
    does nothing.

    Ctrl-C (or SIGTERM) once: takes nothing new, and waits for what runs; twice: stops that, too.

    Args:
        *deployments: What `Flow.to_deployment` gives.
        limit: How many runs go on at once, at most 1,000.
        pause_on_shutdown: Pause the deployments at the end, so that nothing is scheduled for nobody;
            serving them again resumes them.

    Raises:
        ControlPlaneError: The control plane refuses the deployments, or does not answer.
        TypeError: An argument is of another kind.
        ValueError: The deployments contradict themselves.
        SystemExit: The worker could not work; it has said why.
    """
    if loading.active:
        return
    if not deployments:
        raise ValueError("there is nothing to serve: give serve what flow.to_deployment(...) makes")
    check_deployments("serve", deployments)
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"limit takes a whole number, not {limit!r}")
    if not 1 <= limit <= WORKER_LIMIT:
        raise ValueError(f"limit is at least 1 and at most {WORKER_LIMIT}, not {limit}")
    if not isinstance(pause_on_shutdown, bool):
        raise TypeError(f"pause_on_shutdown takes True or False, not {pause_on_shutdown!r}")
    with _control_plane():
        pool, queue = f"serve-{_plain(socket.gethostname())}", _queue_of(deployments)
        made = _register(deployments, pool, queue)
        for one in made:
            _say(f"Serving {one.flow_name}/{one.name}: headrace deployment run '{one.flow_name}/{one.name}'")
        farewell = _Farewell(made if pause_on_shutdown else [])
        from headrace.worker.main import WorkerOptions, start

        options = WorkerOptions(
            pool=pool, work_queues=(queue,), name=queue, limit=limit, on_stop=farewell.begin
        )
        try:
            code = start(options)
        finally:
            farewell.finish()
    if code:
        raise SystemExit(code)


def _register(deployments: Sequence[FlowDeployment], pool: str, queue: str) -> list[Deployment]:
    place = {"name": pool, "work_queue_name": queue}
    for one in deployments:
        if {"name", "work_queue_name"} & one.entry["work_pool"].keys():
            raise ValueError(
                f"deployment {one.name!r} names a work pool or queue, and what is served has a queue of its own; "
                "use deploy(...), and a worker for that pool"
            )
    with prepared(deployments, pull_of("local"), place) as (wanted, sources), connected() as api:
        awake = [replace(one, body={"paused": False, **one.body}) for one in wanted]
        with with_pools(api, [pool], create=True), _with_queue(api, pool, queue):
            return publish(api, awake, sources)


@contextmanager
def _with_queue(api: Api, pool: str, name: str) -> Iterator[None]:
    """See that the queue is there; one that was made goes again if what follows fails, which is what is told."""
    made = None
    with suppress(Conflict):  # it is there from the last time
        made = api.queues.create(pool, WorkQueueCreate(name=name))
    try:
        yield
    except BaseException:
        if made is not None:
            with suppress(ApiError):
                api.queues.delete(made.id)
        raise


class _Farewell:
    """Pauses deployments when the end begins, beside the worker, which waits for its runs meanwhile."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self._deployments = deployments
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """The worker was asked to leave."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._pause, name="farewell", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """The worker has left."""
        self.begin()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _pause(self) -> None:
        try:
            with connected() as api:
                for one in self._deployments:
                    api.deployments.update(one.id, DeploymentUpdate.model_validate({"paused": True}))
                    _say(f"Paused {one.flow_name}/{one.name} until it is served again.")
        except ControlPlaneError as error:
            _say(f"The deployments could not be paused: {error}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _queue_of(deployments: Sequence[FlowDeployment]) -> str:
    """A name that a program keeps from start to start, and no other one on this machine has."""
    program = os.path.realpath(sys.argv[0] or deployments[0].folder)
    names = " ".join(sorted(one.full_name for one in deployments))
    digest = hashlib.sha256(f"{program}\n{names}".encode()).hexdigest()[:6]
    return f"{_plain(Path(program).stem)}-{digest}"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:60].strip(".-") or "flows"


@contextmanager
def _control_plane() -> Iterator[None]:
    """Where none can be there, since nothing names one, or only a local one that does not run: start it."""
    settings = load_settings()
    if not _is_missing(settings):
        yield
        return
    known = urlsplit(settings.api_url).port if settings.api_url else None
    words = ["server", "start", "--port", str(known or _usual_port())]
    log = settings.home / "served.log"
    settings.home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "headrace.cli.main", *words],
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _say(f"No control plane is there: starting the embedded one (its words: {log}).")
        _wait_until_up(server, log)
        yield
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def _usual_port() -> int:
    """The server's usual port; 0, which means any, where somebody has it."""
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def _is_missing(settings: Settings) -> bool:
    if settings.api_url is None:
        return True
    own = settings.source == "profile local" and urlsplit(settings.api_url).hostname in LOOPBACK
    return own and not _answers(settings.api_url)


def _answers(api_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=2):  # noqa: S310 - http or https: checked when read
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _wait_until_up(server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    has_left = False
    while time.monotonic() < until:
        if server.poll() is not None and not has_left:
            has_left, until = True, time.monotonic() + OTHERS_PATIENCE
        url = load_settings().api_url
        if url is not None and _answers(url):
            return
        time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    raise ControlPlaneError(f"The embedded control plane did not start:\n{said}", code="unreachable")
