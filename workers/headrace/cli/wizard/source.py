"""Where workers get the code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.cli.deploying.flags import SourceKind, read_credential
from headrace.cli.wizard.ask import confirm, select, text
from headrace.project.git import Checkout, without_secrets
from headrace.project.sources import BUNDLE, GIT, LOCAL


def ask_source(checkout: Checkout | None, present: Sequence[str] = ()) -> tuple[SourceKind, dict[str, Any]]:
    """The kind of source, and what git needs to know. `present` are the pull steps that there are now."""
    choices = [
        ("upload this folder as a bundle, for workers anywhere", SourceKind.BUNDLE),
        ("this very folder, for workers on this machine", SourceKind.LOCAL),
    ]
    if checkout is not None and checkout.repository and checkout.commit:
        choices.insert(0, (f"git: {checkout.repository}", SourceKind.GIT))
    steps = {SourceKind.GIT: GIT, SourceKind.BUNDLE: BUNDLE, SourceKind.LOCAL: LOCAL}
    # Whatever the source, a step may go to a folder of it: it is local code only if nothing fetches any.
    has = next((each for each, step in steps.items() if step in present), None)
    at = next((number for number, (_, kind) in enumerate(choices) if kind is has), 0)
    kind = select("Where do workers get the code?", choices, at)
    if kind is not SourceKind.GIT or checkout is None:
        return kind, {}
    git: dict[str, Any] = {"repository": text("Repository:", checkout.repository or "", _check_repository)}
    git["branch"] = text("Branch:", checkout.branch or "", _check_branch)
    if confirm("Is the repository private?", default=False):
        reference = text(
            "Where do workers find the secret (env:NAME, ssm:PATH or secretsmanager:ARN)?",
            "env:GIT_TOKEN",
            read_credential,
        )
        git["credentials"] = read_credential(reference)
    return kind, git


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
