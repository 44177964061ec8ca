"""Writes a deployment that was made by questions or options into `headrace.yaml`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.connect import given
from headrace.project import FILE
from headrace.project.plan import own_labels
from headrace.project.schema import schema_text
from headrace.project.write import (
    HEADER,
    SCHEMA,
    new_file,
    to_yaml,
    with_deployment,
    without_deployment,
    write_safely,
)
from headrace.project.yamlfile import parse_yaml, read_yaml

if TYPE_CHECKING:
    from headrace.cli.deploying.answers import Answers


def project_name(path: Path) -> str:
    """The name that the project file has, or will get: its folder's."""
    if path.exists():
        data = read_yaml(path).data
        return str(data.get("name") or path.resolve().parent.name)
    return path.resolve().parent.name or "my-project"


def save(answers: Answers, folder: Path) -> Callable[[], None]:
    """Add the deployment, or replace the one of its name and entrypoint; the rest of the file stays as it is.

    What is returned takes back this entry, and only this: others may have saved theirs in between.
    """
    path, entry = folder / FILE, _entry(answers)
    with _alone(folder):
        before = path.read_text(encoding="utf-8-sig") if path.exists() else None
        text = f"{HEADER}name: {to_yaml(project_name(path))}" if before is None else before
        with_it = with_deployment(text, entry)
        parse_yaml(with_it, FILE)
        made_schema = before is None and not (folder / SCHEMA).exists()
        if before is None:
            write_safely(folder / SCHEMA, schema_text())
        write_safely(path, with_it)

    def undo() -> None:
        with _alone(folder):
            now = path.read_text(encoding="utf-8-sig") if path.exists() else None
            if now is None:
                return
            if now != with_it:
                write_safely(path, without_deployment(now, entry, text))
            elif before is not None:
                write_safely(path, before)
            else:
                path.unlink()
                if made_schema:
                    (folder / SCHEMA).unlink(missing_ok=True)

    return undo


@contextmanager
def saved(answers: Answers, folder: Path) -> Iterator[None]:
    """Save first, since the file is a part of the bundle that is uploaded; take it back if deploying fails."""
    if not answers.save:
        yield
        return
    undo = save(answers, folder)
    try:
        yield
    except BaseException:
        undo()
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes the folder's project file meanwhile, where the system can lock the folder itself."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def start(folder: Path, name: str, recipe: str) -> Path:
    """A new project file, and beside it the schema that its first line names."""
    write_safely(folder / SCHEMA, schema_text())
    write_safely(folder / FILE, new_file(name, recipe))
    return folder / FILE


def _entry(answers: Answers) -> dict[str, Any]:
    members = answers.members
    variables = dict(members.get("job_variables") or {})
    command = None if answers.entrypoint else variables.pop("command")
    return given(
        name=answers.name,
        entrypoint=answers.entrypoint,
        command=command,
        flow_name=None if answers.entrypoint else answers.facts.flow_name,
        description=members.get("description"),
        version=members.get("version"),
        tags=answers.tags or None,
        parameters=answers.parameters or None,
        work_pool=given(
            name=answers.pool,
            work_queue_name=members.get("work_queue_name"),
            job_variables=variables or None,
        ),
        schedules=answers.kept if (schedules := answers.schedules()) is None else schedules,
        path=members.get("path"),
        enforce_parameter_schema=members.get("enforce_parameter_schema"),
        retry_policy=members.get("retry_policy"),
        timeout=members.get("timeout_seconds"),
        labels=own_labels(members.get("labels")) or None,
        concurrency_limit=members.get("concurrency_limit"),
        concurrency_options=members.get("concurrency_options"),
        paused=members.get("paused"),
        pull=answers.pull(),
    )
