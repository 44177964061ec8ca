"""A systemd unit, of one user or of the whole machine.

`systemctl restart` kills the worker alone, at once (RestartKillSignal); its keeper stays, with the runs
(KillMode=process), and the worker that starts next takes both over. `systemctl stop` lets it finish its runs
for a while; those that are left then end when the lease does. An unknown setting (RestartKillSignal and
OOMPolicy are younger than systemd 244) is passed over with a warning, and a restart waits for the runs.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from headrace.cli.installing.service import DRAIN_SECONDS, File, Plan, Service, environment_text, one_line

_UNIT = """\
# Written by `headrace worker install --systemd`.
[Unit]
Description={description}
{after}# Try again for ever: the control plane may be away for long.
StartLimitIntervalSec=0

[Service]
Type=exec
{user}WorkingDirectory={folder}
# Only its owner can read it: the API's address and key, and what the flows' credentials are taken from.
EnvironmentFile={environment}
ExecStart={command}
Restart=always
RestartSec=5
# A restart replaces the worker alone: its keeper holds the runs until the next worker takes them over.
KillMode=process
RestartKillSignal=SIGHUP
# A stop lets the runs finish first, for so long; then they end with the lease.
KillSignal=SIGTERM
TimeoutStopSec={drain}
# A run that is killed for want of memory ends by itself, not with all others.
OOMPolicy=continue

[Install]
WantedBy={target}
"""


def plan(service: Service, folder: Path | None) -> Plan:
    """The unit and its environment file; in `folder`, or where systemd looks."""
    unit = f"{service.label}.service"
    units, environments = _places(service, folder)
    environment = File(
        environments / f"{service.label}.env",
        environment_text(service.environment, quoted=True),
        0o600,
        environment=True,
    )
    path = units / unit
    text = _UNIT.format(
        description=f"Headrace worker ({service.label})",
        after="Wants=network-online.target\nAfter=network-online.target\n" if service.system else "",
        user=f"User={_escaped(service.run_as)}\n" if service.system and service.run_as else "",
        folder="~" if service.system else "%h",
        environment=_escaped(str(environment.path)),
        command=command(service),
        drain=DRAIN_SECONDS,
        target="multi-user.target" if service.system else "default.target",
    )
    return Plan((File(path, text), environment), _steps(service, unit, path, given=folder is not None))


def command(service: Service) -> str:
    """The value of ExecStart: each word as systemd reads it back."""
    return " ".join(_word(word) for word in service.words)


def _word(word: str) -> str:
    text = _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return text if re.fullmatch(r"[A-Za-z0-9_./:@%+=,-]+", text) else f'"{text}"'


def _escaped(text: str) -> str:
    return one_line(text, repr(text)).replace("%", "%%")


def _places(service: Service, folder: Path | None) -> tuple[Path, Path]:
    if folder is not None:
        return folder, folder
    if service.system:
        return Path("/etc/systemd/system"), Path("/etc/headrace")
    return service.home / ".config/systemd/user", service.home / ".config/headrace"


def _steps(service: Service, unit: str, path: Path, *, given: bool) -> tuple[tuple[str, str], ...]:
    sudo, user = ("sudo ", "") if service.system else ("", " --user")
    systemctl = f"{sudo}systemctl{user}"
    enabled = shlex.quote(str(path)) if given else unit
    journal = f"{sudo}journalctl{user} --unit {unit} --follow"
    steps = [
        ("Enable and start it:", f"{systemctl} daemon-reload && {systemctl} enable --now {enabled}"),
        ("Restart it; its runs go on:", f"{systemctl} restart {unit}"),
        ("Stop it when its runs are over:", f"{systemctl} stop {unit}"),
        ("Read its log:", journal),
    ]
    if not service.system:
        steps.insert(1, ("Have it run while you are logged out, too:", "loginctl enable-linger"))
    return tuple(steps)
