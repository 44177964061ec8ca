"""The members of the step `git_clone`, checked."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from headrace.contract.base import Json
from headrace.contract.pull_steps import is_on
from headrace.worker.sources.errors import SourceError

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REF = re.compile(r"(?!-)(?!.*(\.\.|@\{|//|\.lock$|/$))[^\x00-\x20~^:?*\[\\\x7f]+")
_SOURCE = ("repository", "branch", "tag", "commit", "commit_sha", "track", "credentials", "known_hosts")
_SHAPE = ("directory", "directories", "include_submodules", "id", "requires")
_MEMBERS = frozenset(_SOURCE + _SHAPE)


@dataclass(frozen=True, slots=True)
class GitOptions:
    """What to get. `ref` is a full ref name, or HEAD; a `commit` pins, and then no ref is looked up."""

    repository: str
    ref: str
    commit: str | None
    directory: str
    sparse: tuple[str, ...]
    submodules: bool
    credentials: object
    known_hosts: str = ""

    @property
    def mirror(self) -> str:
        """The mirror's entry in the cache: who may read a repository by one reference may not by another."""
        name = re.sub(r"[^\w.-]+", "-", urlsplit(self.repository).path.rstrip("/").removesuffix(".git"))[-40:]
        told = json.dumps([self.repository, self.credentials], sort_keys=True)
        return f"mirrors/{name.strip('-.') or 'repository'}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def tree(self, commit: str) -> str:
        """The tree's entry in the cache; its name begins with its mirror's."""
        shape = json.dumps([sorted(self.sparse), self.submodules])
        variant = (
            f"-{hashlib.sha256(shape.encode()).hexdigest()[:8]}" if self.sparse or self.submodules else ""
        )
        return f"trees/{self.mirror.partition('/')[2]}-{commit}{variant}"

    @property
    def branch(self) -> str:
        """How people call the ref."""
        kind = "tag" if self.ref.startswith("refs/tags/") else "branch"
        return "the default branch" if self.ref == "HEAD" else f"the {kind} {self.ref.split('/', 2)[2]!r}"


def read_options(options: Json) -> GitOptions:
    """The options of a step.

    Raises:
        SourceError: One is missing or wrong.
    """
    if options.get("access_token"):
        raise SourceError(
            "`access_token` would be stored and shown; name it by reference instead: "
            '"credentials": {"env": "NAME"}'
        )
    if unknown := sorted(set(options) - _MEMBERS):
        raise SourceError(f"it has no member {unknown[0]!r}; it has {', '.join(sorted(_MEMBERS))}")
    sparse = options.get("directories") or []
    if not isinstance(sparse, list):
        raise SourceError("`directories` must be a list of folders")
    return GitOptions(
        repository=_repository(options.get("repository")),
        ref=_ref(options),
        commit=None if options.get("track") == "branch" else _commit(options),
        directory=_inside(options.get("directory") or ""),
        sparse=tuple(_inside(folder) for folder in sparse),
        submodules=is_on(options.get("include_submodules")),
        credentials=options.get("credentials"),
        known_hosts=_known_hosts(options.get("known_hosts")),
    )


def _repository(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or value.startswith("-"):
        raise SourceError("it needs `repository`, an address such as https://host/owner/name.git")
    if re.match(r"\w+::", value):
        raise SourceError("`repository` must be an https, ssh or file address; git's remote helpers are off")
    if "://" in value and urlsplit(value).password:
        raise SourceError(
            "`repository` has a password in its address, where it would be stored and shown; take it out "
            'and name it by reference: "credentials": {"env": "NAME"}'
        )
    return value.strip()


def _known_hosts(value: object) -> str:
    given = value if isinstance(value, list) else [] if value is None else [value]
    lines = [line for line in given if isinstance(line, str)]
    if len(lines) < len(given):
        raise SourceError("`known_hosts` must be lines of ssh's known_hosts, as ssh-keyscan prints them")
    return "".join(f"{line.strip()}\n" for line in lines)


def _ref(options: Json) -> str:
    branch, tag = options.get("branch"), options.get("tag")
    if branch and tag:
        raise SourceError("it has both `branch` and `tag`; give one")
    for name in (branch, tag):
        if name and not (isinstance(name, str) and _REF.fullmatch(name)):
            raise SourceError(f"{name!r:.100} is no name of a branch or tag")
    if options.get("track") not in (None, "branch", "commit"):
        raise SourceError(f"`track` is {options['track']!r:.100}; it may be branch (its tip) or commit")
    return f"refs/tags/{tag}" if tag else f"refs/heads/{branch}" if branch else "HEAD"


def _commit(options: Json) -> str | None:
    commit = options.get("commit") or options.get("commit_sha")
    if commit is None:
        return None
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise SourceError(
            f"`commit` is {commit!r:.100}; give all 40 characters of its hash (git rev-parse HEAD)"
        )
    return commit


def _inside(value: object) -> str:
    parts = value.replace("\\", "/").split("/") if isinstance(value, str) else [".."]
    if ".." in parts or str(value).startswith(("/", "-")):
        raise SourceError(f"{value!r:.100} is no folder inside the repository")
    return str(value).strip("/")
