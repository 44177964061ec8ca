"""A worker as the control plane may meet it: slow, forgetful, dead, restarted; and its children's lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.support.plane import Reply, Rig

Key = tuple[str, int]


@dataclass
class Hand:
    """One start of a worker. Its children live until they end, are killed, or the lease's deadline passes."""

    rig: Rig
    pool: str
    name: str
    queues: list[str]
    limit: int
    session: str = field(default_factory=lambda: str(uuid4()))
    seq: int = 0
    heard: int | None = None
    held: dict[str, int] = field(default_factory=dict)
    children: set[Key] = field(default_factory=set)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[Key, int] = field(default_factory=dict)
    unanswered: dict[str, Any] | None = None
    deadline: datetime | None = None
    is_over: bool = False
    is_asked_again: bool = False

    @property
    def path(self) -> str:
        """Of its routes."""
        return f"/work_pools/{self.pool}/workers/{self.name}"

    @property
    def free(self) -> int:
        """Slots that nothing takes."""
        return max(self.limit - len(self.held), 0)

    def register(self, predecessor: Hand | None = None) -> Reply:
        """Open the session; it may follow another, whose runs nobody keeps."""
        info = {"host": "host", "limit": self.limit, "work_queues": self.queues}
        body: dict[str, Any] = {"session": self.session, "info": info}
        if predecessor:
            lost = [{"run": run, "attempt": attempt} for run, attempt in predecessor.held.items()]
            body |= {"predecessor": predecessor.session, "lost": lost}
        sent = self.rig.clock.now
        reply = self.rig.call("POST", f"{self.path}/sessions", body)
        if reply.status == 201:
            self.deadline = sent + timedelta(seconds=reply.body["lease_seconds"])
        return reply

    def live(self) -> set[Key]:
        """Children that run now."""
        if self.deadline is None or self.rig.clock.now > self.deadline:
            self.children.clear()  # the keeper has ended them
        return self.children

    def tell(self, run: str, kind: str, **values: Any) -> None:
        """Put a report into the outbox."""
        attempt = self.held[run]
        number = self.numbers[run, attempt] = self.numbers.get((run, attempt), 0) + 1
        report = {"run": run, "attempt": attempt, "seq": number, "kind": kind, "at": self.rig.clock.now}
        self.outbox.append({**report, **values})

    def start(self, run: str) -> None:
        """The child starts, if its lease still runs."""
        if self.deadline and self.rig.clock.now <= self.deadline:
            self.children.add((run, self.held[run]))
            self.tell(run, "started", pid=1)

    def end(self, run: str, kind: str, **values: Any) -> None:
        """The child is gone, however that came."""
        self.children.discard((run, self.held[run]))
        self.tell(run, kind, **values)

    def compose(self, want: int, hints: list[str]) -> dict[str, Any]:
        """The next request: the unanswered one again, or a new one."""
        if self.unanswered is None:
            self.seq += 1
            held = [{"run": run, "attempt": attempt} for run, attempt in self.held.items()]
            self.unanswered = {
                "session": self.session,
                "seq": self.seq,
                "slots": self.limit,
                "want": want,
                "held": held,
                "hints": hints,
                "reports": list(self.outbox),
            }
            if self.heard is not None:
                self.unanswered["heard"] = self.heard
        return self.unanswered

    def sync(self, want: int = 0, hints: list[str] | None = None, *, lost: bool = False) -> list[str]:
        """Say and hear everything; the answer may be lost. Gives the runs granted."""
        body = self.compose(want, hints or [])
        sent = self.rig.clock.now
        reply = self.rig.call("POST", f"{self.path}/sync", body)
        if lost:
            return []
        if reply.status == 409:
            self.children.clear()
            self.is_over = True
            return []
        assert reply.status == 200, reply
        self.deadline = sent + timedelta(seconds=reply.body["lease_seconds"])
        self.heard, self.unanswered = body["seq"], None
        self.is_asked_again = reply.body["sync_within_seconds"] < 1
        self._hear(body, reply.body)
        return [grant["run"] for grant in reply.body["granted"]]

    def _hear(self, body: dict[str, Any], answer: dict[str, Any]) -> None:
        self.told += body["reports"]
        told = {(report["run"], report["attempt"], report["seq"]) for report in body["reports"]}
        self.outbox = [
            report for report in self.outbox if (report["run"], report["attempt"], report["seq"]) not in told
        ]
        for report in body["reports"]:
            if report["kind"] != "started" and self.held.get(report["run"]) == report["attempt"]:
                del self.held[report["run"]]
        for grant in answer["granted"]:
            self.held[grant["run"]] = grant["attempt"]
        for command in answer["commands"]:
            run, attempt = command["run"], command["attempt"]
            if self.held.get(run) != attempt:
                continue
            if command["kind"] == "fenced":
                self.children.discard((run, attempt))
                del self.held[run]
            elif command["kind"] == "cancel" and not self._is_told(run, attempt):
                self.end(run, "cancelled")

    def _is_told(self, run: str, attempt: int) -> bool:
        """Whether its end is on its way already."""
        return any(
            (report["run"], report["attempt"]) == (run, attempt) and report["kind"] != "started"
            for report in self.outbox
        )

    def idle(self) -> list[str]:
        """Runs in hand whose end was not told yet."""
        return [run for run, attempt in self.held.items() if not self._is_told(run, attempt)]
