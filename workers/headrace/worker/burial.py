"""After a keeper's death: makes sure that what it had started is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from headrace.worker.decisions import Key
from headrace.worker.events import Buried
from headrace.worker.keeper import processes
from headrace.worker.keeper.ending import Ending


def bury(pids: Mapping[Key, int | None], post: Callable[[Buried], None]) -> None:
    """Kill all processes of these attempts in a thread of its own, then post `Buried`.

    On Linux their first processes died with the keeper; what they had started is found by group and mark.
    """

    def work() -> None:
        waiting = threading.Event()
        for (run, attempt), pid in pids.items():
            if pid is None:  # it may have died between the start of the process and saying so
                sweep([(run, attempt)])
                continue
            ending = Ending(pid, f"{run}:{attempt}", "keeper", 0.0, time.monotonic())
            while not ending.step(time.monotonic(), leader_gone=True):
                waiting.wait(max(0.0, ending.wake_at - time.monotonic()))
        post(Buried(tuple(pids)))

    threading.Thread(target=work, name="burial", daemon=True).start()


def sweep(keys: Iterable[Key]) -> None:
    """Kill what is left of attempts that neither a worker nor a keeper holds any more (Linux: by their mark).

    So they may be reported lost, and be started again elsewhere, without a second copy.
    """
    for run, attempt in keys:
        processes.sweep(f"{run}:{attempt}")
