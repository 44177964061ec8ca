"""`headrace import-data`: makes in one control plane what `headrace export` read in another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.connect import connect
from headrace.cli.errors import FAILURE, CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, note, print_json, say
from headrace.cli.tables import Column, print_table

if TYPE_CHECKING:
    from headrace.cli.transfer.file import Row
    from headrace.cli.transfer.kinds import Kind, Record
    from headrace.client.api import Api

COLUMNS = (Column("Record", style="bold"), Column("Name"), Column("Outcome", solid=True))
DEPLOYMENT = "deployment"
MADE, FOUND, DIFFERS, REPLACED, LEFT_OUT = "made", "found", "differs", "replaced", "left out"


def command(
    file: Annotated[
        Path,
        typer.Argument(
            help="A file that `headrace export` wrote.", metavar="FILE.ndjson", show_default=False
        ),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Bring what is there and differs up to the file.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Make what a file of `headrace export` holds and is not there yet.

    What is there and differs is left as it is, and makes the command fail, unless --replace is given. The
    same command again goes on after one that broke off.
    """
    from headrace.cli.transfer import file as transfer

    rows = transfer.read(file)
    with connect() as api:
        done = _Import(api, dry_run=dry_run, replace=replace)
        for row in done.in_order(rows):
            done.do(row, file)
        missing = done.without_code(rows)
    _show(done.outcomes, output, dry_run=dry_run)
    if missing:
        note(
            f"{len(missing)} of {sum(row.kind == DEPLOYMENT for row in rows)} deployments need `headrace deploy` again,"
            f" since the bundles with their code are not here: {', '.join(missing)}."
        )
    if any(outcome == DIFFERS for _, _, outcome in done.outcomes):
        raise typer.Exit(FAILURE)


class _Import:
    """Compares each record with what is there, and makes what is missing."""

    def __init__(self, api: Api, *, dry_run: bool, replace: bool) -> None:
        from headrace.cli.transfer.kinds import KINDS

        self._api = api
        self._dry_run = dry_run
        self._replace = replace
        self._kinds = KINDS
        self._there: dict[str, dict[str, Record]] = {}
        self.outcomes: list[tuple[str, str, str]] = []

    def in_order(self, rows: list[Row]) -> list[Row]:
        """What others need comes first."""
        order = [*self._kinds]
        return sorted(rows, key=lambda row: order.index(row.kind) if row.kind in order else len(order))

    def do(self, row: Row, file: Path) -> None:
        """One record; a wrong one is named by its line."""
        from pydantic import ValidationError

        from headrace.client.errors import Invalid
        from headrace.contract.errors import wording

        kind = self._kinds.get(row.kind)
        if kind is None:
            self.outcomes.append((row.kind, str(row.record.get("name")), LEFT_OUT))
            return
        try:
            self.outcomes.append((row.kind, kind.key(row.record), self._one(kind, row.record)))
        except KeyError as error:
            raise CliError(f"{file}, line {row.line}: the record has no {error}.", _AGAIN) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise CliError(f"{file}, line {row.line}: {place}: {wording(first)}.", _AGAIN) from None
        except Invalid as error:
            raise CliError(f"{file}, line {row.line}: {error.message}", error.hint or _AGAIN) from error

    def without_code(self, rows: list[Row]) -> list[str]:
        """The deployments of the file whose code is in a bundle that is not here."""
        from headrace.cli.transfer.kinds import bundle_of

        kind = self._kinds[DEPLOYMENT]
        asked = {kind.key(row.record): bundle_of(row.record) for row in rows if row.kind == DEPLOYMENT}
        there = {digest: self._has_bundle(digest) for digest in set(asked.values()) if digest}
        return [name for name, digest in asked.items() if digest and not there[digest]]

    def _has_bundle(self, digest: str) -> bool:
        from headrace.client.errors import NotFound

        try:
            self._api.bundles.read(digest)
        except NotFound:
            return False
        return True

    def _one(self, kind: Kind, record: Record) -> str:
        there = self._of(kind).get(kind.key(record))
        if there is None:
            if not self._dry_run:
                kind.make(self._api, record)
            return MADE
        if there == record:
            return FOUND
        if kind.is_untouched(there):
            return MADE if self._dry_run or kind.bring_up(self._api, record) else DIFFERS
        if not self._replace:
            return DIFFERS
        return REPLACED if self._dry_run or kind.bring_up(self._api, record) else DIFFERS

    def _of(self, kind: Kind) -> dict[str, Record]:
        """What is there of a kind, read once: after the kinds before it, since a pool makes its queue."""
        if kind.name not in self._there:
            self._there[kind.name] = {kind.key(one): one for one in kind.all(self._api)}
        return self._there[kind.name]


_AGAIN = "What stands before it is done. Mend the line, and give the same command again."


def _show(outcomes: list[tuple[str, str, str]], output: Format, *, dry_run: bool) -> None:
    if output is Format.JSON:
        print_json([{"kind": kind, "name": name, "outcome": outcome} for kind, name, outcome in outcomes])
        return
    shown = [row for row in outcomes if row[2] != LEFT_OUT]
    print_table(
        COLUMNS, [[kind.replace("_", " "), *rest] for kind, *rest in shown], "The file has no records."
    )
    counts = {what: sum(row[2] == what for row in outcomes) for what in dict.fromkeys(r[2] for r in outcomes)}
    said = ", ".join(f"{count} {what}" for what, count in counts.items()) or "nothing"
    say(f"{'Would be: ' if dry_run else ''}{said}.", "green")
    if counts.get(DIFFERS):
        note(
            "What differs was left as it is. Bring it up to the file with --replace; a flow cannot be changed."
        )
