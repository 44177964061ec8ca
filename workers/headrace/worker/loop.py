"""The worker's loop: one thread owns all state, takes events from one mailbox and carries decisions out."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from headrace.client.api import Api
from headrace.contract.sync import CommandKind
from headrace.contract.workers import SqsAccess
from headrace.tracing import tracer
from headrace.worker.answers import Answers
from headrace.worker.console import Console
from headrace.worker.courier import Courier
from headrace.worker.credentials import ApiCredentials, from_api
from headrace.worker.decisions import Abandon, Ack, Decision, Deliver, Kill, Log, Prepare, Say, Start
from headrace.worker.dialogue import Dialogue
from headrace.worker.events import (
    Abandoned,
    Answered,
    Buried,
    Event,
    Joined,
    JoinFailed,
    KeeperGone,
    KeeperSaid,
    Prepared,
    QueueTrouble,
    Rung,
    StopAsked,
    Synced,
    SyncFailed,
    Told,
    Unprepared,
)
from headrace.worker.goodbye import say_goodbye
from headrace.worker.inbox import Inbox
from headrace.worker.journal import Journal
from headrace.worker.keeper_client import KeeperClient
from headrace.worker.keeping import Keeping
from headrace.worker.lease import Lease
from headrace.worker.options import WorkerOptions
from headrace.worker.outbox import Outbox
from headrace.worker.preparations import Preparations
from headrace.worker.requests import Requests
from headrace.worker.sources import Workshop
from headrace.worker.sqs import own_credentials
from headrace.worker.state import StateFolder
from headrace.worker.supervisor import Supervisor
from headrace.worker.timing import gap_of
from headrace.worker.tracing import Tracing

LAST_WORDS = 5.0
"""After the second Ctrl-C, how long to try to deliver before leaving the rest in the journal."""


class Loop:
    """One worker's life; `run` gives the exit code."""

    def __init__(self, options: WorkerOptions, api: Api, folder: StateFolder, console: Console) -> None:
        self.mailbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.options = options
        self.folder = folder
        self.console = console
        self.supervisor = Supervisor(options.limit)
        self.outbox = Outbox()
        self.lease = Lease()
        self.tracing = Tracing(tracer("headrace-worker"))
        self.courier = Courier(api, options.pool, options.worker_name, self.mailbox.put)
        self.dialogue = Dialogue(options, self.courier, self.outbox, Journal(folder.path / "journal.jsonl"))
        self.keeper = KeeperClient(folder.path, self.mailbox.put, options.on_disconnect)
        workshop = Workshop.of(os.environ, api.bundles.download, options.settings.home, folder.path)
        self._preparations = Preparations(self, workshop)
        self.requests = Requests(api, options.pool, options.worker_name, self.mailbox.put)
        self.inbox: Inbox | None = None
        self.exit_code: int | None = None
        self._api = api
        self._answers = Answers(self)
        self._keeping = Keeping(self)
        self._told_inbox: tuple[int, bool] | None = None
        self.hungry = True
        self._stops = 0
        self._last_words: float | None = None
        self._handlers: dict[type, Callable[[Any], object]] = {
            Rung: self._on_rung,
            Told: self._on_told,
            KeeperSaid: self._keeping.said,
            Answered: lambda event: self.keeper.answer(event.key, event.number, event.body),
            KeeperGone: lambda _: self._keeping.gone(),
            Buried: self._keeping.buried,
            Prepared: lambda event: self.do(self.supervisor.prepared(event.grant, event.launch, _now())),
            Unprepared: lambda event: self.do(self.supervisor.unprepared(event, _now())),
            Abandoned: lambda event: self.do(self.supervisor.abandoned(event.key, _now())),
            Joined: self._answers.joined,
            JoinFailed: lambda event: self._answers.join_failed(event.error),
            Synced: self._answers.synced,
            SyncFailed: lambda event: self._answers.sync_failed(event.error),
            QueueTrouble: self._on_queue_trouble,
            StopAsked: lambda _: self._on_stop(),
        }

        self._doers: dict[type, Callable[[Any], object]] = {
            Prepare: self._preparations.begin,
            Abandon: self._preparations.abandon,
            Start: lambda start: self.keeper.launch(
                start.key, self.tracing.begun(start), start.meta, self.options.start_method
            ),
            Kill: lambda kill: self.keeper.kill(kill.key, kill.why, kill.grace),
            Deliver: self._deliver,
            Ack: self._ack,
            Log: lambda log: self.outbox.add_notes(log.key, log.lines),
            Say: lambda say: self.say(say.tone, say.text),
        }

    def run(self) -> int:
        """Work until told to leave."""
        try:
            self._answers.begin()
            while self.exit_code is None:
                self._step()
            say_goodbye(self, self._api)
        finally:
            # After a failure of ours the keeper goes on, so that the next worker finds the runs alive.
            self._close()
        return self.exit_code

    def say(self, tone: str, text: str) -> None:
        """Tell the person at the console."""
        self.console.say(tone, text)

    def do(self, decisions: Iterable[Decision]) -> None:
        """Carry decisions out."""
        decisions = list(decisions)
        self.keeper.guard(self.supervisor.stepping())
        for decision in decisions:
            self._doers[type(decision)](decision)
        self._tell_free()

    def aws_credentials(self, access: SqsAccess) -> ApiCredentials | None:
        """Those that the API gives, where they are to be used."""
        options = self.options
        if not from_api(options.aws_credentials, access, has_key=options.settings.api_key is not None):
            return None
        otherwise = own_credentials if options.aws_credentials == "auto" else None
        return ApiCredentials(
            lambda: self._api.workers.credentials(options.pool, options.worker_name), otherwise
        )

    def introduce_keeper(self) -> None:
        """Tell the keeper what it must know of the session."""
        if self.dialogue.registered is not None:
            self.keeper.session({"registered": self.dialogue.registered.model_dump(mode="json")})
            self.keeper.lease(self.lease)
            self.keeper.guard(self.supervisor.stepping())

    def leave(self, code: int) -> None:
        """End the loop."""
        self.exit_code = code

    def take_nothing_new(self) -> None:
        """Finish what runs, then leave."""
        self.do(self.supervisor.drain(_now()))
        if self.dialogue.open:
            self.dialogue.timing.soon()

    def _step(self) -> None:
        try:
            event = self.mailbox.get(timeout=self._patience())
        except queue.Empty:
            pass
        else:
            self._handlers[type(event)](event)
            self._take_all_that_is_there()
        self._preparations.keep_only(self.supervisor.keys())
        self.do(self.supervisor.due(_now()))
        self._call_if_due()
        self._leave_if_done()

    def _take_all_that_is_there(self) -> None:
        """Handle what came meanwhile, too, so that one call tells of it all."""
        for _ in range(self.mailbox.qsize()):
            event = self.mailbox.get()
            self._handlers[type(event)](event)

    def _patience(self) -> float | None:
        wakes = []
        if (due := self._sync_due()) is not None:
            wakes.append(due - time.monotonic())
        if (start := self.supervisor.next_due()) is not None:
            wakes.append((start - _now()).total_seconds())
        if self._last_words is not None:
            wakes.append(self._last_words - time.monotonic())
        return min(max(0.0, min(wakes)), 3600.0) if wakes else None

    def _sync_due(self) -> float | None:
        return self.dialogue.timing.due_at(crowded=bool(self.supervisor.live()), gap=self._gap())

    def _gap(self) -> float:
        return gap_of(self.supervisor.free, self.options.limit, hungry=self.hungry)

    def _call_if_due(self) -> None:
        due = self._sync_due()
        if due is None or due > time.monotonic() or self.exit_code is not None:
            return
        free, brisk = self.supervisor.free, self._gap() == 0.0
        batch = self.dialogue.go(self.supervisor.offered, free, self.supervisor.refs(), brisk=brisk)
        if batch is not None and self.dialogue.open:
            # The keeper's copy is written before the courier's thread has made a connection.
            self.keeper.sent(self.dialogue.seq, batch.marks())

    def _leave_if_done(self) -> None:
        if not self.supervisor.leaving or self.supervisor.live() or self.exit_code is not None:
            return
        if self.dialogue.idle or not self.dialogue.open:
            self.leave(self._answers.exit_code)
        elif self._stops > 1 and self._last_words is None:
            self._last_words = time.monotonic() + LAST_WORDS
        elif self._last_words is not None and time.monotonic() >= self._last_words:
            self.leave(self._answers.exit_code)

    def _deliver(self, deliver: Deliver) -> None:
        self.tracing.told(deliver.report)
        self.dialogue.deliver(deliver.report, urgent=deliver.urgent)

    def _ack(self, ack: Ack) -> None:
        self.keeper.ack(ack.key, states=ack.states)
        if self.supervisor.get(ack.key) is None:
            self.tracing.forgotten(ack.key)
            self.outbox.forget(ack.key)

    def _on_rung(self, rung: Rung) -> None:
        if self.supervisor.free > 0:
            self.dialogue.rung(rung)
        elif self.inbox is not None:
            self.inbox.give_back([rung])

    def _on_queue_trouble(self, event: QueueTrouble) -> None:
        error = event.error
        how = f"not heard ({error}); trying again" if error else "heard again"
        if self.dialogue.timing.away_since is None:
            self.say("bad" if error else "note", f"Doorbells (SQS) are {how}.")

    def _on_told(self, event: Told) -> None:
        if event.command.kind is CommandKind.SYNC:
            self.dialogue.ask_for_queues()
        self.do(self.supervisor.command(event.command, _now()))

    def _on_stop(self) -> None:
        self._stops += 1
        if self._stops == 1:
            count = len(self.supervisor.live())
            rest = f"{count} of its runs go on to their end; once more stops them"
            self.say("note", f"Taking nothing new; {rest if count else 'nothing runs'}.")
            self.take_nothing_new()
            if self.options.on_stop is not None:
                self.options.on_stop()
        else:
            self.say("note", "Stopping the runs.")
            self.do(self.supervisor.stop(hard=self._stops > 2))

    def _tell_free(self) -> None:
        if self.inbox is None:
            return
        # While every wish is granted in full, more waits than fits: the next runs come with the answer to
        # the report of an end, and no doorbell is needed for them.
        free, busy = self.supervisor.free if self.hungry else 0, self.supervisor.busy
        if (free, busy) != self._told_inbox:
            self._told_inbox = (free, busy)
            self.inbox.set_free(free, busy=busy)
        if self.supervisor.leaving:
            self.inbox.give_back(self.dialogue.unasked())

    def _close(self) -> None:
        self._preparations.close()
        if self.inbox is not None:
            self.inbox.close()
        self.courier.close()
        self.requests.close()
        self.keeper.close()


def _now() -> datetime:
    return datetime.now(UTC)
