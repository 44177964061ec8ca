"""A worker installed as a user's systemd service, under a real systemd: restarted, stopped, killed.

systemd runs as a user's manager in a mount namespace of its own, so that nothing of the machine is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.town import Town, eventually, is_alive

SYSTEMD = Path("/lib/systemd/systemd")
POOL = 'a "b" $HOME \\x'
UNIT = "headrace-worker-a-b-HOME-x.w1-826ad3.service"
BEGIN = """
mount --types tmpfs tmpfs /run && mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" &&
chmod 700 "$XDG_RUNTIME_DIR" && exec /lib/systemd/systemd --user --log-target=console
"""


@dataclass
class Manager:
    """A running systemd."""

    pid: int
    environment: dict[str, str]
    log: Path

    def __call__(self, *words: str) -> str:
        """Call systemctl in its namespace."""
        done = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "systemctl", "--user", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"systemctl {words}: {done.stdout}{done.stderr}\n{self.log.read_text()}"
        return done.stdout.strip()

    def shows(self, name: str) -> str:
        return self("show", "--value", f"--property={name}", UNIT)

    @property
    def worker(self) -> int:
        return int(self.shows("MainPID"))


@pytest.fixture
def systemctl(tmp_path: Path) -> Iterator[Callable[[], Manager]]:
    """Starts systemd, when the home is ready; all that it started is gone in the end."""
    if not SYSTEMD.exists() or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("systemd, unshare or nsenter is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root can give systemd a mount namespace of its own")
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "me"),
        "XDG_RUNTIME_DIR": "/run/user/headrace",
    }
    log = tmp_path / "systemd.log"
    started: list[subprocess.Popen[bytes]] = []

    def start() -> Manager:
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "sh", "-c", BEGIN],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        manager = Manager(process.pid, environment, log)
        private = Path(f"/proc/{process.pid}/root/run/user/headrace/systemd/private")
        if not eventually(lambda: private.exists() or process.poll() is not None, "systemd is up"):
            raise AssertionError
        if process.poll() is not None:
            pytest.skip(f"systemd does not start here: {log.read_text()[-300:]}")
        return manager

    yield start
    for process in started:
        process.terminate()
        process.wait(30)


def test_an_installed_worker(home: Town, systemctl: Callable[[], Manager]) -> None:
    home.run("work-pool", "create", "--type", "process", POOL)
    home.deploy("mark", pool=POOL)
    home.settings |= {
        "HOME": str(home.home / "me"),
        "HEADRACE_API_URL": home.api,
        "HEADRACE_API_KEY": "hr_a_secret",
    }
    home.run("worker", "install", "--systemd", "--pool", POOL, "--name", "w1", "--limit", "3")
    manager = systemctl()
    manager("enable", "--now", UNIT)

    first = home.trigger("mark/main", folder=str(home.home), name="a")
    child = home.started_mark("a")
    home.until(first, "RUNNING")
    worker = manager.worker
    line, environment = (Path(f"/proc/{worker}/{name}").read_bytes() for name in ("cmdline", "environ"))
    assert f"--pool={POOL}".encode() in line.split(b"\0")
    assert b"hr_a_secret" not in line
    assert b"HEADRACE_API_KEY=hr_a_secret" in environment.split(b"\0")
    assert "hr_a_secret" not in manager("show", UNIT)

    manager("restart", UNIT)
    assert manager.worker not in (0, worker)
    assert is_alive(child)
    second = home.trigger("mark/main", folder=str(home.home), name="b")
    home.started_mark("b")
    (home.home / "go").touch()
    for run, name in ((first, "a"), (second, "b")):
        found = home.until(run, "COMPLETED")
        assert (found["attempt"], found["run_count"], len(home.marks(name))) == (1, 1, 1)

    (home.home / "go").unlink()
    killed = home.trigger("mark/main", folder=str(home.home), name="c")
    home.started_mark("c")
    home.until(killed, "RUNNING")
    worker = manager.worker
    manager("kill", "--kill-who=main", "--signal=SIGKILL", UNIT)
    eventually(lambda: manager.worker not in (0, worker), "systemd starts it again")
    proof = home.trigger("mark/main", folder=str(home.home), name="d")
    home.started_mark("d")
    manager("stop", "--no-block", UNIT)
    eventually(lambda: manager.shows("ActiveState") == "deactivating", "it finishes what runs")
    assert {home.state(killed), home.state(proof)} == {"RUNNING"}
    (home.home / "go").touch()
    assert home.until(killed, "COMPLETED")["attempt"] == 1
    eventually(lambda: manager.shows("ActiveState") == "inactive", "it has left")
    assert home.state(proof) == "COMPLETED"
    assert len(home.marks("c")) == 1
