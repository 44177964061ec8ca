"""A control plane small enough to be watched and disturbed: API and SQS on one real socket."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from uuid import UUID, uuid4

Body = dict[str, Any]


@dataclass
class Run:
    """A run as the plane knows it. `state`: ready, held, or over."""

    id: str
    grant: Body
    state: str = "ready"
    attempt: int = 0
    session: str | None = None
    reports: list[Body] = field(default_factory=list)
    logs: dict[int, list[Body]] = field(default_factory=dict)

    def kinds(self) -> list[str]:
        return [report["kind"] for report in self.reports]

    def lines(self, name: str = "stdout") -> list[str]:
        batches = [self.logs[seq] for seq in sorted(self.logs)]
        return [record["message"] for batch in batches for record in batch if record["name"] == name]

    @property
    def end(self) -> Body | None:
        return next((report for report in self.reports if report["kind"] != "started"), None)


class Plane:
    """Disturb it by `away`, `too_large`, `closed`, `name_taken`, `calls_back`.

    Look at `runs`, `syncs`, `registers`, `signed_off`.
    """

    def __init__(self) -> None:
        self.lease, self.within, self.idle = 60.0, 15.0, 60.0
        self.runs: dict[str, Run] = {}
        self.syncs: list[Body] = []
        self.registers: list[Body] = []
        self.signed_off: list[str] = []
        self.order: list[tuple[str, str]] = []
        self.commands: list[Body] = []
        self.closed: set[str] = set()
        self.away = False
        self.too_large: int | None = None
        self.refusals = 0
        self.calls_back = 0
        self.pool_exists = True
        self.name_taken = 0
        self.messages: dict[str, list[Body]] = {"default": [], "control": []}
        self.deleted: list[str] = []
        self.given_back: list[str] = []
        self.changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Plane:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.away = True
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, *, ring: bool = True, entrypoint: str | None = None, **configuration: Any) -> Run:
        """Make a run that is due, and ring."""
        run = Run(str(uuid4()), {})
        run.grant = {
            "run": run.id,
            "name": f"run-{len(self.runs) + 1}",
            "flow_name": "f",
            "work_queue_name": "default",
            "entrypoint": entrypoint,
            "configuration": configuration,
            "expected_start_time": _iso(time.time()),
        }
        with self.changed:
            self.runs[run.id] = run
        if ring:
            self.ring(run)
        return run

    def ring(self, run: Run, times: int = 1) -> None:
        """Send the run's doorbell."""
        due = run.grant["expected_start_time"]
        for _ in range(times):
            self.send("default", {"run": run.id, "due": due})

    def send(self, queue: str, body: Body) -> None:
        """Put a message into SQS."""
        with self.changed:
            receipt = f"{queue}-{uuid4()}"
            self.messages[queue].append({"body": json.dumps(body), "receipt": receipt, "visible": True})
            self.changed.notify_all()

    def command(self, kind: str, run: Run, **more: Any) -> None:
        """Tell the worker through its control queue."""
        self.send("control", {"kind": kind, "run": run.id, "attempt": run.attempt, **more})

    # The API

    def register(self, body: Body) -> tuple[int, Body]:
        if not self.pool_exists:
            return 404, {
                "code": "not_found",
                "message": "There is no work pool 'p'.",
                "detail": "",
                "hint": "make it",
            }
        if self.name_taken:
            self.name_taken -= 1
            message = "A worker 'w' is online already."
            return 409, {"code": "worker_online", "message": message, "detail": message}
        self.registers.append(body)
        for ref in body.get("lost", []):
            if (run := self.runs.get(ref["run"])) and run.attempt == ref["attempt"] and run.state == "held":
                run.state = "over"
                run.reports.append({"kind": "lost", "attempt": ref["attempt"]})
        base = self.url.removesuffix("/api")
        return 201, {
            "session": body["session"],
            "work_pool_name": "p",
            "type": "process",
            "lease_seconds": self.lease,
            "sync_within_seconds": self.within,
            "idle_sync_seconds": self.idle,
            "pool_revision": 1,
            "queues": [{"name": "default", "url": f"{base}/sqs/default", "priority": 1}],
            "control_queue_url": f"{base}/sqs/control",
            "sqs": {"region": "us-east-1", "endpoint_url": f"{base}/sqs"},
        }

    def sync(self, body: Body, size: int) -> tuple[int, Body]:
        if body["session"] in self.closed:
            return 409, {"code": "session_closed", "message": "closed", "detail": "closed"}
        if self.too_large is not None and size > self.too_large:
            self.refusals += 1
            return 413, {"code": "too_large", "message": "too large", "detail": "too large"}
        self.syncs.append(body)
        verdicts = [self._report(report, body["session"]) for report in body.get("reports", [])]
        for batch in body.get("logs", []):
            self.order.append(("logs", batch["run"]))
            self.runs[batch["run"]].logs.setdefault(batch["seq"], batch["records"])
        held = {(ref["run"], ref["attempt"]) for ref in body.get("held", [])}
        granted = [
            run
            for run in self.runs.values()
            if run.state == "held" and run.session == body["session"] and (run.id, run.attempt) not in held
        ]
        ready = [run for run in self.runs.values() if run.state == "ready"][: body.get("want", 0)]
        is_cut = self.calls_back > 0
        if is_cut:
            self.calls_back, ready = self.calls_back - 1, []
        for run in ready:
            run.state, run.attempt, run.session = "held", run.attempt + 1, body["session"]
        granted += ready
        commands, self.commands = self.commands, []
        return 200, {
            "lease_seconds": self.lease,
            "sync_within_seconds": 0.1 if is_cut else self.within,
            "granted": [{**run.grant, "attempt": run.attempt} for run in granted],
            "hints": [{"run": run, "verdict": self._verdict(run, granted)} for run in body.get("hints", [])],
            "verdicts": verdicts,
            "commands": commands,
            "pool_revision": 1,
        }

    def _verdict(self, run_id: str, granted: list[Run]) -> str:
        run = self.runs.get(run_id)
        if run in granted:
            return "granted"
        return "ready" if run is not None and run.state == "ready" else "gone"

    def _report(self, report: Body, session: str) -> Body:
        run = self.runs[report["run"]]
        self.order.append((report["kind"], run.id))
        known = any(
            old["seq"] == report["seq"] and old["attempt"] == report["attempt"]
            for old in run.reports
            if "seq" in old
        )
        fenced = not known and (report["attempt"], session) != (run.attempt, run.session)
        if not known and not fenced:
            run.reports.append(report)
            if report["kind"] == "released":
                run.state = "ready"
            elif report["kind"] != "started":
                run.state = "over"
        word = "fenced" if fenced else "repeated" if known else "accepted"
        return {"run": run.id, "attempt": report["attempt"], "seq": report["seq"], "verdict": word}

    # SQS

    def receive(self, queue: str, most: int, wait: float) -> Body:
        until = time.monotonic() + min(wait, 20)
        with self.changed:
            while True:
                found = [message for message in self.messages[queue] if message["visible"]][:most]
                left = until - time.monotonic()
                if found or left <= 0 or self.away:
                    break
                self.changed.wait(min(left, 0.5))
            for message in found:
                message["visible"] = False
        return {
            "Messages": [
                {
                    "MessageId": message["receipt"],
                    "ReceiptHandle": message["receipt"],
                    "Body": message["body"],
                    "MD5OfBody": hashlib.md5(message["body"].encode()).hexdigest(),
                }
                for message in found
            ]
        }

    def sqs(self, target: str, body: Body) -> Body:
        queue = body["QueueUrl"].rpartition("/")[2]
        if target == "ReceiveMessage":
            return self.receive(queue, body["MaxNumberOfMessages"], body["WaitTimeSeconds"])
        receipts = [entry["ReceiptHandle"] for entry in body["Entries"]]
        with self.changed:
            if target == "DeleteMessageBatch":
                self.messages[queue] = [one for one in self.messages[queue] if one["receipt"] not in receipts]
                self.deleted += receipts
            else:
                for message in self.messages[queue]:
                    message["visible"] |= message["receipt"] in receipts
                self.given_back += receipts
                self.changed.notify_all()
        return {"Successful": [{"Id": entry["Id"]} for entry in body["Entries"]], "Failed": []}

    def answer(self, method: str, path: str, target: str | None, raw: bytes) -> tuple[int, Body]:
        body = json.loads(raw or b"{}")
        if target:
            return 200, self.sqs(target.partition(".")[2], body)
        with self.changed:
            if method == "DELETE":
                self.signed_off.append(str(UUID(path.rpartition("/")[2])))
                return 204, {}
            return self.register(body) if path.endswith("/sessions") else self.sync(body, len(raw))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        plane = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def _any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if plane.away:
                    self.close_connection = True
                    return
                target = self.headers.get("X-Amz-Target")
                status, answer = plane.answer(self.command, self.path, target, raw)
                payload = b"" if status == 204 else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_POST = do_DELETE = _any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    return

        return Handler


def _iso(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).isoformat()
