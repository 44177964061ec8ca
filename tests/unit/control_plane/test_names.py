"""Ids and stamps."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import names
from chalicelib.domain.run_names import run_name
from chalicelib.services.ports import new_id

TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2399, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def test_run_ids_sort_as_they_were_made() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_id())
        until = time.time_ns() // 1_000_000 + 1
        while time.time_ns() // 1_000_000 < until:
            pass
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}
    assert {made.variant for made in ids} == {"specified in RFC 4122"}


def test_run_ids_carry_their_time_and_do_not_repeat() -> None:
    before = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(5000)]
    assert len(set(ids)) == 5000
    assert all(before <= made.int >> 80 <= time.time_ns() // 1_000_000 for made in ids)


def test_ids_of_names_are_lasting_and_apart() -> None:
    """Stored ids must be found again by any later version: these are the ones of the first."""
    assert names.flow_id("flow") == UUID("d0899d4c-0ad7-520f-9e31-b5d278192ada")
    assert names.deployment_id("a", "b") != names.deployment_id("b", "a")
    assert names.flow_id("a/b") != names.deployment_id("a", "b")
    assert names.keyed_run_id(names.flow_id("a"), "k") != names.keyed_run_id(names.flow_id("b"), "k")


@given(TIMES)
def test_a_stamp_can_be_read_back(moment: datetime) -> None:
    assert names.unstamp(names.stamp(moment)) == moment


@given(TIMES, TIMES)
def test_stamps_sort_as_time_does(one: datetime, two: datetime) -> None:
    assert (names.stamp(one) < names.stamp(two)) == (one < two)
    assert len(names.stamp(one)) == len(names.stamp(two)) == 27


def test_a_stamp_is_in_utc() -> None:
    moment = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert names.stamp(moment) == "2026-03-01T23:30:00.000000Z"


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_run_is_named_by_two_words_that_dice_choose(one: float, two: float) -> None:
    first, _, second = run_name(iter([one, two]).__next__).partition("-")
    assert first.isalpha() and second.isalpha()


def test_dice_reach_the_first_word_and_the_last() -> None:
    assert run_name(lambda: 0.0) == "amber-alder"
    assert run_name(lambda: 1 - 2**-53) == "windy-willow"


def test_the_domain_has_no_clock_and_no_dice_of_its_own() -> None:
    word = re.compile(r"^(?:import|from) (?:os|random|time|secrets)\b|\.now\(|\buuid[14]\(", re.MULTILINE)
    files = Path(names.__file__).parent.rglob("*.py")
    assert not [path.name for path in files if word.search(path.read_text())]
