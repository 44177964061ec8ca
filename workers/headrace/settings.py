"""Settings of command line, worker and client: environment over profile file, nothing else.

`HEADRACE_HOME` (default `~/.headrace`) holds `profiles.json`:
`{"active": "local", "profiles": {"local": {"api_url": "http://127.0.0.1:4200/api", "api_key": null}}}`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path


class SettingsError(Exception):
    """The settings cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How to reach one control plane, and of a stage in AWS where it is (`stage_profiles`), to forget it by."""

    api_url: str
    api_key: str | None = field(default=None, repr=False)
    place: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profile file: all profiles by name, and which is in use."""

    active: str | None = None
    profiles: dict[str, Profile] = field(default_factory=dict)

    def with_profile(self, name: str, profile: Profile, *, use: bool = False) -> Profiles:
        """These profiles and one more; the first one made is in use."""
        active = name if use or self.active is None else self.active
        return Profiles(active, {**self.profiles, name: profile})

    def using(self, name: str) -> Profiles:
        """These profiles with another one in use."""
        if name not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise SettingsError(
                f"There is no profile {name!r} (profiles: {known}). "
                f"`headrace profile create {name} --api-url URL` makes it."
            )
        return replace(self, active=name)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force now, and where it came from (`source`, for messages)."""

    home: Path
    profile: str | None = None
    api_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    source: str = "nothing"

    def require_api_url(self) -> str:
        """The API's address.

        Raises:
            SettingsError: None is set.
        """
        if self.api_url is None:
            raise SettingsError(
                "No control plane is configured. `headrace server start` starts a local one and writes "
                "a profile for it; to one that runs elsewhere log in: `headrace login --api-url URL` "
                "(or set HEADRACE_API_URL)."
            )
        return self.api_url


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment, then the profile it names (or the active one).

    Raises:
        SettingsError: The profile file cannot be read, or has no such profile.
    """
    env = os.environ if environ is None else environ
    home = headrace_home(env)
    url, key, wanted = env.get("HEADRACE_API_URL"), env.get("HEADRACE_API_KEY"), env.get("HEADRACE_PROFILE")
    if url and not wanted:
        return Settings(home, None, checked_url(url, "HEADRACE_API_URL"), key, "HEADRACE_API_URL")
    profiles = load_profiles(home)
    name = profiles.using(wanted).active if wanted else profiles.active
    profile = profiles.profiles.get(name) if name else None
    if url:
        return Settings(home, name, checked_url(url, "HEADRACE_API_URL"), key, "HEADRACE_API_URL")
    if name is None or profile is None:
        return Settings(home, api_key=key)
    return Settings(home, name, profile.api_url, key or profile.api_key, f"profile {name}")


def headrace_home(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of profiles, worker state and embedded data."""
    env = os.environ if environ is None else environ
    chosen = env.get("HEADRACE_HOME")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".headrace"


def checked_url(url: str, origin: str) -> str:
    """The address without a slash at its end.

    Raises:
        SettingsError: It is no http or https address.
    """
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{origin} is {url!r}; expected an address such as http://127.0.0.1:4200/api.")
    return url.rstrip("/")


def load_profiles(home: Path) -> Profiles:
    """Read `profiles.json`; a missing file is no profiles.

    Raises:
        SettingsError: The file is not what it should be.
    """
    path = home / "profiles.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = data.get("profiles", {})
        return Profiles(
            data.get("active"),
            {
                name: Profile(
                    checked_url(entry["api_url"], f"profile {name}"), entry.get("api_key"), entry.get("place")
                )
                for name, entry in entries.items()
            },
        )
    except FileNotFoundError:
        return Profiles()
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise SettingsError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Mend it, or delete it and make "
            "profiles anew with `headrace profile create`."
        ) from error


def _entry(profile: Profile) -> dict[str, str | None]:
    entry = asdict(profile)
    return entry if profile.place else {name: value for name, value in entry.items() if name != "place"}


def save_profiles(home: Path, profiles: Profiles) -> None:
    """Write `profiles.json` in one step, readable by its owner alone (it may hold API keys)."""
    home.mkdir(parents=True, exist_ok=True)
    data = {
        "active": profiles.active,
        "profiles": {name: _entry(profile) for name, profile in profiles.profiles.items()},
    }
    handle, name = tempfile.mkstemp(dir=home, prefix="profiles.", suffix=".new")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(data, indent=2) + "\n")
    Path(name).replace(home / "profiles.json")
