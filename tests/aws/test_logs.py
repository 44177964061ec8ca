"""`headrace cloud logs`: what the functions say, and with `--follow` what they go on to say, until Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from tests.support.town import Town, town

KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
REGION = "us-east-1"
GROUP = "/aws/lambda/headrace-logged-tick"


@dataclass
class Logged:
    """A function's log."""

    logs: Any
    said: int = field(default=0)

    def say(self, text: str, ago: float = 0.0) -> None:
        if not self.said:
            self.logs.create_log_group(logGroupName=GROUP)
            self.logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
        self.said += 1
        event = {"timestamp": int((time.time() - ago) * 1000), "message": f"{text}\n"}
        self.logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=[event])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Town, Logged]]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = botocore.session.Session().create_client("logs", region_name=REGION, endpoint_url=url, **KEYS)
    settings = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    try:
        with town(tmp_path, **settings, **KEYS) as made:
            yield made, Logged(client)
    finally:
        server.stop()
        client.close()


def test_it_goes_on_until_it_is_told_to_stop(place: tuple[Town, Logged]) -> None:
    where, function = place
    words = ("cloud", "logs", "--stage", "logged", "--function", "tick", "--since", "30m")
    assert "There is no log group" in where.run(*words, code=1).stderr
    function.say("long ago", ago=3600)
    function.say("a while ago", ago=60)
    function.say("just now")
    followed = where.start("logs", *words, "--follow")
    followed.says("a while ago", "just now")
    function.say("later")
    followed.says("later")
    function.say("at last")
    followed.says("at last")
    followed.signal(signal.SIGINT)
    assert followed.popen.wait(20) == 130
    lines = [line.partition(" ")[2].partition(" ")[2] for line in followed.text().splitlines() if line]
    assert [line for line in lines if line in TEXTS] == TEXTS, "each once, in order"
    assert "Traceback" not in followed.text()
    assert "long ago" not in followed.text()


TEXTS = ["a while ago", "just now", "later", "at last"]
