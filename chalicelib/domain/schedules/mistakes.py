"""A mistake in an expression: where it stands, what it is and how to write it right."""

from __future__ import annotations

from chalicelib.domain.errors import FieldProblem, Invalid

_WIDTH = 100


class Mistake(Exception):
    """What is wrong with `length` characters of an expression, `at` characters from its start."""

    def __init__(self, what: str, at: int, length: int, *, expected: str, example: str) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.length = length
        self.expected = expected
        self.example = example


def invalid(mistake: Mistake, text: str, path: str) -> Invalid:
    """Show a mistake to its author: position, the line with a caret under it, and a right example."""
    line, caret = _pointed(text, mistake.at, mistake.length)
    where = f"{mistake.what} (character {mistake.at})"
    return Invalid(
        f"{path}: {where}\n  {line}\n  {caret}",
        code="invalid_schedule",
        hint=f"Expected {mistake.expected}. For example: {mistake.example}",
        errors=(FieldProblem(path, where, mistake.expected),),
    )


def _pointed(text: str, at: int, length: int) -> tuple[str, str]:
    """The line of `text` around `at`, shortened when it is long, and carets under the mistake."""
    begin = max(text.rfind("\n", 0, at) + 1, at - _WIDTH // 2)
    end = text.find("\n", at)
    line = text[begin : len(text) if end < 0 else end][:_WIDTH].replace("\t", " ").rstrip("\r")
    column = at - begin
    marks = max(1, min(length, len(line) - column))
    return line, " " * column + "^" * marks
