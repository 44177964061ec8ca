"""A release's control plane as a process: `python release.py FOLDER-OR-ZIP...`, asked over its standard input.

A line asks: `{"now": ..., "call": [method, path, body]}` is answered with status and body, `{"now": ...}` alone
is the tick. Of the release it uses what `chalicelib.wiring` is given, so it serves two releases side by side as long
as both are put together in this way.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any


def main(places: list[str]) -> None:
    """Answer until the input ends."""
    sys.path[:0] = places
    from chalice.config import Config
    from chalice.local import LocalGateway

    import app
    from chalicelib import wiring
    from chalicelib.api.routes import serve
    from chalicelib.dispatch.queues import Queues
    from chalicelib.services.ports import Ports
    from chalicelib.settings import Settings

    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    settings = Settings.from_environment()
    plane = wiring.build(Ports(settings=settings, queues=Queues(settings), clock=lambda: now[0]))
    serve(lambda: plane)
    gateway = LocalGateway(app.app, Config.create(chalice_app=app.app, project_dir="."))

    def answer(method: str, path: str, body: Any) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(data))}
        got = gateway.handle_request(method, f"/api{path}", headers, data)
        text = got["body"].decode() if isinstance(got["body"], bytes) else got["body"]
        return [got["statusCode"], json.loads(text) if text else None]

    print(json.dumps({"app": str(app.__file__)}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        now[0] = datetime.fromisoformat(asked["now"])
        call = asked.get("call")
        print(json.dumps(answer(*call) if call else plane.tick()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
