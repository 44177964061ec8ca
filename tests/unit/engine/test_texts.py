"""Texts that are too long, or that UTF-8 cannot hold, and tracebacks that show the user's frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import flow
from headrace.contract.sizes import MESSAGE_BYTES as ON_THE_WIRE
from headrace.engine.failures import describe_error, message_of, shorten, traceback_of
from headrace.engine.records import MESSAGE_BYTES, clean, cut


def test_the_limit_is_the_wires() -> None:
    assert MESSAGE_BYTES == ON_THE_WIRE


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(60, 400))
def test_cut_keeps_what_fits_and_never_more(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert len(result.encode()) <= limit
    if len(text.encode()) <= limit:
        assert result == text
    else:
        assert result.endswith(f"... [cut: {len(text.encode()):,} bytes in all]")


@given(st.text(st.characters(codec=None)))
def test_clean_text_can_be_encoded_and_good_text_stays(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned


@given(st.text(max_size=500), st.integers(100, 600))
def test_shorten_keeps_both_ends(text: str, limit: int) -> None:
    result = shorten(text, limit)
    assert len(result) <= limit
    assert result == text or (text.startswith(result[:20]) and text.endswith(result[-20:]))


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_exception_that_cannot_show_itself() -> None:
    assert message_of(Mute()) == "<Mute whose message cannot be shown>"
    assert describe_error(Mute("x"))["type"].endswith("test_texts.Mute")


def raised_by(function: object) -> BaseException:
    with pytest.raises(BaseException) as caught:
        function()  # type: ignore[operator]
    return caught.value


def frames(error: BaseException) -> list[str]:
    return [line.rsplit(", in ")[1] for line in traceback_of(error).splitlines() if ", in " in line]


def test_our_frames_are_left_out() -> None:
    @flow
    def inner() -> None:
        raise ValueError("x")

    @flow
    def outer() -> None:
        inner()

    assert frames(raised_by(outer)) == ["raised_by", "outer", "inner"]


def test_causes_contexts_and_groups_are_trimmed_too() -> None:
    @flow
    def bad() -> None:
        raise KeyError("k")

    def several() -> None:
        errors = []
        for _ in range(2):
            try:
                bad()
            except KeyError as error:
                errors.append(error)
        raise ExceptionGroup("both", errors) from errors[0]

    text = traceback_of(raised_by(several))
    assert "calls.py" not in text
    assert text.count("KeyError: 'k'") == 3


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert "ValueError: first" in traceback_of(first)
