"""The profile of a control plane in an AWS account: which name is free for it, and which key it may keep.

A stage's name says little: `prod` may be in two accounts and in two regions of one. A profile belongs to an address; no
key is ever put beside another address than the one that it was made for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.settings import Profile, Profiles


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage is. `api_url` is empty where nobody tells it any more, since the API is gone."""

    stage: str
    account: str
    region: str
    api_url: str

    @property
    def mark(self) -> str:
        """What a profile keeps of it."""
        return f"{self.account}/{self.region}/{self.stage}"


def with_stage(profiles: Profiles, place: Place, key: str | None) -> tuple[Profiles, str]:
    """These profiles with that of a stage in use, and its name. Without a new key it keeps the one it has."""
    name = _name(profiles, place)
    old = profiles.profiles.get(name)
    kept = old.api_key if old is not None and old.api_url == place.api_url else None
    return profiles.with_profile(name, Profile(place.api_url, key or kept, place.mark), use=True), name


def without_stage(profiles: Profiles, place: Place) -> Profiles:
    """These profiles without those of a stage that is gone: of its address, or made for it."""
    left = {
        name: known
        for name, known in profiles.profiles.items()
        if known.api_url != place.api_url and known.place != place.mark
    }
    return replace(profiles, active=profiles.active if profiles.active in left else None, profiles=left)


def _name(profiles: Profiles, place: Place) -> str:
    """The one that it has; else the stage's name unless another control plane has it, then with more of the place."""
    of_address = names_of(profiles, place.api_url)
    if of_address:
        preferred = (name for name in (place.stage, profiles.active) if name in of_address)
        return next(preferred, None) or of_address[0]
    names = (place.stage, f"{place.stage}-{place.account}")
    free = (name for name in names if name not in profiles.profiles)
    return next(free, f"{place.stage}-{place.account}-{place.region}")


def names_of(profiles: Profiles, api_url: str) -> list[str]:
    """Those of an address."""
    return [name for name, known in profiles.profiles.items() if known.api_url == api_url]
