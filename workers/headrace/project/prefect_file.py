"""Turns a `prefect.yaml` into a `headrace.yaml`, and lists what has no counterpart, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headrace.prefect_words import GUIDE
from headrace.project.errors import Problem
from headrace.project.git import without_secrets
from headrace.project.prefect_templates import Templates, variable_of
from headrace.project.sources import PREFIX
from headrace.project.yamlfile import Place, YamlFile

_SAME = (
    "name",
    "entrypoint",
    "description",
    "version",
    "tags",
    "parameters",
    "paused",
    "flow_name",
    "labels",
)
_SCHEDULE = (
    "cron",
    "rrule",
    "timezone",
    "anchor_date",
    "day_or",
    "active",
    "max_scheduled_runs",
    "parameters",
    "slug",
)
_DROPPED = {
    "triggers": "automations are not part of the file",
    "trigger": "automations are not part of the file",
    "sla": "there are no service level agreements",
    "grace_period_seconds": "has no counterpart: a claimed run keeps its slot while its worker lives",
    "prefect-version": "",
    "pull": "",
}
_STEPS = {
    "git_clone": "git_clone",
    "set_working_directory": "set_working_directory",
    "run_shell_script": "run_shell_script",
    "pip_install_requirements": "pip_install",
}
_CLONE = ("repository", "branch", "tag", "commit", "commit_sha", "include_submodules", "directories", "id")
_IMPORTS = (
    "the flows import `flow` and `task` from headrace now, not from prefect: change that in their files. "
    f"{GUIDE} says what is not here, such as task.submit and caching"
)


@dataclass
class Imported:
    """The new file's values, and the notes on what it lacks."""

    data: dict[str, Any]
    notes: list[Problem] = field(default_factory=list)


def from_prefect(file: YamlFile) -> Imported:
    """Read the values of a `prefect.yaml`."""
    return _Reader(file).read()


