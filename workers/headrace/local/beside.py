"""The process of the worker beside a server: `headrace worker start`, for as long as that server lives.

The server holds the other end of its standard input, and lets it go by dying, however it dies.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def main(argv: list[str]) -> int:
    """Serve the pool that is named, until told to stop or left alone."""
    server = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what a run reads from its input is not the server's word
    os.close(nothing)
    threading.Thread(target=_follow, args=(server,), name="headrace-server-lives", daemon=True).start()
    from headrace.cli.main import main

    return main(["worker", "start", "--pool", *argv])


def _follow(server: int) -> None:
    """Die with the server. Its next worker takes the runs over from this one's keeper, as after any crash.

    To leave in order would take as long as the runs do, and keep that worker out: they have one name.
    """
    while os.read(server, 1):
        pass
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
