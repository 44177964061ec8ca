"""The last step of `headrace cloud up`: no admin key is made before everything else has been done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError

from infra.account import Account
from infra.changes import Stack
from infra.names import Names
from infra.packaging import Package
from infra.up import Up, Wish

STACK = """<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
<StackName>headrace-prod</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
<CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs><member><OutputKey>ApiUrl</OutputKey>
<OutputValue>https://id.execute-api.us-east-1.amazonaws.com/prod/api</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An AWS whose stack is up and whose API answers, and that refuses all else; what it refused."""
    seen: list[str] = []

    class Aws(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            stack = b"Action=DescribeStacks" in self.rfile.read(length)
            if stack or self.path.endswith("/_user_request_/api/health"):
                self._answer(200, STACK)
                return
            seen.append(self.headers.get("X-Amz-Target") or self.path)
            self._answer(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")

        do_POST = do_GET  # noqa: N815 - http.server's names

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        yield seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("lost", [False, True])
def test_what_fails_before_leaves_no_key_that_nobody_was_shown(refused: list[str], lost: bool) -> None:
    names, session = Names("prod"), botocore.session.Session()
    account = Account("111122223333", "us-east-1", "arn:aws:iam::111122223333:user/me", session)
    up = Up(account, Path(), lambda line: None, lambda question: True)
    package = Package(Path("code.zip"), "0" * 64, 1, 1)
    with pytest.raises(ClientError, match="AccessDenied"):
        up._finish(Wish("prod", new_admin_key=lost), names, Stack(account, names.stack), package)
    (only,) = refused
    assert only.startswith("/headrace-prod-111122223333-us-east-1?"), (
        "old code is looked for, and no table asked"
    )
