"""A real sshd on this machine's loopback, with keys, users and a port of its own."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[3] / ".venv/debian"
"""Where `make test` unpacks Debian's sshd."""
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


def keygen(path: Path, phrase: str = "") -> str:
    """Make a key; gives its public half."""
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-f", str(path)], check=True)
    return path.with_name(f"{path.name}.pub").read_text()


@dataclass
class Sshd:
    """The keys of host and user are files in `folder`."""

    folder: Path
    port: int
    log: Path

    def url(self, path: Path) -> str:
        return f"ssh://{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1:{self.port}{path}"

    @property
    def key(self) -> Path:
        return self.folder / "user"

    def known_hosts(self, key: str = "host") -> str:
        return f"[127.0.0.1]:{self.port} {(self.folder / f'{key}.pub').read_text()}"


@contextmanager
def running(folder: Path) -> Iterator[Sshd]:
    """sshd, and what it needs; skips the test where it cannot be had."""
    program = next((p for p in (UNPACKED / "usr/sbin/sshd", Path("/usr/sbin/sshd")) if p.exists()), None)
    if program is None:
        pytest.skip("sshd is not here: `make test` unpacks Debian's, or install openssh-server")
    folder.mkdir()
    keygen(folder / "host")
    keygen(folder / "other")
    (folder / "authorized_keys").write_text(keygen(folder / "user"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = CONFIG.format(port=port, folder=folder)
    libexec = UNPACKED / "usr/lib/openssh"
    for option, name in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
        text += (
            f"{option} {libexec / name}\n"
            if (libexec / name).exists() and UNPACKED in program.parents
            else ""
        )
    (folder / "sshd_config").write_text(text)
    log = folder / "sshd.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "-D", "-e", "-f", folder / "sshd_config"], env=_environment(folder), stderr=out
        )
    try:
        _wait(process, port, log)
        yield Sshd(folder, port, log)
    finally:
        process.terminate()
        process.wait(20)


def _environment(folder: Path) -> dict[str, str]:
    """Libraries that were unpacked beside it; run by root, it asks for a user `sshd`, which need not exist."""
    libraries = [path.parent for path in UNPACKED.glob("usr/lib/**/*.so*")]
    env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(sorted({str(path) for path in libraries}))}
    wrapper = next(UNPACKED.glob("usr/lib/**/libnss_wrapper.so"), None)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        if wrapper is not None:
            me = pwd.getpwuid(0)
            users = [
                f"root:x:0:0:root:{me.pw_dir}:/bin/sh",
                "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin",
            ]
            (folder / "passwd").write_text("\n".join(users) + "\n")
            (folder / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
            env |= {
                "LD_PRELOAD": str(wrapper),
                "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
                "NSS_WRAPPER_GROUP": str(folder / "group"),
            }
    return env


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    pause = threading.Event()
    for _ in range(500):
        if process.poll() is not None:
            pytest.skip(f"sshd does not start here: {log.read_text().strip()[-300:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            pause.wait(0.02)
        else:
            return
    raise AssertionError(log.read_text())
