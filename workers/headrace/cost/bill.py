"""Units times prices: the lines of AWS's bill."""

from __future__ import annotations

from dataclasses import dataclass, fields

from headrace.cost.prices import PRICES
from headrace.cost.units import Units


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what, how much of it, and what that costs in USD."""

    name: str
    unit: str
    quantity: float
    usd: float


def lines(units: Units, *, free_tier: bool = False, before: Units | None = None) -> list[Line]:
    """The lines that are not nothing, as AWS lists them.

    What `before` needs in the same month is on a bill of its own, and uses up the free tier first.
    """
    found, used = [], before or Units()
    for field in fields(units):
        quantity, price = getattr(units, field.name), PRICES[field.name]
        if quantity > 0:
            usd = price.of(quantity, free_tier=free_tier, before=getattr(used, field.name))
            found.append(Line(price.name, price.unit, quantity, usd))
    return found


def total(units: Units, *, free_tier: bool = False, before: Units | None = None) -> float:
    """USD for all of it."""
    return sum(line.usd for line in lines(units, free_tier=free_tier, before=before))
