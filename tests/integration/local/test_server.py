"""The embedded server as a process: starting, answering, refusing, stopping."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

RUN = Path(__file__).parent / "run_server.py"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"


def client(server, service):
    return boto3.client(
        service,
        endpoint_url=f"{server.url}/aws",
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def test_it_comes_up_on_a_free_port_says_so_and_makes_other_commands_work(start_server):
    server = start_server()
    assert server.request("GET", "/api/health").json() == {"status": "ok"}
    profiles = json.loads((server.home / "profiles.json").read_text())
    api_url = f"{server.url}/api"
    assert profiles == {"active": "local", "profiles": {"local": {"api_url": api_url, "api_key": None}}}
    code, output = server.end()
    assert code == 0
    assert api_url in output
    assert str(server.home / "server") in output
    assert "Stopped." in output
    assert not (server.home / "server" / "server.json").exists()


def test_the_clock_ticks_at_start(start_server, until):
    server = start_server()
    until(lambda: server.request("GET", "/api/ticks").json() == {"ticks": 1, "starts": 1})


def test_a_profile_chosen_by_the_user_stays_active(start_server, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    cloud = {"api_url": "https://example.org/api", "api_key": "hr_k"}
    (home / "profiles.json").write_text(json.dumps({"active": "cloud", "profiles": {"cloud": cloud}}))
    server = start_server(home=home)
    profiles = json.loads((home / "profiles.json").read_text())
    assert profiles["active"] == "cloud"
    assert profiles["profiles"]["cloud"] == cloud
    assert profiles["profiles"]["local"]["api_url"] == f"{server.url}/api"
    assert f"export HEADRACE_API_URL={server.url}/api" in server.end()[1]


def test_no_profile_is_written_when_none_is_wanted(start_server):
    server = start_server(write_profile=False)
    assert not (server.home / "profiles.json").exists()


def test_a_second_server_on_the_same_directory_is_told_who_has_it(start_server):
    first = start_server()
    code, output = start_server(wait=False).end(None)
    assert code == 1
    assert f"process {first.process.pid}, {first.url}" in output
    assert first.request("GET", "/api/health").status_code == 200


def test_a_port_in_use_is_a_clear_error(start_server, tmp_path):
    first = start_server()
    port = int(first.url.rpartition(":")[2])
    code, output = start_server(port=port, home=tmp_path / "other", wait=False).end(None)
    assert code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in output
    assert "--port" in output


def test_a_setting_that_is_wrong_is_named(start_server):
    env = {"HEADRACE_LEASE_SECONDS": "abc"}
    code, output = start_server(root=None, wait=False, env=env).end(None)
    assert code == 1
    assert "HEADRACE_LEASE_SECONDS is 'abc', expected a number above 0." in output
    assert "Traceback" not in output


def test_a_data_directory_that_cannot_be_written_is_told_of(start_server, tmp_path):
    (tmp_path / "home" / "server").mkdir(parents=True)
    (tmp_path / "home" / "server" / "table").touch()
    code, output = start_server(wait=False).end(None)
    assert code == 1
    assert f"'{tmp_path}/home/server/table'" in output
    assert "--data-dir" in output
    assert "Traceback" not in output


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
def test_a_full_disk_is_told_of(start_server, tmp_path):
    import resource

    start_server(root=None, home=tmp_path).end()
    (journal,) = (tmp_path / "server" / "table").glob("journal-*")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size, before[1]))
    command = [sys.executable, RUN, tmp_path, "0", json.dumps({"root": None, "require_keys": True})]
    try:  # its output goes into a pipe, since a file could not grow either
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.returncode == 1
    assert "Error: The server cannot start. The table refused" in done.stderr
    assert "look whether the disk is full" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quickly_with_long_polls_open(start_server, until, number):
    server = start_server()
    server.request("PUT", "/api/queues/q")
    sqs = client(server, "sqs")
    answers = []

    def poll():
        answers.append(sqs.receive_message(QueueUrl=QUEUE_URL + "q", WaitTimeSeconds=20).get("Messages", []))

    pollers = [threading.Thread(target=poll) for _ in range(3)]
    for poller in pollers:
        poller.start()
    until(lambda: _polls(server) == 3)
    began = time.monotonic()
    code, _ = server.end(number)
    for poller in pollers:
        poller.join()
    assert code == 0
    assert answers == [[], [], []]
    assert time.monotonic() - began < 5


def _polls(server):
    return server.request("GET", "/api/polls").json()["waiting"]


def test_a_worker_can_come_with_the_server_and_goes_with_it(start_server, until):
    server = start_server(root=None, with_worker=True)  # the real control plane, for a real worker

    def online():
        answer = server.request("POST", "/api/work_pools/default/workers/filter", json={})
        return answer.is_success and [worker["status"] for worker in answer.json()] == ["ONLINE"]

    until(online)
    code, output = server.end()
    assert code == 0
    assert output.endswith("Stopped.\n")
    again = start_server(root=None)
    (worker,) = again.request("POST", "/api/work_pools/default/workers/filter", json={}).json()
    assert worker["status"] == "OFFLINE"


def test_behind_a_proxy_on_the_same_machine_that_hands_on_its_name(start_server):
    server = start_server(root=None, require_keys=True, advertise="https://mill.example")
    key = json.loads((server.home / "profiles.json").read_text())["profiles"]["local"]["api_key"]
    proxied = {"Host": "mill.example"}
    shown = {**proxied, "Authorization": f"Bearer {key}"}
    assert server.request("GET", "/api/me", headers=proxied).status_code == 401
    assert server.request("GET", "/api/me", headers=shown).status_code == 200
    digest = sha256(b"ab")
    wanted = {"digest": f"sha256:{digest.hexdigest()}", "size": 2}
    told = server.request("POST", "/api/bundles", headers=shown, json=wanted).json()
    assert told["upload_url"].startswith("https://mill.example/aws/")
    upload = told["upload_url"].removeprefix("https://mill.example")
    checksum = {"x-amz-checksum-sha256": b64encode(digest.digest()).decode()}
    assert server.request("PUT", upload, content=b"ab", headers={**proxied, **checksum}).status_code == 200
    assert server.request("PUT", upload, content=b"ab", headers=checksum).status_code == 403, (
        "it was signed for"
    )


def test_a_name_with_a_percent_sign_is_that_name(start_server):
    server = start_server(root=None)
    limits = "/api/v2/concurrency_limits"
    for name in ("a%41", "aA"):
        assert server.request("POST", limits, json={"name": name, "limit": 1}).is_success
    assert server.request("DELETE", f"{limits}/a%2541").status_code == 204
    assert server.request("GET", f"{limits}/aA").status_code == 200
    assert server.request("GET", f"{limits}/a%2541").status_code == 404


def _worker_of(server):
    """The process id of the worker beside a server, once it serves."""
    answer = server.request("POST", "/api/work_pools/default/workers/filter", json={})
    if not answer.is_success or [worker["status"] for worker in answer.json()] != ["ONLINE"]:
        return None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return int(children[0]) if children else None


def _is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("name", ["SIGHUP", "SIGKILL"])
def test_a_worker_that_came_with_the_server_is_never_left_behind(start_server, until, name):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup themselves
    try:
        server = start_server(root=None, with_worker=True, require_keys=True)
    finally:
        signal.signal(signal.SIGHUP, before)
    key = json.loads((server.home / "profiles.json").read_text())["profiles"]["local"]["api_key"]
    server.headers = {"Authorization": f"Bearer {key}"}
    worker = until(lambda: _worker_of(server))
    server.end(getattr(signal, name))
    until(lambda: _is_gone(worker))
    again = start_server(root=None, with_worker=True, require_keys=True)
    again.headers = server.headers
    assert until(lambda: _worker_of(again)) != worker


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_a_hangup_that_was_to_be_ignored_is(start_server):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        server = start_server()
    finally:
        signal.signal(signal.SIGHUP, before)
    server.process.send_signal(signal.SIGHUP)
    server.put_item("x")
    assert server.end()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_worker_that_leaves_before_the_server_is_told_of(start_server, until):
    server = start_server(root=None, with_worker=True)
    os.kill(until(lambda: _worker_of(server)), signal.SIGKILL)
    until(lambda: "nobody serves the pool 'default'" in server.log.read_text())
    code, output = server.end()
    assert (code, output.count("nobody serves")) == (0, 1)
