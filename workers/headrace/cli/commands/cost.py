"""`headrace cost`: what deployments cost in AWS, before and after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import connect
from headrace.cli.errors import BadUsage
from headrace.cli.lookup import deployment_reference
from headrace.cli.options import Output
from headrace.cli.output import Format, counted, note, print_json, say
from headrace.cli.tables import Column, print_table
from headrace.cli.times import parse_duration, show_duration

if TYPE_CHECKING:
    from headrace.cli.costs import Group
    from headrace.cost.units import Units

app = new_group()
MOST_LOG_KB = 1_000_000.0
LINES = (
    Column("Line of the bill", style="bold"),
    Column("Quantity", right=True, solid=True),
    Column("USD", right=True, solid=True),
)
GROUPS = (
    Column("Pool", style="bold"),
    Column("Deployment"),
    Column("Runs", right=True, solid=True),
    Column("Run time", right=True, solid=True),
    Column("USD", right=True, solid=True),
)
FreeTier = Annotated[
    bool, typer.Option("--free-tier", help="Take off what AWS gives every month, as if nothing else used it.")
]
LogKb = Annotated[
    float | None,
    typer.Option("--log-kb", help="Kilobytes of log of a run.", min=0, max=MOST_LOG_KB, metavar="N"),
]


@dataclass(frozen=True)
class Case:
    """A month of runs."""

    runs: float
    duration: float
    log_kb: float
    scheduled: bool


@app.command()
def estimate(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A deployment: its full name, or its id.", metavar="[FLOW/NAME]", show_default=False
        ),
    ] = None,
    *,
    runs: Annotated[
        float | None, typer.Option("--runs-per-month", help="How many runs.", min=0, max=1e9, metavar="N")
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("--duration", help="How long one takes, as in 90s or 5m.", metavar="DURATION"),
    ] = None,
    log_kb: LogKb = None,
    free_tier: FreeTier = False,
    output: Output = Format.TABLE,
) -> None:
    """Say what a deployment, or so many runs, cost in a month of 30 days."""
    from headrace.cli import costs

    seconds = None if duration is None else parse_duration(duration, "--duration").total_seconds()
    remarks: list[str] = []
    if name is None:
        if runs is None:
            raise BadUsage(
                "Name a deployment, or give --runs-per-month.", "See: headrace cost estimate --help"
            )
        facts = costs.Facts()
    else:
        deployment_reference(name)
        with connect() as api:
            facts = costs.look(api, name, datetime.now(UTC), with_runs=None in (seconds, log_kb))
        remarks += facts.remarks
    case = Case(
        runs=facts.runs if runs is None else runs,
        duration=_first_known(seconds, facts.duration, costs.DURATION),
        log_kb=_first_known(log_kb, facts.log_kb, costs.LOG_KB),
        scheduled=facts.runs > 0 and runs is None,
    )
    if seconds is None and facts.duration is None:
        remarks.append(f"A run is assumed to take {show_duration(case.duration)}: give --duration.")
    if log_kb is None and facts.log_kb is None:
        remarks.append(f"A run is assumed to write {case.log_kb:g} KB of log: give --log-kb.")
    _show_estimate(case, remarks, output, free_tier=free_tier)


def _first_known(said: float | None, found: float | None, assumed: float) -> float:
    return said if said is not None else assumed if found is None else found


def _show_estimate(case: Case, remarks: list[str], output: Format, *, free_tier: bool) -> None:
    from headrace.cost import bill, prices, units

    month = units.run(case.duration, case.log_kb, scheduled=case.scheduled) * case.runs
    idle = units.standing(units.MONTH)
    total = bill.total(month, free_tier=free_tier)
    standing = bill.total(idle, free_tier=free_tier, before=month)
    if output is Format.JSON:
        value = _as_json(month, free_tier=free_tier) | {
            "case": asdict(case),
            "usd_per_million_runs": bill.total(
                units.run(case.duration, case.log_kb, scheduled=case.scheduled)
            )
            * 1e6,
            "idle_month": _as_json(idle, free_tier=free_tier, before=month),
            "remarks": remarks,
        }
        print_json(value)
        return
    each = f"each {show_duration(case.duration)} long, with {case.log_kb:.3g} KB of log"
    say(f"{case.runs:,.0f} runs a month, {each}: {_usd(total)}", "green")
    _print_lines(month, free_tier=free_tier)
    say(f"The control plane itself, idle, with one worker on one queue: {_usd(standing)} a month more.")
    for remark in remarks:
        note(remark)
    note(
        f"AWS list prices of {prices.DATE} in {prices.REGION}. What is counted and what assumed: docs/guides/cost.md"
    )


@app.command()
def actual(
    *,
    since: Annotated[
        str,
        typer.Option(
            "--since", help="How far back, as in 1h, 7d or 4w; 31 days at most.", metavar="DURATION"
        ),
    ] = "1d",
    log_kb: LogKb = None,
    free_tier: FreeTier = False,
    output: Output = Format.TABLE,
) -> None:
    """Say what the runs of a period cost, by pool and deployment, from what they left in the table."""
    from headrace.cli import costs
    from headrace.cost import bill, units

    period = parse_duration(since, "--since")
    if not timedelta(minutes=1) <= period <= timedelta(days=31):
        raise BadUsage(f"--since: {since!r} is not from 1m to 31d.", "Runs are forgotten after 30 days.")
    with connect() as api:
        now = datetime.now(UTC)
        seen = costs.recorded(api, now - period, now, log_kb)
    standing = units.standing(period.total_seconds(), seen.workers)
    whole = standing
    for group in seen.groups:
        whole += group.units
    known = "run time is" if log_kb is not None else "run time and log volume are"
    remarks = [*seen.remarks, f"Requests and units are those counted for such runs; {known} recorded."]
    if output is Format.JSON:
        groups = [_group(one) | _as_json(one.units, free_tier=False) for one in seen.groups]
        value = _as_json(whole, free_tier=free_tier)
        print_json(
            value | {"groups": groups, "standing": _as_json(standing, free_tier=False), "remarks": remarks}
        )
        return
    cells = [
        [one.pool, one.deployment, one.runs, show_duration(one.seconds), _usd(bill.total(one.units))]
        for one in seen.groups
    ]
    cells.append(
        ["(standing)", f"tick, {counted(seen.workers, 'worker')}", "", "", _usd(bill.total(standing))]
    )
    print_table(GROUPS, cells, "")
    say(f"Together: {_usd(bill.total(whole, free_tier=free_tier))}", "green")
    for remark in remarks:
        note(remark)


def _group(group: Group) -> dict[str, Any]:
    return {"pool": group.pool, "deployment": group.deployment, "runs": group.runs, "seconds": group.seconds}


def _as_json(units: Units, *, free_tier: bool, before: Units | None = None) -> dict[str, Any]:
    from headrace.cost import bill

    rows = [asdict(line) for line in bill.lines(units, free_tier=free_tier, before=before)]
    return {"usd": bill.total(units, free_tier=free_tier, before=before), "lines": rows}


def _print_lines(units: Units, *, free_tier: bool) -> None:
    from headrace.cost import bill

    rows = bill.lines(units, free_tier=free_tier)
    cells = [[row.name, f"{row.quantity:,.6g} {row.unit}", _usd(row.usd)] for row in rows]
    print_table(LINES, cells, "Nothing runs: nothing is billed.")


def _usd(amount: float) -> str:
    return f"{amount:,.2f} USD" if amount >= 1 else f"{amount:.4f} USD"
