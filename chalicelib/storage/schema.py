"""The number of the form in which items are written, and which numbers this code reads.

What is only added (a member with a default, a new kind of item) needs no new number: readers leave out what they
do not know and fill in what is missing. A number is given where older code would misread an item. Each release
reads its own number and the one before, so that two releases serve one table during an upgrade.
"""

from __future__ import annotations

from chalicelib.domain.errors import Unavailable

NUMBER = 1
"""Written with every item; one without a number is of form 1, as partial updates make them."""


def check(number: float | None) -> None:
    """Raise `Unavailable` for an item in a form that this release would misread: a later one, or one long past."""
    if number is None or NUMBER - 1 <= number <= NUMBER:
        return
    if number > NUMBER:
        raise Unavailable(
            f"The table holds records of form {number:.0f}; this release reads up to {NUMBER}.",
            code="newer_table",
            hint="Go on with the release that wrote them, or upgrade this one to it.",
        )
    raise Unavailable(
        f"The table holds records of form {number:.0f}; this release reads from {NUMBER - 1} on.",
        code="older_table",
        hint="Upgrade release by release: each reads its own form and the one before.",
    )
