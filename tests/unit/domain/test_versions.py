"""What differs between two definitions, and what a version says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import retry, versions
from chalicelib.domain.deployments import Deployment, ScheduleRecord
from chalicelib.domain.versions import FieldChange, Kind

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ID = UUID(int=7)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a", "changed", 1, True)]),
        ({"a": 0}, {"a": False}, [("a", "changed", 0, False)]),
        ({"a": None}, {}, [("a", "removed", None, None)]),
        ({}, {"a": None}, [("a", "added", None, None)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, [("a.b", "removed", 1, None), ("a.c", "changed", 2, 3)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("a.1.b", "changed", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a", "changed", [1], [1, 2])]),
        ({"a": {}}, {"a": []}, [("a", "changed", {}, [])]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("a", "changed", 1, 2), ("b", "changed", 1, 2)]),
    ],
)
def test_differences(old: Any, new: Any, expected: Any) -> None:
    assert versions.changes(old, new) == [
        FieldChange(path, Kind(kind), before, after) for path, kind, before, after in expected
    ]


@given(old=OBJECT, new=OBJECT)
def test_no_difference_means_equal_and_both_ways_are_the_same(old: Any, new: Any) -> None:
    there, back = versions.changes(old, new), versions.changes(new, old)
    assert bool(there) == (repr(_sorted(old)) != repr(_sorted(new)))
    assert [change.path for change in there] == [change.path for change in back]
    assert [(c.before, c.after) for c in there] == [(c.after, c.before) for c in back]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _deployment(**values: Any) -> Deployment:
    return Deployment("flow", "main", NOW, NOW, **values)


def test_a_definition_brings_back_what_it_was_made_of() -> None:
    policy = retry.policy({"retries": 2, "delay": [1, 2], "on": ["ValueError"]})
    old = _deployment(
        description="old",
        parameters={"x": [1]},
        retry_policy=policy,
        concurrency_limit=3,
        collision_strategy="CANCEL_NEW",
        pull_steps=({"s": {"a": 1}},),
        tags=("t",),
    )
    schedule = ScheduleRecord(old.id, "s", NOW, NOW, {"cron": "0 4 * * *"}, overlap="skip")
    said = versions.define(old, versions.described([schedule]))
    now = _deployment(paused=True, paused_since=NOW, revision=9, version_number=4, pinned=True)
    back = versions.restored(now, said)
    assert versions.define(back, versions.described([schedule])) == said
    assert (back.paused, back.revision, back.version_number, back.pinned) == (True, 9, 4, True)
    assert back.retry_policy == policy
    assert versions.define(versions.restored(old, versions.define(now, {})), {}) == versions.define(now, {})


def test_a_deleted_schedule_is_in_no_definition() -> None:
    gone = ScheduleRecord(ID, "s", NOW, NOW, {"interval": 60}, deleted=True)
    assert versions.described([gone]) == {}


def _version(definition: Any, changed: Any = (), author: str | None = None) -> versions.Version:
    return versions.version_of(ID, 1, definition, changed, created=NOW, created_by=author)


@pytest.mark.parametrize(
    ("steps", "info", "expected"),
    [
        (None, None, (None, None)),
        ([{"x.git_clone": {"commit": "c1"}}], {"commit_sha": "c2"}, ("c1", None)),
        ([{"prefect.deployments.steps.git_clone": {"commit_sha": "c1"}}], None, ("c1", None)),
        ([{"git_clone": None}, {"pull_bundle": {"digest": "sha256:d"}}], None, (None, "sha256:d")),
        ([{"git_clone": {"track": "branch", "branch": "main"}}], {"commit_sha": "c2"}, ("c2", None)),
        ([{"git_clone": {"commit": 7}}], {"commit": {}}, (None, None)),
    ],
)
def test_commit_and_digest_are_drawn_from_the_steps(steps: Any, info: Any, expected: Any) -> None:
    found = _version({"pull_steps": steps, "version_info": info})
    assert (found.commit, found.digest) == expected


def test_a_long_list_of_changes_is_cut() -> None:
    changed = [FieldChange(f"{number}{'x' * 300}", Kind.ADDED) for number in range(50)]
    found = _version({}, changed).changed
    assert (len(found), found[-1]) == (41, "and 10 more")
    assert max(map(len, found)) == versions.LONGEST_PATH


def test_the_author_is_who_the_client_says_else_whom_the_info_names() -> None:
    info = {"version_info": {"author": "ci"}}
    assert _version(info).created_by == "ci"
    assert _version(info, author="ana").created_by == "ana"


@pytest.mark.parametrize(
    ("paths", "worth"),
    [
        ([], False),
        (["version_info.commit"], False),
        (["version_info"], False),
        (["version_info.a", "tags"], True),
        (["version_infos"], True),
    ],
)
def test_version_info_alone_makes_no_version(paths: list[str], worth: bool) -> None:
    assert versions.makes_a_version([FieldChange(path, Kind.CHANGED) for path in paths]) is worth
