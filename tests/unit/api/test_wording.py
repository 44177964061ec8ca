"""What pydantic finds wrong is said without words about pydantic."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from chalicelib.api.requests import refusal
from headrace.contract.bulk_runs import BulkCreate
from headrace.contract.variables import VariableCreate


@pytest.mark.parametrize(
    ("model", "members", "said"),
    [
        (VariableCreate, {"name": "rows", "value": "x" * 5001}, "value: has 5003 characters as JSON"),
        (BulkCreate, {"flow_runs": []}, "flow_runs: List should have at least 1 item"),
    ],
)
def test_no_word_of_the_library(model: type[BaseModel], members: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model(**members)
    message = refusal(caught.value).message
    assert message.startswith(said)
    assert "Value error" not in message and "validation" not in message
