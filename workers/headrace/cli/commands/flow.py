"""`headrace flow`: the names under which runs are grouped."""

from __future__ import annotations

from headrace.cli.app import new_group
from headrace.cli.connect import connect, rows_of
from headrace.cli.options import Output
from headrace.cli.output import Format
from headrace.cli.tables import ID, Column, listing
from headrace.cli.times import show_moment

app = new_group()

COLUMNS = (
    Column("Name", style="bold"),
    ID,
    Column("Created", solid=True),
    Column("Tags"),
)


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List the flows."""
    from headrace.contract.flows import FlowList

    with connect() as api:
        flows = rows_of(api.flows.list, FlowList())
    listing(
        output,
        flows,
        COLUMNS,
        lambda flow: [flow.name, flow.id, show_moment(flow.created), flow.tags],
        "No flows yet. Deploy one: headrace deploy examples/git_report.py:git_report",
    )
