"""A launchd property list for macOS, of one user (agent) or of the whole machine (daemon).

launchd has no file of environment variables, and a plist is often readable by all, so a shell reads ours.
"""

from __future__ import annotations

import plistlib
import shlex
from pathlib import Path

from headrace.cli.installing.service import DRAIN_SECONDS, File, Plan, Service, environment_text, one_line

_START = 'set -a; . "$0"; set +a; exec "$@"'


def plan(service: Service, folder: Path | None) -> Plan:
    """The property list and its environment file; in `folder`, or where launchd looks."""
    label = f"dev.headrace.{service.label}"
    lists, own, log = _places(service, folder)
    environment = File(
        own / f"{service.label}.env",
        environment_text(service.environment, quoted=True),
        0o600,
        environment=True,
        owner=service.run_as,  # whose shell reads it; systemd reads its own as root
    )
    path = lists / f"{label}.plist"
    text = plistlib.dumps(_job(service, label, environment.path, log / f"{service.label}.log")).decode()
    domain = "system" if service.system else "gui/$(id -u)"
    sudo = "sudo " if service.system else ""
    return Plan(
        (File(path, text), environment),
        (
            ("Enable and start it:", f"{sudo}launchctl bootstrap {domain} {shlex.quote(str(path))}"),
            ("Restart it; its runs go on:", f"{sudo}launchctl kill SIGHUP {domain}/{label}"),
            ("Stop it when its runs are over:", f"{sudo}launchctl bootout {domain}/{label}"),
            ("Read its log:", f"{sudo}tail -f {shlex.quote(str(log / f'{service.label}.log'))}"),
        ),
    )


def _job(service: Service, label: str, environment: Path, log: Path) -> dict[str, object]:
    words = ["/bin/sh", "-c", _START, str(environment), *service.words]
    job: dict[str, object] = {
        "Label": label,
        "ProgramArguments": [one_line(word, repr(word)) for word in words],
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 5,
        # A stop lets the runs finish first, for so long.
        "ExitTimeOut": DRAIN_SECONDS,
        # The keeper outlives its worker, with the runs, until the next one takes them over.
        "AbandonProcessGroup": True,
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
    }
    if service.system and service.run_as:
        job["UserName"] = service.run_as
    return job


def _places(service: Service, folder: Path | None) -> tuple[Path, Path, Path]:
    """Where the list, the environment and the log go."""
    if folder is not None:
        return folder, folder, folder
    if service.system:
        return Path("/Library/LaunchDaemons"), Path("/etc/headrace"), Path("/var/log")
    library = service.home / "Library"
    return library / "LaunchAgents", library / "Application Support/Headrace", library / "Logs"
