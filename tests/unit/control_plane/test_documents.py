"""Bounds of walks through sort texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage.documents import beyond

TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=125), min_size=1, max_size=5)


@given(st.sets(TEXTS), TEXTS, st.booleans())
def test_a_walk_goes_on_after_its_last_place_and_leaves_none_out(
    texts: set[str], last: str, forward: bool
) -> None:
    low, high = beyond(last, " ", "~", forward)
    found = {text for text in texts if low <= text <= high}
    assert found == {text for text in texts if (text > last if forward else text < last)}
