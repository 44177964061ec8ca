"""`headrace deploy --save`: several at once keep each other's entries, and one that fails takes back its own alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.cli.deploying.answers import Answers
from headrace.cli.deploying.facts import facts_of_command
from headrace.cli.deploying.saving import save, saved
from headrace.project import FILE
from headrace.project.read import read_file
from headrace.project.write import SCHEMA

HAND_WRITTEN = (
    "name: p\n# of ours\ndeployments:\n  - name: a\n    entrypoint: f.py:f\n    tags: [kept] # why\n"
)


def answers(name: str, **more: object) -> Answers:
    return Answers("f.py:f", name, "pool", facts_of_command("f"), save=True, **more)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return [entry.name for entry in read_file(folder / FILE, environment={}).project.deployments]


def fail(folder: Path, name: str, *others: str) -> None:
    """Save, have others save meanwhile, and fail."""
    with pytest.raises(KeyboardInterrupt), saved(answers(name, tags=["new"]), folder):
        for other in others:
            save(answers(other), folder)
        raise KeyboardInterrupt


def test_many_at_once_lose_none(tmp_path: Path) -> None:
    wanted = [f"d{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: save(answers(name), tmp_path), wanted))
    assert sorted(names(tmp_path)) == sorted(wanted)


def test_one_that_fails_takes_back_its_own_entry_alone(tmp_path: Path) -> None:
    fail(tmp_path, "mine")
    assert not (tmp_path / FILE).exists() and not (tmp_path / SCHEMA).exists()
    fail(tmp_path, "mine", "theirs")
    assert names(tmp_path) == ["theirs"]
    (tmp_path / FILE).write_text(HAND_WRITTEN)
    fail(tmp_path, "a")
    assert (tmp_path / FILE).read_text() == HAND_WRITTEN
    fail(tmp_path, "a", "theirs")
    assert (tmp_path / FILE).read_text().startswith(HAND_WRITTEN)
    assert names(tmp_path) == ["a", "theirs"]


def test_the_last_entry_leaves_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("name: p\ndeployments: []\n")
    with pytest.raises(KeyboardInterrupt), saved(answers("a"), tmp_path):
        (tmp_path / FILE).write_text((tmp_path / FILE).read_text() + "\n# a note\n")
        raise KeyboardInterrupt
    assert names(tmp_path) == []
    assert "# a note" in (tmp_path / FILE).read_text()


def test_an_entry_between_others_is_replaced_alone(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        save(answers(name), tmp_path)
    once = (tmp_path / FILE).read_text()
    for name in ("a", "b", "c"):
        save(answers(name), tmp_path)
        assert (tmp_path / FILE).read_text() == once
    save(answers("b", tags=["t"]), tmp_path)
    assert names(tmp_path) == ["a", "b", "c"]
