"""Cursors: read back where they were made, refused everywhere else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api import cursors
from chalicelib.domain.errors import Invalid

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@given(TEXTS)
def test_a_place_survives(place: str) -> None:
    cursor = cursors.make(place, "list")
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor), "it stands in a header"
    assert cursors.read(cursor, "list") == place


@given(TEXTS, st.text(max_size=50))
def test_what_is_no_cursor_is_refused(place: str, text: str) -> None:
    cursor = cursors.make(place, "list")
    for slip in (text, cursor[:-2], cursor[1:], f"{cursor[:4]}{text}{cursor[4:]}", cursor.swapcase()):
        if slip != cursor:
            with pytest.raises(Invalid) as caught:
                cursors.read(slip, "list")
            assert caught.value.errors[0].path == "cursor"


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Invalid):
        cursors.read(cursors.make("a", "one list"), "another")


def test_a_forged_place_must_have_the_form() -> None:
    form = re.compile(r"\d+")
    assert cursors.check(None, form) is None
    assert cursors.check("12", form) == "12"
    with pytest.raises(Invalid):
        cursors.check("12\x00", form)
