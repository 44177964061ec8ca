"""Where workers get the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.cli.deploying.answers import credential_words
from headrace.cli.deploying.flags import SourceKind, read_credential
from headrace.cli.wizard.ask import confirm, select, text
from headrace.project.git import Checkout, without_secrets
from headrace.project.sources import BUNDLE, GIT, LOCAL

Steps = Sequence[Mapping[str, Any]]
_STEPS = {SourceKind.GIT: GIT, SourceKind.BUNDLE: BUNDLE, SourceKind.LOCAL: LOCAL}
_RENEWED = {
    SourceKind.GIT: {"repository", "branch", "tag", "commit", "commit_sha", "credentials"},
    SourceKind.BUNDLE: {"digest", "size"},
    SourceKind.LOCAL: {"directory"},
}
"""Options of the source's step that are answered, or known by the folder, each time."""


def ask_source(checkout: Checkout | None, present: Steps = ()) -> tuple[SourceKind, dict[str, Any]]:
    """The kind of source, and what git needs to know. `present` are the pull steps that there are now."""
    choices = [
        ("upload this folder as a bundle, for workers anywhere", SourceKind.BUNDLE),
        ("this very folder, for workers on this machine", SourceKind.LOCAL),
    ]
    if checkout is not None and checkout.repository and checkout.commit:
        choices.insert(0, (f"git: {checkout.repository}", SourceKind.GIT))
    has = _kind(present)
    at = next((number for number, (_, kind) in enumerate(choices) if kind is has), 0)
    kind = select("Where do workers get the code?", choices, at)
    if kind is not SourceKind.GIT or checkout is None:
        return kind, {}
    git: dict[str, Any] = {"repository": text("Repository:", checkout.repository or "", _check_repository)}
    git["branch"] = text("Branch:", checkout.branch or "", _check_branch)
    known = _of(GIT, present).get("credentials") or {}
    if confirm("Is the repository private?", default=bool(known)):
        reference = text(
            "Where do workers find the secret (env:NAME, ssm:PATH or secretsmanager:ARN)?",
            next(iter(credential_words(known)), "env:GIT_TOKEN"),
            read_credential,
        )
        git["credentials"] = read_credential(reference)
    return kind, git


def kept_steps(present: Steps, kind: SourceKind, git: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """All pull steps where the source stays of its kind: its step as answered, the others as they are.

    None if the answers alone say it all.
    """
    if _kind(present) is not kind:
        return None
    name = _STEPS[kind]
    has = _of(name, present)
    options = {each: value for each, value in has.items() if each not in _RENEWED[kind]}
    if has.get("branch") != git.get("branch"):
        options.pop("track", None)
    at = next(number for number, step in enumerate(present) if name in step)
    steps = [
        {name: {**options, **git}} if number == at else dict(step) for number, step in enumerate(present)
    ]
    return steps if options or len(steps) > 1 else None


def _kind(present: Steps) -> SourceKind | None:
    """Whatever the source, a step may go to a folder of it: it is local code only if nothing fetches any."""
    names = {name for step in present for name in step}
    return next((kind for kind, step in _STEPS.items() if step in names), None)


def _of(name: str, present: Steps) -> dict[str, Any]:
    """The options of the first step of this name."""
    return next((dict(step[name] or {}) for step in present if name in step), {})


def _check_repository(line: str) -> None:
    if not line:
        raise ValueError("a repository has an address")
    if without_secrets(line) != line:
        raise ValueError(
            "leave the password out: workers get a reference to it, which is the next question but one"
        )


def _check_branch(line: str) -> None:
    if not line or any(sign in line for sign in " ~^:?*[\\"):
        raise ValueError("that is no name of a branch")
