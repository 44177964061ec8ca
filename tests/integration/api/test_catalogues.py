"""Lists of pools, queues, flows, deployments and limits: whole, in order, by cursor and by offset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.plane import Rig, rig

NAMES = sorted(["a", "B", "ä", "b c", "日", "~", "\U0001f600", "0", "z#1", "z", "zz", "a.b"])


@pytest.fixture(scope="module")
def city() -> Iterator[Rig]:
    """Twelve of everything."""
    with rig() as made:
        for name in NAMES:
            made.pool(name)
            made.ok("POST", "/v2/concurrency_limits", {"name": name, "limit": 1})
            made.deployment(flow=name, name="x", pool=None)
            made.deployment(flow="many", name=name, pool=None)
        yield made


def expected(kind: str) -> list[str]:
    """The names of each kind, in order."""
    return {
        "work_pools": NAMES,
        "work_queues": sorted(f"{name}/default" for name in NAMES),
        "flows": sorted([*NAMES, "many"]),
        "deployments": sorted([f"{name}/x" for name in NAMES] + [f"many/{name}" for name in NAMES]),
        "v2/concurrency_limits": [f"tag:{name}" for name in NAMES],
    }[kind]


def shown(kind: str, row: Any) -> str:
    """The name of a row, as it is sorted."""
    if kind == "work_queues":
        return f"{row['work_pool_name']}/{row['name']}"
    return f"{row['flow_name']}/{row['name']}" if kind == "deployments" else str(row["name"])


KINDS = ("work_pools", "work_queues", "flows", "deployments", "v2/concurrency_limits")


def pages(city: Rig, kind: str, **body: Any) -> list[str]:
    """All rows, following cursors."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(60):
        reply = city.call("POST", f"/{kind}/filter", {**body, **({"cursor": cursor} if cursor else {})})
        assert reply.status == 200, reply
        assert len(reply.body) <= body.get("limit", 200)
        found += [shown(kind, row) for row in reply.body]
        cursor = reply.headers.get("Headrace-Next-Cursor")
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("limit", [1, 5, 12, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_whole_and_in_order(city: Rig, kind: str, limit: int) -> None:
    assert pages(city, kind, limit=limit) == expected(kind)


@pytest.mark.parametrize("offset", [0, 1, 11, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_an_offset_skips_as_many(city: Rig, kind: str, offset: int) -> None:
    rows = city.ok("POST", f"/{kind}/filter", {"offset": offset, "limit": 3})
    assert [shown(kind, row) for row in rows] == expected(kind)[offset : offset + 3]


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_deployments_of_several_flows_are_paged_too(city: Rig, limit: int) -> None:
    flows = {"name": {"any_": ["many", "a", "zz", "none", "z"]}}
    found = pages(city, "deployments", flows=flows, limit=limit)
    assert found == [
        name for name in expected("deployments") if name.partition("/")[0] in flows["name"]["any_"]
    ]


def test_limits_of_every_kind_are_listed(city: Rig) -> None:
    kinds = {row["kind"] for row in city.ok("POST", "/v2/concurrency_limits/filter", {})}
    assert kinds == {"tag"}


@pytest.mark.parametrize("limit", [1, 5, 13, 200])
def test_queues_of_one_pool_are_paged_in_the_order_in_which_they_are_served(plane: Rig, limit: int) -> None:
    plane.pool("zz")
    for number, name in enumerate(NAMES):
        plane.ok("POST", "/work_pools/zz/queues", {"name": name, "priority": 12 - number // 4})
    whole = [row["name"] for row in plane.ok("POST", "/work_pools/zz/queues/filter", {})]
    assert sorted(whole) == sorted([*NAMES, "default"])
    found = pages(plane, "work_pools/zz/queues", limit=limit)
    assert found == whole
    named = {"name": {"any_": ["zz", "a", "日", "none"]}}
    some = pages(plane, "work_pools/zz/queues", limit=limit, work_queues=named)
    assert some == [name for name in whole if name in ("zz", "a", "日")]


def test_a_page_goes_on_where_a_queue_was_deleted(plane: Rig) -> None:
    plane.pool("shrinks")
    for name in ("b", "c"):
        plane.ok("POST", "/work_pools/shrinks/queues", {"name": name})
    path = "/work_pools/shrinks/queues/filter"
    first = plane.call("POST", path, {"limit": 2})
    assert [row["name"] for row in first.body] == ["default", "b"]
    plane.ok("DELETE", f"/work_queues/{first.body[1]['id']}")
    rest = plane.ok("POST", path, {"cursor": first.headers["Headrace-Next-Cursor"]})
    assert [row["name"] for row in rest] == ["c"]
