"""Clients of AWS's services, made from one session: one of its own would cost each of them 40 ms."""

from __future__ import annotations

import threading
from typing import Any

import botocore.session
from botocore.config import Config

_PATIENCE: dict[str, Any] = {"connect_timeout": 2, "read_timeout": 5, "retries": {"max_attempts": 2}}


class Clients:
    """May be used by several threads, as botocore's session may not."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._session: Any = None
        self._lock = threading.Lock()

    def make(self, service: str, endpoint: str | None = None, **config: Any) -> Any:
        """A new client; who asks keeps it."""
        with self._lock:
            if self._session is None:
                self._session = botocore.session.get_session()
            return self._session.create_client(
                service,
                region_name=self._region,
                endpoint_url=endpoint,
                config=Config(**_PATIENCE, **config),
            )
