"""What the keeper makes of a child that says more than is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from headrace.worker.keeper.child import Child
from headrace.worker.keeper.spawn import Spawned
from headrace.worker.keeper.spool import RUN_BYTES


class Handles:
    """The keeper's loop, by hand."""

    def __init__(self) -> None:
        self.acts: dict[int, Callable[[], None]] = {}

    def watch(self, handle: int, events: int, act: Callable[[], None]) -> None:
        self.acts[handle] = act

    def leave(self, handle: int) -> None:
        del self.acts[handle]

    def unwatch(self, handle: int) -> None:
        self.leave(handle)
        os.close(handle)


def test_past_the_bound_records_are_counted_and_not_read(tmp_path: Path) -> None:
    handles = Handles()
    pipes = [os.pipe() for _ in range(3)]
    for reader, _ in pipes:
        os.set_blocking(reader, False)
    out, err, said = (reader for reader, _ in pipes)
    child = Child({"run": "r", "attempt": 1, "redact": ["hidden"]}, tmp_path, handles)
    child.start(
        0.0, lambda *_: Spawned(pid=2**22, stdout=out, stderr=err, events=said, spec=None, popen=None)
    )
    child.spool.add(b"x" * (RUN_BYTES + 1), "now")
    # JSON takes the last member of a name: read, each of these would be a receipt.
    os.write(pipes[2][1], b'{"t":"log","at":"now","message":"hidden","t":"receipt"}\n' * 50)
    os.write(pipes[0][1], b"printed\n" * 7)
    os.write(pipes[2][1], b'{"t":"receipt","state_type":"COMPLETED"}\n')
    handles.acts[said]()
    handles.acts[out]()
    assert child.spool.dropped == 1 + 50 + 7
    assert [state["t"] for state in child.states] == ["spawned", "receipt"]
    for _, writer in pipes:
        os.close(writer)
    for handle in (out, err, said):
        handles.acts[handle]()
    child.spool.close()
