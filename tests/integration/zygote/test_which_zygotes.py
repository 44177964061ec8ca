"""When a zygote is made, renewed, tried again and ended, by the rules and a clock of the test's."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.worker.keeper.processes import own_children
from headrace.worker.keeper.starts import Rules
from tests.integration.worker.conftest import alive, until
from tests.integration.zygote.nursery import Nursery

RULES = Rules()
Make = Callable[..., Nursery]


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Make]:
    made: list[Nursery] = []

    def make(**rules: Any) -> Nursery:
        made.append(Nursery(tmp_path, **rules))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_what_is_wanted_each_hour_has_none(nursery: Make) -> None:
    made = nursery()
    for _ in range(4):
        assert made.wish(later=3600).how == "spawn"
    assert made.made == []
    made.wish(later=RULES.again_within + 1)
    assert made.made == []
    made.wish(later=RULES.again_within)
    assert len(made.made) == 1


def test_one_outlives_the_time_after_which_it_would_be_made_again(nursery: Make) -> None:
    """Runs that come at the longest interval for which one is made find it there each time."""
    made = nursery()
    pid = made.warm()
    for _ in range(3):
        made.advance(RULES.again_within)
        assert made.wish().how == "zygote"
    assert made.made == [pid]


def test_one_that_nobody_asks_is_ended(nursery: Make) -> None:
    made = nursery()
    pid = made.warm()
    made.advance(RULES.idle - 1)
    assert alive(pid)
    assert made.starts.wake_at() == made.now + 1
    made.advance(1)
    made.collect(pid)
    assert made.starts.pids() == set()


def test_more_environments_in_turn_than_there_may_be_zygotes_do_not_drive_each_other_out(
    nursery: Make,
) -> None:
    made = nursery(most=2)
    how = []
    for number in range(6):
        for shade in ("red", "green", "blue"):
            how.append(made.wish(shade, later=1).how)
            if number == 1 and shade != "blue":
                made.ready()
    assert len(made.made) == 2
    assert how == ["spawn"] * 6 + ["zygote", "zygote", "spawn"] * 4


def test_one_out_of_use_makes_room(nursery: Make) -> None:
    made = nursery(most=1)
    red = made.warm("red")
    made.wish("blue", later=10)
    made.wish("red", later=10)
    made.wish("blue", later=10)
    assert made.made == [red], "red was wanted more lately than blue was before"
    made.wish("blue", later=10)
    made.ready()
    assert made.wish("blue").how == "zygote"
    made.collect(red)
    assert len(made.made) == 2


def test_one_that_is_still_importing_is_never_driven_out(nursery: Make) -> None:
    made = nursery(most=1)
    (made.folder / "heavy.py").write_text("import threading\nthreading.Event().wait()\n")
    for _ in range(2):
        made.wish("red", preload=["heavy"])
    for _ in range(3):
        made.wish("blue", later=10)
    (red,) = made.made
    assert made.starts.pids() == {red}


def test_one_is_renewed_after_so_many_children(nursery: Make) -> None:
    made = nursery(forks=2)
    old = made.warm()
    assert made.wish().how == "zygote"
    assert made.wish().how == "spawn"
    made.collect(old)
    made.ready()
    assert made.wish().how == "zygote"
    assert made.made[:-1] == [old]


def test_a_child_that_is_to_come_is_not_lost_by_renewal(nursery: Make) -> None:
    made = nursery(forks=2)
    old = made.warm()
    last, cold = made.ask(made.order()), made.ask(made.order())
    assert made.begun(cold).how == "spawn"
    assert made.begun(last).how == "zygote"
    made.collect(old)


def test_after_a_failure_the_next_is_made_later(nursery: Make) -> None:
    made = nursery()
    (made.folder / "heavy.py").write_text("raise RuntimeError('not today')\n")
    more = {"preload": ["heavy"]}
    for _ in range(2):
        made.wish(**more)
    made.ready()
    (first,) = made.made
    made.collect(first)
    for _ in range(2):
        assert "not today" in str(made.wish(**more, later=RULES.bad_for / 2 - 1).warning)
    (made.folder / "heavy.py").write_text("")
    assert made.wish(**more, later=2).warning is None
    made.ready()
    assert made.wish(**more).how == "zygote"


def test_a_new_package_makes_a_new_zygote(nursery: Make) -> None:
    made = nursery()
    packages = made.folder / "site-packages"
    packages.mkdir()
    env = {**os.environ, "PYTHONPATH": str(packages)}
    made.warm(env=env)
    assert made.wish(env=env).how == "zygote"
    (packages / "brand_new-1.dist-info").mkdir()
    assert made.wish(env=env).how == "spawn"
    assert len(made.made) == 2


def test_a_change_deep_in_a_preload_makes_a_new_zygote(nursery: Make) -> None:
    """`preload: [mylib]` imports `mylib.core`, too, which nobody has named."""
    made = nursery()
    library = made.folder / "mylib"
    library.mkdir()
    (library / "__init__.py").write_text("from mylib import core\n")
    (library / "core.py").write_text("WORD = 'old'\n")
    made.warm(preload=["mylib"])
    assert made.wish(preload=["mylib"]).how == "zygote"
    (library / "core.py").write_text("WORD = 'brand-new'\n")
    assert made.wish(preload=["mylib"]).how == "spawn"
    assert len(made.made) == 2


def test_one_that_is_never_ready_is_given_up(nursery: Make) -> None:
    made = nursery()
    (made.folder / "heavy.py").write_text("import threading\nthreading.Event().wait()\n")
    for _ in range(2):
        made.wish(preload=["heavy"])
    (pid,) = made.made
    made.advance(RULES.ready_within - 1)
    assert alive(pid)
    made.advance(1)
    made.collect(pid)
    assert made.starts.pids() == set()
    assert "not ready after" in str(made.wish(preload=["heavy"]).warning)


def test_one_that_does_not_answer_is_ended_and_its_children_start_from_nothing(nursery: Make) -> None:
    made = nursery()
    pid = made.warm()
    os.kill(pid, signal.SIGSTOP)
    asked = [made.ask(made.order()) for _ in range(3)]
    made.advance(RULES.answer_within - 1)
    assert not any(asked)
    assert made.starts.wake_at() == made.now + 1
    made.advance(1)
    for begun in asked:
        how, warning = made.begun(begun)
        assert how == "spawn"
        assert "it did not answer within 5 s" in str(warning)
    made.collect(pid)


def test_children_are_made_side_by_side(nursery: Make) -> None:
    """The second is asked for before the first is there; each has its own mark."""
    made = nursery()
    made.warm()
    asked = [made.ask(made.order()) for _ in range(20)]
    assert not all(asked)
    assert {made.begun(begun).how for begun in asked} == {"zygote"}


def test_children_to_come_are_told_from_processes_of_others(nursery: Make) -> None:
    """The keeper looks through all processes for what an ended run left, but not because of these."""
    made = nursery()
    made.warm()
    before = set(own_children())
    asked = [made.ask(made.order()) for _ in range(3)]
    coming = until(lambda: len(new := set(own_children()) - before) == 3 and new)
    assert all(made.starts.is_coming(pid) for pid in coming)
    assert not made.starts.is_coming(os.getpid()), "no child of a zygote"
    for begun in asked:
        made.begun(begun)
    assert not any(made.starts.is_coming(pid) for pid in coming)
