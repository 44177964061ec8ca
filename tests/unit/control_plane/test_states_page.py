"""The page about states says what the table says."""

from __future__ import annotations

import re

from chalicelib.domain.transitions import TRANSITIONS, Cause
from headrace.contract.states import StateType
from scripts.state_diagram import BY_WHOM, PAGE, page


def test_the_page_is_written_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "Write it anew with: make docs"


def test_every_transition_is_drawn_once() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): (.+)$", page(), re.MULTILINE)
    arrows = {(before, after): frozenset(causes.split(", ")) for before, after, causes in drawn}
    assert len(arrows) == len(drawn)
    assert arrows == {
        (before.value, after.value): frozenset(cause.value for cause in causes)
        for before, row in TRANSITIONS.items()
        for after, causes in row.items()
    }


def test_every_cause_is_explained() -> None:
    assert set(BY_WHOM) == set(Cause)
    assert all(state.value in page() for state in StateType)
