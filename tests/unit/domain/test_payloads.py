"""What a text takes of an answer is what the runtime writes."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.payloads import MOST, PAGE, carried
from headrace.contract.sizes import PAYLOAD_BYTES


@pytest.mark.parametrize(
    "value",
    ["plain", 'quotes "and" \\slashes\\', "é", "語", "🙂", "\n\t\x00\x7f", ["a"] * 10, {"k": {"é": 1}}],
)
@pytest.mark.parametrize("ascii", [True, False])
def test_it_is_as_long_as_its_text_in_json(value: object, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    written = len(json.dumps(text)) - 2
    assert written <= carried(text) <= written + 2


def test_a_page_fits_into_an_answer_with_its_headers() -> None:
    assert PAGE < MOST < PAYLOAD_BYTES - 100_000
