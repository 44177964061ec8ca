"""From a grant to a command: code, working folder, arguments, environment, limits.

Of the worker's own environment a child sees what `INHERITED` names and nothing else: no API key, no AWS
credentials. On top come the job template's `env` and these, which say who is running:
HEADRACE__FLOW_RUN_ID, HEADRACE__FLOW_RUN_NAME, HEADRACE__FLOW_NAME, HEADRACE__DEPLOYMENT_NAME,
HEADRACE__WORK_QUEUE and HEADRACE__ATTEMPT (`<run id>:<attempt>`); TRACEPARENT, if it belongs to a trace.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from headrace import tracing
from headrace.contract.sync import Grant, RunError
from headrace.secret import KEY, reference_in, references_in
from headrace.worker.events import ENGINE_SLACK, Launch
from headrace.worker.keeper.wire import Message
from headrace.worker.sources import Job, Leash, SourceError, Workshop, activated, make_ready
from headrace.worker.sources.secrets import read_reference

GRACE = 30.0
MESSAGE = 9000
"""Characters of a message, well below what a report may carry."""

INHERITED = re.compile(
    r"PATH|HOME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TMP|TEMP|USER|LOGNAME|SHELL|TERM|DISPLAY"
    r"|VIRTUAL_ENV|CONDA_PREFIX|CONDA_DEFAULT_ENV|LD_LIBRARY_PATH|DYLD_\w+"
    r"|PYTHON(PATH|HOME|HASHSEED|UTF8|IOENCODING|WARNINGS|DONTWRITEBYTECODE|PYCACHEPREFIX|NOUSERSITE|DEVMODE)"
    r"|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(?i:(https?|all|no)_proxy)"
    r"|XDG_\w+|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES"
    r"|USERPROFILE|USERNAME|USERDOMAIN|NUMBER_OF_PROCESSORS|PROCESSOR_ARCHITECTURE"
    r"|OTEL_(?!\w*HEADERS)\w+"  # headers may hold a key
)


class PrepareError(Exception):
    """A run cannot be started here; the message says why and what to do.

    Attributes:
        error: The same in parts, with the end of what a failing step printed.
        notes: Lines for the run's log: what the steps printed.
    """

    def __init__(self, message: str, error: RunError | None = None, notes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.error = error
        self.notes = notes


def prepare(
    grant: Grant,
    environ: Mapping[str, str] | None = None,
    workshop: Workshop | None = None,
    leash: Leash | None = None,
) -> Launch:
    """Make a grant's code ready and give the command; what the steps start is ended by the leash.

    Raises:
        PrepareError: The code source, or the job template, does not fit this machine.
    """
    if grant.problem is not None:
        raise _misfit(grant, grant.problem)
    configuration = grant.configuration
    environ = os.environ if environ is None else environ
    job = _code(grant, environ, workshop, leash or Leash(f"{grant.run}:{grant.attempt}"))
    command = configuration.get("command")
    engine = not command
    timeout = _timeout(grant)
    secrets = _secrets(grant, job) if engine else {}
    return Launch(
        argv=_engine(grant, job.python) if engine else _command(command),
        env=_environment(grant, environ, job),
        cwd=str(_working_dir(configuration.get("working_dir"), job.folder)),
        spec=_spec(grant, timeout, secrets) if engine else None,
        timeout=timeout + ENGINE_SLACK if timeout and engine else timeout,
        grace=_number(configuration.get("grace_seconds"), "grace_seconds", GRACE),
        limits=_limits(grant),
        stream=bool(configuration.get("stream_output", True)),
        notes=_lines(job.redactor.clean(note) for note in job.notes),
        preload=_preload(configuration.get("preload")),
        redact=job.redactor.forms(),
    )


def _misfit(grant: Grant, problem: str) -> PrepareError:
    message = f"The job cannot be started as its pool's job template says now: {problem}"[:MESSAGE]
    hint = (
        f"Deploy {grant.flow_name}/{grant.deployment_name} again with job variables that fit, or change the "
        "pool's template: headrace work-pool update POOL --base-job-template FILE."
    )
    return PrepareError(f"{message} {hint}", RunError(type="JobVariables", message=message, hint=hint))


def _code(grant: Grant, environ: Mapping[str, str], workshop: Workshop | None, leash: Leash) -> Job:
    """Run the pull steps."""
    notes: list[str] = []
    try:
        job = Job(
            workshop=workshop or Workshop.plain(environ),
            key=(grant.run, grant.attempt),
            folder=Path.cwd(),
            base_python=str(grant.configuration.get("python") or sys.executable),
            inherited=INHERITED,
            leash=leash,
            notes=notes,
        )
        make_ready(grant, job)
    except SourceError as error:
        message = f"The code could not be made ready: {str(error).removesuffix('.')}."[:MESSAGE]
        told = RunError(type="SourceError", message=message, traceback=error.output or None, hint=error.hint)
        lines = _lines([*notes, error.output])
        raise PrepareError(f"{message} {error.hint or ''}".strip(), told, lines) from error
    except OSError as error:
        message = f"The code could not be made ready: {type(error).__name__}: {error}."
        raise PrepareError(message, notes=_lines(notes)) from error
    return job


def _lines(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for note in notes for line in note.splitlines())


def _engine(grant: Grant, environment: Path | None) -> list[str]:
    if not grant.entrypoint:
        raise PrepareError(
            "The deployment has neither an entrypoint nor a `command` in its job template; deploy it again "
            "with an entrypoint such as flows/etl.py:main."
        )
    python = environment or grant.configuration.get("python") or sys.executable
    # -P: the working folder must not shadow the engine's own imports; the engine adds it for the flow's.
    return [str(python), "-P", "-m", "headrace.engine", "--spec", "{spec_fd}", "--events", "{events_fd}"]


def _command(command: object) -> list[str]:
    try:
        words = command if isinstance(command, list) else shlex.split(str(command))
    except ValueError as error:
        raise PrepareError(
            f"The job variable `command` is {command!r:.1000}, whose words cannot be told apart: {error}. Mend its "
            "quotes and deploy again, or give it as a list of words."
        ) from error
    if not words or not all(isinstance(word, str) for word in words):
        raise PrepareError(
            f"The job template's `command` is {command!r}; expected words such as 'sh run.sh'."
        )
    return [str(word) for word in words]


def _environment(grant: Grant, environ: Mapping[str, str], job: Job) -> dict[str, str]:
    env = {name: value for name, value in environ.items() if INHERITED.fullmatch(name)}
    env |= {} if job.python is None else activated(job.python, env)
    env["PYTHONUNBUFFERED"] = "1"
    chosen = grant.configuration.get("env") or {}
    if not isinstance(chosen, dict):
        raise PrepareError(f"The job template's `env` is {chosen!r}; expected names and values.")
    for name, value in chosen.items():
        if value is None:
            env.pop(name, None)
        elif isinstance(value, dict):
            env[name] = _secret(value, f"environment variable {name!r}", job)
        else:
            env[name] = str(value)
        _check_variable(name, env.get(name, ""))
    facts = {
        "HEADRACE__FLOW_RUN_ID": str(grant.run),
        "HEADRACE__FLOW_RUN_NAME": grant.name,
        "HEADRACE__FLOW_NAME": grant.flow_name,
        "HEADRACE__DEPLOYMENT_NAME": grant.deployment_name or "",
        "HEADRACE__WORK_QUEUE": grant.work_queue_name,
    }
    if grant.traceparent is not None:
        facts[tracing.VARIABLE] = grant.traceparent
    return env | facts


def _check_variable(name: str, value: str) -> None:
    """No system has a variable of such a name or value. The value is not shown: it may be a secret."""
    if not name or "=" in name or "\0" in name:
        what = f"names a variable {name!r:.200}; a name is not empty and has neither = nor a NUL character"
    elif "\0" in value:
        what = f"gives the variable {name!r:.200} a value with a NUL character, which no variable can have"
    else:
        return
    raise PrepareError(f"The job variable `env` {what}. Mend it and deploy again.")


def _working_dir(wanted: object, folder: Path) -> Path:
    if not wanted:
        return folder
    path = folder / Path(str(wanted)).expanduser()
    if not path.is_dir():
        raise PrepareError(
            f"The job template's `working_dir` {path} is not on this machine; make it, or change it."
        )
    return path


def _timeout(grant: Grant) -> float | None:
    wanted = grant.configuration.get("timeout")
    limits = [grant.timeout_seconds, _number(wanted, "timeout", 0) if wanted is not None else None]
    return min((limit for limit in limits if limit), default=None)


def _limits(grant: Grant) -> dict[str, float]:
    names = ("memory_mb", "cpu_seconds", "max_processes", "nice")
    chosen = {name: grant.configuration.get(name) for name in names}
    return {name: _number(value, name, 0) for name, value in chosen.items() if value is not None}


def _preload(names: object) -> tuple[str, ...]:
    names = names or []
    if not isinstance(names, list) or not all(_is_module(name) for name in names):
        raise PrepareError(
            f"The job template's `preload` is {names!r}; expected names of modules such as ['pandas']."
        )
    return tuple(names)


def _is_module(name: object) -> bool:
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))


def _number(value: object, name: str, default: float) -> float:
    if value is None:
        return default
    try:
        return float(str(value))
    except ValueError as error:
        raise PrepareError(f"The job template's `{name}` is {value!r}; expected a number.") from error


def _secrets(grant: Grant, job: Job) -> dict[str, str]:
    """The secrets that parameters refer to, by reference: read now, and told to nobody but the child."""
    return {
        reference: _secret({KEY: reference}, f"parameter {name!r}", job)
        for name, value in grant.parameters.items()
        for reference in references_in(value)
    }


def _secret(reference: dict[str, object], of: str, job: Job) -> str:
    try:
        return read_reference(reference, job.workshop.environ, job.redactor)
    except SourceError as error:
        named = reference_in(reference)
        what = f"The secret {named} of {of}" if named else f"The secret of {of}"
        message = f"{what} cannot be read: {error}."[:MESSAGE]
        hint = "Mend that, and start the run again: headrace flow-run retry."
        raise PrepareError(
            f"{message} {hint}", RunError(type="SecretError", message=message, hint=hint)
        ) from error


def _spec(grant: Grant, timeout: float | None, secrets: dict[str, str]) -> Message:
    return {
        "run": str(grant.run),
        "attempt": grant.attempt,
        "name": grant.name,
        "flow_name": grant.flow_name,
        "deployment_name": grant.deployment_name,
        "entrypoint": grant.entrypoint,
        "parameters": grant.parameters,
        "secrets": secrets,
        "run_count": grant.run_count,
        "expected_start_time": (grant.occurrence or grant.expected_start_time).isoformat(),
        "tags": grant.tags,
        "timeout_seconds": timeout,
        "log_level": str(grant.configuration.get("log_level") or "INFO"),
    }
