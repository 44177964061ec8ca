"""Bad inputs of variables."""

from __future__ import annotations

from typing import Any

from tests.integration.api.bad import GONE, Bad
from tests.integration.api.bad_deployments import TAGS, each
from tests.integration.api.bad_pools import PAGES

_NAMES: list[tuple[str, Any]] = [
    ("no name", GONE),
    ("an empty name", ""),
    ("capital letters", "Rows"),
    ("a space", "my rows"),
    ("a slash", "a/b"),
    ("a line feed at the end", "rows\n"),
    ("letters of elsewhere", "zeilenz\u00e4hler"),
    ("256 characters", "x" * 256),
    ("a number", 7),
    ("null", None),
]
_LONG = Bad("a value of 5,001 characters", patch={"value": "x" * 4999})
ROWS: dict[str, list[Bad]] = {
    "POST /variables": [
        *each("name", _NAMES),
        *each("tags", TAGS),
        _LONG,
        Bad("no value", patch={"value": GONE}),
        Bad("NaN", raw=b'{"name": "x", "value": NaN}'),
        Bad("Infinity within", raw=b'{"name": "x", "value": [1e999]}'),
        Bad("a name that is taken", 409, patch={"name": "rows"}),
    ],
    "GET /variables/{variable_id}": [],
    "GET /variables/name/{name}": [],
    "PATCH /variables/name/{name}": [
        *each("tags", TAGS),
        *each("name", _NAMES[1:-1]),
        _LONG,
        Bad("another name", patch={"name": "other"}),
        Bad("NaN", raw=b'{"value": NaN}'),
        Bad("tags null", patch={"tags": None}),
    ],
    "DELETE /variables/name/{name}": [],
    "POST /variables/filter": [
        *PAGES,
        Bad("a pattern of names", patch={"variables": {"name": {"like_": "a%"}}}),
        Bad("names in a text", patch={"variables": {"name": {"any_": "rows"}}}),
        Bad("201 names", patch={"variables": {"name": {"any_": ["x"] * 201}}}),
        Bad("by tags", patch={"variables": {"tags": {"all_": ["x"]}}}),
        Bad("by or", patch={"variables": {"operator": "or_"}}),
    ],
}
