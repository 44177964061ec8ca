"""`headrace worker install`: has systemd, launchd or Docker keep a worker running."""

from __future__ import annotations

import os
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.connect import read_settings
from headrace.cli.errors import BadUsage
from headrace.cli.options import OnDisconnect, check_names
from headrace.cli.output import note, say

if TYPE_CHECKING:
    from headrace.cli.installing.service import Plan, Service
    from headrace.settings import Settings


Systemd = Annotated[bool, typer.Option("--systemd", help="Write a systemd unit (Linux).")]
Launchd = Annotated[bool, typer.Option("--launchd", help="Write a launchd plist (macOS).")]
Docker = Annotated[bool, typer.Option("--docker", help="Write a Dockerfile.")]
RunAs = Annotated[
    str | None,
    typer.Option(
        "--run-as", help="With --system: as which user; the one behind sudo if left out.", metavar="USER"
    ),
]


def install(
    *,
    pool: Annotated[
        str, typer.Option("--pool", "-p", help="The work pool to serve.", metavar="NAME", show_default=False)
    ],
    systemd: Systemd = False,
    launchd: Launchd = False,
    docker: Docker = False,
    work_queue: Annotated[
        list[str] | None,
        typer.Option("--work-queue", "-q", help="Only this queue of it. May be repeated.", metavar="NAME"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-l", help="How many runs at once; 10 if left out.", min=1, max=1000, metavar="N"
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Its name; the host's if left out.", metavar="NAME")
    ] = None,
    on_disconnect: Annotated[
        OnDisconnect, typer.Option("--on-disconnect", help="When the control plane is away for too long.")
    ] = OnDisconnect.KILL,
    system: Annotated[
        bool, typer.Option("--system", help="For the whole machine, from boot on; else for this user.")
    ] = False,
    run_as: RunAs = None,
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", help="Write the files there instead.", metavar="FOLDER")
    ] = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print the files, keys hidden; write nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write what systemd, launchd or Docker need to keep a worker running, and say how to enable it."""
    manager = _only(systemd=systemd, launchd=launchd, docker=docker)
    check_names(pool, *(work_queue or ()), *((name,) if name is not None else ()))
    _check_user(docker=docker, system=system, run_as=run_as)
    settings = read_settings()
    from headrace.cli.installing.service import Service

    words = _words(pool, work_queue or [], limit, name, on_disconnect)
    service = Service(
        pool=pool,
        name=name,
        program=_program(),
        arguments=("worker", "start", *words),
        environment=_environment(settings, docker=docker, own_home=not system),
        home=Path.home(),
        system=system,
        run_as=(run_as or os.environ.get("SUDO_USER") or _user()) if system else None,
    )
    maker = import_module(f"headrace.cli.installing.{manager}")
    _carry_out(maker.plan(service, output_dir and output_dir.absolute()), service, show=show, force=force)
    if not show:
        _warn_of_role(settings, pool)
        if docker:
            _warn_of_loopback(settings)


def _words(
    pool: str, queues: list[str], limit: int | None, name: str | None, on_disconnect: OnDisconnect
) -> list[str]:
    """The options of `worker start` that say the same."""
    words = [f"--pool={pool}", *(f"--work-queue={queue}" for queue in queues)]
    words += [] if limit is None else [f"--limit={limit}"]
    words += [] if name is None else [f"--name={name}"]
    return words + ([] if on_disconnect is OnDisconnect.KILL else [f"--on-disconnect={on_disconnect}"])


def _only(**managers: bool) -> str:
    chosen = [name for name, wanted in managers.items() if wanted]
    if len(chosen) != 1:
        what = " and ".join(f"--{name}" for name in chosen) + " contradict each other."
        raise BadUsage(
            what if chosen else "Say what shall keep the worker running.",
            "Give one of --systemd, --launchd and --docker.",
        )
    return chosen[0]


def _check_user(*, docker: bool, system: bool, run_as: str | None) -> None:
    if docker and system:
        raise BadUsage("--docker and --system contradict each other.", "A container belongs to no user.")
    if run_as is not None and not (system and run_as.strip()):
        raise BadUsage("--run-as says as which user a --system service runs.", "Give both, or neither.")


def _program() -> tuple[str, ...]:
    """The command line of this installation, whatever PATH will be."""
    script = Path(sys.executable).with_name("headrace")
    return (str(script),) if script.is_file() else (sys.executable, "-m", "headrace.cli.main")


def _user() -> str:
    import getpass

    return getpass.getuser()


def _environment(settings: Settings, *, docker: bool, own_home: bool) -> dict[str, str]:
    found = {"HEADRACE_API_URL": settings.require_api_url()}
    if settings.api_key is not None:
        found["HEADRACE_API_KEY"] = settings.api_key
    if docker:
        return found
    if own_home and os.environ.get("HEADRACE_HOME"):
        found["HEADRACE_HOME"] = str(settings.home)
    # A service manager's own PATH is short: git and the flows' commands may be elsewhere.
    return {**found, "PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1"}


def _carry_out(plan: Plan, service: Service, *, show: bool, force: bool) -> None:
    from headrace.cli.installing.files import write
    from headrace.cli.installing.service import without_secrets

    if show:
        for file in plan.files:
            say(f"# {file.path} (mode {file.mode:o})", "bold")
            say(without_secrets(file.text) if file.environment else file.text)
        return
    write(plan, force=force)
    for file in plan.files:
        say(f"Wrote {file.path}" + (" (only its owner can read it)" if file.mode == 0o600 else ""), "green")
    for what, command in plan.steps:
        say(f"{what}\n  {command}")
    if "HEADRACE_API_KEY" not in service.environment:
        note(
            "No API key is set, so none was written: headrace login first, if the control plane asks for one."
        )


def _warn_of_role(settings: Settings, pool: str) -> None:
    """Of a key that may do more than a worker needs, or serves another pool; if the control plane answers."""
    from headrace.client.api import Api
    from headrace.client.errors import ApiError
    from headrace.client.transport import Transport
    from headrace.contract.roles import Role

    if settings.api_key is None:
        return
    try:
        with Api(Transport(settings.require_api_url(), settings.api_key, timeout=5, attempts=1)) as api:
            me = api.api_keys.me()
    except ApiError:
        return
    if not me.keys_required or (me.role is Role.WORKER and me.work_pool_name == pool):
        return
    what = f"of the role {me.role}" if me.role is not Role.WORKER else f"for the pool {me.work_pool_name!r}"
    note(
        f"The key that was written is one {what}. A worker needs one of its own, for its pool: headrace "
        f"api-key create NAME --role worker --pool {shlex.quote(pool)}   (then install it anew with --force)"
    )


def _warn_of_loopback(settings: Settings) -> None:
    from urllib.parse import urlsplit

    host = urlsplit(settings.require_api_url()).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        note(f"In a container {host} is the container itself: run it with --network host.")
