"""After a keeper's death nothing of its runs is left, even what it had not spoken of yet."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from uuid import uuid4

import pytest

from headrace.worker.burial import bury
from headrace.worker.events import Buried
from headrace.worker.keeper.processes import MARK


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes cannot be found by their mark")
def test_a_process_whose_start_was_not_told_is_ended_by_its_mark() -> None:
    key = (uuid4(), 3)
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    environment = {**os.environ, MARK: f"{key[0]}:{key[1]}"}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        mail: queue.SimpleQueue[Buried] = queue.SimpleQueue()
        bury({key: None}, mail.put)
        assert mail.get(timeout=20) == Buried((key,))
        assert process.wait(20) == -9
