"""What pydantic finds wrong is said without words about pydantic."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from chalicelib.api.requests import refusal
from headrace.contract.bulk_runs import BulkCreate
from headrace.contract.deployments import ConcurrencyOptions
from headrace.contract.limits import ConcurrencyLimitCreate
from headrace.contract.variables import VariableCreate


@pytest.mark.parametrize(
    ("model", "members", "said"),
    [
        (VariableCreate, {"name": "rows", "value": "x" * 5001}, "value: has 5003 characters as JSON"),
        (BulkCreate, {"flow_runs": []}, "flow_runs: must have at least 1 item"),
        (
            VariableCreate,
            {"name": "A b", "value": 1},
            "name: may have lower-case letters, digits, _ and - alone",
        ),
        (
            ConcurrencyLimitCreate,
            {"name": "db", "limit": "many"},
            "limit: must be a whole number (got 'many')",
        ),
        (ConcurrencyLimitCreate, {"name": "db", "limit": -1}, "limit: must be greater than or equal to 0"),
        (ConcurrencyLimitCreate, {"name": "db", "limit": 1, "of": 2}, "of: is no member here"),
        (ConcurrencyLimitCreate, {"limit": 1}, "name: is missing"),
        (
            ConcurrencyOptions,
            {"collision_strategy": "X"},
            "collision_strategy: must be 'ENQUEUE' or 'CANCEL_NEW'",
        ),
    ],
)
def test_no_word_of_the_library(model: type[BaseModel], members: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model(**members)
    message = refusal(caught.value).message
    assert message.startswith(said)
    assert "Value error" not in message and "validation" not in message
    assert " should " not in message and "pattern" not in message
