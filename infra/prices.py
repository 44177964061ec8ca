"""Prints the price table of what the template makes, with the sources: `python -m infra.prices`."""

from __future__ import annotations

import sys

from headrace.cost.prices import DATE, PRICES, REGION


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"AWS list prices in {REGION}, USD, {DATE}\n")
    for price in PRICES.values():
        per = "" if price.per == 1 else f" {price.per:,.0f}"
        sys.stdout.write(f"{price.name:<30} {price.usd:>8} per{per} {price.unit}  ({price.source})\n")


if __name__ == "__main__":
    main()
