"""Variables: any JSON by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig


@pytest.mark.parametrize("value", [7, "text", None, [1, {"a": [None]}], {"b": 1.5}, "x" * 4998, False])
def test_any_json_comes_back_as_it_was(plane: Rig, value: Any) -> None:
    made = plane.ok("POST", "/variables", {"name": "rows", "value": value, "tags": ["t"]})
    assert (made["value"], made["tags"]) == (value, ["t"])
    assert plane.ok("GET", "/variables/name/rows") == plane.ok("GET", f"/variables/{made['id']}") == made


def test_a_change_says_only_what_it_means(plane: Rig) -> None:
    plane.ok("POST", "/variables", {"name": "rows", "value": 7, "tags": ["t"]})
    plane.clock.forward(60)
    plane.ok("PATCH", "/variables/name/rows", {"name": "rows", "value": None})
    found = plane.ok("GET", "/variables/name/rows")
    assert (found["value"], found["tags"]) == (None, ["t"])
    assert found["updated"] > found["created"]


def test_pages_are_by_name(plane: Rig) -> None:
    for name in ("b", "a", "c"):
        plane.ok("POST", "/variables", {"name": name, "value": name})
    first = plane.call("POST", "/variables/filter", {"limit": 2})
    cursor = next(value for key, value in first.headers.items() if "cursor" in key.lower())
    rest = plane.ok("POST", "/variables/filter", {"limit": 2, "cursor": cursor})
    assert [row["name"] for row in [*first.body, *rest]] == ["a", "b", "c"]
    some = plane.ok("POST", "/variables/filter", {"variables": {"name": {"any_": ["c", "none", "a"]}}})
    assert [row["name"] for row in some] == ["c", "a"]
