"""`headrace server`: the control plane on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import given
from headrace.cli.errors import BadUsage, CliError

app = new_group()


@app.command()
def start(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="Port to listen on; 0 takes a free one.", min=0, max=65_535)
    ] = 4200,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Where it keeps everything; HEADRACE_HOME/server if left out."),
    ] = None,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Also start a worker, for a pool named 'default'.")
    ] = False,
    fsync: Annotated[
        bool, typer.Option("--fsync", help="Force each write to the disk: also a power cut loses nothing.")
    ] = False,
    require_keys: Annotated[
        bool,
        typer.Option(
            "--require-keys",
            help="Ask for API keys, also on loopback. Beyond it they are always asked for.",
            envvar="HEADRACE_REQUIRE_KEYS",
        ),
    ] = False,
    advertise: Annotated[
        str | None,
        typer.Option(
            "--advertise",
            help="The address by which others reach it, if not the one they call: https://NAME.",
            metavar="URL",
        ),
    ] = None,
) -> None:
    """Serve the control plane here until Ctrl-C; commands in other terminals find it by themselves."""
    if data_dir is not None and data_dir.exists() and not data_dir.is_dir():
        raise CliError(f"--data-dir: {data_dir} is a file.", "Name a folder; it is made if it is not there.")
    if advertise is not None:
        advertise = _checked_address(advertise)
    try:
        from headrace.local.server import ServerOptions, serve
    except ModuleNotFoundError as error:
        raise CliError(
            f"This installation cannot serve a control plane: the package {error.name!r} is missing.",
            "Install it with: pip install 'headrace[local]'",
        ) from error
    options = ServerOptions(
        host=host,
        port=port,
        with_worker=with_worker,
        fsync=fsync,
        require_keys=require_keys,
        advertise=advertise,
        **given(data_dir=data_dir),
    )
    raise typer.Exit(serve(options))


def _checked_address(text: str) -> str:
    if not _is_address(text):
        raise BadUsage(
            f"--advertise: {text!r} is not an address.", "Write it like https://mill.example:4200."
        )
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    """Scheme, host and perhaps a port, and nothing else."""
    from urllib.parse import urlsplit

    try:
        address = urlsplit(text)
        port = address.port
    except ValueError:
        return False
    bare = address.path in ("", "/") and not (address.query or address.fragment or "@" in address.netloc)
    return address.scheme in ("http", "https") and bool(address.hostname) and bare and port != 0


app.callback()(lambda: None)
