"""A host of git repositories: real `git http-backend` behind HTTP, with or without a password."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BIG = 100_000
GIT = shutil.which("git")
PLAIN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(*arguments: str, cwd: Path) -> str:
    """One command of git, free of this machine's configuration."""
    done = subprocess.run(
        [str(GIT), *arguments], cwd=cwd, env=PLAIN, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class _Backend(BaseHTTPRequestHandler):
    """`git http-backend` as CGI."""

    server: GitHost  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.headers.get("Authorization"), self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.wanted is not None and self.headers.get("Authorization") != self.server.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        env = {
            **PLAIN,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            [str(GIT), "http-backend"], input=body, env=env, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.breaks_off and len(content) > BIG:
            content, self.close_connection = content[: len(content) // 2], True
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class GitHost(ThreadingHTTPServer):
    """Serves the repositories below `root`. `seen`: each request's authorization and path.

    `breaks_off`: large answers end in the middle.
    """

    daemon_threads = True

    def __init__(self, root: Path, password: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Backend)
        self.root = root
        self.user, self.password = "x-access-token", password
        self.breaks_off = False
        self.seen: list[tuple[str | None, str]] = []

    @property
    def wanted(self) -> str | None:
        """The authorization that a request must carry."""
        if self.password is None:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def create(self, name: str) -> Path:
        """A new bare repository to which everybody may push who may read."""
        git("init", "-q", "--bare", "-b", "main", str(self.root / name), cwd=self.root)
        git("config", "http.receivepack", "true", cwd=self.root / name)
        return self.root / name

    def url(self, name: str = "origin.git") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


@contextmanager
def git_host(root: Path, password: str | None = None) -> Iterator[GitHost]:
    """A host for as long as it is needed."""
    root.mkdir(parents=True, exist_ok=True)
    server = GitHost(root, password)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
