"""One way to call git: it never asks, never waits for ever, and hears of a secret in its environment only.

The password goes to git through GIT_ASKPASS: a fixed script that prints a variable of that one child, and
only to the host of the repository. It is thus in no address, argument, file or log. Unless the reference says
`credential_helper`, helpers are off: one of them might store what it was told.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from headrace.worker.sources.commands import Done, run_command
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.git_options import GitOptions
from headrace.worker.sources.git_ssh import HINTS, is_ssh, key_path, known_hosts_name, ssh_environment
from headrace.worker.sources.secrets import REFERENCES, Redactor, fields_of, read_reference
from headrace.worker.sources.workshop import Job

SECONDS = 120.0
FETCH_SECONDS = 900.0
WHOLE = ("-c", "fetch.unpackLimit=1")
"""A fetch keeps the pack that it is sent, which is there when all of it has come. Unpacked, as small ones are else,
the commit would be there before what it names, and a fetch that is killed would leave it so."""
USER = "x-access-token"
"""Hosts that take a token as password take any user name, or this one."""
_KEPT = (
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_NO_VERIFY",
    "GIT_EXEC_PATH",
)
# Git asks "Password for 'https://user@host/path': ": what counts is the host, with or without a path behind it
# (credential.useHttpPath), and nothing that only looks like it further on.
ASKPASS = """#!/bin/sh
place=${1#*://}
place=${place%%[/\\']*}
[ "${place##*@}" = "$HEADRACE_GIT_HOST" ] || exit 1
case "$1" in
  Username*) printf '%s\\n' "$HEADRACE_GIT_USER" ;;
  *) printf '%s\\n' "$HEADRACE_GIT_SECRET" ;;
esac
"""
_CONFIG = """[include]
\tpath = {xdg}
\tpath = {home}
[credential]
\thelper =
[core]
\thooksPath = {nowhere}
[gc]
\tautoDetach = false
[maintenance]
\tautoDetach = false
[http]
\tlowSpeedLimit = 1000
\tlowSpeedTime = 60
"""


class Git:
    """Git, as one run's preparation may use it."""

    def __init__(self, job: Job, wanted: GitOptions) -> None:
        environ = job.workshop.environ
        credentials = wanted.credentials
        self._job = job
        self._program = shutil.which("git", path=environ.get("PATH", os.defpath))
        if self._program is None:
            raise SourceError(
                "git is not installed where this worker runs (or not on its PATH)",
                hint="Install git there, or deploy the code as a bundle.",
            )
        self.folder = job.workshop.cache.root
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._env = _quiet(environ) | {"GIT_ALLOW_PROTOCOL": _protocols(wanted.repository)}
        if not (isinstance(credentials, dict) and credentials.get("credential_helper") is True):
            self._env["GIT_CONFIG_GLOBAL"] = str(self._own_config(environ))
            if credentials is not None and not is_ssh(wanted.repository):
                self._env |= self._askpass(wanted.repository, credentials)
        self._env |= self._ssh(wanted, environ)

    def run(self, *arguments: str, cwd: Path | None = None, seconds: float = SECONDS) -> Done:
        """Run git, whatever comes of it.

        Raises:
            SourceError: It cannot be started, or takes too long.
        """
        argv = [str(self._program), *WHOLE, *arguments]
        return run_command(
            argv,
            env=self._env,
            cwd=cwd or self.folder,
            seconds=seconds,
            redactor=self._job.redactor,
            leash=self._job.leash,
            what=f"git {arguments[0]}",
        )

    def must(self, *arguments: str, cwd: Path | None = None, seconds: float = SECONDS) -> str:
        """Run git and give its standard output.

        Raises:
            SourceError: It fails.
        """
        done = self.run(*arguments, cwd=cwd, seconds=seconds)
        if done.status:
            raise failed(done, f"git {arguments[0]} failed")
        return done.stdout

    def _own_config(self, environ: Mapping[str, str]) -> Path:
        home = environ.get("HOME") or str(Path.home())
        xdg = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
        text = _CONFIG.format(
            xdg=_quoted(f"{xdg}/git/config"), home=_quoted(f"{home}/.gitconfig"), nowhere=_quoted(os.devnull)
        )
        return _written(self.folder / "gitconfig", text, 0o600)

    def _ssh(self, wanted: GitOptions, environ: Mapping[str, str]) -> dict[str, str]:
        key, known = None, None
        if is_ssh(wanted.repository) and wanted.credentials is not None:
            if not isinstance(wanted.credentials, dict) or "credential_helper" in wanted.credentials:
                raise SourceError(f"with an ssh address, `credentials` are {REFERENCES}")
            # A path is no secret: it may be said which file is missing. Anything else is not repeated.
            key = key_path(read_reference(wanted.credentials, environ, Redactor()))
        if wanted.known_hosts:
            known = _written(self.folder / known_hosts_name(wanted.known_hosts), wanted.known_hosts, 0o600)
        return ssh_environment(environ, key, known)

    def _askpass(self, repository: str, credentials: object) -> dict[str, str]:
        address = urlsplit(repository)
        if address.scheme not in ("http", "https") or not isinstance(credentials, dict):
            raise SourceError(
                f'`credentials` are {REFERENCES} or {{"credential_helper": true}}, and go with https and ssh '
                "addresses alone; leave them out for any other"
            )
        redactor = self._job.redactor
        user, secret = fields_of(read_reference(credentials, self._job.workshop.environ, redactor), redactor)
        script = _written(self.folder / "askpass.sh", ASKPASS, 0o700)
        return {
            "GIT_ASKPASS": str(script),
            "HEADRACE_GIT_HOST": address.netloc.rpartition("@")[2],
            "HEADRACE_GIT_USER": str(credentials.get("username") or user or address.username or USER),
            "HEADRACE_GIT_SECRET": secret,
        }


def failed(done: Done, text: str) -> SourceError:
    """What git said, and what that usually means."""
    hint = next((hint for words, hint in _HINTS if any(word in done.output for word in words)), None)
    return SourceError(text, output=done.output, hint=hint)


def _quiet(environ: Mapping[str, str]) -> dict[str, str]:
    env = {
        name: value
        for name, value in environ.items()
        if name in _KEPT or not name.startswith(("GIT_", "HEADRACE_", "SSHASKPASS"))
    }
    return env | {
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",
        "GIT_ASKPASS": "",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


def _protocols(repository: str) -> str:
    """A repository from elsewhere has no business with files of this host, as a submodule might."""
    local = urlsplit(repository).scheme in ("", "file")
    return "http:https:ssh:file" if local else "http:https:ssh"


def _quoted(path: str) -> str:
    """A value of git's configuration."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _written(path: Path, text: str, mode: int) -> Path:
    """A file with this content, always whole: other workers read it at the same time."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        new = path.with_name(f"{path.name}.{os.urandom(6).hex()}")
        new.write_text(text, encoding="utf-8")
        new.chmod(mode)
        new.replace(path)
    return path


_HINTS = (
    *HINTS,
    (
        (
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "returned error: 403",
        ),
        "The repository wants credentials that this worker does not have, or refuses them. Give the step "
        '`credentials`, such as {"env": "NAME"}, and set that variable where the worker runs.',
    ),
    (
        ("not found", "does not exist", "not appear to be a git repository", "returned error: 404"),
        "Is the address right? Hosts also say `not found` of a private repository without credentials.",
    ),
    (
        ("Could not resolve host", "Failed to connect", "unable to access", "Connection refused"),
        "Can this worker's host reach the repository's, perhaps through a proxy (HTTPS_PROXY)?",
    ),
    (
        ("No space left on device", "Disk quota exceeded"),
        "Make room on this worker's disk, or lower HEADRACE_CACHE_MB.",
    ),
)
