"""The worker that `--with-worker` runs beside the server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

POOL = "default"
_PATIENCE = 5.0


class Companion:
    """A worker for the pool `default`, ended with the server. With a key, the pool is there already."""

    def __init__(self, api_url: str, environment: Mapping[str, str], api_key: str | None = None) -> None:
        self._api_url = api_url
        self._environment = {**environment, "HEADRACE_API_URL": api_url}
        self._has_key = api_key is not None
        if api_key is not None:
            self._environment["HEADRACE_API_KEY"] = api_key
        self._process: subprocess.Popen[bytes] | None = None
        self._told = False

    def start(self) -> None:
        """Make the pool unless it exists, and start the worker in a process group of its own.

        Ctrl-C in the terminal then reaches the server alone, which ends the worker in its turn. A server
        that is killed takes the worker along.
        """
        if not self._has_key:
            self._create_pool()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "headrace.local.beside", POOL],
            env=self._environment,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def news(self) -> str | None:
        """What people should be told when the worker has ended by itself; once."""
        if self._process is None or self._told or self._process.poll() is None:
            return None
        self._told = True
        return (
            f"The worker of this server has ended: nobody serves the pool {POOL!r}. Its last words say why.\n"
            f"Start the server again, or a worker: headrace worker start --pool {POOL}\n"
        )

    def stop(self) -> None:
        """Ask the worker to leave; insist after a while."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def _create_pool(self) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self._api_url}/work_pools/",
            data=json.dumps({"name": POOL, "type": "process"}).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise
