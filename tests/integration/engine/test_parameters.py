"""Parameters on their way into the child's flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Run


def test_bad_parameters_end_the_run_before_it_starts(run: Run) -> None:
    ended = run(
        """
        from headrace import flow
        @flow(name="etl", retries=5)
        def main(x: int, day: "datetime.date"):
            print("called")
        import datetime
        """,
        {"x": "many", "dya": "2025-01-31"},
    )
    assert ended.code == 2
    assert (ended.started, ended.stdout) == (False, "")
    receipt = ended.receipt
    assert receipt["state_type"] == "FAILED"
    assert receipt["message"] == (
        "the parameters do not fit flow 'etl': day: is required; x: expected a whole number, got 'many'; "
        "dya: is not a parameter of it; did you mean 'day'?"
    )
    assert receipt["error"]["traceback"] is None
    assert "Correct the parameters" in receipt["error"]["hint"]
    assert receipt["retry"] == {"wanted": False, "after": None}


def test_dataclasses_dates_and_enums(run: Run) -> None:
    ended = run(
        """
        import datetime, enum
        from dataclasses import dataclass
        from headrace import flow
        class Mode(enum.Enum):
            FULL = "full"
        @dataclass
        class Window:
            start: datetime.datetime
            length: datetime.timedelta
        @flow
        def main(window: Window, mode: Mode, *tables: str, **rest: int):
            return [(window.start + window.length).isoformat(), mode is Mode.FULL, tables, rest]
        """,
        {
            "window": {"start": "2025-01-31T12:00:00Z", "length": "PT1H"},
            "mode": "full",
            "tables": ["a"],
            "limit": "3",
        },
    )
    assert ended.receipt["result"] == ["2025-01-31T13:00:00+00:00", True, ["a"], {"limit": 3}]


PYDANTIC = """
from pydantic import BaseModel
class Person(BaseModel):
    name: str
    age: int
def main(person: Person, others: list[Person] = []):
    return {"it": person, "sum": person.age + sum(one.age for one in others)}
"""


def test_pydantic_models(run: Run) -> None:
    ended = run(PYDANTIC, {"person": {"name": "ann", "age": "3"}, "others": [{"name": "bob", "age": 4}]})
    assert ended.receipt["result"] == {"it": {"name": "ann", "age": 3}, "sum": 7}


def test_bad_pydantic_models(run: Run) -> None:
    ended = run(PYDANTIC, {"person": {"name": "ann"}})
    assert ended.code == 2
    assert "person.age: Field required" in ended.receipt["message"]


@pytest.mark.parametrize(("parameters", "code"), [({"x": "as it is"}, 0), ({"y": 1}, 2)])
def test_without_validation_values_go_as_they_are(run: Run, parameters: dict[str, object], code: int) -> None:
    ended = run(
        """
        from headrace import flow
        @flow(validate_parameters=False)
        def main(x: int = 0): return x
        """,
        parameters,
    )
    assert ended.code == code
    if code == 0:
        assert ended.receipt["result"] == "as it is"
    else:
        assert "y: is not a parameter" in ended.receipt["message"]


def test_the_default_counts_where_nothing_is_given(run: Run) -> None:
    assert run("def main(x=5, *, y=6): return [x, y]\n", {"y": 1}).receipt["result"] == [5, 1]
