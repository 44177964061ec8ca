"""Turns a crontab into a `headrace.yaml` whose deployments run the same commands at the same times."""

from __future__ import annotations

import re
import shlex
from typing import Any

from headrace.project.errors import Problem
from headrace.project.prefect_file import Imported
from headrace.project.sources import PREFIX

_ENTRY = re.compile(r"^(@\w+|(?:\S+\s+){4}\S+)\s+(.+)$")
_SETTING = re.compile(r"^([A-Za-z_]\w*)\s*=\s*(.*)$")
_AT_ALL = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
FLOW_FILE = "crontab_flow.py"
FLOW = '''"""Runs one command line of a former crontab; `headrace import crontab` wrote this file."""

from __future__ import annotations

import subprocess

from headrace import flow


@flow(log_prints=True)
def run_command(command: str, stdin: str = "", environment: dict[str, str] | None = None) -> int:
    """Run a command by the shell, as cron did; any exit code but 0 fails the run."""
    import os

    child = {**os.environ, **(environment or {})}
    shell = child.get("SHELL", "/bin/sh")
    done = subprocess.run([shell, "-c", command], input=stdin.encode(), env=child, check=False)
    if done.returncode:
        raise RuntimeError(f"the command ended with exit code {done.returncode}")
    return done.returncode
'''


def from_crontab(text: str, name: str) -> Imported:
    """Read the lines of a crontab (a user's: without a column for the user)."""
    notes: list[Problem] = []
    settings: dict[str, str] = {}
    deployments: list[dict[str, Any]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        setting = _SETTING.match(line)
        if not line or line.startswith("#"):
            continue
        if setting:
            _set(settings, setting.group(1), setting.group(2), number, notes)
            continue
        entry = _entry(line, number, settings, notes)
        if entry:
            entry["name"] = _free(entry["name"], {each["name"] for each in deployments})
            deployments.append(entry)
    project = {
        "name": name,
        "pull": [{PREFIX + "set_working_directory": {}}],
        "defaults": {"work_pool": {"name": "default"}},
        "deployments": deployments,
    }
    return Imported(project, notes)


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


def _entry(line: str, number: int, settings: dict[str, str], notes: list[Problem]) -> dict[str, Any] | None:
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
    command, *given = _split_percent(rest)
    schedule: dict[str, Any] = {"cron": " ".join(times.lower().split() if times[0] == "@" else times.split())}
    if "CRON_TZ" in settings:
        schedule["timezone"] = settings["CRON_TZ"]
    else:
        notes.append(
            Problem(number, "timezone", "cron used its machine's zone; UTC is used unless you add `timezone`")
        )
    environment = {key: value for key, value in settings.items() if key != "CRON_TZ"}
    parameters: dict[str, Any] = {"command": _braces(command)}
    if given:
        parameters["stdin"] = _braces("\n".join(given) + "\n")
    if environment:
        parameters["environment"] = {key: _braces(value) for key, value in environment.items()}
    return {
        "name": _name(command, number),
        "entrypoint": f"{FLOW_FILE}:run_command",
        "description": f"Line {number} of the crontab.",
        "parameters": parameters,
        "schedules": [schedule],
    }


def _split_percent(text: str) -> list[str]:
    """Cron reads `%` as the end of the command, what follows as its input; a backslash makes it plain."""
    return [part.replace("\\%", "%") for part in re.split(r"(?<!\\)%", text)]


def _braces(text: str) -> str:
    return text.replace("{{", "\\{{")


def _name(command: str, number: int) -> str:
    """A name from the command's program."""
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
