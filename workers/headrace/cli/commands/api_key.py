"""`headrace api-key`: who may do what with the control plane."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import checked, connect, given, rows_of
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.lookup import as_id
from headrace.cli.options import Output
from headrace.cli.output import Format, note, report
from headrace.cli.tables import ID, Column, listing
from headrace.cli.times import parse_duration, parse_moment, show_ago, show_moment
from headrace.contract.roles import Role

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.api_keys import ApiKey

app = new_group()

COLUMNS = (
    Column("Name", style="bold"),
    ID,
    Column("Role"),
    Column("Pool"),
    Column("Expires", solid=True),
    Column("Last Used", solid=True),
    Column("Created By"),
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, or whose it is.", show_default=False)],
    *,
    role: Annotated[Role, typer.Option("--role", "-r", help="What it may do: see docs/guides/access.md.")],
    pool: Annotated[
        str | None,
        typer.Option("--pool", "-p", help="For the role worker: the one pool it serves.", metavar="NAME"),
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", help="It ends after this, as in 90d.", metavar="DURATION")
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", help="It ends at this time.", metavar="TIME")
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Make an API key. It is shown once, here."""
    if role is Role.WORKER and pool is None:
        raise BadUsage("The role worker needs --pool.", "Write: --role worker --pool NAME")
    if role is not Role.WORKER and pool is not None:
        raise BadUsage("Only the role worker takes --pool.", "Leave it out, or write: --role worker")
    end = _end(expires_in, expires_at)
    from headrace.contract.api_keys import ApiKeyCreate

    body = checked(ApiKeyCreate, name=name, role=role, **given(work_pool_name=pool, expires_at=end))
    with connect() as api:
        made = api.api_keys.create(body)
    if output is Format.TABLE:
        note(f"Made API key {made.name!r} for the role {made.role.value}. It is shown this once:")
    # Alone on stdout, so that it can go into a file or a secret store unseen.
    report(output, made, made.key)


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List the API keys, without their secrets."""
    from headrace.contract.api_keys import ApiKeyList

    with connect() as api:
        keys = rows_of(api.api_keys.list, ApiKeyList())
    now = datetime.now(UTC)
    listing(
        output,
        keys,
        COLUMNS,
        lambda key: [
            key.name,
            key.id,
            key.role.value,
            key.work_pool_name,
            "expired" if key.expires_at and key.expires_at <= now else show_moment(key.expires_at),
            show_ago(key.last_used_at, now),
            key.created_by,
        ],
        "No API keys. Make one: headrace api-key create NAME --role admin",
    )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, or its name.", metavar="ID|NAME", show_default=False)],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also the last admin key: then nobody can make another.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Take an API key back: within a minute no route is open to it any more."""
    _refuse_whole_keys(key)
    with connect() as api:
        found = _find(api, key)
        api.api_keys.revoke(found.id, last=yes)
    report(output, found, f"Revoked API key {found.name!r} of the role {found.role.value}.")


def _end(expires_in: str | None, expires_at: str | None) -> datetime | None:
    if expires_in is not None and expires_at is not None:
        raise BadUsage("--expires-in and --expires-at contradict each other.", "Give one of them.")
    if expires_in is not None:
        return datetime.now(UTC) + parse_duration(expires_in, "--expires-in")
    return parse_moment(expires_at, "--expires-at", datetime.now(UTC)) if expires_at is not None else None


def _find(api: Api, text: str) -> ApiKey:
    from headrace.contract.api_keys import ApiKeyList

    key_id = as_id(text)
    if key_id is not None:
        return api.api_keys.read(key_id)
    found = [key for key in rows_of(api.api_keys.list, ApiKeyList()) if key.name == text]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} API keys are called" if found else "There is no API key"
    raise CliError(f"{what} {text!r}.", "Give its id: headrace api-key ls")


def _refuse_whole_keys(text: str) -> None:
    """A secret in a command line is seen by others on the machine: let nobody get used to it."""
    if not text.strip() or text.startswith("hr_"):
        raise BadUsage("Give the id or the name of a key, not the key itself.", "See: headrace api-key ls")
