"""`docs/tutorial.md`, typed as it stands: three places, the worker's as another user with an empty home."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.git_host import GitHost, git_host
from tests.support.town import eventually

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\S+) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEY = re.compile(r"hr_[A-Za-z0-9]+_[A-Za-z0-9_-]+")
BIN = Path(sys.executable).parent
WORKER = "headrace-tutorial"
# This installation may stand where only its owner reads; the other account may read it, and write nothing of it.
READS = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
# With that right it could read the author's clone as well, so all other places are out of its sight: a mount over
# them that the worker's processes alone see.
HIDE = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"')
AS_USER = ("setpriv", "--reuid", WORKER, "--regid", WORKER, "--clear-groups", *READS)


@dataclass(frozen=True)
class Block:
    """A block of the page: `place` is what its first line says after the language."""

    language: str
    place: str
    text: str


def blocks() -> list[Block]:
    """All blocks, in the order of the page."""
    return [Block(*found.groups()) for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


@dataclass
class Places:
    """River, your machine and the worker's; what is typed in one is not known in the others."""

    root: Path
    host: GitHost
    port: int
    worker_home: Path
    user: pwd.struct_passwd | None
    keys: list[str] = field(default_factory=list)
    up: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def words(self, text: str) -> str:
        """A block with this test's names in it, and no other change."""
        text = text.replace(
            "--host 0.0.0.0 --port 4200", f"--host 127.0.0.1 --require-keys --port {self.port}"
        )
        text = text.replace("http://river:4200", f"http://127.0.0.1:{self.port}")
        text = text.replace("https://git.example.com/shop.git", self.host.url("shop.git"))
        return text.replace("hr_the_key_of_step_2", self.keys[-1] if self.keys else "")

    def home(self, place: str) -> Path:
        """The home of the user in a place: the repository is on your machine."""
        if place == "on the worker's machine":
            return self.worker_home
        return self.root / {"in the repository": "on your machine"}.get(place, place).replace(" ", "-")

    def environment(self, place: str) -> dict[str, str]:
        return {
            "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home(place)),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **{
                f"GIT_{who}_{what}": "y@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

    def folder(self, place: str) -> Path:
        return self.home(place) / "shop" if place == "in the repository" else self.home(place)

    def type(self, place: str, text: str, given: str = "") -> str:
        """Everything of a block, which must succeed; what it prints."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.words(text)],
            cwd=self.folder(place),
            env=self.environment(place),
            input=given,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, f"{place}:\n{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def leave_running(self, place: str, text: str) -> Path:
        """A block whose last command stays; where it writes."""
        log = self.root / f"{place.replace(' ', '-')}.log"
        as_user = self.as_other() if self.user and place == "on the worker's machine" else ()
        with log.open("wb") as out:
            self.up.append(
                subprocess.Popen(
                    [*as_user, "bash", "-euo", "pipefail", "-c", self.words(text)],
                    cwd=self.folder(place),
                    env=self.environment(place),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return log

    def as_other(self) -> tuple[str, ...]:
        """What starts a program as the worker's account, with nothing of the other places to be seen."""
        hidden = (*HIDE, str(self.root))
        if subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode:
            print("the worker could see the author's clone: no mount of its own can be made here")
            return AS_USER
        look = [*hidden, *AS_USER, "ls", "-A", str(self.root)]
        assert subprocess.run(look, capture_output=True, text=True, check=True).stdout == ""
        return (*hidden, *AS_USER)

    def end(self) -> None:
        for process in reversed(self.up):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                    process.wait(20)
                    break
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    process.wait(20)
                    break


@pytest.fixture
def other_user() -> Iterator[pwd.struct_passwd | None]:
    """An account of its own for the worker, where this test may make one."""
    if os.geteuid() or not (shutil.which("useradd") and shutil.which("setpriv")):
        print("the worker runs under this account: only root can make another")
        yield None
        return
    subprocess.run(["useradd", "--no-create-home", WORKER], check=False, capture_output=True)
    yield pwd.getpwnam(WORKER)
    subprocess.run(["userdel", WORKER], check=False, capture_output=True)


@pytest.fixture
def places(tmp_path: Path, other_user: pwd.struct_passwd | None) -> Iterator[Places]:
    with git_host(tmp_path / "host") as host, tempfile.TemporaryDirectory() as worker_home:
        made = Places(tmp_path, host, _free_port(), Path(worker_home), other_user)
        if other_user:
            os.chown(worker_home, other_user.pw_uid, other_user.pw_gid)
        for place in ("on river", "on your machine"):
            made.home(place).mkdir()
        host.create("shop.git")
        made.type(
            "on your machine", f"git clone -q {host.url('shop.git')} shop; git -C shop checkout -q -b main"
        )
        try:
            yield made
        finally:
            made.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def follow(places: Places) -> dict[str, str]:
    """Type the page from top to bottom; what each shell block printed, by its text."""
    said: dict[str, str] = {}
    for block in blocks():
        if block.place.startswith("file "):
            name = block.place.removeprefix("file ")
            (places.folder("in the repository") / name).write_text(places.words(block.text), encoding="utf-8")
        elif "server start" in block.text or "worker start" in block.text:
            log = places.leave_running(block.place, block.text)
            if "server start" in block.text:
                eventually(lambda log=log: "Headrace is up" in log.read_text(), "the server is up")
            else:
                eventually(
                    lambda log=log: "serves pool" in log.read_text(), f"the worker is up: {log.read_text()}"
                )
                _has_run(places, "take-stock/hourly", "36")
        elif block.place:
            said[block.text] = places.type(
                block.place, block.text, given=f"{places.keys[-1]}\n" if places.keys else ""
            )
            places.keys += KEY.findall(said[block.text])
            if "Smaller shelves" in block.text:
                _has_run(places, "take-stock/hourly", "30")
            if "rollback" in block.text:
                _has_run(places, "take-stock/hourly", "36")
    return said


def _has_run(places: Places, deployment: str, result: str) -> None:
    """The latest run of a deployment ends with this result."""
    command = f"headrace flow-run ls --deployment {deployment} --state COMPLETED --limit 1 --output json"

    def ended() -> bool:
        said = places.type("on your machine", command)
        return f'"result": {result}' in said

    eventually(ended, f"a run of {deployment} gives {result}")


def test_the_tutorial_as_it_stands(places: Places) -> None:
    said = "\n".join(follow(places).values())
    assert "It is not due until" in said
    assert "ordering 28 pieces" in said
    log = (places.root / "on-the-worker's-machine.log").read_text()
    assert not KEY.search(log), "no key in the worker's log"
