"""What a worker is started with."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from headrace.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """`limit` is how many runs may go on at once; no work queues means all of the pool's.

    `on_disconnect` decides what happens to runs when the lease runs out: `kill` ends them, so that no two
    copies ever run; `continue` lets them go on, for machines that sleep or lose their network.
    `start_method`: `spawn` starts each run from nothing, `zygote` forks it from a process that has imported
    the engine, `auto` does that where it can (Linux, with the worker's own interpreter).
    `aws_credentials`: whose credentials SQS is called with: the API's, the machine's own, or (`auto`) the API's
    wherever there is an API key. `on_stop` is called when the worker is first asked to leave, in the loop's thread.
    Without a name the worker is called after its host.
    """

    pool: str
    work_queues: tuple[str, ...] = ()
    limit: int = 10
    name: str = ""
    type: str = "process"
    run_once: bool = False
    on_disconnect: Literal["kill", "continue"] = "kill"
    start_method: Literal["auto", "zygote", "spawn"] = "auto"
    aws_credentials: Literal["auto", "api", "own"] = "auto"
    on_stop: Callable[[], None] | None = None
    settings: Settings = field(default_factory=load_settings)

    @property
    def worker_name(self) -> str:
        """The name in force."""
        return self.name or socket.gethostname() or "worker"
