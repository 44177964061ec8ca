"""One question at a time on the terminal; Ctrl-C raises KeyboardInterrupt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from headrace.cli.errors import CliError

T = TypeVar("T")
FILTERED_FROM = 10
"""With so many choices, typing narrows them down."""


def select(message: str, choices: Sequence[tuple[str, T]], default: int = 0) -> T:
    """Choose one with the arrow keys; each choice is its text and what it stands for."""
    import questionary

    titles = [questionary.Choice(title, value=number) for number, (title, _) in enumerate(choices)]
    many = len(choices) > FILTERED_FROM
    question = questionary.select(
        message, choices=titles, default=titles[default], use_search_filter=many, use_jk_keys=not many
    )
    return choices[int(question.unsafe_ask())][1]


def text(
    message: str, default: str = "", check: Callable[[str], object] | None = None, *, typed: str = ""
) -> str:
    """Type a line; an empty one stands for the default, which is shown beside the question.

    `check` raises `CliError` or `ValueError` for a wrong one, which is asked again with the reason. `typed` is
    what stands there already, to be corrected.
    """
    import questionary

    def verdict(line: str) -> bool | str:
        try:
            if check is not None:
                check(line.strip() or default)
        except (CliError, ValueError) as error:
            return " ".join(str(error).split()) + (
                f" {error.hint}" if isinstance(error, CliError) and error.hint else ""
            )
        return True

    question = questionary.text(
        message,
        default=typed,
        instruction=f"[{default}]" if default else None,
        validate=verdict,
        validate_while_typing=False,
    )
    return str(question.unsafe_ask()).strip() or default


def confirm(message: str, *, default: bool) -> bool:
    """Yes or no."""
    import questionary

    return bool(questionary.confirm(message, default=default).unsafe_ask())


def fits(kind: Any, what: str) -> Callable[[str], None]:
    """A check that a line is a value of the wire's type."""

    def check(line: str) -> None:
        from pydantic import TypeAdapter, ValidationError

        from headrace.contract.errors import wording

        try:
            TypeAdapter(kind).validate_python(line)
        except ValidationError as error:
            raise ValueError(f"{what}: {wording(error.errors(include_url=False)[0])}.") from None

    return check
