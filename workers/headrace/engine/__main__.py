"""`python -m headrace.engine --spec FD --events FD`: how a worker starts a run."""

from __future__ import annotations

import sys

from headrace.engine.channel import open_descriptor, read_spec
from headrace.engine.leave import leave
from headrace.engine.receipts import NOT_STARTED
from headrace.engine.run import run_spec

USAGE = "usage: python -m headrace.engine --spec FD --events FD (a worker starts it, with two pipes)"


def main(arguments: list[str]) -> int:
    """Read the spec, run it, give the exit code."""
    if arguments[:1] == ["--zygote"]:
        from headrace.engine.zygote import serve  # needs what a run that is started alone does not

        arguments = serve(arguments[1:])
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    try:
        spec, events = int(given["--spec"]), int(given["--events"])
        answers = open_descriptor(spec)
        return run_spec(read_spec(answers), open_descriptor(events), answers)
    except (KeyError, ValueError, TypeError, OSError) as error:
        sys.stderr.write(f"{USAGE}\n{type(error).__name__}: {error}\n")
        return NOT_STARTED


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
