"""How git speaks ssh: it never asks, an unknown or changed host key is refused, a key is named by its path.

An unknown host is refused rather than trusted at first sight, since what it sends is run.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from headrace.worker.sources.errors import SourceError

_ALWAYS = ("-oBatchMode=yes", "-oConnectTimeout=20", "-oServerAliveInterval=15", "-oServerAliveCountMax=4")
_SHORT_FORM = re.compile(r"(?!\w:[\\/])[^/:]+:(?!//)")


def is_ssh(repository: str) -> bool:
    """Whether the address is an ssh one: ssh://host/path, or host:path."""
    scheme = urlsplit(repository).scheme if "://" in repository else ""
    return scheme == "ssh" or (not scheme and _SHORT_FORM.match(repository) is not None)


def ssh_environment(environ: Mapping[str, str], key: str | None, known_hosts: Path | None) -> dict[str, str]:
    """What git's environment says of ssh. A command that the worker was started with is kept, and added to."""
    found = {"SSH_ASKPASS_REQUIRE": "never"}
    more: list[str] = []
    if key is not None:
        more += ["-i", key, "-oIdentitiesOnly=yes"]
    if known_hosts is not None:
        more += [
            f'-oUserKnownHostsFile="{str(known_hosts).replace("%", "%%")}"',
            "-oGlobalKnownHostsFile=none",
            "-oStrictHostKeyChecking=yes",
        ]
    own = environ.get("GIT_SSH_COMMAND")
    if own is None and "GIT_SSH" in environ and not more:
        return found
    command = own or shlex.join([environ.get("GIT_SSH", "ssh"), *_ALWAYS])
    return {**found, "GIT_SSH_COMMAND": f"{command} {shlex.join(more)}".rstrip()}


def key_path(value: str) -> str:
    """The path of a private key on this host, from the value of a reference, which is never repeated otherwise.

    Raises:
        SourceError: It is no path of a file.
    """
    path = Path(value).expanduser()
    if "\n" in value or not path.is_absolute():
        raise SourceError(
            "`credentials` of an ssh address must lead to the absolute path of a private key; they hold no path",
            hint="Keep the key in a file of mode 600 where the worker runs, and give the file's path.",
        )
    if not path.is_file():
        raise SourceError(
            f"the ssh key {path}, to which `credentials` lead, is not on this worker's host",
            hint="Put it there, readable by the user that runs the worker alone (chmod 600).",
        )
    return str(path)


def known_hosts_name(lines: str) -> str:
    """The name of the file that holds these lines."""
    return f"known_hosts-{hashlib.sha256(lines.encode()).hexdigest()[:16]}"


HINTS = (
    (
        ("REMOTE HOST IDENTIFICATION HAS CHANGED",),
        "The repository's host shows another key than the known one: it was set up anew, or somebody stands "
        "between. Ask who runs it; if the new key is right, remove the old one (ssh-keygen -R HOST) and add it.",
    ),
    (
        ("Host key verification failed", "host key is known for"),
        "This worker does not know the repository's host, and does not trust it unseen. Compare its key with "
        "what the host publishes (ssh-keyscan HOST), and give it as the step's `known_hosts`, or add it to "
        "~/.ssh/known_hosts of the user that runs this worker.",
    ),
    (
        ("UNPROTECTED PRIVATE KEY FILE",),
        "Others can read the ssh key, so ssh does not use it: chmod 600 it.",
    ),
    (
        ("Permission denied (publickey",),
        "Give the step `credentials` that name the path of an ssh key which the host accepts (one without a "
        "passphrase, or one in a running ssh-agent), or give such a key to the user that runs this worker; or "
        "use an https address.",
    ),
)
"""What ssh says, and what that usually means."""
