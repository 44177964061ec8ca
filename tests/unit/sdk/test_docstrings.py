"""Descriptions of parameters out of docstrings of three styles."""

from __future__ import annotations

import pytest

from headrace import flow
from headrace.parameters.docstrings import parameter_descriptions

GOOGLE = """Load.

    More words: not a parameter.

    Args:
        path (str): Where it is,
            and how it is called.
        *rest: What else.
        url: http://a: b

    Returns:
        count: not a parameter.
    """

NUMPY = """Load.

    Parameters
    ----------
    path : str
        Where it is,
        and how it is called.

        A second paragraph is left out.
    url, rest
        Something.

    Returns
    -------
    count : int
        Not a parameter.
    """

REST = """Load.

    :param path: Where it is,
        and how it is called.
    :param str url: http://a: b
    :returns: nothing
    """


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOGLE, {"path": "Where it is, and how it is called.", "rest": "What else.", "url": "http://a: b"}),
        (NUMPY, {"path": "Where it is, and how it is called.", "url": "Something.", "rest": "Something."}),
        (REST, {"path": "Where it is, and how it is called.", "url": "http://a: b"}),
        ("", {}),
        ("Args:", {}),
        ("Only a line.", {}),
    ],
)
def test_descriptions(text: str, expected: dict[str, str]) -> None:
    assert parameter_descriptions(text) == expected


def test_they_reach_the_schema() -> None:
    @flow
    def f(path: str, other: int) -> None:
        """Load it.

        Args:
            path: Where it is.
        """

    properties = f.parameter_schema()["properties"]
    assert properties["path"]["description"] == "Where it is."
    assert "description" not in properties["other"]
    assert f.description == "Load it."
