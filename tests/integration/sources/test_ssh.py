"""The git source over ssh, from a real sshd."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.worker.sources import SourceError
from headrace.worker.sources.git import git_clone
from headrace.worker.sources.git_ssh import is_ssh
from tests.integration.sources.conftest import Origin, Site
from tests.integration.sources.sshd import Sshd, keygen, running
from tests.support.git_host import git


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with running(tmp_path / "sshd") as made:
        yield made


@pytest.fixture
def options(sshd: Sshd, origin: Origin, site: Site) -> dict[str, object]:
    """Of a step that works."""
    site.environ["FLOWS_KEY"] = str(sshd.key)
    return {
        "repository": sshd.url(origin.bare),
        "credentials": {"env": "FLOWS_KEY"},
        "known_hosts": sshd.known_hosts(),
    }


def refused(options: dict[str, object], site: Site) -> SourceError:
    with pytest.raises(SourceError) as raised:
        git_clone(options, site.job())
    return raised.value


def test_a_repository_is_cloned_once(options: dict[str, object], origin: Origin, site: Site) -> None:
    commit = git("rev-parse", "HEAD", cwd=origin.work)
    job, again = site.job(), site.job()
    assert git_clone({**options, "branch": "main"}, job)["commit"] == commit
    git_clone({**options, "commit": commit}, again)
    assert (again.folder / "flow.py").read_text() == "x = 1\n"
    assert site.count("fetch") == 1


def test_the_key_stays_in_its_file(options: dict[str, object], sshd: Sshd, site: Site) -> None:
    job = site.job()
    git_clone(options, job)
    secret = sshd.key.read_text().splitlines()[2].encode()
    assert secret not in site.everything()
    assert str(sshd.key).encode() not in site.everything()
    assert str(sshd.key) not in git("config", "--list", cwd=job.folder)


def test_an_unknown_host_is_refused_and_explained(
    options: dict[str, object], sshd: Sshd, origin: Origin, site: Site
) -> None:
    del options["known_hosts"]
    error = refused(options, site)
    assert "Host key verification failed" in error.output
    assert "`known_hosts`" in (error.hint or "")
    assert "Accepted" not in sshd.log.read_text()


def test_a_changed_host_key_is_refused_and_explained(
    options: dict[str, object], sshd: Sshd, site: Site
) -> None:
    git_clone(options, site.job())
    options["known_hosts"] = sshd.known_hosts("other")
    before = sshd.log.read_text().count("Accepted")
    error = refused(options, site)
    assert "HAS CHANGED" in error.output
    assert "another key than the known one" in (error.hint or "")
    assert sshd.log.read_text().count("Accepted") == before


def test_a_key_that_the_host_does_not_accept(options: dict[str, object], sshd: Sshd, site: Site) -> None:
    keygen(sshd.folder / "stranger")
    site.environ["FLOWS_KEY"] = str(sshd.folder / "stranger")
    error = refused(options, site)
    assert "Permission denied (publickey" in error.output
    assert "path of an ssh key" in (error.hint or "")


def test_a_key_with_a_passphrase_asks_nobody(options: dict[str, object], sshd: Sshd, site: Site) -> None:
    locked = sshd.folder / "locked"
    with (sshd.folder / "authorized_keys").open("a") as file:
        file.write(keygen(locked, "a phrase"))
    site.environ["FLOWS_KEY"] = str(locked)
    error = refused(options, site)
    assert "passphrase" in (error.hint or "")


def test_a_key_that_others_can_read(options: dict[str, object], sshd: Sshd, site: Site) -> None:
    sshd.key.chmod(0o644)
    assert "chmod 600" in (refused(options, site).hint or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "silent"])
def test_nobody_there(options: dict[str, object], site: Site, host: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}" if host == "127.0.0.1" else "silent.invalid"
        error = refused({**options, "repository": f"ssh://git@{address}/x.git"}, site)
    assert "does not answer" in str(error)
    assert "Can this worker's host reach" in (error.hint or "")


def test_a_secret_instead_of_a_path_is_not_repeated(
    options: dict[str, object], sshd: Sshd, site: Site
) -> None:
    site.environ["FLOWS_KEY"] = text = sshd.key.read_text()
    error = refused(options, site)
    assert "hold no path" in str(error)
    assert not any(line in f"{error}{error.hint}{error.output}" for line in text.splitlines())


BAD = [
    ({"credentials": {"credential_helper": True}}, "`credentials` are"),
    ({"credentials": {"env": "NOT_SET"}}, "NOT_SET is not set"),
    ({"credentials": "secret"}, "`credentials` are"),
    ({"credentials": {"env": "NO_FILE"}}, "/nowhere/key"),
    ({"known_hosts": 7}, "known_hosts"),
    ({"known_hosts": ["x", {}]}, "known_hosts"),
    ({"repository": "ssh://git:secret@host/x.git"}, "password in its address"),
]


@pytest.mark.parametrize(("change", "says"), BAD)
def test_bad_options(site: Site, change: dict[str, object], says: str) -> None:
    site.environ |= {"NO_FILE": "/nowhere/key"}
    assert says in str(refused({"repository": "git@host.invalid:x.git", **change}, site))


@pytest.mark.parametrize(
    ("address", "ssh"),
    [
        ("git@github.com:a/b.git", True),
        ("host:b", True),
        ("ssh://git@host:22/b", True),
        ("https://host/b.git", False),
        ("file:///a:b", False),
        ("/a/b:c", False),
        ("./a:b", False),
        ("C:\\a", False),
    ],
)
def test_which_addresses_are_ssh(address: str, ssh: bool) -> None:
    assert is_ssh(address) is ssh


def test_the_command_that_a_worker_was_started_with_is_kept(
    options: dict[str, object], sshd: Sshd, site: Site
) -> None:
    own = sshd.folder / "ssh"
    own.write_text(f'#!/bin/sh\ntouch {sshd.folder}/used\nexec ssh -oBatchMode=yes "$@"\n')
    own.chmod(0o755)
    site.environ["GIT_SSH_COMMAND"] = str(own)
    git_clone(options, site.job())
    assert (sshd.folder / "used").exists()
