"""Turns a crontab into a `headrace.yaml` whose deployments run the same commands at the same times."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from headrace.project.errors import Problem
from headrace.project.prefect_file import Imported
from headrace.project.secret_names import holds_a_secret
from headrace.project.sources import PREFIX

_ENTRY = re.compile(r"^(@\w+|(?:\S+\s+){4}\S+)\s+(.+)$")
_SETTING = re.compile(r"^([A-Za-z_]\w*)\s*=\s*(.*)$")
_ASSIGNED = re.compile(r"\b([A-Za-z_]\w*)=([^\s$]+)")
_USER = re.compile(r"[a-z_][a-z0-9_-]*\$?\s+[^\s-]")
"""What may be a user and a command. A command that begins with a dash is no command."""
_AT_ALL = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
FLOW_FILE = "crontab_flow.py"
FLOW = '''"""Runs one command line of a former crontab; `headrace import crontab` wrote this file."""

from __future__ import annotations

import subprocess

from headrace import flow


@flow(log_prints=True)
def run_command(command: str, stdin: str = "", environment: dict[str, str] | None = None) -> int:
    """Run a command as cron did: by /bin/sh, in the home folder. Any exit code but 0 fails the run."""
    import os
    from pathlib import Path

    given = environment or {}
    shell = given.get("SHELL") or "/bin/sh"
    child = {**os.environ, **given, "SHELL": shell}
    home = child.get("HOME") or Path.home()
    done = subprocess.run([shell, "-c", command], input=stdin.encode(), env=child, cwd=home, check=False)
    if done.returncode:
        raise RuntimeError(f"the command ended with exit code {done.returncode}")
    return done.returncode
'''
AS_CRON = (
    "each command runs by /bin/sh in $HOME, or by the SHELL and in the HOME that the crontab sets; it runs as the "
    "worker's user"
)
Refuse = Callable[[dict[str, Any]], str | None]
"""Why nobody can run by a schedule, or None."""


@dataclass
class _Line:
    """A line with a command, and what the lines before it set."""

    number: int
    times: str
    command: str
    settings: dict[str, str]


def from_crontab(text: str, name: str, refuse: Refuse = lambda _: None) -> Imported:
    """Read the lines of a crontab, of a user or (with a column for the user) of the system.

    A line whose schedule `refuse` gives a reason against is left out, and its reason noted.
    """
    notes: list[Problem] = []
    deployments: list[dict[str, Any]] = []
    for line in _without_users(_lines(text, notes), notes):
        said: list[Problem] = []
        entry = _entry(line, said)
        if reason := refuse(entry["schedules"][0]):
            notes.append(Problem(line.number, line.times, f"is left out: {reason}"))
            continue
        notes += said
        entry["name"] = _free(entry["name"], {each["name"] for each in deployments})
        deployments.append(entry)
    if deployments:
        notes.append(Problem(0, "", AS_CRON))
    project = {
        "name": name,
        "pull": [{PREFIX + "set_working_directory": {}}],
        "defaults": {"work_pool": {"name": "default"}},
        "deployments": deployments,
    }
    return Imported(project, sorted(notes))


def _lines(text: str, notes: list[Problem]) -> list[_Line]:
    settings: dict[str, str] = {}
    found = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if setting := _SETTING.match(line):
            _set(settings, setting.group(1), setting.group(2), number, notes)
        elif times := _times(line, number, notes):
            found.append(_Line(number, times[0], times[1], dict(settings)))
    return found


def _set(settings: dict[str, str], key: str, value: str, line: int, notes: list[Problem]) -> None:
    value = value.strip()
    value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    if key == "MAILTO":
        if value:
            notes.append(Problem(line, key, "nobody is mailed; see the runs with `headrace flow-run ls`"))
    elif key in ("CRON_TZ", "TZ"):
        settings["CRON_TZ"] = value
    elif key == "RANDOM_DELAY":
        notes.append(Problem(line, key, "give each schedule a `jitter` (seconds) instead"))
    else:
        settings[key] = value
        if holds_a_secret(key, value):
            message = f"is a secret, and left out: set {key} where the workers run, they read it there"
            notes.append(Problem(line, key, message))


def _times(line: str, number: int, notes: list[Problem]) -> tuple[str, str] | None:
    """The times of a line and what follows them; what has none is noted."""
    match = _ENTRY.match(line)
    if not match:
        notes.append(Problem(number, "", f"is no line of a crontab, and is left out: {line[:60]}"))
        return None
    times, rest = match.groups()
    if times.startswith("@") and times.lower() not in _AT_ALL:
        notes.append(
            Problem(number, times, "has no counterpart (nothing starts with the machine); it is left out")
        )
        return None
    # A dash before the minute keeps cron from writing a line of its own into the system's log.
    return times.removeprefix("-"), rest


def _without_users(lines: list[_Line], notes: list[Problem]) -> list[_Line]:
    """The lines of a system's crontab without the user before each command; a user's crontab has none.

    The system's is known by users of this machine in all lines, or by root in one where all may be users.
    """
    is_root = any(_begins_with_user(line.command) and line.command.split()[0] == "root" for line in lines)
    may_be_users = is_root and all(_USER.match(line.command) for line in lines)
    are_users = may_be_users or (bool(lines) and all(_begins_with_user(line.command) for line in lines))
    done = []
    for line in lines:
        user, _, rest = line.command.partition(" ")
        if rest and (are_users or user == "root"):
            message = "is taken for the user, and left out: the command runs as the worker's user"
            notes.append(Problem(line.number, user, message))
            line = replace(line, command=rest.strip())
        elif _begins_with_user(line.command):
            message = "may be the user, and is kept as a part of the command: delete it if it is"
            notes.append(Problem(line.number, user, message))
        done.append(line)
    return done


def _begins_with_user(command: str) -> bool:
    """Whether the first word is a user of this machine, and what follows can be a command."""
    user, _, rest = command.partition(" ")
    return _is_user(user) and bool(rest.strip()) and not rest.strip().startswith("-")


def _is_user(name: str) -> bool:
    try:
        import pwd
    except ImportError:  # Windows has neither
        return name == "root"
    try:
        pwd.getpwnam(name)
    except KeyError:
        return name == "root"
    return True


def _entry(line: _Line, notes: list[Problem]) -> dict[str, Any]:
    command, *given = _split_percent(line.command)
    times, settings = line.times, line.settings
    schedule: dict[str, Any] = {"cron": " ".join(times.lower().split() if times[0] == "@" else times.split())}
    if settings.get("CRON_TZ"):
        schedule["timezone"] = settings["CRON_TZ"]
    else:
        message = "cron used its machine's zone; UTC is used unless you add `timezone`"
        notes.append(Problem(line.number, "timezone", message))
    plain = {key: value for key, value in settings.items() if key != "CRON_TZ"}
    secrets = [key for key, value in plain.items() if holds_a_secret(key, value)]
    parameters: dict[str, Any] = {"command": _braces(command)}
    if any(holds_a_secret(*pair) for pair in _ASSIGNED.findall(command)) or holds_a_secret("", command):
        message = "seems to hold a secret, which is stored and shown: let the workers' environment give it"
        notes.append(Problem(line.number, "command", message))
    if given:
        parameters["stdin"] = _braces("\n".join(given) + "\n")
    environment = {key: _braces(value) for key, value in plain.items() if key not in secrets}
    if environment:
        parameters["environment"] = environment
    entry = {
        "name": _name(command, line.number),
        "entrypoint": f"{FLOW_FILE}:run_command",
        "description": f"Line {line.number} of the crontab.",
        "parameters": parameters,
        "schedules": [schedule],
    }
    if secrets:
        references = {key: {"$secret": f"env:{key}"} for key in secrets}
        entry["work_pool"] = {"job_variables": {"env": references}}
    return entry


def _split_percent(text: str) -> list[str]:
    """Cron reads `%` as the end of the command, what follows as its input; a backslash makes it plain."""
    return [part.replace("\\%", "%") for part in re.split(r"(?<!\\)%", text)]


def _braces(text: str) -> str:
    return text.replace("{{", "\\{{")


def _name(command: str, number: int) -> str:
    """A name from the command's program."""
    command = re.sub(r"^\s*cd\s+\S+\s*(&&|;)", "", command)
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    program = next((word for word in words if "=" not in word and word not in ("cd", "&&", "env")), "")
    scripts = [word for word in words if word.endswith((".sh", ".py", ".pl", ".rb"))]
    last = (scripts[0] if scripts else program).rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", last).strip("-.") or f"line-{number}"


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
