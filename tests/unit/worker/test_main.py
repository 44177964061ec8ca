"""What keeps a worker from starting, and that it is said instead of raised."""

from __future__ import annotations

import io
from pathlib import Path

from headrace.settings import Settings
from headrace.worker.console import Console
from headrace.worker.main import WorkerOptions, start


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    out = io.StringIO()
    options = WorkerOptions(pool="p", name="w", settings=Settings(home=tmp_path / "home"))
    assert start(options, Console(out)) == 1
    assert f"The worker's folder cannot be made: [Errno 20] Not a directory: '{tmp_path}" in out.getvalue()
    assert "Set HEADRACE_HOME to one that can." in out.getvalue()
