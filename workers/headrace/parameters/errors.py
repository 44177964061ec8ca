"""What is wrong with parameters: everything, each with the place where it is."""

from __future__ import annotations

from collections.abc import Iterable

Place = tuple[str | int, ...]
Problem = tuple[Place, str]


class Misfit(Exception):
    """A value does not fit a hint; `problems` are all the reasons, with places inside the value."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(describe(self.problems))

    @classmethod
    def because(cls, reason: str) -> Misfit:
        """One problem with the value itself."""
        return cls([((), reason)])

    def under(self, key: str | int) -> list[Problem]:
        """The problems as seen from the container that has the value under `key`."""
        return [((key, *place), reason) for place, reason in self.problems]


class ParameterError(ValueError):
    """Parameters do not fit the flow. `problems` lists (path, reason) for all that is wrong."""

    def __init__(self, flow: str, problems: Iterable[Problem]) -> None:
        found = list(problems)
        self.problems = [(path(place), reason) for place, reason in found]
        super().__init__(f"the parameters do not fit {flow}: {describe(found)}")


def describe(problems: Iterable[Problem]) -> str:
    """All problems in one line."""
    return "; ".join(f"{path(place)}: {reason}" if place else reason for place, reason in problems)


def path(place: Place) -> str:
    """A place as people write it: `person.addresses[0].zip`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def show(value: object) -> str:
    """A value as messages show it: JSON's words for JSON's values, and not too long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an object that cannot show itself still gets its message
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:60]}... ({type(value).__name__})"
