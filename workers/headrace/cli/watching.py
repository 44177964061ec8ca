"""How a followed run looks on the terminal: a line per state and per record, and Ctrl-C to let go."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from headrace.cli.errors import FAILURE
from headrace.cli.marks import STATE_STYLE
from headrace.cli.output import Format, note, print_json, say
from headrace.cli.times import show_run_time
from headrace.cli.watch import follow
from headrace.contract.states import ENDED, StateType

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.flow_runs import FlowRun
    from headrace.contract.logs import Log

DETACHED = 130
"""The exit code after Ctrl-C, as a shell gives it."""
LEVEL_STYLE = {logging.DEBUG: "bright_black", logging.WARNING: "yellow", logging.ERROR: "red"}


def watch(api: Api, run_id: UUID, output: Format) -> None:
    """Follow a run to its end and exit by how it ended. With JSON, the lines go to stderr."""
    stderr = output is Format.JSON

    def on_state(run: FlowRun) -> None:
        print_state(run, stderr=stderr)
        if run.state_type is StateType.SCHEDULED:
            tell_what_it_waits_for(api, run)

    with detaching(run_id):
        run = follow(
            api,
            run_id,
            on_state=on_state,
            on_log=lambda r: print_log(r, stderr=stderr),
        )
    tell_what_to_do(run)
    if output is Format.JSON:
        print_json(run)
    elif run.result is not None:
        say(f"Result: {json.dumps(run.result, ensure_ascii=False, indent=2)}")
    raise typer.Exit(0 if run.state_type is StateType.COMPLETED else FAILURE)


def tell_what_it_waits_for(api: Api, run: FlowRun) -> None:
    """Say at once that no worker is online, rather than have somebody watch nothing happen."""
    explanation = api.runs.why(run.id)
    if explanation.code == "no_worker":
        note(f"{explanation.reason} Start one: headrace worker start --pool {run.work_pool_name}")


def tell_what_to_do(run: FlowRun) -> None:
    """Say what the error of a run that is over says to do."""
    if run.state_type in ENDED and run.error and run.error.get("hint"):
        note(str(run.error["hint"]))


@contextmanager
def detaching(run_id: UUID) -> Iterator[None]:
    """Let Ctrl-C end the watching and not the run, and say so."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"\nThe run goes on. Follow it again with: headrace flow-run watch {run_id}")
        raise typer.Exit(DETACHED) from None


def print_state(run: FlowRun, *, stderr: bool = False) -> None:
    """One line that says which state the run is in now."""
    what = _with_message(f"{run.state.name}{_how_long(run)}", run.state.message)
    say(f"{_clock(run.state.timestamp)}    STATE  {what}", STATE_STYLE[run.state_type], stderr=stderr)


def print_log(record: Log, *, stderr: bool = False) -> None:
    """One line of a run's log."""
    style = LEVEL_STYLE.get(min(record.level // 10 * 10, logging.ERROR))
    say(
        f"{_clock(record.timestamp)} {logging.getLevelName(record.level):>8}  {record.message}",
        style,
        stderr=stderr,
    )


def print_logs(run: FlowRun, records: Sequence[Log]) -> None:
    """The log of a run as far as it is there; without one, at least its state. Then what its error says to do."""
    for record in records:
        print_log(record)
    if not records:
        message = f": {run.state.message}" if run.state.message else "."
        note(f"No log lines; it is {run.state.name}{message}")
    tell_what_to_do(run)


def print_record(record: Log) -> None:
    """One record as JSON on a line of its own, for programs that read along."""
    sys.stdout.write(record.model_dump_json() + "\n")
    sys.stdout.flush()


def _how_long(run: FlowRun) -> str:
    took = show_run_time(run) if run.end_time else ""
    return f" after {took}" if took else ""


def _with_message(text: str, message: str | None) -> str:
    """A state with its message, which may be a sentence of its own."""
    if not message:
        return text
    return f"{text}{'. ' if message.endswith('.') else ': '}{message}"


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
