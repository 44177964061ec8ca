"""What a worker notes for the one that comes after it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from headrace.contract.workers import RunRef
from headrace.worker.state import StateFolder


def test_a_note_that_cannot_be_written_is_said_once_and_tried_again(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path, "p", "w")
    session, held = uuid4(), [RunRef(run=uuid4(), attempt=1)]
    in_the_way = folder.path / "state.new"
    in_the_way.mkdir()
    assert "Make room" in (folder.save(session, []) or "")
    assert folder.save(session, held) is None
    in_the_way.rmdir()
    assert folder.save(session, held) is None
    memory = folder.load()
    assert memory is not None
    assert (memory.session, memory.held) == (session, held)
    in_the_way.mkdir()
    assert folder.save(session, []) is not None
