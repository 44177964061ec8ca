"""Replacing attributes of moto's modules and classes, by name and reversibly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@dataclass(frozen=True)
class Patch:
    """One attribute of a module or class and what takes its place."""

    owner: Any
    name: str
    value: Any


class Patches:
    """A set of patches that is applied and taken back as a whole. Applying twice is one application."""

    def __init__(self, sources: Sequence[Callable[[], list[Patch]]]) -> None:
        self._sources = sources
        self._originals: list[Patch] = []

    @property
    def applied(self) -> bool:
        """Whether the patches are in force."""
        return bool(self._originals)

    def apply(self) -> None:
        """Put every replacement in place."""
        if self.applied:
            return
        for source in self._sources:
            for patch in source():
                original = vars(patch.owner).get(patch.name, _ABSENT)
                self._originals.append(Patch(patch.owner, patch.name, original))
                setattr(patch.owner, patch.name, patch.value)

    def undo(self) -> None:
        """Put the originals back, last one first."""
        while self._originals:
            original = self._originals.pop()
            if original.value is _ABSENT:
                delattr(original.owner, original.name)
            else:
                setattr(original.owner, original.name, original.value)
