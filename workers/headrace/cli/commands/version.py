"""`headrace version`: what is installed here."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from headrace import __version__
from headrace.cli.options import Output
from headrace.cli.output import Format, details

SHOWN = ("boto3", "httpx", "pydantic", "chalice", "pynamodb", "moto")


def command(*, output: Output = Format.TABLE) -> None:
    """Show the versions of Headrace and of what it runs on."""
    versions = {"headrace": __version__, "python": platform.python_version(), "platform": platform.platform()}
    versions["executable"] = sys.executable
    versions |= {name: _version_of(name) for name in SHOWN}
    details(output, versions, lambda: {name.capitalize(): value for name, value in versions.items()})


def _version_of(package: str) -> str:
    try:
        return installed(package)
    except PackageNotFoundError:
        return "not installed"
