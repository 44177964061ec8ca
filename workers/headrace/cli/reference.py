"""Writes `docs/reference/cli.md` from the commands' own help: `python -m headrace.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from headrace.cli.app import build

WIDTH = 80
PAGE = Path("docs/reference/cli.md")
HEAD = """# The `headrace` command

<!-- Written by `make docs` from the commands' own help; a test compares the two. -->

Every command takes `--help`. Where there is `--output json`, stdout carries the models of the API as JSON
and nothing else. Exit codes: 0 done, 1 failed, 2 wrongly typed; errors go to stderr and say what to do next.
"""


def commands(
    command: Any = None, parent: Any = None, name: str = "headrace"
) -> Iterator[tuple[str, Any, Any]]:
    """Each command with its full name and context, groups before what is in them."""
    command = get_command(build(None)) if command is None else command
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH)
    yield context.command_path, command, context
    for inner_name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, context, inner_name)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, command, context in commands():
        depth = "#" * min(4, 1 + len(path.split()))
        parts.append(f"{depth} `{path}`\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write the page into the repository that is the working directory."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    sys.stdout.write(f"Wrote {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
