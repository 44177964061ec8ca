"""A worker's clean end: what was not delivered is put on disk, the keeper leaves, the session is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.client.api import Api
from headrace.client.errors import ApiError

if TYPE_CHECKING:
    from headrace.worker.loop import Loop


def say_goodbye(loop: Loop, api: Api) -> None:
    """All runs are over. A session with something undelivered stays open for the next worker's sake."""
    left = loop.dialogue.leave_undelivered()
    loop.keeper.leave()
    if left:
        loop.say("bad", f"{left} reports could not be delivered; the next worker of this name delivers them.")
    elif loop.dialogue.open and loop.dialogue.session is not None:
        try:
            api.workers.sign_off(loop.options.pool, loop.options.worker_name, loop.dialogue.session)
        except ApiError as error:
            loop.say("note", f"Left without signing off: {error.message}")
        else:
            loop.folder.forget()
