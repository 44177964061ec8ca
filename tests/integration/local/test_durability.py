"""What was answered is there after a kill -9 and a restart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

WRITER = """
import sys
import httpx
url, number = sys.argv[1:]
with httpx.Client(base_url=url, trust_env=False) as client:
    for at in range(100_000):
        name = f"{number}-{at}"
        client.put(f"/api/items/{name}", json={"value": name}).raise_for_status()
        print(name, flush=True)
"""


def test_every_acknowledged_write_survives_a_kill(start_server):
    server = start_server()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, server.url, str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for number in range(2)
    ]
    try:
        acknowledged = [writer.stdout.readline().strip() for writer in writers for _ in range(60)]
        server.kill()
        acknowledged += [line.strip() for writer in writers for line in writer.stdout]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    again = start_server()
    assert len(acknowledged) >= 120
    assert [name for name in acknowledged if again.item(name) != name] == []
    assert len(again.request("GET", "/api/items").json()) >= len(acknowledged)


def test_queues_and_objects_are_there_after_a_kill_and_deleted_ones_are_not(start_server):
    server = start_server()
    server.request("PUT", "/api/queues/kept")
    server.request("PUT", "/api/queues/gone")
    server.request("DELETE", "/api/queues/gone")
    server.request("PUT", "/api/objects/o", content="hello", headers={"Content-Type": "application/json"})
    server.kill()
    again = start_server()
    sqs = boto3.client(
        "sqs",
        endpoint_url=f"{again.url}/aws",
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    assert [url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]] == ["kept"]
    attributes = sqs.get_queue_attributes(QueueUrl="kept", AttributeNames=["VisibilityTimeout"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "7"
    assert again.request("GET", "/api/objects/o").json() == {"body": "hello", "type": "a/b"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_on_the_machine_can_read_what_it_keeps(start_server):
    def open_to_others(folder):
        return [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]

    def put_object(server, name):
        server.request(
            "PUT", f"/api/objects/{name}", content="x", headers={"Content-Type": "application/json"}
        )

    umask = os.umask(0o000)
    try:
        server = start_server()
        home = server.home / "server"
        server.put_item("x")
        put_object(server, "o")
        assert home.stat().st_mode & 0o777 == 0o700
        assert open_to_others(home / "table") == open_to_others(home / "objects") == []
        server.kill()
        for path in (home, *home.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        again = start_server()
        put_object(again, "p")
    finally:
        os.umask(umask)
    assert open_to_others(home / "table") == open_to_others(home / "objects") == []
    assert len(list((home / "objects").rglob("*.object"))) == 2


def test_a_directory_left_by_a_killed_server_can_be_used_at_once(start_server):
    server = start_server()
    server.put_item("x")
    server.kill()
    assert (server.home / "server" / "server.json").exists()
    again = start_server()
    assert again.item("x") == "v"


def test_a_torn_last_record_is_dropped_and_writing_goes_on(start_server):
    server = start_server()
    server.put_item("whole")
    server.put_item("torn")
    server.kill()
    journal = _journal(server)
    journal.write_bytes(journal.read_bytes()[:-7])
    again = start_server()
    assert (again.item("whole"), again.item("torn")) == ("v", None)
    again.put_item("after")
    again.kill()
    third = start_server()
    assert (third.item("whole"), third.item("after")) == ("v", "v")


def test_damage_in_the_middle_is_told_with_file_and_place(start_server):
    server = start_server()
    server.put_item("first")
    size = _journal(server).stat().st_size
    server.put_item("second")
    server.put_item("third")
    server.kill()
    journal = _journal(server)
    content = bytearray(journal.read_bytes())
    content[size + 30] ^= 1
    journal.write_bytes(content)
    code, output = start_server(wait=False).end(None)
    assert code == 1
    assert str(journal) in output
    assert f"byte {size}" in output
    assert journal.read_bytes() == content


def _journal(server) -> Path:
    (journal,) = (server.home / "server" / "table").glob("journal-*.log")
    return journal
