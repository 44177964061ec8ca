"""What a docstring says of each parameter, in Google's, numpy's or reStructuredText's way of writing."""

from __future__ import annotations

import re
from inspect import cleandoc

_REST = re.compile(r"^:param\s+(?:[^:\n]*?\s)?\*{0,2}(\w+)\s*:[ \t]*(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_GOOGLE_HEAD = re.compile(r"^(?:Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments):\s*$")
_GOOGLE_ITEM = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY_HEAD = re.compile(r"^(?:Other )?Parameters\s*\n-{3,}\s*$", re.MULTILINE)
_NUMPY_ITEM = re.compile(r"^(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_NUMPY_NEXT = re.compile(r"^\w.*\n-{3,}\s*$", re.MULTILINE)


def parameter_descriptions(docstring: str) -> dict[str, str]:
    """Descriptions by parameter name."""
    text = cleandoc(docstring)
    found = {name: _one_line(told) for name, told in _REST.findall(text)}
    return {**_google(text), **_numpy(text), **found}


def _google(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if _GOOGLE_HEAD.match(line):
            block = []
            for inner in lines:
                if inner.strip() and not inner[0].isspace():
                    break
                block.append(inner)
            found |= _items(cleandoc("\n" + "\n".join(block)), _GOOGLE_ITEM)
    return found


def _numpy(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for head in _NUMPY_HEAD.finditer(text):
        rest = text[head.end() :].lstrip("\n")
        end = _NUMPY_NEXT.search(rest)
        found |= _items(rest[: end.start()] if end else rest, _NUMPY_ITEM)
    return found


def _items(block: str, item: re.Pattern[str]) -> dict[str, str]:
    """Items begin at the margin; what is indented belongs to the one before."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in block.splitlines():
        start = None if line[:1].isspace() else item.match(line)
        if start:
            names = [name.strip().lstrip("*") for name in start[1].split(",")]
            found |= dict.fromkeys(names, start[2] if item.groups > 1 else "")
        else:
            found |= {name: f"{found[name]}\n{line}" for name in names}
    return {name: told for name, text in found.items() if (told := _one_line(text))}


def _one_line(text: str) -> str:
    """The first paragraph, on one line."""
    paragraph = text.strip().split("\n\n")[0]
    return " ".join(paragraph.split())
