"""The slug of a schedule that was given none: the control plane gives it, and a plan must foretell it."""

from __future__ import annotations

from collections.abc import Container, Mapping


def free_slug(spec: Mapping[str, object], taken: Container[str]) -> str:
    """The kind of its times (`cron`, `interval`, `rrule`), numbered from the second of that kind on: `cron-2`."""
    kind = next(kind for kind in ("cron", "interval", "rrule") if kind in spec)
    number = 1
    while (slug := kind if number == 1 else f"{kind}-{number}") in taken:
        number += 1
    return slug