class _Reader:
    def __init__(self, file: YamlFile) -> None:
        self._file = file
        self._notes: list[Problem] = []
        self._ids: set[str] = set()

    def read(self) -> Imported:
        data = self._file.data
        project: dict[str, Any] = {"name": str(data.get("name") or "my-project")}
        for kind in ("build", "push", "pull"):
            steps = self._steps(data.get(kind), (kind,), kind)
            if steps:
                project[kind] = steps
        entries = self._list(data.get("deployments"), ("deployments",)) or []
        project["deployments"] = [
            self._deployment(entry, ("deployments", number))
            for number, entry in enumerate(entries)
            if self._is_usable(entry, ("deployments", number))
        ]
        known = {"name", "build", "push", "pull", "deployments", "prefect-version", "definitions"}
        for name in data.keys() - known:
            self._note((name,), "has no counterpart")
        if project["deployments"]:
            self._notes.append(Problem(0, "", _IMPORTS))
        templates = Templates(self._file, self._ids)
        return Imported(templates.fill(project), sorted({*self._notes, *templates.notes}))

    def _list(self, value: Any, place: Place) -> list[Any] | None:
        """The list that is expected there; what is none is noted, and left out."""
        if value is None or isinstance(value, list):
            return value
        self._note(place, "is no list, and is left out")
        return None

    def _is_usable(self, entry: Any, place: Place) -> bool:
        if isinstance(entry, dict) and entry.get("name") and entry.get("entrypoint"):
            return True
        self._note(place, "lacks a name or an entrypoint, and is left out")
        return False

    def _note(self, place: Place, message: str) -> None:
        self._notes.append(self._file.problem(place, message))

    def _deployment(self, entry: dict[str, Any], place: Place) -> dict[str, Any]:
        done = {name: entry[name] for name in _SAME if entry.get(name) is not None}
        done |= {"version": str(done["version"])} if "version" in done else {}
        done |= {"tags": [done["tags"]]} if isinstance(done.get("tags"), str) else {}
        done |= self._pool(entry.get("work_pool"), (*place, "work_pool"))
        done |= self._schedules(entry, place)
        done |= self._concurrency(entry.get("concurrency_limit"), place)
        if entry.get("enforce_parameter_schema") is not None:
            done["enforce_parameter_schema"] = entry["enforce_parameter_schema"]
        for kind in ("build", "push", "pull"):
            if entry.get(kind) is not None:
                done[kind] = self._steps(entry[kind], (*place, kind), kind)
        self._leftovers(entry, place)
        return done

    def _leftovers(self, entry: dict[str, Any], place: Place) -> None:
        taken = {
            *_SAME,
            "work_pool",
            "schedule",
            "schedules",
            "concurrency_limit",
            "enforce_parameter_schema",
        }
        for name in entry.keys() - taken - {"build", "push", "pull"}:
            if entry[name] not in (None, [], {}):
                self._note((*place, name), _DROPPED.get(name) or "has no counterpart")

    def _pool(self, pool: Any, place: Place) -> dict[str, Any]:
        if not isinstance(pool, dict):
            return {}
        for name in pool.keys() - {"name", "work_queue_name", "job_variables"}:
            self._note((*place, name), "has no counterpart")
        kept = {name: pool[name] for name in ("name", "work_queue_name", "job_variables") if pool.get(name)}
        if not isinstance(kept.get("job_variables", {}), dict):
            self._note((*place, "job_variables"), "has no names and values, and is left out")
            del kept["job_variables"]
        for name in sorted(
            kept.get("job_variables", {}).keys() - {"command", "env", "working_dir", "stream_output"}
        ):
            self._note((*place, "job_variables", name), "is kept; check that your pool's job template has it")
        return {"work_pool": kept} if kept else {}

    def _schedules(self, entry: dict[str, Any], place: Place) -> dict[str, Any]:
        found = self._list(entry.get("schedules"), (*place, "schedules"))
        places: list[Place] = [(*place, "schedules", n) for n in range(len(found or []))]
        if found is None and isinstance(entry.get("schedule"), dict):
            found, places = [entry["schedule"]], [(*place, "schedule")]
        if found is None:
            return {}
        done = [self._schedule(each, where) for each, where in zip(found, places, strict=False)]
        return {"schedules": [each for each in done if each]}

    def _schedule(self, schedule: Any, place: Place) -> dict[str, Any] | None:
        if not isinstance(schedule, dict) or not {"cron", "interval", "rrule"} & schedule.keys():
            self._note(place, "says no times, and is left out")
            return None
        done = {name: schedule[name] for name in _SCHEDULE if schedule.get(name) is not None}
        if schedule.get("interval") is not None:
            seconds = _seconds(schedule["interval"])
            if seconds is None:
                self._note((*place, "interval"), "is no number of seconds, and the schedule is left out")
                return None
            done["interval"] = seconds
        for name in schedule.keys() - {*_SCHEDULE, "interval", "schedule"}:
            self._note((*place, name), "has no counterpart")
        return done

    def _concurrency(self, limit: Any, place: Place) -> dict[str, Any]:
        if not isinstance(limit, dict):
            return {} if limit is None else {"concurrency_limit": limit}
        done: dict[str, Any] = {"concurrency_limit": limit.get("limit")}
        options = {name: limit[name] for name in ("collision_strategy",) if limit.get(name) is not None}
        for name in limit.keys() - {"limit", "collision_strategy"}:
            self._note((*place, "concurrency_limit", name), _DROPPED.get(name) or "has no counterpart")
        return done | ({"concurrency_options": options} if options else {})

    def _steps(self, steps: Any, place: Place, kind: str) -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = []
        for number, step in enumerate(steps if isinstance(steps, list) else []):
            for name, options in step.items() if isinstance(step, dict) else ():
                where = (*place, number, str(name))
                if not isinstance(options or {}, dict):
                    self._note(where, "has no names and values, and is left out")
                    continue
                mine = self._step(str(name), options or {}, where, kind)
                if mine:
                    done.append(mine)
        return done

    def _step(self, name: str, options: dict[str, Any], place: Place, kind: str) -> dict[str, Any] | None:
        last = _STEPS.get(name.rpartition(".")[2])
        if not name.startswith("prefect.") or last is None:
            self._note(place, f"this {kind} step has no counterpart, and is left out")
            return None
        if kind != "pull" and last != "run_shell_script":
            self._note(place, f"only run_shell_script is known as a {kind} step; it is left out")
            return None
        kept = {key: value for key, value in options.items() if key not in ("requires", "expand_env_vars")}
        if "expand_env_vars" in options:
            self._note(
                (*place, "expand_env_vars"), "has no meaning here: the shell expands what the script names"
            )
        if kind != "pull":
            kept.pop("id", None)
        elif isinstance(label := kept.get("id"), str):
            self._ids.add(label)
        if last == "git_clone":
            kept = self._git(kept, place)
        return {PREFIX + last: kept}

    def _git(self, options: dict[str, Any], place: Place) -> dict[str, Any]:
        done = {name: options[name] for name in options if name in _CLONE}
        for name in options.keys() - {*_CLONE, "access_token", "credentials"}:
            self._note((*place, name), "has no counterpart")
        for name in ("access_token", "credentials"):
            if name in options:
                variable = variable_of(options[name])
                where = f"it is read from {variable}" if variable else "credentials: {env: NAME}"
                self._note((*place, name), f"name where a worker finds the secret instead: {where}")
                done |= {"credentials": {"env": variable}} if variable else {}
        return self._without_password(done, place)

    def _without_password(self, options: dict[str, Any], place: Place) -> dict[str, Any]:
        """The clone whose address had a password, or a template for one, with a reference instead."""
        address = str(options.get("repository") or "")
        plain = without_secrets(address)
        if plain == address:
            return options
        user = address.partition("://")[2].rpartition("@")[0]
        variable = variable_of(user.rpartition(":")[2]) or variable_of(user.partition(":")[0]) or "GIT_TOKEN"
        credentials = options.get("credentials") or {"env": variable}
        message = "had a password, which is left out: workers read it from their environment's "
        self._note((*place, "repository"), message + str(credentials.get("env")))
        return {**options, "repository": plain, "credentials": credentials}


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
