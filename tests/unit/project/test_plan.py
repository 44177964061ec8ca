"""The plan: what it does, that doing it twice is doing it once, and that a synced project is all there is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.services.wishes import Wish, with_slugs
from headrace.project.execute import execute
from headrace.project.plan import (
    COMPARED,
    PROJECT_LABEL,
    Action,
    Change,
    Create,
    Delete,
    Wanted,
    comparable,
    make_plan,
)

World = dict[str, dict[str, Any]]


class Plane:
    """A control plane that keeps what it is told, and shows it as the real one does."""

    def __init__(self, world: World) -> None:
        self.world = world

    def upsert(self, flow_name: str, name: str, body: Mapping[str, Any]) -> None:
        shown = copy.deepcopy(dict(body))
        if shown.get("paused") is None:
            shown["paused"] = self.world.get(f"{flow_name}/{name}", {}).get("paused", False)
        shown["work_queue_name"] = shown.get("work_queue_name") or "default"
        old = self.world.get(f"{flow_name}/{name}", {}).get("schedules") or []
        active = {schedule["slug"]: schedule["active"] for schedule in old}
        counts: dict[str, int] = {}
        for schedule in shown.get("schedules") or []:
            kind = next(iter(set(schedule["schedule"]) & {"cron", "interval", "rrule"}))
            counts[kind] = counts.get(kind, 0) + 1
            schedule["slug"] = schedule.get("slug") or (
                kind if counts[kind] == 1 else f"{kind}-{counts[kind]}"
            )
            schedule["id"] = "x"
            if schedule.get("active") is None:
                schedule["active"] = active.get(schedule["slug"], True)
        self.world[f"{flow_name}/{name}"] = shown

    def pause(self, flow_name: str, name: str) -> None:
        if f"{flow_name}/{name}" in self.world:
            self.world[f"{flow_name}/{name}"]["paused"] = True

    def delete(self, flow_name: str, name: str) -> None:
        self.world.pop(f"{flow_name}/{name}", None)


def carry_out(actions: list[Action], world: World) -> World:
    after = copy.deepcopy(world)
    done: list[Action] = []
    execute(actions, Plane(after), done.append)
    assert done == actions
    return after


def deployment(name: str, flow: str = "f", renamed_from: str | None = None, **body: Any) -> Wanted:
    return Wanted(flow, name, {"work_pool_name": "pool", "entrypoint": "f.py:f", **body}, renamed_from)


NAMES = st.sampled_from("abcd")
TIMES = st.sampled_from(
    [{"cron": "@daily"}, {"interval": 60.0}, {"rrule": "FREQ=DAILY"}, {"cron": "@hourly"}]
)
ACTIVE = {"active": st.none() | st.booleans()}
SCHEDULES = st.none() | st.lists(st.fixed_dictionaries({"schedule": TIMES}, optional=ACTIVE), max_size=3)


@st.composite
def projects(draw: st.DrawFn) -> list[Wanted]:
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    wanted = []
    for name in names:
        body = {
            "tags": draw(st.lists(NAMES, max_size=2)),
            "parameters": draw(st.dictionaries(NAMES, st.integers(), max_size=2)),
        }
        body["work_queue_name"] = draw(st.sampled_from([None, "default", "fast"]))
        body["paused"] = draw(st.none() | st.booleans())
        schedules = draw(SCHEDULES)
        extra = {} if schedules is None else {"schedules": schedules}
        old = draw(st.none() | NAMES.filter(lambda other: other not in names))
        wanted.append(deployment(name, renamed_from=old and f"f/{old}", **body, **extra))
    return wanted


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world: World = {}
    for wanted in draw(projects()):
        owner = draw(st.sampled_from([{}, {PROJECT_LABEL: "mine"}, {PROJECT_LABEL: "other"}]))
        Plane(world).upsert("f", wanted.name, {**wanted.body, "labels": owner})
    return world


@settings(max_examples=300, deadline=None)
@given(projects(), worlds(), st.booleans())
def test_applied_once_there_is_nothing_left_to_do(project: list[Wanted], world: World, sync: bool) -> None:
    first = make_plan("mine", project, world, sync=sync)
    once = carry_out(first, world)
    assert make_plan("mine", project, once, sync=sync) == []
    twice = carry_out(first, once)
    assert {key: comparable(body) for key, body in twice.items()} == {
        key: comparable(body) for key, body in once.items()
    }


@settings(max_examples=200, deadline=None)
@given(projects(), worlds())
def test_sync_leaves_of_the_project_just_what_the_file_has(project: list[Wanted], world: World) -> None:
    after = carry_out(make_plan("mine", project, world, sync=True), world)
    owned = {key for key, body in after.items() if (body.get("labels") or {}).get(PROJECT_LABEL) == "mine"}
    assert owned == {each.key for each in project}


@settings(max_examples=200, deadline=None)
@given(projects(), worlds(), st.booleans())
def test_nothing_of_others_is_touched(project: list[Wanted], world: World, sync: bool) -> None:
    after = carry_out(make_plan("mine", project, world, sync=sync), world)
    named = {name for each in project for name in (each.key, each.renamed_from)}
    for key, body in world.items():
        if key not in named and body["labels"].get(PROJECT_LABEL) != "mine":
            assert after[key] == body


@settings(max_examples=200, deadline=None)
@given(projects(), worlds(), st.data())
def test_broken_off_anywhere_it_goes_on_to_the_same_end(
    project: list[Wanted], world: World, data: st.DataObject
) -> None:
    plan = make_plan("mine", project, world, sync=True)
    half = carry_out(plan[: data.draw(st.integers(0, len(plan)))], world)
    whole = carry_out(make_plan("mine", project, half, sync=True), half)
    assert whole.keys() == carry_out(plan, world).keys()
    assert make_plan("mine", project, whole, sync=True) == []


def test_a_new_one_is_created_with_the_projects_label() -> None:
    (action,) = make_plan("mine", [deployment("a")], {})
    assert isinstance(action, Create)
    assert action.body["labels"] == {PROJECT_LABEL: "mine"}


def test_each_member_that_differs_is_told() -> None:
    world = carry_out(make_plan("mine", [deployment("a", tags=["x"], version="1")], {}), {})
    (action,) = make_plan("mine", [deployment("a", tags=["y"], version="1", timeout_seconds=5)], world)
    assert isinstance(action, Change)
    told = {change.member: (change.before, change.after) for change in action.changes}
    assert told == {"tags.0": ("x", "y"), "timeout_seconds": (None, 5)}


def test_every_compared_member_is_really_compared() -> None:
    for member in COMPARED:
        value: Any = {
            "tags": ["a"],
            "paused": True,
            "enforce_parameter_schema": False,
            "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
            "schedules": [{"schedule": {"cron": "@daily"}}],
            "parameters": {"a": 1},
            "job_variables": {"a": 1},
            "labels": {"a": 1},
        }.get(member, "other")
        assert comparable({member: value})[member] != comparable({})[member], member


def test_what_the_file_does_not_say_stays() -> None:
    said = deployment("a", paused=True, schedules=[{"schedule": {"cron": "@daily"}}], labels={"team": "x"})
    world = carry_out(make_plan("mine", [said], {}), {})
    assert make_plan("mine", [deployment("a")], world) == []
    (action,) = make_plan("mine", [deployment("a")], world, sync=True)
    assert isinstance(action, Change)
    assert [change.member for change in action.changes] == ["schedules.cron"]


def test_what_changes_is_told_down_to_the_innermost_member() -> None:
    env = {"A": "1", "B": "1"}
    steps = [{"git_clone": {"commit": "a" * 40, "repository": "r" * 200}}]
    old = deployment(
        "a", job_variables={"env": env, "nice": 1}, pull_steps=steps, tags=["x"], parameters={"n": 1}
    )
    world = carry_out(make_plan("mine", [old], {}), {})
    steps = [{"git_clone": {"commit": "b" * 40, "repository": "r" * 200}}]
    env = {"A": "2", "C": "1"}
    new = deployment(
        "a", job_variables={"env": env, "nice": 1}, pull_steps=steps, tags=["x", "y"], parameters={"n": True}
    )
    (action,) = make_plan("mine", [new], world)
    assert isinstance(action, Change)
    assert [(one.member, one.before, one.after) for one in action.changes] == [
        ("pull_steps.0.git_clone.commit", "a" * 40, "b" * 40),
        ("job_variables.env.A", "1", "2"),
        ("job_variables.env.B", "1", None),
        ("job_variables.env.C", None, "1"),
        ("parameters.n", 1, True),
        ("tags", ["x"], ["x", "y"]),
    ]


def test_whether_it_is_paused_is_not_sent_unless_the_file_says_so() -> None:
    world = carry_out(make_plan("mine", [deployment("a", paused=True)], {}), {})
    (change,) = make_plan("mine", [deployment("a", tags=["x"])], world)
    assert isinstance(change, Change) and "paused" not in change.body
    (create, _) = make_plan("mine", [deployment("b", renamed_from="f/a")], world)
    assert isinstance(create, Create) and create.body["paused"] is True
    (said,) = make_plan("mine", [deployment("a", paused=False)], world)
    assert isinstance(said, Change)
    assert [(one.member, one.before, one.after) for one in said.changes] == [("paused", True, False)]


def test_a_schedule_that_somebody_paused_stays_paused_unless_the_file_says_so() -> None:
    daily = {"schedule": {"cron": "@daily"}}
    world = carry_out(make_plan("mine", [deployment("a", schedules=[{**daily, "active": False}])], {}), {})
    assert make_plan("mine", [deployment("a", schedules=[daily])], world) == []
    (change,) = make_plan("mine", [deployment("a", schedules=[daily], tags=["x"])], world)
    assert isinstance(change, Change) and "active" not in change.body["schedules"][0]
    (create, _) = make_plan("mine", [deployment("b", renamed_from="f/a", schedules=[daily])], world)
    assert isinstance(create, Create) and create.body["schedules"][0]["active"] is False
    (said,) = make_plan("mine", [deployment("a", schedules=[{**daily, "active": True}])], world)
    assert isinstance(said, Change)
    assert [(one.member, one.before, one.after) for one in said.changes] == [
        ("schedules.cron.active", False, True)
    ]


def test_a_renamed_one_keeps_its_schedules_and_the_old_one_goes_last() -> None:
    old = deployment("a", schedules=[{"schedule": {"cron": "@daily"}}])
    world = carry_out(make_plan("mine", [old], {}), {})
    create, delete = make_plan("mine", [deployment("b", renamed_from="f/a")], world)
    assert isinstance(create, Create) and isinstance(delete, Delete)
    assert (create.key, delete.key, delete.because) == ("f/b", "f/a", "is now f/b")
    assert create.body["schedules"][0]["schedule"] == {"cron": "@daily"}
    after = carry_out([create, delete], world)
    assert make_plan("mine", [deployment("b", renamed_from="f/a")], after) == []


def test_without_sync_nothing_that_left_is_deleted() -> None:
    world = carry_out(make_plan("mine", [deployment("a")], {}), {})
    assert make_plan("mine", [], world) == []
    assert make_plan("mine", [], world, sync=True) == [Delete("f/a", "left the project's file")]
    assert make_plan("other", [], world, sync=True) == []


def test_a_plan_foretells_the_slugs_that_the_control_plane_gives() -> None:
    """Also where a given one is what the next would be called."""
    cron, interval, rrule = {"cron": "@daily"}, {"interval": 60}, {"rrule": "FREQ=DAILY"}
    wanted = [(cron, None), (cron, None), (rrule, "cron-2"), (interval, "cron"), (interval, None)]
    body = {"schedules": [{"schedule": spec, "slug": slug} for spec, slug in wanted]}
    given = with_slugs([Wish(spec, slug) for spec, slug in wanted])
    assert list(comparable(body)["schedules"]) == list(given)
    assert list(given) == ["cron-3", "cron-4", "cron-2", "cron", "interval"]
