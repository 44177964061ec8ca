"""`python -m headrace.worker.keeper FOLDER`: prints one line when it is ready, then keeps."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headrace.worker.keeper import address, processes
from headrace.worker.keeper.locks import LockFile
from headrace.worker.keeper.server import Keeper
from headrace.worker.keeper.signals import on_signals
from headrace.worker.keeper.spawn import take_descriptors
from headrace.worker.keeper.spool import sweep


def main(folder: Path) -> None:
    """Keep the children of the worker whose state lies in `folder`."""
    lock = LockFile(folder / "keeper.lock")
    # A predecessor may be about to leave; whoever started us knows how long to wait.
    lock.take(wait=True)
    sweep(folder / "spool")
    listener, card = address.listen(folder)
    processes.become_subreaper()
    take_descriptors()
    keeper = Keeper(folder, listener, card["token"])
    wakeup = on_signals(keeper.ask_to_end)
    _say("ready")
    try:
        keeper.run(wakeup)
    finally:
        address.forget(folder)


def _say(line: str) -> None:
    """One line to whoever started us, who then stops listening: so the handle goes to nowhere after it."""
    os.write(1, line.encode() + b"\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
