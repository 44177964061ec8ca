"""The worker's folder on disk: its lock, and which session it had with which runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ValidationError

from headrace.contract.workers import RunRef
from headrace.worker.keeper.locks import LockFile


class Memory(BaseModel):
    """What a worker needs to know of its predecessor when nobody else does."""

    session: UUID
    held: list[RunRef] = []


class StateFolder:
    """`HEADRACE_HOME/workers/<pool>/<name>/`."""

    def __init__(self, home: Path, pool: str, name: str) -> None:
        self.path = home / "workers" / _safe(pool) / _safe(name)
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = LockFile(self.path / "worker.lock")
        self._memory = self.path / "state.json"
        self._saved: Memory | None = None
        self._is_failing = False

    def take(self) -> bool:
        """Be the one worker of this name; false when another one lives."""
        return self._lock.take()

    def release(self) -> None:
        """Let another one be it."""
        self._lock.release()

    def load(self) -> Memory | None:
        """What the last worker of this name noted."""
        try:
            return Memory.model_validate(json.loads(self._memory.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError):
            # None was here, or it crashed before its first note: nothing to hand over.
            return None

    def save(self, session: UUID, held: Sequence[RunRef]) -> str | None:
        """Note the session and its runs, before they are started. Gives what is wrong, once, if that fails.

        Without the note a worker that comes after this one's death cannot tell what was lost: their leases do.
        """
        memory = Memory(session=session, held=list(held))
        if memory == self._saved:
            return None
        new = self._memory.with_suffix(".new")
        try:
            new.write_text(memory.model_dump_json(), encoding="utf-8")
            new.replace(self._memory)
        except OSError as error:
            is_news, self._is_failing = not self._is_failing, True
            what = f"What runs here cannot be noted in {self.path} ({error.strerror}); it goes on. Make room there."
            return what if is_news else None
        self._saved, self._is_failing = memory, False
        return None

    def forget(self) -> None:
        """Signed off: nothing to hand over."""
        self._memory.unlink(missing_ok=True)
        self._saved = None


def _safe(name: str) -> str:
    """A folder's name for any name: no separators, no dots at the start, nothing that Windows refuses."""
    return quote(name, safe=" -_").replace(".", "%2E") if name.startswith(".") else quote(name, safe=" -_.")
