"""`headrace login`: keep the address of a control plane and a key for it in a profile."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from headrace.cli.connect import connect_to, read_profiles
from headrace.cli.deploying.terminal import is_interactive
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, note, report
from headrace.settings import (
    Profile,
    Profiles,
    SettingsError,
    checked_url,
    headrace_home,
    save_profiles,
)

if TYPE_CHECKING:
    from headrace.contract.api_keys import Me

DEFAULT_NAME = "default"
LONGEST = 4096


def command(
    *,
    api_url: Annotated[
        str | None,
        typer.Option(
            "--api-url",
            help="Address of the API, as in https://HOST/api. Asked for if left out.",
            metavar="URL",
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            help="The key. Left out, it is asked for unseen, or read from standard input.",
            metavar="KEY",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="Name of the profile; left out, the one of that address, else 'default'.",
            metavar="NAME",
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Log in: check an API key, and keep it in a profile that is used from now on."""
    profiles = read_profiles()
    url = _checked(api_url if api_url is not None else _ask_url(profiles))
    name = _profile_name(profiles, profile, url)
    key = _one_key(api_key if api_key is not None else _ask_key())
    with connect_to(url, key) as api:
        me = api.api_keys.me()
    profiles = read_profiles()  # somebody may have made or changed one while the key was awaited
    name = _profile_name(profiles, profile, url)
    save_profiles(
        headrace_home(),
        profiles.with_profile(name, Profile(url, key if me.keys_required else None), use=True),
    )
    _warn(url)
    who = f"{me.name!r} in the role {me.role.value}" if me.keys_required else "anybody: it asks for no keys"
    shown = {"profile": name, "api_url": url, **me.model_dump(mode="json")}
    report(output, shown, f"Logged in at {url} as {who}. Profile {name!r} is in use.", *_ending(me))


def _ask_url(profiles: Profiles) -> str:
    known = profiles.profiles.get(profiles.active or "")
    if not is_interactive():
        raise BadUsage("There is nobody to ask for the address.", "Give it: headrace login --api-url URL")
    from headrace.cli.wizard import ask

    return ask.text(
        "Address of the API:", known.api_url if known else "", lambda line: checked_url(line, "it")
    )


def _ask_key() -> str:
    if is_interactive():
        from getpass import getpass

        return getpass("API key (it is not shown): ")
    return sys.stdin.readline(LONGEST) if sys.stdin is not None else ""


def _one_key(text: str) -> str:
    key = text.strip()
    if not key:
        raise BadUsage(
            "There is no API key.", "Give it on standard input: headrace login --api-url URL < FILE"
        )
    if not key.isascii() or not key.isprintable() or " " in key or len(key) >= LONGEST:
        raise BadUsage(
            "What was given is not an API key.", "A key looks like hr_...: one word, without blanks."
        )
    return key


def _checked(url: str) -> str:
    try:
        return checked_url(url, "--api-url")
    except SettingsError as error:
        raise BadUsage(str(error)) from None


def _profile_name(profiles: Profiles, wanted: str | None, url: str) -> str:
    """The one that was named, else the one of this address, else `default`, if that is not another's."""
    if wanted is not None:
        if not wanted.strip() or wanted != wanted.strip() or len(wanted) > 100:
            raise BadUsage(f"--profile: {wanted[:60]!r} is not a name.", "Write 1 to 100 characters.")
        return wanted
    of_address = [name for name, known in profiles.profiles.items() if known.api_url == url]
    if of_address:
        return profiles.active if profiles.active in of_address else of_address[0]
    if DEFAULT_NAME in profiles.profiles:
        raise CliError(
            f"Profile {DEFAULT_NAME!r} is for another address.",
            "Name one for this: headrace login --profile NAME",
        )
    return DEFAULT_NAME


def _ending(me: Me) -> list[str]:
    if not me.keys_required:
        return ["The key is not kept."]
    return [f"The key ends at {me.expires_at:%Y-%m-%d %H:%M} UTC."] if me.expires_at else []


def _warn(url: str) -> None:
    """Of a key that others on the network can read, and of an environment that makes the profile useless."""
    address = urlsplit(url)
    if address.scheme == "http" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
        note("Note: http:// sends the key unencrypted; use https:// beyond networks that you trust.")
    names = [n for n in ("HEADRACE_API_URL", "HEADRACE_API_KEY", "HEADRACE_PROFILE") if os.environ.get(n)]
    if names:
        note(f"Note: {' and '.join(names)} in the environment goes before any profile.")


def forget_key(profiles: Profiles, name: str) -> Profiles:
    """These profiles, with the key of one forgotten."""
    kept = replace(profiles.profiles[name], api_key=None)
    return replace(profiles, profiles={**profiles.profiles, name: kept})
