"""Grants that are too much for one answer come in several: none is lost, none is claimed that is not told."""

from __future__ import annotations

import pytest

from tests.support.plane import Rig, WorkerRig

HEAVY = {"text": "é" * 50_000}
"""100 KB, which a Lambda writes as 300 KB."""
MANY = 30


@pytest.fixture
def runs(plane: Rig) -> list[str]:
    plane.pool()
    deployment = plane.deployment()
    return [plane.run(deployment, parameters=HEAVY)["id"] for _ in range(MANY)]


@pytest.fixture
def worker(plane: Rig, runs: list[str]) -> WorkerRig:
    return plane.worker(limit=MANY)


def test_a_sync_grants_what_one_answer_carries_and_then_the_rest(worker: WorkerRig, runs: list[str]) -> None:
    first = worker.sync(want=MANY)
    assert 1 < len(first["granted"]) < MANY
    assert first["sync_within_seconds"] < 1
    granted = [grant["run"] for grant in first["granted"]]
    while len(granted) < MANY:
        more = worker.sync(want=MANY - len(granted))["granted"]
        assert more
        granted += [grant["run"] for grant in more]
    assert granted == runs


@pytest.fixture
def unheard(worker: WorkerRig, runs: list[str]) -> list[str]:
    """All are the session's, and its worker knows of none."""
    while len(worker.held) < MANY:
        worker.sync(want=MANY - len(worker.held))
    worker.held.clear()
    return runs


def test_lost_answers_are_given_again_in_parts(worker: WorkerRig, unheard: list[str]) -> None:
    again: list[str] = []
    answer = worker.sync(want=MANY, heard=0)
    while answer["granted"]:
        again += [grant["run"] for grant in answer["granted"]]
        assert len(again) == MANY or answer["sync_within_seconds"] < 1
        answer = worker.sync(want=MANY - len(again))
    assert sorted(again) == sorted(unheard)


def test_a_sync_sent_again_gives_a_part_and_the_next_the_rest(worker: WorkerRig, unheard: list[str]) -> None:
    worker.sync(want=MANY, heard=0)
    worker.held.clear()
    worker.seq -= 1
    again = [grant["run"] for grant in worker.sync(want=MANY, heard=0)["granted"]]
    assert 0 < len(again) < MANY
    while more := worker.sync(want=MANY - len(again))["granted"]:
        again += [grant["run"] for grant in more]
    assert sorted(again) == sorted(unheard)


def test_a_large_job_configuration_counts_too(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(job_variables={"env": {"A": "é" * 45_000}})
    for _ in range(MANY):
        plane.run(deployment)
    worker = plane.worker(limit=MANY)
    while len(worker.held) < MANY:
        assert worker.sync(want=MANY - len(worker.held))["granted"]


def test_a_job_that_no_answer_carries_is_told_as_a_problem(plane: Rig) -> None:
    template = {
        "job_configuration": {"command": "{{ text }}" * 100},
        "variables": {"type": "object", "properties": {"text": {"type": "string"}}},
    }
    plane.pool(base_job_template=template)
    plane.run(plane.deployment(job_variables={"text": "x" * 90_000}))
    plane.run(plane.deployment(name="other", job_variables={"text": "x"}))
    large, small = plane.worker(limit=2).claim(want=2)
    assert "at most" in large["problem"]
    assert large["configuration"] == {}
    assert (small["problem"], small["configuration"]) == (None, {"command": "x" * 100})
