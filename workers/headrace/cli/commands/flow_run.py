"""`headrace flow-run`: single executions of flows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import connect, rows_of
from headrace.cli.errors import BadUsage
from headrace.cli.lookup import find_run
from headrace.cli.options import Output
from headrace.cli.output import Format, details, note, print_json, report, say
from headrace.cli.tables import ID, Column, listing
from headrace.cli.times import show_ago, show_moment, show_run_time
from headrace.contract.states import StateType

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.flow_runs import FlowRun

app = new_group()

RunId = Annotated[
    str, typer.Argument(help="Id of the flow run, or its name.", metavar="ID", show_default=False)
]
RunIds = Annotated[
    list[str], typer.Argument(help="Ids of flow runs, or their names.", metavar="ID...", show_default=False)
]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state", help="Only runs in this state, by type or name. May be repeated.", metavar="STATE"
    ),
]
FlowName = Annotated[str | None, typer.Option("--flow-name", help="Only runs of this flow.", metavar="NAME")]
OfDeployment = Annotated[
    str | None, typer.Option("--deployment", help="Only runs of this deployment.", metavar="FLOW/NAME")
]
InPool = Annotated[
    str | None, typer.Option("--pool", "-p", help="Only runs in this work pool.", metavar="NAME")
]
InQueue = Annotated[
    str | None, typer.Option("--queue", "-q", help="Only runs in this queue of the pool.", metavar="NAME")
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Only runs with this tag. Repeated: with all of them.", metavar="TAG"),
]
WELL = (StateType.COMPLETED, StateType.RUNNING)
"""What is told in green."""
COLUMNS = (
    Column("Run", style="bold"),
    ID,
    Column("Deployment"),
    Column("State", solid=True),
    Column("When", solid=True),
)


@app.command("ls")
def list_(
    *,
    state: States = None,
    flow_name: FlowName = None,
    deployment: OfDeployment = None,
    pool: InPool = None,
    queue: InQueue = None,
    tag: Tags = None,
    upcoming: Annotated[
        bool, typer.Option("--upcoming", help="Runs due later instead, the next first.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", help="How many to show.", min=1, max=10_000)] = 20,
    output: Output = Format.TABLE,
) -> None:
    """List flow runs, the latest first; without a --state, what schedules made ahead is only counted."""
    from headrace.cli import latest as lists
    from headrace.cli.marks import state_mark
    from headrace.cli.runs import choose

    choice = choose(state, flow_name=flow_name, deployment=deployment, pool=pool, queue=queue, tags=tag)
    now = datetime.now(UTC)
    with connect() as api:
        request = choice.request(api)
        if upcoming:
            found = lists.first(api, lists.to_come(now, request), limit)
        elif state:
            found = lists.first(api, request, limit)
        else:
            found = lists.latest(api, request, limit, now)
    listing(
        output,
        found.runs,
        COLUMNS,
        lambda run: [
            run.name,
            run.id,
            _deployment(run) or run.flow_name,
            state_mark(run.state_type, run.state_name),
            show_ago(run.start_time or run.expected_start_time, now),
        ],
        "No such flow runs. Start one: headrace deployment run FLOW/NAME",
    )
    if output is Format.TABLE:
        for remark in found.notes:
            note(remark)


@app.command()
def inspect(run_id: RunId, *, output: Output = Format.TABLE) -> None:
    """Show all about a flow run, with its result or its error."""
    with connect() as api:
        run = api.runs.read(find_run(api, run_id))
        version = _version(api, run) if output is Format.TABLE else None
    details(output, run, lambda: _fields(run, version))
    if output is Format.TABLE and run.error and run.error.get("traceback"):
        say(f"\n{run.error['traceback']}".rstrip(), "red")


def _version(api: Api, run: FlowRun) -> str | None:
    """The version that it runs, with the commit or bundle that its code is."""
    from headrace.cli.commands.deployment_versions import code_of
    from headrace.client.errors import NotFound

    number = run.deployment_version_number
    if run.deployment_id is None or number is None:
        return run.deployment_version
    try:
        code = code_of(api.versions.read(run.deployment_id, number))
    except NotFound:  # its deployment was deleted
        code = None
    more = ", ".join(text for text in (run.deployment_version, code) if text)
    return f"{number} ({more})" if more else str(number)


def _deployment(run: FlowRun) -> str | None:
    """The name of its deployment, as commands take it."""
    return f"{run.flow_name}/{run.deployment_name}" if run.deployment_name else None


def _fields(run: FlowRun, version: str | None) -> dict[str, object]:
    from headrace.cli.marks import state_mark

    earlier = [state.name for state in run.state_history if state.id != run.state_id]
    return {
        "Name": run.name,
        "ID": run.id,
        "State": state_mark(run.state_type, run.state_name),
        "Message": run.state.message,
        "Flow": run.flow_name,
        "Deployment": _deployment(run),
        "Version": version,
        "Work queue": f"{run.work_pool_name}/{run.work_queue_name}" if run.work_pool_name else None,
        "Worker": run.worker_name,
        "Attempts": run.attempt,
        "Parameters": run.parameters,
        "Tags": run.tags,
        "Due": show_moment(run.expected_start_time),
        "Occurrence": show_moment(run.occurrence) if run.occurrence else None,
        "Started": show_moment(run.start_time),
        "Ended": show_moment(run.end_time),
        "Took": show_run_time(run),
        "History": " > ".join([*earlier, run.state_name]),
        "Result": run.result,
        "Error": f"{run.error.get('type')}: {run.error.get('message')}" if run.error else None,
        **({"Hint": run.error["hint"]} if run.error and run.error.get("hint") else {}),
    }


@app.command()
def logs(
    run_id: RunId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run is over.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Print the log of a flow run; with --follow and JSON, one record a line."""
    from headrace.cli import watch as watch_module
    from headrace.cli.watching import detaching, print_log, print_logs, print_record, tell_what_to_do

    on_log = print_record if output is Format.JSON else print_log
    with connect() as api:
        wanted_id = find_run(api, run_id)
        if follow:
            with detaching(wanted_id):
                run = watch_module.follow(api, wanted_id, on_state=lambda run: None, on_log=on_log)
            tell_what_to_do(run)
            return
        run = api.runs.read(wanted_id)
        records = list(watch_module.LogFeed(api, wanted_id).fresh())
    if output is Format.JSON:
        print_json(records)
        return
    print_logs(run, records)


