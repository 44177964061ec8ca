"""Machines that have nothing but an address and a key: a deployer's, an operator's, a worker's, a stranger's."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.town import Town, eventually, is_alive, town

FLOWS = '''
import os, pathlib
from headrace import flow

@flow
def look(text: str = "x") -> str:
    """Tell what this process was given."""
    names = sorted(name for name in os.environ if name.startswith(("AWS_", "HEADRACE_")))
    pathlib.Path(os.environ["HOME"], "seen.txt").write_text("\\n".join(f"{n}={os.environ[n]}" for n in names))
    return text
'''


def git(folder: Path, *words: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True)


class Closed:
    """A server that asks for keys, and further machines, each with a home of its own and nothing in it."""

    def __init__(self, made: Town, root: Path) -> None:
        self.server = made
        self.root = root
        self.machines: list[Town] = []

    @property
    def admin_key(self) -> str:
        profiles = self.server.home / "home" / "profiles.json"
        assert profiles.stat().st_mode & 0o777 == 0o600
        return str(json.loads(profiles.read_text())["profiles"]["local"]["api_key"])

    def new_key(self, role: str, *words: str) -> str:
        return self.server.run("api-key", "create", f"the {role}", "--role", role, *words).stdout.strip()

    def machine(self, name: str, key: str, host: str = "127.0.0.1") -> Town:
        """Another machine: only the address and a key."""
        home = self.root / name
        home.mkdir()
        url = f"http://{host}:{self.server.port}/api"
        settings = {"HEADRACE_API_URL": url, "HEADRACE_API_KEY": key, "HOME": str(home)}
        self.machines.append(Town(home, settings, self.server.port))
        return self.machines[-1]

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"http://127.0.0.1:{self.server.port}{path}"
        return httpx.request(method, url, headers=headers, timeout=20, trust_env=False, **more)

    def ended(self, run: str) -> Any:
        """The run once it is over."""

        def over() -> Any:
            found = self.ask("GET", f"/api/flow_runs/{run}", self.admin_key).json()
            return found if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

        return eventually(over, "the run is over")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Closed]:
    (tmp_path / "server").mkdir()
    with town(tmp_path / "server", HEADRACE_REQUIRE_KEYS="1") as made:
        made.server()
        made.run("work-pool", "create", "--type", "process", "pool")
        found = Closed(made, tmp_path)
        try:
            yield found
        finally:
            for machine in found.machines:
                for process in reversed(machine.started):
                    process.stop()


def push(folder: Path, origin: Path) -> None:
    """Flows in a git repository, pushed to a place that others can read."""
    (folder / "flows.py").write_text(FLOWS)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "flows.py")
    git(folder, "commit", "-q", "-m", "a")
    git(folder, "init", "-q", "--bare", str(origin))
    git(folder, "remote", "add", "origin", origin.as_uri())
    git(folder, "push", "-q", "origin", "main")


def log_everything(root: Path) -> Path:
    """A folder for PYTHONPATH that has every process of a machine log all that its libraries say."""
    folder = root / "debug"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text("import logging\nlogging.basicConfig(level=logging.DEBUG)\n")
    return folder


def test_a_worker_with_an_address_and_a_key_runs_bundles_and_git(closed: Closed) -> None:
    keys = {role: closed.new_key(role) for role in ("deployer", "operator", "viewer")}
    keys["worker"] = closed.new_key("worker", "--pool", "pool")
    ci, oncall = closed.machine("ci", keys["deployer"]), closed.machine("oncall", keys["operator"])
    mill = closed.machine("mill", keys["worker"])
    push(ci.home, closed.root / "origin.git")
    for machine in (ci, mill):
        machine.settings["PYTHONPATH"] = str(log_everything(closed.root))
    told = ""
    for source in ("git", "bundle"):
        told += ci.run("deploy", "flows.py:look", "-n", source, "-p", "pool", "--source", source).stderr
    worker = mill.worker()
    for source in ("git", "bundle"):
        run = oncall.ask("deployment", "run", f"look/{source}", "--param", f"text={source}")["id"]
        found = closed.ended(run)
        assert (found["state_type"], found["result"]) == ("COMPLETED", source), found
        seen = (mill.home / "seen.txt").read_text()
        assert "AWS_" not in seen and "HEADRACE_API" not in seen and "hr_" not in seen
    assert "do not answer" not in worker.text()
    assert "DEBUG:httpcore" in told and "DEBUG:" in worker.text()
    assert "hr_" not in told + worker.text(), "not even in what libraries say of their work"
    for machine in (closed.server, ci, oncall, mill):
        texts = [process.text() for process in machine.started]
        assert not [text for text in texts for key in (*keys.values(), closed.admin_key) if key in text]
    keeper = Path(f"/proc/{mill.keeper_of('w1')}")
    assert b"hr_" not in (keeper / "environ").read_bytes(), "a run's parent has no key either"
    pids = [*closed.server.own_processes(), *mill.own_processes()]
    assert len(pids) >= 2, "server and worker"
    for place in (keeper, *(Path(f"/proc/{pid}") for pid in pids)):
        assert b"hr_" not in (place / "cmdline").read_bytes()


def test_each_may_do_what_its_role_says(closed: Closed) -> None:
    closed.server.run("work-pool", "create", "--type", "process", "other")
    mill = closed.machine("mill", closed.new_key("worker", "--pool", "pool"))
    assert "for workers of pool 'pool' only" in mill.start("w", "worker", "start", "--pool", "other").says(
        "only"
    )
    assert "which the role worker does not have" in mill.run("work-pool", "ls", code=1).stderr
    viewer = closed.machine("guest", closed.new_key("viewer"))
    assert "pool" in viewer.run("work-pool", "ls").stdout
    assert "right to deploy" in viewer.run("work-pool", "create", "mine", code=1).stderr
    oncall = closed.machine("oncall", closed.new_key("operator"))
    oncall.run("work-pool", "pause", "pool")
    assert "right to deploy" in oncall.run("work-pool", "delete", "pool", code=1).stderr
    stranger = closed.machine("stranger", f"hr_{'0' * 32}_{'a' * 43}")
    assert "not known here" in stranger.run("work-pool", "ls", code=1).stderr
    assert "not known here" in stranger.start("w", "worker", "start", "--pool", "pool").says("known")


def _code(call: Any, **arguments: Any) -> int:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_without_a_key_nothing_behind_the_port_answers(closed: Closed) -> None:
    assert closed.ask("GET", "/api/health").status_code == 200
    for path in ("/api/me", "/api/version", "/api/flow_runs/nope"):
        assert closed.ask("GET", path).status_code == 401
    for method, path in (
        ("GET", "/aws"),
        ("GET", "/aws/headrace-local"),
        ("PUT", "/aws/headrace-local/bundles/x"),
    ):
        assert closed.ask(method, path, closed.admin_key).status_code == 403, "a key is no signature"
    options = {
        "endpoint_url": f"http://127.0.0.1:{closed.server.port}/aws",
        "region_name": "us-east-1",
        "config": Config(retries={"total_max_attempts": 1}, proxies={}),
    }
    for known in ("local", "embedded", "test"):
        guess = {"aws_access_key_id": known, "aws_secret_access_key": known}
        assert _code(boto3.client("sqs", **options, **guess).list_queues) == 403
        assert _code(boto3.client("s3", **options, **guess).list_objects_v2, Bucket="headrace-local") == 403
        assert _code(boto3.client("sts", **options, **guess).get_caller_identity) == 403
    worker = closed.new_key("worker", "--pool", "pool")
    given = closed.ask("POST", "/api/work_pools/pool/workers/w/credentials", worker).json()
    mine = {
        "aws_access_key_id": given["access_key_id"],
        "aws_secret_access_key": given["secret_access_key"],
        "aws_session_token": given["session_token"],
    }
    assert _code(boto3.client("sqs", **options, **mine).list_queues) == 403
    assert _code(boto3.client("s3", **options, **mine).list_objects_v2, Bucket="headrace-local") == 403
    role = {"RoleArn": "arn:aws:iam::123456789012:role/headrace-local-worker", "RoleSessionName": "mine"}
    assert _code(boto3.client("sts", **options, **mine).assume_role, **role) == 403


def test_the_first_key_is_made_once_and_told_once(closed: Closed) -> None:
    key = closed.admin_key
    first = closed.server.started[0]
    assert "first admin key is in profile 'local'" in first.text() and key not in first.text()
    listed = closed.server.ask("api-key", "ls")
    assert [(row["name"], row["role"]) for row in listed] == [("first admin key", "admin")]
    assert "last admin key" in closed.server.run("api-key", "revoke", "first admin key", code=1).stderr
    first.stop()
    again = closed.server.server()
    assert closed.admin_key == key and "first admin key" not in again.text()
    assert closed.server.ask("api-key", "ls")[0]["id"] == listed[0]["id"]
    data = b"".join(
        path.read_bytes() for path in (closed.server.home / "home" / "server").rglob("*") if path.is_file()
    )
    assert key.encode() not in data and key.rpartition("_")[2].encode() not in data


def test_a_worker_outlives_a_restart_of_the_server(closed: Closed) -> None:
    closed.server.run("deploy", "flows.py:add", "-n", "main", "-p", "pool")
    mill = closed.machine("mill", closed.new_key("worker", "--pool", "pool"))
    mill.worker()
    closed.server.started[0].kill()
    closed.server.server()
    run = closed.server.ask("deployment", "run", "add/main", "--param", "x=1")["id"]
    assert closed.ended(run)["state_type"] == "COMPLETED"
    # The credentials of before are unknown to the new server: others were fetched without being told.
    closed.server.run("work-pool", "pause", "pool")
    closed.server.run("work-pool", "resume", "pool")
    run = closed.server.ask("deployment", "run", "add/main", "--param", "x=2")["id"]
    assert closed.ended(run)["result"] == 3


def test_a_revoked_worker_loses_its_run(tmp_path: Path) -> None:
    """It tries again for ever, and its keeper ends the run when the lease has passed unrenewed."""
    (tmp_path / "server").mkdir()
    leases = {
        "headrace_lease_seconds": "3",
        "headrace_sync_within_seconds": "0.5",
        "headrace_idle_sync_seconds": "1",
    }
    with town(tmp_path / "server", headrace_require_keys="1", **leases) as made:
        made.server()
        made.run("work-pool", "create", "--type", "process", "pool")
        closed = Closed(made, tmp_path)
        mill = closed.machine("mill", closed.new_key("worker", "--pool", "pool"))
        worker = mill.worker()
        made.deploy("mark")
        made.trigger("mark/main", folder=str(made.home), name="m")
        child = made.started_mark("m")
        made.run("api-key", "revoke", "the worker")
        worker.says("The API key is not known here. Trying again")
        eventually(lambda: not is_alive(child), "the run is ended")
        worker.kill()


def test_login_and_logout(closed: Closed) -> None:
    laptop = closed.machine("laptop", "")
    url, key = laptop.settings.pop("HEADRACE_API_URL"), closed.new_key("viewer")
    laptop.settings.pop("HEADRACE_API_KEY")
    assert "not known here" in laptop.run("login", "--api-url", url, "--api-key", f"{key}x", code=1).stderr
    assert "role viewer" in laptop.run("login", "--api-url", url, "--api-key", key).stdout
    assert "pool" in laptop.run("work-pool", "ls").stdout
    laptop.run("logout")
    assert "asks for an API key" in laptop.run("work-pool", "ls", code=1).stderr
    assert key not in (laptop.home / "home" / "profiles.json").read_text()


def test_beyond_loopback_keys_are_asked_for_and_addresses_are_the_callers(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with town(tmp_path / "server") as made:
        process = made.start("server", "server", "start", "--port", "0", "--host", "0.0.0.0", "--with-worker")
        made.port = int(process.says("API", "/api").split("/api")[0].rpartition(":")[2])
        eventually(made.is_up, "the server answers")
        assert "Listening beyond this machine" in process.text()
        found = Closed(made, tmp_path)
        assert found.ask("GET", "/api/me").status_code == 401
        body = {"digest": f"sha256:{'0' * 64}", "size": 4}
        for host in (f"localhost:{made.port}", f"127.0.0.1:{made.port}"):
            url = f"http://{host}/api/bundles"
            headers = {"Authorization": f"Bearer {found.admin_key}"}
            told = httpx.post(url, json=body, headers=headers, trust_env=False).json()["upload_url"]
            assert told.startswith(f"http://{host}/aws/headrace-local/bundles/")
        ci = found.machine("ci", found.new_key("deployer"), host="localhost")
        (ci.home / "flows.py").write_text(FLOWS)
        ci.run("deploy", "flows.py:look", "-n", "main", "-p", "default", "--source", "bundle")
        run = ci.ask("deployment", "run", "look/main", "--param", "text=far")["id"]
        assert found.ended(run)["result"] == "far", "the worker beside the server has a key of its own"
        roles = [row["role"] for row in made.ask("api-key", "ls")]
        assert roles == ["admin", "deployer", "worker"]


def test_an_advertised_address_goes_before_the_callers(tmp_path: Path) -> None:
    with town(tmp_path, HEADRACE_REQUIRE_KEYS="1") as made:
        process = made.start(
            "server", "server", "start", "--port", "0", "--advertise", "https://mill.example"
        )
        made.port = int(process.says("API", "/api").split("/api")[0].rpartition(":")[2])
        eventually(made.is_up, "the server answers")
        found = Closed(made, tmp_path)
        body = {"digest": f"sha256:{'0' * 64}", "size": 4}
        told = found.ask("POST", "/api/bundles", found.admin_key, json=body).json()["upload_url"]
        assert told.startswith("https://mill.example/aws/headrace-local/bundles/")
