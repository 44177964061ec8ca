"""The command line against real use cases: its requests go into a control plane in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

import pytest

from headrace.cli.main import main
from tests.support.plane import Rig, rig
from tests.unit.cli.conftest import Cli, Result
from tests.unit.cli.fake_api import Answer, FakeApi, Seen


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: str) -> Result:
        code = main(words)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


class Bridge(FakeApi):
    """Hands each request to a control plane; `plane` may be another one from one command to the next.

    `before` is what happens before a request to a path that ends so.
    """

    before: tuple[str, Callable[[], object]] | None = None

    def __init__(self, plane: Rig) -> None:
        super().__init__()
        self.plane = plane
        self._one_at_a_time = Lock()
        for method in ("GET", "POST", "PATCH", "DELETE"):
            self.on(method, ".*", self._handed_on)

    def _handed_on(self, seen: Seen) -> Answer:
        body: Any = seen.body
        path = quote(seen.path) + (f"?{seen.query}" if seen.query else "")
        with self._one_at_a_time:
            if self.before and seen.path.endswith(self.before[0]):
                self.before[1]()
            reply = self.plane.call(seen.method, path, body)
        headers = {name: value for name, value in reply.headers.items() if name.startswith("Headrace")}
        return Answer(reply.body, reply.status, headers)


@pytest.fixture
def plane() -> Iterator[Rig]:
    with rig() as made:
        yield made


@pytest.fixture
def bridge(plane: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    with Bridge(plane) as served:
        monkeypatch.setenv("HEADRACE_API_URL", served.url)
        yield served
