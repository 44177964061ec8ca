"""May this run start? Each rule alone, and which comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chalicelib.domain.deployments import CANCEL_NEW
from chalicelib.domain.eligibility import EARLY, Answer, Facts, judge, limit_text, limits_of
from chalicelib.domain.limits import Slots, deployment_limit
from chalicelib.domain.schedules import jittered
from headrace.contract.states import StateType
from tests.unit.control_plane.made import (
    DEPLOYMENT,
    NOW,
    OTHER,
    RUN,
    a_deployment,
    a_run,
    a_schedule,
    a_view,
    facts,
    in_state,
    later,
)

LIMIT = deployment_limit(DEPLOYMENT)
SCHEDULE = f"schedule:{DEPLOYMENT}/nightly"


HOURLY = {"cron": "30 * * * *"}
"""Has not the moment of `scheduled`."""


def scheduled(**values: Any) -> Any:
    """A run that a schedule made."""
    base = {"schedule_slug": "nightly", "schedule_revision": 1, "occurrence": NOW, "auto_scheduled": True}
    return a_run(**{**base, **values})


def test_nothing_stands_in_the_way() -> None:
    judgement = judge(a_run(), facts())
    assert (judgement.answer, judgement.slots) == (Answer.START, ())


@pytest.mark.parametrize("state", sorted(set(StateType) - {StateType.SCHEDULED}))
def test_a_run_that_does_not_wait_is_gone(state: StateType) -> None:
    judgement = judge(in_state(state), facts(now=later(60)))
    assert (judgement.answer, state.value in judgement.reason) == (Answer.GONE, True)
    assert ("held by worker w1" in judgement.reason) == in_state(state).is_held


@pytest.mark.parametrize(
    ("run", "known", "words"),
    [
        (a_run(work_pool_name=None), facts(), "no work pool"),
        (a_run(), Facts(NOW, None), "work pool 'pool' no longer exists"),
        (a_run(work_queue_name="gone"), facts(), "work queue 'gone' no longer exists"),
        (a_run(), facts(deployment=None), "deployment 'main' no longer exists"),
        (scheduled(), facts(), "schedule 'nightly' was changed or deleted"),
        (
            scheduled(),
            facts(schedule=a_schedule(revision=2, spec=HOURLY)),
            "schedule 'nightly' was changed or",
        ),
        (scheduled(), facts(schedule=a_schedule(deleted=True)), "schedule 'nightly' was changed or deleted"),
    ],
)
def test_a_run_whose_place_is_no_more_is_gone(run: Any, known: Facts, words: str) -> None:
    judgement = judge(run, known)
    assert judgement.answer is Answer.GONE
    assert words in judgement.reason


@pytest.mark.parametrize(("seconds", "answer"), [(0, "start"), (1.5, "start"), (1.6, "wait"), (600, "wait")])
def test_a_run_that_is_not_due_waits(seconds: float, answer: str) -> None:
    judgement = judge(a_run(due=later(seconds)), facts())
    assert judgement.answer == answer
    assert timedelta(seconds=1.5) == EARLY


@pytest.mark.parametrize(
    ("known", "answer", "line", "words"),
    [
        (
            facts(view=a_view(pool_is_paused=True, pool_paused_since=NOW)),
            "wait",
            None,
            "Work pool 'pool' is paused since",
        ),
        (facts(view=a_view(queue_is_paused=True)), "wait", None, "Work queue 'default' is paused."),
        (facts(deployment=a_deployment(paused=True)), "line", LIMIT, "Deployment 'flow/main' is paused"),
    ],
)
def test_what_is_paused_starts_nothing(known: Facts, answer: str, line: str | None, words: str) -> None:
    judgement = judge(a_run(), known)
    assert (judgement.answer, judgement.line, words in judgement.reason) == (answer, line, True)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("pool:pool", "wait"),
        ("queue:pool/default", "wait"),
        (LIMIT, "line"),
        ("tag:db", "line"),
        (SCHEDULE, "line"),
    ],
)
def test_a_full_limit(name: str, answer: str) -> None:
    schedule = a_schedule(overlap="cancel_running") if name == SCHEDULE else a_schedule()
    run = scheduled(tags=("db",))
    for maximum, holders, full in ((0, [], True), (1, [OTHER], True), (1, [RUN], False), (2, [OTHER], False)):
        judgement = judge(run, facts(limits=[(name, maximum, holders)], schedule=schedule))
        if not full:
            assert (judgement.answer, judgement.slots) == (Answer.START, (name,))
            continue
        assert judgement.answer == answer
        assert judgement.line == (name if answer == "line" else None)
        assert judgement.cancel == (
            [OTHER] if name == SCHEDULE and holders else () if name != SCHEDULE else []
        )


def test_all_its_limits_are_taken_together() -> None:
    names = ["pool:pool", "queue:pool/default", LIMIT, "tag:a", "tag:b"]
    run = a_run(tags=("b", "a", "b", "c"))
    known = facts(limits=[(name, 1, []) for name in names] + [("tag:other", 0, []), ("pool:other", 0, [])])
    assert limits_of(run, known) == names
    assert judge(run, known).slots == tuple(names)


def test_cancel_new_skips_what_would_have_to_wait() -> None:
    known = facts(deployment=a_deployment(collision_strategy=CANCEL_NEW), limits=[(LIMIT, 1, [OTHER])])
    judgement = judge(a_run(), known)
    assert (judgement.answer, "cancels what would have to wait" in judgement.reason) == (Answer.SKIP, True)
    tag = facts(deployment=a_deployment(collision_strategy=CANCEL_NEW), limits=[("tag:db", 1, [OTHER])])
    assert judge(a_run(tags=("db",)), tag).answer is Answer.LINE


def test_overlap_skips_or_cancels() -> None:
    skip = judge(scheduled(), facts(schedule=a_schedule(overlap="skip"), limits=[(SCHEDULE, 1, [OTHER])]))
    assert (skip.answer, skip.reason) == (Answer.SKIP, "An earlier run of its schedule is still going.")
    cancel = judge(
        scheduled(), facts(schedule=a_schedule(overlap="cancel_running"), limits=[(SCHEDULE, 1, [OTHER])])
    )
    assert (cancel.answer, cancel.line, cancel.cancel) == (Answer.LINE, SCHEDULE, [OTHER])


@pytest.mark.parametrize("overlap", ["skip", "cancel_running"])
def test_before_it_is_due_nothing_is_dropped_for_a_run_that_may_be_over_by_then(overlap: str) -> None:
    known = facts(schedule=a_schedule(overlap=overlap), limits=[(SCHEDULE, 1, [OTHER])])
    early = judge(scheduled(due=later(1.4)), known)
    assert (early.answer, early.cancel, early.line) == (Answer.EARLY, (), None)
    known = facts(deployment=a_deployment(collision_strategy=CANCEL_NEW), limits=[(LIMIT, 1, [OTHER])])
    assert judge(a_run(due=later(0.1)), known).answer is Answer.EARLY
    assert judge(a_run(due=later(0)), known).answer is Answer.SKIP


def test_what_a_person_reruns_is_not_dropped_for_a_run_of_its_schedule() -> None:
    rerun = scheduled(attempt=1, schedule_revision=None)
    known = facts(schedule=a_schedule(overlap="skip"), limits=[(SCHEDULE, 1, [OTHER])])
    assert judge(rerun, known).answer is Answer.START
    full = facts(deployment=a_deployment(collision_strategy=CANCEL_NEW), limits=[(LIMIT, 1, [OTHER])])
    assert judge(rerun, full).answer is Answer.LINE


def test_an_occurrence_whose_jitter_is_not_over_drops_no_earlier_one() -> None:
    schedule = a_schedule(jitter=50.0)
    key = f"{DEPLOYMENT}/{schedule.slug}"
    instant = NOW + timedelta(seconds=60)
    its_own = jittered(instant, 50.0, key)
    assert its_own - instant > timedelta(seconds=1), "else this shows nothing"
    before, at = its_own - timedelta(milliseconds=1), its_own
    assert judge(scheduled(), facts(now=before, schedule=schedule)).answer is Answer.START
    assert judge(scheduled(), facts(now=at, schedule=schedule)).answer is Answer.SKIP


@pytest.mark.parametrize(
    ("values", "late", "answer"),
    [
        ({}, 59, "start"),
        ({}, 61, "skip"),
        ({"catchup": "all"}, 3600, "start"),
        ({"catchup": "none"}, 61, "skip"),
        ({"catchup": "all", "max_lateness": 30}, 31, "skip"),
        ({"catchup": "all", "max_lateness": 30}, 29, "start"),
        ({"active": False, "catchup": "latest"}, 3600, "start"),
    ],
    ids=str,
)
def test_what_was_missed(values: dict[str, Any], late: float, answer: str) -> None:
    judgement = judge(scheduled(), facts(now=later(late), schedule=a_schedule(**values)))
    assert judgement.answer == answer, judgement.reason
    assert judgement.reason.startswith("Not run: ") == (answer == "skip")


def test_a_retry_is_not_missed() -> None:
    run = scheduled(run_count=1)
    assert judge(run, facts(now=later(3600), schedule=a_schedule())).answer is Answer.START


def test_what_makes_a_run_moot_comes_before_what_makes_it_wait() -> None:
    paused = a_view(pool_is_paused=True, queue_is_paused=True)
    everything: dict[str, Any] = {
        "view": paused,
        "deployment": a_deployment(paused=True),
        "limits": [("pool:pool", 0, [])],
        "schedule": a_schedule(revision=2),
    }
    run = scheduled(due=later(60))
    order = [
        (replace(run, work_queue_name="gone"), everything, "work queue 'gone'"),
        (run, {**everything, "schedule": a_schedule(revision=2, spec=HOURLY)}, "changed or deleted"),
        (run, everything, "made anew before it starts"),
        (run, {**everything, "schedule": a_schedule()}, "not due"),
        (replace(run, due=NOW), {**everything, "schedule": a_schedule()}, "Deployment"),
        (a_run(), {**everything, "deployment": a_deployment()}, "Work pool"),
        (a_run(), {"view": a_view(queue_is_paused=True), "limits": [("pool:pool", 0, [])]}, "Work queue"),
        (a_run(), {"limits": [("pool:pool", 0, [])]}, "Limit 0"),
    ]
    for case, known, words in order:
        assert words in judge(case, facts(**known)).reason


@pytest.mark.parametrize("other", ["pool:pool", "queue:pool/default", LIMIT, "tag:db"])
@pytest.mark.parametrize(("overlap", "answer"), [("skip", "skip"), ("cancel_running", "line")])
def test_a_rule_about_an_overlap_does_not_wait_for_another_limit(
    overlap: str, answer: str, other: str
) -> None:
    known = facts(limits=[(other, 0, []), (SCHEDULE, 1, [OTHER])], schedule=a_schedule(overlap=overlap))
    judgement = judge(scheduled(tags=("db",)), known)
    assert (judgement.answer, judgement.holders) == (answer, [OTHER])
    assert list(judgement.cancel) == ([OTHER] if answer == "line" else [])
    early = judge(scheduled(tags=("db",), due=later(1)), known)
    assert early.answer is Answer.EARLY


@pytest.mark.parametrize("other", ["pool:pool", "queue:pool/default", "tag:db"])
def test_nor_does_a_deployment_that_cancels_new_ones(other: str) -> None:
    deployment = a_deployment(collision_strategy=CANCEL_NEW)
    known = facts(limits=[(other, 0, []), (LIMIT, 1, [OTHER])], deployment=deployment)
    assert judge(a_run(tags=("db",)), known).answer is Answer.SKIP


def test_a_limit_in_words() -> None:
    holders = [UUID(int=number) for number in range(1, 8)]
    text = limit_text(Slots("tag:db", 7, frozenset(holders)), facts())
    assert text.startswith(f"Limit 7 of tag 'db' is held by runs {holders[0]}, {holders[1]}")
    assert text.endswith("and 2 more")
    assert limit_text(Slots("pool:p", 0), facts()) == "Limit 0 of pool 'p' lets nothing start"
