"""What the loop does with the keeper's words, and with its death."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headrace.worker.burial import bury
from headrace.worker.events import Buried, KeeperSaid
from headrace.worker.keeper.wire import Message
from headrace.worker.keeper_client import KeeperClient, key_of

NO_SESSION: Message = {
    "error": {
        "code": "unreachable",
        "status": 503,
        "message": "The worker has no session with the control plane at this moment.",
    }
}

if TYPE_CHECKING:
    from headrace.worker.loop import Loop


class Keeping:
    """Part of the loop, in a file of its own; touches what the loop owns."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def said(self, event: KeeperSaid) -> None:
        """A state of a run, or records of its log."""
        loop, message = self._loop, event.message
        if "more" in message:
            loop.outbox.expect(key_of(message), more=message["more"])
        if message["t"] == "state":
            loop.do(loop.supervisor.state(key_of(message), message["seq"], message["e"]))
        elif message["t"] == "logs":
            loop.outbox.add_logs(key_of(message), message["first"], message["records"])
            held = loop.supervisor.get(key_of(message))
            # Of one that is over there is nothing to wait for.
            loop.dialogue.logs_came(held.age(datetime.now(UTC)) if held is not None else 0.0)
            if held is not None and held.stream:
                self._show(held.grant.name, message)
        elif message["t"] == "ask" and loop.dialogue.session is not None:
            loop.requests.take(loop.dialogue.session, key_of(message), message["e"])
        elif message["t"] == "ask":
            # Whoever asked waits for an answer, however long: this one has it ask again.
            loop.keeper.answer(key_of(message), message["e"]["id"], NO_SESSION)

    def gone(self) -> None:
        """It died: make sure that the children are gone, and go on with a new one."""
        loop = self._loop
        if loop.exit_code is not None:
            return
        loop.keeper.close()
        loop.outbox.expect_nothing()
        pids = loop.supervisor.started()
        loop.say("bad", f"The keeper died; a new one is started, and {len(pids)} runs are lost.")
        bury(pids, loop.mailbox.put)
        loop.keeper = KeeperClient(loop.folder.path, loop.mailbox.put, loop.options.on_disconnect)
        loop.keeper.start()
        loop.introduce_keeper()

    def buried(self, event: Buried) -> None:
        """The children are gone."""
        self._loop.do(self._loop.supervisor.keeper_died(event.keys, datetime.now(UTC)))

    def _show(self, name: str, message: Message) -> None:
        lines = (f"{name} | {record.get('message')}" for record in message["records"])
        self._loop.console.say_all("out", lines)
