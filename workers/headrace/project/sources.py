"""Completes pull steps where the code is: pins commits, packs bundles, names folders."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.contract.pull_steps import MEMBERS, lacks, mistakes, short_name
from headrace.contract.pull_steps import PREFIX as PREFIX
from headrace.project.errors import Place, ProjectError, mistaken
from headrace.project.git import Checkout, is_same_repository, read_checkout, without_secrets

if TYPE_CHECKING:
    from headrace.bundles import Bundle

GIT, BUNDLE, LOCAL = (PREFIX + name for name in ("git_clone", "pull_bundle", "set_working_directory"))

_MOVES = ("git_clone", "pull_bundle", "set_working_directory", None)
"""After these, a relative folder is one of theirs; None: a function of the user's, which may say a folder."""

Steps = list[dict[str, Any]]


class Sources:
    """The code of one folder; git is asked and a bundle packed at most once, and only if a step needs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packed: Bundle | None = None

    @cached_property
    def checkout(self) -> Checkout | None:
        """The working tree that the folder belongs to."""
        return read_checkout(self.folder)

    def steps(self, raw: Sequence[Mapping[str, Any]]) -> Steps:
        """The steps with all that a worker elsewhere needs.

        Raises:
            ProjectError: Something is missing that nothing here can tell.
        """
        _refuse_unknown(raw)
        named = [(_full(name), dict(options or {})) for step in raw for name, options in step.items()]
        done: Steps = []
        for place, (name, options) in enumerate(named):
            follows = any(later == LOCAL for later, _ in named[place + 1 :])
            is_first = not any(short_name(earlier) in _MOVES for earlier, _ in named[:place])
            if name == GIT:
                done += self._git(options, in_subfolder=not follows)
            elif name == BUNDLE and "digest" not in options:
                bundle = self._pack()
                done.append({name: {**options, "digest": bundle.digest, "size": bundle.size}})
            elif name == LOCAL and not options.get("directory"):
                done.append({name: {"directory": str(self.folder)}})
            elif short_name(name) == "set_working_directory" and is_first:
                done.append({name: {**options, "directory": self._written_out(str(options["directory"]))}})
            else:
                done.append({name: options})
        return done

    @contextlib.contextmanager
    def kept(self) -> Iterator[Sources]:
        """Delete the packed bundle in the end."""
        try:
            yield self
        finally:
            if self.packed is not None:
                self.packed.path.unlink(missing_ok=True)

    def _written_out(self, directory: str) -> str:
        """A folder of the project with its whole path: a worker would look for it from where it was started."""
        here = self.folder / directory
        return str(here) if here.is_dir() else directory

    def _pack(self) -> Bundle:
        if self.packed is None:
            from headrace.bundles import PackError, pack

            try:
                self.packed = pack(self.folder)
            except PackError as error:
                raise ProjectError(str(error)) from None
        return self.packed

    def _git(self, options: dict[str, Any], *, in_subfolder: bool) -> Steps:
        here = self.checkout
        own = here is not None and self._is_own(here, options.get("repository"))
        repository = options.get("repository") or (here.repository if here else None)
        if not repository:
            raise ProjectError(
                "The git source needs a repository, and this folder is no clone with a remote.",
                "Give it with --repository URL (as a member of the step: repository), or choose the bundle source.",
            )
        if without_secrets(repository) != repository:
            raise ProjectError(
                "The repository's address holds a password or token (or a name that may be one), which would be stored "
                "with the deployment.",
                "Leave it out, and name where the worker finds it: --credential env:NAME.",
            )
        credentials = options.get("credentials")
        by_helper = isinstance(credentials, dict) and credentials.get("credential_helper") is True
        if credentials and not by_helper and _is_path(str(repository)):
            raise ProjectError(
                f"The repository {repository} is a folder that workers read as it is, and credentials go with https "
                "and ssh addresses alone.",
                "Leave out --credential (as a member of the step: credentials), or give another --repository URL.",
            )
        step = {"repository": repository, **{k: v for k, v in options.items() if v is not None}}
        if own and here and not any(step.get(name) for name in ("branch", "commit", "commit_sha", "tag")):
            step["branch"] = here.branch
        self._pin(step, here if own else None)
        step = {name: value for name, value in step.items() if value is not None}
        prefix = here.prefix if own and here and in_subfolder else ""
        return [{GIT: step}, *([{LOCAL: {"directory": prefix}}] if prefix else [])]

    def _is_own(self, here: Checkout, repository: object) -> bool:
        """Whether the folder is a clone of it: by its address, which another one may stand for."""
        if repository is None:
            return True
        return here.repository is not None and is_same_repository(str(repository), here.repository)

    def _pin(self, step: dict[str, Any], here: Checkout | None) -> None:
        """Runs of one version use one commit, whatever is pushed in between; `track` says otherwise."""
        if step.get("track") == "branch":
            if not step.get("branch"):
                raise ProjectError(
                    "To follow a branch, name it.",
                    "Give it with --branch NAME (as a member of the step: branch).",
                )
            return
        given = step.pop("commit_sha", None) or step.get("commit")
        if given:
            step["commit"] = _whole(str(given), here)
            return
        if step.get("tag"):
            step["commit"] = here.has_commit(f"refs/tags/{step['tag']}") if here else None
            return  # A worker finds the commit of a tag that this clone lacks.
        branch = step.get("branch")
        commit = here.commit_of(str(branch)) if here and branch else here.commit if here else None
        if commit is None:
            raise ProjectError(
                self._unknown(step, here),
                "Give --commit SHA, or follow the branch with --track (as members of the step, in headrace.yaml or "
                "Python: `commit: SHA` or `track: branch`).",
            )
        step["commit"] = commit

    def _unknown(self, step: Mapping[str, Any], here: Checkout | None) -> str:
        branch = step.get("branch")
        which = f"Which commit branch {branch!r} is at" if branch else "Which commit to run"
        if here is None and self.checkout is not None:
            remote = self.checkout.repository or "no remote"
            return (
                f"{which} is not known here: this folder is a clone of {remote}, not of {step['repository']}."
            )
        if here is None:
            return f"{which} is not known here: this folder is no clone of {step['repository']}."
        return (
            f"{which} is not known here: this clone has no such branch or commit; `git fetch` may bring it."
        )


def _is_path(repository: str) -> bool:
    """Whether git reads it from a disk; `host:path` is ssh."""
    return repository.startswith(("file://", "/", ".")) or ":" not in repository


def _whole(commit: str, here: Checkout | None) -> str:
    """The commit's full hash: a worker cannot fetch by less."""
    found = here.has_commit(commit) if here else None
    if found is None and not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", commit):
        raise ProjectError(
            f"{commit!r} is no full hash of a commit, and this clone knows none by that name.",
            "Give all 40 digits, as `git rev-parse` prints them.",
        )
    return found or commit


def _refuse_unknown(raw: Sequence[Mapping[str, Any]]) -> None:
    """Steps that no worker can do, all at once."""
    found: list[tuple[Place, str]] = []
    for number, (name, options) in enumerate(
        (name, options) for step in raw for name, options in step.items()
    ):
        here: Place = ("pull", number, name)
        wrong = [((*here, member) if member else here, text) for member, text in mistakes(name, options)]
        if not wrong and _full(name) != LOCAL and (member := lacks(name, options or {})):
            wrong = [(here, f"lacks {member!r}")]
        found += wrong
    if found:
        raise mistaken("The pull steps cannot work", found)


def _full(name: str) -> str:
    return PREFIX + name if name in MEMBERS else name


def pinned(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """The commit that completed steps pin, if any."""
    return next((str(step[GIT]["commit"]) for step in steps if GIT in step and "commit" in step[GIT]), None)
