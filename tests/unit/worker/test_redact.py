"""A run's secrets in what it says, also where a text is cut."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.engine.failures import shorten
from headrace.engine.records import cut
from headrace.worker.keeper.redact import LEAST, Redaction
from headrace.worker.keeper.wire import Lines
from headrace.worker.sources.secrets import Redactor

SECRET = "hunter2-very-secret"


def pieces(text: str) -> list[str]:
    """What of the secret would tell something."""
    return [
        SECRET[at : at + LEAST] for at in range(len(SECRET) - LEAST + 1) if SECRET[at : at + LEAST] in text
    ]


@given(st.integers(0, 60), st.integers(1, 30), st.integers(0, 3))
def test_a_long_line_is_not_cut_within_a_secret(before: int, most: int, ends: int) -> None:
    stream = b"." * before + SECRET.encode() * 2 + b"." * 40 + b"\n" * ends
    lines = Lines(most, [SECRET.encode(), SECRET[:6].encode()])
    cuts = [piece for at in range(0, len(stream), 7) for piece in lines.feed(stream[at : at + 7])]
    cuts += lines.close()
    assert b"".join(cuts) == stream.rstrip(b"\n")
    assert sum(piece.count(SECRET.encode()) for piece in cuts) == 2
    assert all(len(piece) <= max(most, len(SECRET)) for piece in cuts)


@pytest.mark.parametrize("spare", range(0, 60))
def test_what_the_engine_cut_shows_no_part_of_a_secret(spare: int) -> None:
    redaction = Redaction([SECRET])
    text = ("x" * spare + SECRET) * 50
    for said in (shorten(text, 400), cut(text, 400)):
        event = redaction.event({"t": "log", "message": said, "error": {"message": said}})
        assert pieces(event["message"]) == []
        assert pieces(event["error"]["message"]) == []
        assert "[cut: " in event["message"]


def test_what_is_like_no_secret_stays() -> None:
    text = "wait... hunt for it ... [cut: 1,000 bytes in all]"
    assert Redaction([SECRET]).event({"message": text})["message"] == text


@pytest.mark.parametrize("secret", ["p\u00e4ss'w\"ord\\n", "a'b\"c\td", "\u20ac-uro"])
@pytest.mark.parametrize("write", [repr, ascii, json.dumps])
def test_other_spellings_are_taken_out(secret: str, write: Callable[[object], str]) -> None:
    redactor = Redactor()
    redactor.add(secret)
    cleaned = Redaction(redactor.forms()).line(write({"key": secret}))
    assert "***" in cleaned
    assert len(cleaned) <= len("{'key': '***'}")
