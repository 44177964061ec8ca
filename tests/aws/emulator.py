"""ministack: an AWS that runs packed Lambdas as processes and fires timers, in a virtual environment of its own.

It pins a botocore of its own, so it cannot be beside ours. With AUTH it checks every call against IAM, so that
what runs here runs with the rights of our policies and no others.
"""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest

VERSION = "1.5.33"
REGION = "us-east-1"
ROOT_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
INSTALL_PATIENCE = 300
START_PATIENCE = 60


@dataclass(frozen=True)
class Emulator:
    """A running one."""

    url: str
    certificate: Path
    stage: str = "prod"

    def settings(self, **keys: str) -> dict[str, str]:
        """The environment in which AWS is this."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CA_BUNDLE": str(self.certificate),
            "SSL_CERT_FILE": str(self.certificate),
            **keys,
        }

    def client(self, service: str) -> Any:
        """A client with all rights."""
        return botocore.session.Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            verify=str(self.certificate),
        )

    def get(self, url: str) -> int:
        """The status that an address answers with to somebody without a key."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.get(url, timeout=30, verify=trust).status_code


def installed() -> Path:
    """Its interpreter; installed at the first call. Skips, with the reason, where that cannot be done."""
    home = Path(sys.prefix) / f"ministack-{VERSION}"
    with (Path(sys.prefix) / "ministack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            venv.create(home, with_pip=True, clear=True)
            command = [home / "bin" / "python", "-m", "pip", "install", "-q", f"ministack=={VERSION}"]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, check=False, timeout=INSTALL_PATIENCE
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"ministack {VERSION} was not installed within {INSTALL_PATIENCE} s")
            if done.returncode != 0:
                pytest.skip(f"ministack {VERSION} cannot be installed: {done.stderr.strip()[-300:]}")
            (home / "done").touch()
    return home / "bin" / "python"


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Start one on a free port of 127.0.0.1; it keeps everything in memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    certificate = _certificate(folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    settings = {
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(folder / "key.pem"),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
    }
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [installed(), "-m", "ministack"],
            cwd=folder,
            env={**kept, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    made = Emulator(f"https://127.0.0.1:{port}", certificate)
    try:
        _wait(made, process, folder / "ministack.log")
        yield made
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1: the bucket refuses whoever comes without TLS."""
    made = folder / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=emulator",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-out", str(made)]
    try:
        subprocess.run([*command, "-keyout", str(folder / "key.pem")], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl here to make a certificate with")
    return made


def _wait(made: Emulator, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_PATIENCE
    while True:
        try:
            made.get(f"{made.url}/_ministack/health")
        except httpx.HTTPError:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, log.read_text()[-2000:]
        else:
            return
