"""At least ten bad inputs for every command there is: it fails in a line or two, and nothing is sent."""

from __future__ import annotations

import pytest

from headrace.cli.reference import commands
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import FakeApi

MANY = 25
BAD = {
    "an unknown option": ["--surprise"],
    "an unknown option with a value": ["--surprise=1"],
    "an unknown letter": ["-Z"],
    "a value for a switch": ["--help=yes"],
    "an option without a name": ["--=x"],
    "a misspelt option": ["--outptu", "json"],
    "too many words": ["x"] * MANY,
    "too many empty words": [""] * MANY,
    "control characters": ["\x07"] * MANY,
    "half a surrogate pair": ["\udcff"] * MANY,
    "words too long": ["x" * 5000] * MANY,
    "words behind a double dash": ["--", *["--surprise"] * MANY],
}
LEAVES = [path for path, command, _ in commands() if not getattr(command, "commands", {})]


@pytest.mark.parametrize("path", LEAVES)
def test_bad_words_are_refused_and_nothing_is_changed(path: str, cli: Cli, api: FakeApi) -> None:
    problems = []
    for what, words in BAD.items():
        done = cli(*path.split()[1:], *words)
        if done.code not in (1, 2) or not done.err.strip() or "Traceback" in done.err or done.out:
            problems.append(f"{what}: exit {done.code}, {done.out[:100]!r} {done.err[:200]!r}")
        if done.err.count("\n") > 6:
            problems.append(f"{what}: {done.err.count(chr(10))} lines of error")
    assert not problems
    assert not api.changes()


def test_there_are_ten_for_each() -> None:
    assert len(BAD) >= 10
    assert len(LEAVES) > 40
