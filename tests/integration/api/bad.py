"""How a bad input is written down, and the ones that every route of a kind must refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chalicelib.api.endpoint import Route
from chalicelib.api.requests import MAX_BATCH
from chalicelib.api.routes import declared
from headrace.contract.base import Labels
from tests.integration.api.requests_that_work import GOOD
from tests.integration.api.scene import NOBODY, Scene

GONE = object()
"""As the value of a member: leave it out."""
_AS_IT_WORKS = object()


@dataclass(frozen=True)
class Bad:
    """One thing wrong with a request that works otherwise.

    `patch` replaces members of the body that works (of its first one, if it is an array); `body` and
    `raw` replace it whole; `path` replaces the path.
    """

    why: str
    status: int = 422
    patch: dict[str, Any] | None = None
    body: Any = _AS_IT_WORKS
    raw: bytes | None = None
    path: str | None = None

    def send(self, scene: Scene, route: str) -> Any:
        """Send it; the answer."""
        good = GOOD[route]
        path = scene.fill(self.path or good.path)
        body = good.body if self.body is _AS_IT_WORKS else self.body
        if self.patch is not None:
            body = [_patched(body[0], self.patch)] if isinstance(body, list) else _patched(body, self.patch)
        return scene.rig.call(route.partition(" ")[0], path, scene.fill(body), self.raw)


def _patched(body: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**body, **patch}.items() if value is not GONE}


def rows_of(route: Route, own: list[Bad]) -> Iterator[Bad]:
    """All bad inputs of a route: those of its kind and its own."""
    key = f"{route.method} {route.path}"
    if route.body is not None:
        yield from (row for row in _bodies(GOOD[key].body) if route.body is not Labels or row.patch is None)
    yield from _paths(route, GOOD[key].path)
    if route.query is not None:
        yield Bad("an unknown member of the query", path=_with_query(GOOD[key].path, "surprise=1"))
        yield Bad("a misspelt member of the query", path=_with_query(GOOD[key].path, "Limit=1"))
    yield from own


def _bodies(good: Any) -> Iterator[Bad]:
    text = json.dumps(good).encode()
    yield Bad("a body that is cut off", raw=b"{" if isinstance(good, dict) else b"[{")
    yield Bad("a trailing comma", raw=b'{"a": 1,}')
    yield Bad("something after the body", raw=text + b" x")
    yield Bad("not UTF-8", raw=b'{"name": "\xff\xfe"}')
    yield Bad("a text", raw=b'"name"')
    yield Bad("a number", raw=b"7")
    yield Bad("null", raw=b"null")
    yield Bad("the wrong container", raw=b"[]" if isinstance(good, dict) else b"{}")
    yield Bad("an unknown member", patch={"surprise": 1})
    yield Bad("half a surrogate pair", raw=b'{"name": "\\ud800"}')
    yield Bad("nested without end", raw=b'{"parameters": ' + b"[" * 20_000)
    yield Bad("an integer of 5,000 digits", raw=b'{"limit": ' + b"9" * 5000 + b"}")
    yield Bad("larger than any request may be", 413, raw=b" " * (MAX_BATCH + 1))


BAD_IDS = ("nope", "1234", "%20", "%00", "a%2Fb", "%ED%A0%80", "..", f"{NOBODY}0", "x" * 3000, "null")
UNKNOWN_NAMES = ("nobody", "%00", "a%2Fb", "%ED%A0%80", "%E2%82", "..", "%", "+", "a%20b", "%F0%9F%98%80")


def _paths(route: Route, good: str) -> Iterator[Bad]:
    """Wrong ids and unknown names for each member of the path. A worker's name and a digest: see their tables."""
    bare, _, query = good.partition("?")
    query = f"?{query}" if query else ""
    shape, steps = route.path.split("/"), bare.split("/")
    for place, step in enumerate(shape):
        if not step.startswith("{") or step in ("{worker}", "{digest}"):
            continue

        def at(text: str, place: int = place) -> str:
            return "/".join([*steps[:place], text, *steps[place + 1 :]]) + query

        if step.endswith("_id}"):
            for text in BAD_IDS:
                yield Bad(f"{step} is {text:.20}", path=at(text))
            if step != "{session_id}":
                yield Bad(f"{step} is nobody's", 404, path=at(NOBODY))
        else:
            for text in UNKNOWN_NAMES:
                yield Bad(f"{step} is {text}", 404, path=at(text))
            yield Bad(f"{step} is too long", path=at("x" * 3000))


def _with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


BY_KEY = {f"{route.method} {route.path}": route for route in declared()}
