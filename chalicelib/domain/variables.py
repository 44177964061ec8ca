"""Variables: small values by name that project files of a team share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.domain.names import NAMESPACE


@dataclass(frozen=True, slots=True)
class Variable:
    """A name and any JSON value. `revision` rises with every write."""

    name: str
    value: object
    created: datetime
    updated: datetime
    tags: Sequence[str] = ()
    revision: int = 1

    @property
    def id(self) -> UUID:
        """Derived from the name."""
        return variable_id(self.name)

    def says_the_same(self, other: Variable) -> bool:
        """Whether value and tags are the same JSON: for Python, true were 1 as well."""
        mine, others = ((one.value, list(one.tags)) for one in (self, other))
        return json.dumps(mine, sort_keys=True) == json.dumps(others, sort_keys=True)


def variable_id(name: str) -> UUID:
    """The id of the variable of that name."""
    return uuid5(NAMESPACE, f"variable/{name}")
