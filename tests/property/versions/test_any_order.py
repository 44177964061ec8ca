"""Deploys, edits of schedules, rollbacks, pins and deletions in any order, against the real services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chalicelib.domain.schedules import occurrence_id
from tests.property.length import search
from tests.support import world
from tests.support.plane import Rig

START = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
EXAMPLES, STEPS = 40, 20
OURS = "headrace.deployments.steps."
MEMBERS: dict[str, Any] = {
    "description": st.sampled_from([None, "a", "b"]),
    "tags": st.sampled_from([[], ["t"]]),
    "parameters": st.sampled_from([{}, {"x": 1}, {"x": True}, {"x": {"y": [1]}}]),
    "concurrency_limit": st.sampled_from([None, 0, 2]),
    "retry_policy": st.sampled_from([None, {"retries": 1, "delay": [1, 2]}]),
    "timeout_seconds": st.sampled_from([None, 5, 60.0]),
    "work_pool_name": st.sampled_from(["pool", "other"]),
    "pull_steps": st.sampled_from(
        [None, [{f"{OURS}git_clone": {"commit": "c1"}}], [{f"{OURS}pull_bundle": {"digest": "d"}}]]
    ),
}
CHANGES = st.fixed_dictionaries({}, optional=MEMBERS)
SCHEDULE = st.fixed_dictionaries(
    {
        "slug": st.sampled_from(["s", "t"]),
        "schedule": st.sampled_from([{"interval": 60.0}, {"cron": "0 4 * * *", "day_or": True}]),
        "overlap": st.sampled_from(["allow", "skip"]),
    }
)
SCHEDULES = st.none() | st.lists(SCHEDULE, max_size=2, unique_by=lambda one: str(one["slug"]))
FOLLOWING = {
    "work_queue_id",
    "status",
    "revision",
    "updated",
    "created",
    "id",
    "flow_id",
    "flow_name",
    "name",
}
MOMENTARY = {"paused", "pinned", "version_number", "latest_version_number"}
OF_A_RECORD = {"id", "created", "updated", "deployment_id", "slug", "active", "revision", "next_due"}


def _without(members: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


class AnyOrder(RuleBasedStateMachine):
    """One deployment. `rig` is shared by all examples; `said` is what each version was seen to say."""

    rig: Rig

    @initialize()
    def begin(self) -> None:
        self.rig.aws.clear()
        self.rig.clock.now = START
        self.rig.plane.ports.runs._days.clear()
        for pool in ("pool", "other"):
            self.rig.pool(pool)
        self.flow = self.rig.ok("POST", "/flows/", {"name": "flow"})["id"]
        self.said: dict[int, Any] = {}
        self.since: dict[str, datetime] = {}
        self.body: dict[str, Any] = {"name": "main", "flow_id": self.flow, "work_pool_name": "pool"}
        self.path = "/deployments/" + self.rig.ok("POST", "/deployments", self.body)["id"]

    def _shown(self) -> Any:
        return self.rig.ok("GET", self.path)

    def _pick(self, number: int) -> int:
        return number % self._shown()["latest_version_number"] + 1

    @rule(changes=CHANGES, schedules=SCHEDULES)
    def deploy(self, changes: dict[str, Any], schedules: Any) -> None:
        before = self._shown()
        body = {**self.body, "paused": before["paused"], **changes}
        self.rig.ok("POST", "/deployments", body if schedules is None else {**body, "schedules": schedules})
        self._no_more_than_one_version(before)

    @rule(changes=CHANGES)
    def patch(self, changes: dict[str, Any]) -> None:
        before = self._shown()
        self.rig.ok("PATCH", self.path, changes)
        self._no_more_than_one_version(before)
        if not before["pinned"]:
            after = self._shown()
            assert {name: after[name] for name in changes} == self._as_shown(changes)

    def _as_shown(self, changes: dict[str, Any]) -> dict[str, Any]:
        policy = changes.get("retry_policy")
        if policy:
            rest = {"backoff": 1, "max_delay": 3600, "jitter": 0, "on": [], "max_lost": 3}
            return {**changes, "retry_policy": {**rest, **policy}}
        return changes

    def _no_more_than_one_version(self, before: Any) -> None:
        after = self._shown()
        made = after["latest_version_number"] - before["latest_version_number"]
        assert made in (0, 1)
        assert after["pinned"] == before["pinned"]
        if before["pinned"]:
            assert after["version_number"] == before["version_number"]
        elif not made:
            assert _without(after, {"updated", "revision"}) == _without(before, {"updated", "revision"})

    @rule(schedule=SCHEDULE)
    def add_a_schedule(self, schedule: dict[str, Any]) -> None:
        before = self._shown()
        reply = self.rig.call("POST", f"{self.path}/schedules", [schedule])
        there = {one["slug"]: one for one in before["schedules"]}.get(schedule["slug"])
        if there and _read({name: there[name] for name in schedule}) == _read(schedule):
            assert (reply.status, reply.body[0]["id"]) == (201, there["id"])  # the request was repeated
            assert self._shown() == before
        else:
            assert reply.status == (409 if there or before["pinned"] else 201)

    @rule(pick=st.integers(0, 1), what=st.sampled_from(["active", "overlap", "slug", "delete"]))
    def change_a_schedule(self, pick: int, what: str) -> None:
        before = self._shown()
        if not before["schedules"]:
            return
        one = before["schedules"][pick % len(before["schedules"])]
        path = f"{self.path}/schedules/{one['id']}"
        values = {"active": not one["active"], "overlap": "cancel_running", "slug": "renamed"}
        if what == "delete":
            reply = self.rig.call("DELETE", path)
        else:
            reply = self.rig.call("PATCH", path, {what: values[what]})
        same = what != "delete" and one.get(what) == values[what]
        clash = (
            what == "slug" and any(other["slug"] == "renamed" for other in before["schedules"]) and not same
        )
        refused = clash or (before["pinned"] and what != "active" and not same)
        assert reply.status == (409 if refused else 204), reply
        made = self._shown()["latest_version_number"] - before["latest_version_number"]
        assert made == (0 if refused or same or what == "active" else 1)

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        before = self._shown()
        self.rig.ok("PATCH", self.path, {"paused": paused})
        after = self._shown()
        assert after["paused"] is paused
        changing = {"paused", "updated", "revision"}
        assert _without(after, changing) == _without(before, changing)

    @rule(number=st.integers(0, 50))
    def roll_back(self, number: int) -> None:
        before, number = self._shown(), self._pick(number)
        reply = self.rig.call("POST", f"{self.path}/rollback", {"version": number})
        if before["pinned"]:
            assert (reply.status, reply.body["code"]) == (409, "pinned")
            return
        after = self._shown()
        assert self._stored(after["version_number"]) == self._stored(number)
        is_so_already = self._stored(before["version_number"]) == self._stored(number)
        assert reply.status == (200 if is_so_already else 201)
        assert after["latest_version_number"] == before["latest_version_number"] + (not is_so_already)
        self._pauses_are_as_before(before, after)

    @rule(number=st.none() | st.integers(0, 50))
    def pin(self, number: int | None) -> None:
        before = self._shown()
        wanted = before["version_number"] if number is None else self._pick(number)
        body = {} if number is None else {"version": wanted}
        after = self.rig.ok("POST", f"{self.path}/pin", body)
        latest = before["latest_version_number"]
        assert self._place(after) == (wanted, latest, True)
        self._pauses_are_as_before(before, after)

    @rule()
    def unpin(self) -> None:
        before = self._shown()
        after = self.rig.ok("POST", f"{self.path}/unpin")
        latest = before["latest_version_number"]
        assert self._place(after) == (latest, latest, False)
        self._pauses_are_as_before(before, after)

    def _place(self, shown: Any) -> tuple[int, int, bool]:
        return shown["version_number"], shown["latest_version_number"], shown["pinned"]

    def _pauses_are_as_before(self, before: Any, after: Any) -> None:
        assert after["paused"] == before["paused"]
        active = {one["slug"]: one["active"] for one in before["schedules"]}
        assert all(active.get(one["slug"], one["active"]) == one["active"] for one in after["schedules"])

    @rule()
    def make_it_anew(self) -> None:
        latest = self._shown()["latest_version_number"]
        self.rig.ok("DELETE", self.path)
        self.since = {}
        made = self.rig.ok("POST", "/deployments", self.body)
        assert self._place(made) == (latest + 1, latest + 1, False)

    @rule()
    def tick(self) -> None:
        self.rig.clock.forward(61)
        self.rig.plane.tick()

    def _stored(self, number: int) -> Any:
        return self.rig.ok("GET", f"{self.path}/versions/{number}")["definition"]

    @invariant()
    def what_is_in_force_is_what_its_version_says(self) -> None:
        shown = self._shown()
        stored = self._stored(shown["version_number"])
        live = _without(shown, FOLLOWING | MOMENTARY | {"schedules"})
        live["concurrency_options"].pop("grace_period_seconds")
        live["schedules"] = {one["slug"]: _without(one, OF_A_RECORD) for one in shown["schedules"]}
        assert _read(stored) == _read(live)
        limits = self.rig.ok("POST", "/v2/concurrency_limits/filter", {})
        own = [limit["limit"] for limit in limits if limit["name"].startswith("deployment:")]
        assert own == ([] if shown["concurrency_limit"] is None else [shown["concurrency_limit"]])

    @invariant()
    def what_waits_is_as_the_version_in_force_says(self) -> None:
        shown = self._shown()
        revisions = {one["slug"]: one["revision"] for one in shown["schedules"]}
        waiting = [run for run in world.read(self.rig.aws).runs.values() if run.is_untouched_occurrence]
        for run in waiting:
            assert run.schedule_revision == revisions[run.schedule_slug or ""]
            assert (run.work_pool_name, _read(run.parameters)) == (
                shown["work_pool_name"],
                _read(shown["parameters"]),
            )
            assert list(run.tags) == [*shown["tags"], "auto-scheduled"]
            retries = shown["retry_policy"]["retries"] if shown["retry_policy"] else None
            assert (run.retry_policy.retries if run.retry_policy else None) == retries

    @invariant()
    def each_occurrence_has_its_run(self) -> None:
        """Also those that are due and wait: each minute since the schedule was made, or went on."""
        runs = world.read(self.rig.aws).runs
        going = {
            one["slug"]
            for one in self._shown()["schedules"]
            if one["active"] and one["schedule"].get("interval")
        }
        self.since = {slug: self.since.get(slug, self.rig.clock.now) for slug in going}
        for slug, since in self.since.items():
            instant = since.replace(second=0) + timedelta(minutes=1)
            while instant <= self.rig.clock.now:
                identity = occurrence_id(UUID(self.path.rpartition("/")[2]), slug, instant)
                assert identity in runs, f"no run for {instant} of {slug}"
                instant += timedelta(minutes=1)

    @invariant()
    def numbers_rise_and_versions_never_change(self) -> None:
        latest = self._shown()["latest_version_number"]
        rows = self.rig.ok("POST", f"{self.path}/versions/filter", {})
        assert [row["number"] for row in rows] == list(range(latest, 0, -1))
        for number in range(1, latest + 1):
            stored = self._stored(number)
            assert self.said.setdefault(number, stored) == stored


def _read(value: Any) -> Any:
    """As it compares: members without a value left out, since the API shows a schedule's spec without them."""
    if isinstance(value, dict):
        return {name: _read(member) for name, member in value.items() if member is not None}
    return [_read(member) for member in value] if isinstance(value, list) else (type(value) is bool, value)


@pytest.mark.timeout(3600)
def test_versions_in_any_order(plane: Rig) -> None:
    AnyOrder.rig = plane
    run_state_machine_as_test(AnyOrder, settings=search(EXAMPLES, STEPS))