@app.command()
def watch(run_id: RunId, *, output: Output = Format.TABLE) -> None:
    """Follow a flow run to its end: states and log. Ctrl-C lets go of it, and it goes on."""
    from headrace.cli.watching import watch as watch_run

    with connect() as api:
        watch_run(api, find_run(api, run_id), output)


@app.command()
def why(run_id: RunId, *, output: Output = Format.TABLE) -> None:
    """Say in a sentence why a flow run is not running, and what can be done."""
    with connect() as api:
        wanted_id = find_run(api, run_id)
        answer = api.runs.why(wanted_id)
        is_well = output is Format.TABLE and api.runs.read(wanted_id).state_type in WELL
    report(output, answer, *filter(None, [answer.reason, answer.hint]), style="green" if is_well else None)


@app.command()
def retry(
    run_id: RunId,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Run a flow run that is over once more: same id, next attempt."""
    from headrace.cli.runs import check_accepted
    from headrace.cli.watching import watch as watch_run
    from headrace.contract.flow_runs import SetState, StateCreate

    proposal = SetState(state=StateCreate(type=StateType.SCHEDULED, message="Repeated by hand"), force=True)
    with connect() as api:
        wanted_id = find_run(api, run_id)
        before = api.runs.read(wanted_id)
        answer = api.runs.set_state(wanted_id, proposal)
        check_accepted(answer)
        again = f"It was {before.state_name}; it runs again."
        if watch:
            say(again, stderr=output is Format.JSON)
            watch_run(api, wanted_id, output)
        run = api.runs.read(wanted_id)
    report(
        output,
        run,
        f"Flow run {run.name!r} is scheduled once more. {again}",
        f"Follow it:  headrace flow-run watch {run.id}",
    )


@app.command()
def delete(run_ids: RunIds, *, output: Output = Format.TABLE) -> None:
    """Delete flow runs with their logs."""
    with connect() as api:
        wanted_ids = [find_run(api, text) for text in run_ids]
        runs = []
        for wanted_id in wanted_ids:
            runs.append(api.runs.read(wanted_id))
            api.runs.delete(wanted_id)
    report(output, runs, *(f"Deleted flow run {run.name!r}, {run.id}." for run in runs))


@app.command()
def cancel(
    run_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of flow runs, or their names.", metavar="[ID...]")
    ] = None,
    *,
    state: States = None,
    flow_name: FlowName = None,
    deployment: OfDeployment = None,
    pool: InPool = None,
    queue: InQueue = None,
    tag: Tags = None,
    output: Output = Format.TABLE,
) -> None:
    """Cancel flow runs: those named, or all that fit the options."""
    from headrace.cli.runs import cancel_one, choose, report_cancelled

    choice = choose(state, flow_name=flow_name, deployment=deployment, pool=pool, queue=queue, tags=tag)
    if bool(run_ids) == bool(choice):
        problem = "Name the runs to cancel by id, or choose them by options: one of the two."
        raise BadUsage(problem, "See: headrace flow-run cancel --help")
    with connect() as api:
        wanted = [(find_run(api, text), text) for text in run_ids or []]
        if choice:
            chosen = rows_of(api.runs.list, choice.going_on().request(api))
            wanted = [(run.id, str(run.id)) for run in chosen]
        outcomes = [cancel_one(api, run_id, named) for run_id, named in wanted]
        runs = [api.runs.read(outcome.run_id) for outcome in outcomes if outcome.problem is None]
    if output is Format.JSON:
        print_json(runs)
    report_cancelled(outcomes, named=bool(run_ids), quiet=output is Format.JSON)
