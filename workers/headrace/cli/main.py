"""Entry of the `headrace` command: runs it, and turns every failure into a line or two and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer
from typer.main import get_command

from headrace.cli.app import build
from headrace.cli.errors import FAILURE, USAGE, CliError
from headrace.cli.output import note

LONGEST = 2000
WORDS = {"add": "create", "list": "ls", "remove": "delete", "rm": "delete", "show": "inspect"}
"""Commands by the words that other programs have for them."""
GROUPS = ("deployment", "flow-run", "worker")
"""Where a command that was typed without its group is looked for."""
INTERRUPTED = 130
"""What a shell gives for a process that Ctrl-C ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code: 0 done, 1 failed, 2 wrongly typed."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except CliError as error:
        return _complain(error.message, error.hint, error.code)
    except typer.TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`headrace ... | head`): nobody is left to be told.
        _drop_stdout()
        return FAILURE
    except Exception as error:  # noqa: BLE001 - the last resort: say it in one line, or show it all on demand
        return _unexpected(error, words)


def _run(words: list[str]) -> int:
    tree = get_command(build(words))
    result = tree.main(args=words, prog_name="headrace", standalone_mode=False)
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


def _complain(message: str, hint: str | None, code: int) -> int:
    shown = _printable(message)
    note(f"Error: {shown}" if hint is None else f"Error: {shown}\n{_printable(hint)}")
    return code


def _printable(text: str) -> str:
    """A message may repeat what was typed: bytes that are no text are escaped, and too much of it is cut."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}... [cut]"


def _misused(error: typer.TyperException) -> int:
    """Say what typer found wrong with the command line, in two lines."""
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split())
    if type(error).__name__ == "NoArgsIsHelpError":
        note(error.format_message())
        return USAGE
    path = context.command_path if context is not None else "headrace"
    _, no_such, rest = message.partition("No such command '")
    word = rest.partition("'")[0] if no_such else ""
    if context is not None and WORDS.get(word) in getattr(context.command, "commands", ()):
        return _complain(f"No such command {word!r}.", f"Write: {path} {WORDS[word]}", error.exit_code)
    if no_such and path == "headrace" and (groups := _groups_of(word)):
        hint = f"Did you mean: {' or: '.join(f'headrace {group} {word}' for group in groups)}"
        return _complain(f"No such command {word!r}.", hint, error.exit_code)
    return _complain(message, f"See: {path} --help", error.exit_code)


def _groups_of(word: str) -> list[str]:
    """The groups that have such a command."""
    groups = getattr(get_command(build(None)), "commands", {})
    return [name for name in GROUPS if word in groups[name].commands]


def _unexpected(error: Exception, words: list[str]) -> int:
    if "--debug" in words or os.environ.get("HEADRACE_DEBUG", "") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
        return FAILURE
    summary = " ".join(str(error).split()) or "no message"
    hint = "Set HEADRACE_DEBUG=1 to see where, and please report it."
    return _complain(f"unexpected {type(error).__name__}: {summary}", hint, FAILURE)


def _drop_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not complain as well."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
