"""Headrace's own pull steps with their members: whoever deploys and whoever stores refuses what cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PREFIX = "headrace.deployments.steps."
PREFECTS = "prefect.deployments.steps."
"""The same steps under the names that Prefect gives them."""

TEXT: tuple[type, ...] = (str,)
FLAG: tuple[type, ...] = (bool, str)
"""A text may be a placeholder that an earlier step fills in."""
_OFF = frozenset({"", "false", "no", "off", "0"})
TEXTS: tuple[type, ...] = (str, list)
NAMES: tuple[type, ...] = (dict,)
ANY: tuple[type, ...] = (object,)
Members = Mapping[str, tuple[type, ...]]

_OF_ALL: Members = {"id": TEXT, "requires": TEXTS}
_REQUIREMENTS: Members = {
    "requirements_file": TEXT,
    "requirements": TEXT,
    "directory": TEXT,
    "stream_output": FLAG,
}
MEMBERS: Mapping[str, Members] = {
    "git_clone": {
        **dict.fromkeys(("repository", "branch", "tag", "commit", "commit_sha", "track", "directory"), TEXT),
        "credentials": ANY,
        "access_token": ANY,
        "known_hosts": TEXTS,
        "directories": (list,),
        "include_submodules": FLAG,
    },
    "pull_bundle": {"digest": TEXT, "size": (int,)},
    "set_working_directory": {"directory": TEXT},
    "run_shell_script": {
        "script": TEXT,
        "directory": TEXT,
        "env": NAMES,
        "stream_output": FLAG,
        "expand_env_vars": FLAG,
    },
    "pip_install": {"packages": TEXTS, **_REQUIREMENTS},
    "pip_install_requirements": _REQUIREMENTS,
}
"""By the short name of a step: its members, and of which type each is. Null stands for left out."""
NEEDED: Mapping[str, str] = {"set_working_directory": "directory", "run_shell_script": "script"}
"""What a step cannot do without, once it is complete."""
_WORDS = {TEXT: "a text", FLAG: "true or false", TEXTS: "a text or a list", NAMES: "names and values"}


def short_name(name: str) -> str | None:
    """The name of one of our own steps without its prefix, or None for a function of the user's."""
    short = name.removeprefix(PREFIX).removeprefix(PREFECTS)
    return short if short in MEMBERS else None


def is_on(value: object) -> bool:
    """Whether a member that is true or false is on, if a text stands for it, too, as in `"false"`."""
    return value.strip().lower() not in _OFF if isinstance(value, str) else bool(value)


def local_folder(steps: Iterable[Mapping[str, Any]] | None) -> str | None:
    """The folder to which the steps go, where the code is a folder as it is: no step brings it from elsewhere."""
    named = [(short_name(name), options) for step in steps or () for name, options in step.items()]
    if any(name in (None, "git_clone", "pull_bundle") for name, _ in named):
        return None
    folders = [str(options["directory"]) for name, options in named if name == "set_working_directory"]
    return folders[0] if folders else None


def mistakes(name: str, options: object, *, prefixed: bool = False) -> Iterator[tuple[str, str]]:
    """What is wrong with a step: at which member (empty: the step itself), and what.

    A name without a dot cannot be a function of the user's; `prefixed`: ours must have their prefix, too.
    """
    short = short_name(name)
    if prefixed and short == name:
        yield "", f"is no pull step; did you mean {PREFIX + name!r}?"
        return
    if short is None:
        if name.startswith(PREFIX) or "." not in name:
            tail = name.removeprefix(PREFIX)
            yield "", f"is no pull step{_suggestion(tail, MEMBERS) or _known(MEMBERS)}"
        return
    if isinstance(options, Mapping):
        yield from _of_members(short, options)
    elif options is not None:
        yield "", "must have its members below it, as names and values"


def _of_members(short: str, options: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    members = {**MEMBERS[short], **_OF_ALL}
    for member, value in options.items():
        if member not in members:
            yield (
                str(member),
                f"is no member of {short}{_suggestion(str(member), members) or _known(members)}",
            )
        elif value is not None and not _fits(value, members[member]):
            yield str(member), f"must be {_WORDS.get(members[member], members[member][0].__name__)}"


def lacks(name: str, options: Mapping[str, Any]) -> str | None:
    """The member that a complete step of ours lacks, if any."""
    needed = NEEDED.get(short_name(name) or "")
    return needed if needed and not str(options.get(needed) or "").strip() else None


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, list) and list in kinds:
        return all(isinstance(one, str) for one in value)
    return isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds and kinds != ANY)


def _suggestion(name: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches  # workers import this file, and ask for no suggestion

    longer = [other for other in known if len(name) > 2 and other.startswith(name)]
    near = longer or get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _known(known: Mapping[str, object]) -> str:
    return f"; there are {', '.join(sorted(known))}"
