"""Bad inputs of the versions of deployments."""

from __future__ import annotations

from typing import Any

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_deployments import each
from tests.integration.api.bad_pools import PAGES

_D = "/deployments/<deployment>"
NUMBERS: list[tuple[str, Any]] = [
    ("version 0", 0),
    ("a version below 0", -1),
    ("a version in words", "latest"),
    ("half a version", 1.5),
    ("a version of 400 digits", int("9" * 400)),
    ("versions in an array", [1]),
    ("true as a version", "true"),
]
_DIFF = f"{_D}/versions/1/diff"

ROWS: dict[str, list[Bad]] = {
    "POST /deployments/{deployment_id}/versions/filter": PAGES,
    "GET /deployments/{deployment_id}/versions/{number}": [
        Bad("a version that was never made", 404, path=f"{_D}/versions/99"),
        Bad("version 0", 404, path=f"{_D}/versions/0"),
        Bad("a version below 0", 404, path=f"{_D}/versions/-1"),
        Bad("a version with a zero before", 404, path=f"{_D}/versions/01"),
        Bad("a version of nine digits", 404, path=f"{_D}/versions/100000000"),
    ],
    "GET /deployments/{deployment_id}/versions/{number}/diff": [
        Bad("a version that was never made", 404, path=f"{_D}/versions/99/diff"),
        Bad("to one that was never made", 404, path=f"{_DIFF}?to=99"),
        Bad("to version 0", path=f"{_DIFF}?to=0"),
        Bad("to the latest", path=f"{_DIFF}?to=latest"),
        Bad("to nothing", path=f"{_DIFF}?to="),
        Bad("from, which the path says", path=f"{_DIFF}?from=1"),
    ],
    "POST /deployments/{deployment_id}/rollback": [
        *each("version", NUMBERS),
        Bad("no version", patch={"version": GONE}),
        Bad("version null", patch={"version": None}),
        Bad("a version that was never made", 404, patch={"version": 99}),
        Bad("the greatest number", 404, patch={"version": 999_999_999}),
    ],
    "POST /deployments/{deployment_id}/pin": [
        *each("version", NUMBERS),
        Bad("a version that was never made", 404, patch={"version": 99}),
        Bad("the greatest number", 404, patch={"version": 999_999_999}),
    ],
    "POST /deployments/{deployment_id}/unpin": [],
}
