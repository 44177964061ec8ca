"""What the loop does with the control plane's answers: sessions opened and lost, grants, verdicts, outages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.client.errors import ApiError, Conflict, Invalid, NotFound, TooLarge, Unauthorized, Unreachable
from headrace.contract.sync import Grant, HintVerdict, ReportVerdict, SyncAnswer, SyncRequest
from headrace.contract.workers import QueueAddress, Registered, RunRef
from headrace.worker.burial import sweep
from headrace.worker.decisions import Key
from headrace.worker.events import Joined, Rung, Synced
from headrace.worker.inbox import Inbox
from headrace.worker.journal import Journal
from headrace.worker.keeper.wire import Message
from headrace.worker.keeper_client import key_of

if TYPE_CHECKING:
    from headrace.worker.loop import Loop

FATAL = (NotFound, Conflict, Invalid, Unauthorized)
"""Errors that no waiting mends, when a session is to be opened."""
NAME_TAKEN = 2.0
"""Seconds between questions whether another worker has left the name that this one is to have."""
PART_OF_LEASE = 0.75
"""Of what is left of its lease a worker lets pass at most before it speaks again."""
TRIES_ONCE = 5
"""A worker that shall run once gives up after so many failures to open a session."""


class Answers:
    """Part of the loop, in a file of its own; touches what the loop owns."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._tries = 0
        self._lost: list[RunRef] = []
        self._waits = False
        self.exit_code = 0

    def begin(self) -> None:
        """Take over a living keeper with its session, or open a new one."""
        loop = self._loop
        left = self._leftovers()
        welcome = loop.keeper.find()
        if welcome is not None and welcome["session"] is not None:
            self._take_over(welcome)
            return
        if welcome is None:
            loop.keeper.start()
        memory = loop.folder.load()
        self._lost = [ref for ref in memory.held if (ref.run, ref.attempt) not in left] if memory else []
        sweep((ref.run, ref.attempt) for ref in self._lost)
        if memory and loop.outbox.reports:
            loop.dialogue.deliver_for(memory.session, memory.held)
        else:
            loop.dialogue.join(memory.session if memory else None, self._lost)

    def joined(self, event: Joined) -> None:
        """A session is open."""
        loop = self._loop
        registered = event.registered
        away = loop.dialogue.joined(registered)
        if away is not None:
            loop.say("good", f"The control plane answers again, after {away:.0f} s.")
        loop.lease.renewed(event.sent_at, registered.lease_seconds)
        loop.introduce_keeper()
        self._remember(registered.session)
        self._listen(registered)
        queues = ", ".join(queue.name for queue in registered.queues)
        loop.say(
            "good",
            f"Worker {loop.options.worker_name!r} serves pool {registered.work_pool_name!r} "
            f"(queues {queues}), up to {loop.options.limit} run{'' if loop.options.limit == 1 else 's'} at once.",
        )

    def join_failed(self, error: Exception) -> None:
        """No session: wait and try again, unless waiting cannot help."""
        loop = self._loop
        self._tries += 1
        enough = loop.options.run_once and self._tries >= TRIES_ONCE
        if isinstance(error, Conflict) and error.code == "worker_online" and not enough:
            self._wait_for_name(error)
        elif isinstance(error, FATAL) or not isinstance(error, ApiError) or enough:
            self._give_up(str(error))
        else:
            self._away(error)

    def synced(self, event: Synced) -> None:
        """A sync was answered."""
        if self._loop.dialogue.delivering:
            self._delivered(event)
        else:
            self._answered(event)

    def _answered(self, event: Synced) -> None:
        loop, answer = self._loop, event.answer
        is_called_back = self._is_called_back(answer)
        is_idle = not (is_called_back or loop.supervisor.live())
        within = self._idle_seconds(answer) if is_idle else answer.sync_within_seconds
        if event.request.want:
            loop.hungry = len(answer.granted) < event.request.want
        batch, asked, away = loop.dialogue.answered(answer.pool_revision, within)
        if away is not None:
            loop.say("good", f"The control plane answers again, after {away:.0f} s.")
        if loop.lease.renewed(event.sent_at, answer.lease_seconds):
            loop.keeper.lease(loop.lease)
        for piece in batch.pieces:
            loop.keeper.ack((piece.run, piece.attempt), logs=piece.last)
        for verdict in answer.verdicts:
            loop.do(loop.supervisor.verdict(verdict))
        self._settle(asked, {hint.run: hint.verdict for hint in answer.hints})
        loop.tracing.claimed(answer.granted, event.sent_at)
        self._take(answer.granted)
        for command in answer.commands:
            loop.do(loop.supervisor.command(command, datetime.now(UTC)))
        self._relisten(answer.queues)
        if loop.supervisor.live():
            loop.dialogue.timing.soon(answer.sync_within_seconds)
        self._run_once(event.request, granted=bool(answer.granted) or is_called_back)

    def sync_failed(self, error: Exception) -> None:
        """A sync was not answered, or not well."""
        loop = self._loop
        if isinstance(error, Conflict) and error.code == "session_closed":
            self._session_over()
        elif isinstance(error, TooLarge | Invalid) and loop.outbox.in_flight:
            dropped = loop.dialogue.too_large()
            if dropped:
                loop.say("bad", f"The control plane refuses a report, which is dropped: {error}")
                for report in dropped.reports:
                    loop.do(loop.supervisor.dropped((report.run, report.attempt), report.seq))
                for piece in dropped.pieces:
                    loop.keeper.ack((piece.run, piece.attempt), logs=piece.last)
        elif isinstance(error, NotFound) and error.code == "not_found":
            self._give_up(str(error))
        else:
            self._away(error)

    def _leftovers(self) -> set[Key]:
        """Reports that a predecessor could not deliver; gives which attempts they end."""
        loop = self._loop
        reports, logs = Journal(loop.folder.path / "journal.jsonl").read()
        for report in reports:
            loop.outbox.add(report)
        for batch in logs:
            loop.outbox.add_batch(batch)
        return {(report.run, report.attempt) for report in reports if report.kind != "started"}

    def _delivered(self, event: Synced) -> None:
        """What the predecessor left was told in its session; what was granted there goes back as that is closed."""
        loop = self._loop
        away = loop.dialogue.answered(event.answer.pool_revision, 0.0)[2]
        if away is not None:
            loop.say("good", f"The control plane answers again, after {away:.0f} s.")
        for verdict in event.answer.verdicts:
            if verdict.verdict in (ReportVerdict.FENCED, ReportVerdict.REFUSED):
                loop.say(
                    "bad", f"A predecessor's report of run {verdict.run} came too late: {verdict.message}"
                )
        if not loop.outbox.reports:
            self._succeed()

    def _succeed(self) -> None:
        """A session of our own, in place of the predecessor's."""
        self._loop.dialogue.join(self._loop.dialogue.session, self._lost)

    def _wait_for_name(self, error: Conflict) -> None:
        loop = self._loop
        if not self._waits:
            loop.say("bad", f"{error} Waiting for it.")
            self._waits = True
        loop.dialogue.join_later(NAME_TAKEN)

    def _take_over(self, welcome: Message) -> None:
        loop = self._loop
        registered = Registered.model_validate(welcome["session"]["registered"])
        runs = welcome["runs"]
        loop.say("good", f"Goes on where its predecessor stopped, with {len(runs)} of its runs.")
        for run in runs:
            loop.outbox.take_over(key_of(run), run["logs_acked"], run["marks"])
            loop.outbox.expect(key_of(run), more=run.get("more", False))
            loop.do(loop.supervisor.adopt(run))
        self._tell_of_queues(registered)
        loop.dialogue.resume(registered, welcome["sync_seq"])
        self._listen(registered)

    def _tell_of_queues(self, registered: Registered) -> None:
        """A session serves the queues that it was opened with; its runs are worth more than a new one."""
        wanted, served = self._loop.options.work_queues, [queue.name for queue in registered.queues]
        if wanted and set(wanted) != set(served):
            self._loop.say(
                "bad",
                f"It was started for the queues {', '.join(wanted)}, but goes on with its predecessor's: "
                f"{', '.join(served)}. To change them, stop it with Ctrl-C (its runs end first) and start it again.",
            )

    def _listen(self, registered: Registered) -> None:
        loop = self._loop
        if loop.inbox is None:
            loop.inbox = Inbox(registered.sqs, loop.mailbox.put, loop.aws_credentials(registered.sqs))
        self._serve([queue.url for queue in registered.queues], registered.control_queue_url)
        loop.inbox.set_free(loop.supervisor.free, busy=loop.supervisor.busy)

    def _serve(self, urls: list[str], control: str) -> None:
        if self._loop.inbox is not None:
            self._loop.inbox.serve([] if self._loop.options.run_once else urls, control)

    def _settle(self, asked: list[Rung], verdicts: dict[UUID, HintVerdict]) -> None:
        loop = self._loop
        for rung in asked:
            if loop.inbox is not None:
                loop.inbox.settle(rung, verdicts.get(rung.run, HintVerdict.READY))

    def _take(self, grants: list[Grant]) -> None:
        """Note the grants on disk, then begin with them."""
        loop = self._loop
        now = datetime.now(UTC)
        decisions = [decision for grant in grants for decision in loop.supervisor.granted(grant, now)]
        if loop.dialogue.session is not None:
            self._remember(loop.dialogue.session)
        if loop.inbox is not None:
            for grant in grants:
                loop.inbox.remember(grant.run, grant.expected_start_time.timestamp())
        loop.do(decisions)

    def _remember(self, session: UUID) -> None:
        if trouble := self._loop.folder.save(session, self._loop.supervisor.refs()):
            self._loop.say("bad", trouble)

    def _relisten(self, queues: list[QueueAddress] | None) -> None:
        registered = self._loop.dialogue.registered
        if queues is not None and registered is not None:
            self._serve([queue.url for queue in queues], registered.control_queue_url)

    def _session_over(self) -> None:
        loop = self._loop
        if loop.dialogue.delivering:
            loop.say(
                "bad",
                "The predecessor's lease ran out: its runs were taken away, and its reports come too late.",
            )
            self._succeed()
            return
        go_on = loop.options.on_disconnect == "continue"
        fate = "they go on, but their reports may be refused" if go_on else "they are ended"
        count = len(loop.supervisor.live())
        lost = f"its {count} runs were taken away: {fate}"
        loop.say(
            "bad" if count else "note",
            f"The session's lease ran out; {lost if count else 'it had no runs'}. Opening a new one.",
        )
        loop.do(loop.supervisor.disowned(go_on=go_on))
        loop.dialogue.join(loop.dialogue.session, [])

    def _away(self, error: Exception) -> None:
        loop = self._loop
        if loop.dialogue.failed():
            reason = (
                error.message
                if isinstance(error, ApiError | Unreachable)
                else f"{type(error).__name__}: {error}"
            )
            loop.say("bad", f"{reason} Trying again; what runs goes on.")

    def _give_up(self, reason: str) -> None:
        loop = self._loop
        loop.say("bad", reason)
        self.exit_code = 1
        loop.dialogue.abandon()
        loop.take_nothing_new()

    def _run_once(self, request: SyncRequest, *, granted: bool) -> None:
        loop = self._loop
        if not loop.options.run_once:
            return
        if request.want and not granted and not loop.supervisor.live():
            loop.take_nothing_new()

    def _is_called_back(self, answer: SyncAnswer) -> bool:
        """Whether it shall ask again sooner than usual: not all that waits could be looked at."""
        registered = self._loop.dialogue.registered
        return registered is not None and answer.sync_within_seconds < registered.sync_within_seconds

    def _idle_seconds(self, answer: SyncAnswer) -> float:
        """How long it may be silent with nothing in hand: well within a lease, which may be that of a busy worker."""
        registered = self._loop.dialogue.registered
        return min(
            registered.idle_sync_seconds if registered else 120.0, PART_OF_LEASE * answer.lease_seconds
        )
