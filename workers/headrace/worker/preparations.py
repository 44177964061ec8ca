"""Where runs are made ready: in threads of their own, each on a leash by which it is called off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from headrace.contract.sync import Grant
from headrace.worker.decisions import Abandon, Key, Prepare
from headrace.worker.events import Abandoned, Prepared, Unprepared
from headrace.worker.parameters import with_parameters
from headrace.worker.prepare import PrepareError, prepare
from headrace.worker.sources import Leash, Workshop

if TYPE_CHECKING:
    from headrace.worker.loop import Loop

THREADS = 32
"""Code is made ready for so many runs at once: one slow repository must not keep the others waiting."""


class Preparations:
    """Part of the loop, in a file of its own; what becomes of each comes back as an event."""

    def __init__(self, loop: Loop, workshop: Workshop) -> None:
        self._loop = loop
        self._workshop = workshop
        self._leashes: dict[Key, Leash] = {}
        most = min(THREADS, max(4, loop.options.limit))
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="prepare")

    def begin(self, wanted: Prepare) -> None:
        """Make a run ready."""
        grant = wanted.grant
        leash = self._leashes[grant.run, grant.attempt] = Leash(f"{grant.run}:{grant.attempt}")
        self._threads.submit(self._prepare, grant, leash)

    def abandon(self, wanted: Abandon) -> None:
        """End what its steps are doing."""
        gone = partial(self._loop.mailbox.put, Abandoned(wanted.key))
        self._leashes[wanted.key].pull(wanted.grace, gone)

    def keep_only(self, keys: set[Key]) -> None:
        """Let go of what belongs to runs that are not in our hands any more."""
        self._workshop.cache.leases.keep_only(keys)
        for key in self._leashes.keys() - keys:
            del self._leashes[key]

    def close(self) -> None:
        """The worker leaves: no step goes on without it."""
        for leash in self._leashes.values():
            leash.pull(0.0, lambda: None)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _prepare(self, grant: Grant, leash: Leash) -> None:
        loop = self._loop
        if leash.pulled.is_set():
            return
        try:
            with loop.tracing.preparing(grant):
                whole = with_parameters(grant, loop.requests.parameters_of(loop.dialogue.session))
                launch = prepare(whole, workshop=self._workshop, leash=leash)
        except PrepareError as error:
            too_late = loop.lease.is_ending and loop.options.on_disconnect == "kill"
            failed = Unprepared(grant, str(error), error.error, error.notes, too_late)
        except Exception as error:  # noqa: BLE001 - a run must not wait for ever for a thread that failed
            failed = Unprepared(grant, f"It could not be prepared: {type(error).__name__}: {error}.")
        else:
            loop.mailbox.put(Prepared(grant, launch))
            return
        leash.sweep()
        loop.mailbox.put(failed)
