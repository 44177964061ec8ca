"""The path of a run as a picture (SVG): a bar for each step, from the moment it begins to the moment it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 860, 330, 70
TOP, HEIGHT, GAP = 58, 22, 10
INK, PALE, SERVICE, WORKER, CHILD = "#1f2933", "#d9dee3", "#3b6ea5", "#2f855a", "#b7791f"


class Step(NamedTuple):
    """What happens between two moments, and where."""

    what: str
    begins: str
    ends: str
    colour: str


SENT = "the POST is sent"
STEPS = (
    Step("control plane: makes the run and rings", SENT, "created", SERVICE),
    Step("control plane: answers the POST", SENT, "the POST is answered", SERVICE),
    Step("worker: long poll returns, sync claims", "created", "claimed by the worker", WORKER),
    Step(
        "worker: code ready, process forked, file found",
        "claimed by the worker",
        "first line of the flow's file",
        WORKER,
    ),
    Step(
        "child: module loaded, parameters checked",
        "first line of the flow's file",
        "the flow function begins",
        CHILD,
    ),
    Step("child: runs, reports and leaves", "the flow function begins", "its process is gone", CHILD),
)


def picture(moments: Mapping[str, float], caption: str) -> str:
    """The moments, in milliseconds after the request was sent, as an SVG."""
    at = {SENT: 0.0, **moments}
    end = max(at.values())
    scale = (WIDTH - LEFT - RIGHT) / end
    height = TOP + len(STEPS) * (HEIGHT + GAP) + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="13" role="img">',
        f"<title>{escape(caption)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(16, 24, caption),
        *_grid(end, scale, height),
    ]
    for row, step in enumerate(STEPS):
        begins, ends = at[step.begins], at[step.ends]
        top = TOP + row * (HEIGHT + GAP)
        left, width = LEFT + begins * scale, max((ends - begins) * scale, 1.5)
        lines += [
            _text(16, top + 16, step.what),
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{HEIGHT}" fill="{step.colour}"/>',
            _text(left + width + 6, top + 16, f"{ends - begins:.0f} ms"),
        ]
    return "\n".join([*lines, "</svg>", ""])


def _grid(end: float, scale: float, height: int) -> list[str]:
    step = next(size for size in (5, 10, 20, 50, 100, 200, 500, 1_000, 100_000) if end / size <= 8)
    lines = []
    for at in range(0, int(end) + 1, step):
        x = LEFT + at * scale
        lines.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 20}" stroke="{PALE}"/>')
        lines.append(_text(x - 8, TOP - 14, f"{at}"))
    return lines


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}">{escape(text)}</text>'
