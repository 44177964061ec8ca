"""A control plane on in-process moto, with a settable clock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from chalice.config import Config

import app
from chalicelib import wiring
from chalicelib.api.routes import serve
from chalicelib.dispatch.queues import Queues
from chalicelib.services.control_plane import ControlPlane
from chalicelib.services.ports import Ports
from chalicelib.settings import Settings
from chalicelib.storage.table import create_table
from headrace.local.payloads import AnswerTooLong, PayloadGateway, RequestTooLong
from tests.support.aws import Aws, in_process_aws


@dataclass
class FakeClock:
    """A clock that moves when told."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Rig:
    """A control plane, its clock, and a client of its routes; `key` is the API key that it shows, if any."""

    plane: ControlPlane
    clock: FakeClock
    aws: Aws
    key: str | None = None

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        raw: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request through Chalice's local gateway, as API Gateway would send it."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body, default=str).encode()
        headers = {"content-type": "application/json", "content-length": str(len(data)), **(extra or {})}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        gateway = PayloadGateway(app.app, Config.create(chalice_app=app.app, project_dir="."))
        try:
            answer = gateway.handle_request(method, f"/api{path}", headers, data)
        except (RequestTooLong, AnswerTooLong) as error:
            return Reply(error.CODE, json.loads(error.body or b"null"), dict(error.headers))
        text = answer["body"].decode() if isinstance(answer["body"], bytes) else answer["body"]
        return Reply(answer["statusCode"], json.loads(text) if text else None, dict(answer["headers"]))

    def ok(self, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that must be a success."""
        reply = self.call(method, path, body)
        assert 200 <= reply.status < 300, (method, path, reply)
        return reply.body

    def pool(self, name: str = "pool", **values: object) -> Any:
        return self.ok("POST", "/work_pools/", {"name": name, **values})

    def deployment(
        self, flow: str = "flow", name: str = "main", pool: str | None = "pool", **values: object
    ) -> Any:
        made = self.ok("POST", "/flows/", {"name": flow})
        values = {"entrypoint": "flow.py:flow", "work_pool_name": pool, **values}
        return self.ok("POST", "/deployments/", {"name": name, "flow_id": made["id"], **values})

    def run(self, deployment: Any, **values: object) -> Any:
        return self.ok("POST", f"/deployments/{deployment['id']}/create_flow_run", values)

    def read(self, run: Any) -> Any:
        return self.ok("GET", f"/flow_runs/{run['id'] if isinstance(run, dict) else run}")

    def worker(self, pool: str = "pool", name: str = "w1", **info: object) -> WorkerRig:
        return WorkerRig(self, pool, name).register(**info)


@dataclass
class WorkerRig:
    """A worker that speaks the protocol by hand."""

    rig: Rig
    pool: str
    name: str
    session: str = field(default_factory=lambda: str(uuid4()))
    seq: int = 0
    held: dict[str, int] = field(default_factory=dict)
    limit: int = 1
    said: dict[str, int] = field(default_factory=dict)

    def register(self, **info: object) -> WorkerRig:
        self.limit = int(info.get("limit", 1))  # type: ignore[call-overload]
        body = {"session": self.session, "info": {"host": "host", **info}}
        self.registered = self.rig.ok("POST", f"/work_pools/{self.pool}/workers/{self.name}/sessions", body)
        return self

    def sync(self, want: int = 0, reports: list[Any] | None = None, **more: object) -> Any:
        self.seq += 1
        body = {
            "session": self.session,
            "seq": self.seq,
            "slots": self.limit,
            "want": want,
            "held": [{"run": run, "attempt": attempt} for run, attempt in self.held.items()],
            "reports": reports or [],
            **({"heard": self.seq - 1} if self.seq > 1 else {}),
            **more,
        }
        answer = self.rig.ok("POST", f"/work_pools/{self.pool}/workers/{self.name}/sync", body)
        for grant in answer["granted"]:
            self.held[grant["run"]] = grant["attempt"]
        return answer

    def claim(self, want: int = 1) -> list[Any]:
        return list(self.sync(want=want)["granted"])

    def report(self, run: Any, kind: str, **more: object) -> Any:
        run_id = run["run"] if isinstance(run, dict) else run
        attempt = more.pop("attempt", self.held.get(run_id, 1))
        self.said[run_id] = self.said.get(run_id, 0) + 1
        seq = more.pop("seq", self.said[run_id])
        body = {"run": run_id, "attempt": attempt, "seq": seq, "kind": kind, "at": self.rig.clock.now, **more}
        if kind != "started":
            self.held.pop(run_id, None)
        return self.sync(reports=[body])["verdicts"][0]

    def start(self, run: Any) -> Any:
        return self.report(run, "started", pid=1)

    def end(self, run: Any, state: str = "COMPLETED", **more: object) -> Any:
        return self.report(run, "ended", state_type=state, **more)


@contextmanager
def rig(**settings: object) -> Iterator[Rig]:
    """A fresh control plane on a fresh in-process AWS."""
    with in_process_aws() as aws:
        role = "arn:aws:iam::123456789012:role/headrace-local-worker"
        defaults = {"require_keys": False, "worker_role_arn": role}
        values = Settings(**{**defaults, **settings})  # type: ignore[arg-type]
        clock = FakeClock()
        ports = Ports(
            settings=values, queues=Queues(values), clock=clock, dice=lambda: 0.5, pause=clock.forward
        )
        plane = wiring.build(ports)
        create_table()
        serve(lambda: plane)
        try:
            yield Rig(plane, clock, aws)
        finally:
            serve(wiring.control_plane)
