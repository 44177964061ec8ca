"""Transactions that are sent twice."""

from __future__ import annotations

import pytest
from moto.core.exceptions import JsonRESTError

from headrace.local.aws.tokens import RepeatedTransactions

STEPS = {"TransactItems": [{"Put": {"Item": {"b": {"B": b"\x00"}}}}]}
OTHER = {"TransactItems": []}


def test_a_token_holds_for_ten_minutes():
    now = [0.0]
    seen = RepeatedTransactions(clock=lambda: now[0])
    assert not seen.done("t", STEPS)
    seen.remember("t", STEPS)
    now[0] = 599.9
    assert seen.done("t", STEPS)
    assert not seen.done("other", STEPS)
    now[0] = 600.0
    assert not seen.done("t", OTHER)


def test_a_token_of_another_transaction_is_refused():
    seen = RepeatedTransactions()
    seen.remember("t", STEPS)
    with pytest.raises(JsonRESTError) as refused:
        seen.done("t", OTHER)
    assert "IdempotentParameterMismatchException" in refused.value.description
