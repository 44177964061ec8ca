"""Partitions in order."""

from __future__ import annotations

import random

import pytest

from headrace.local.aws.lanes import Lane

KEYS = ["a", "ab", "abc", "b", "b1", "c", "é", "\U0001f600"]


def lane(*names: str) -> Lane:
    made = Lane()
    for name in random.Random(3).sample(names, len(names)):
        made.put((name, "0"), name)
    return made


def found(comparison, *values):
    made = lane(*KEYS)
    start, end = made.bounds(comparison, values)
    return made.items[start:end]


@pytest.mark.parametrize(
    ("comparison", "values", "expected"),
    [
        (None, (), KEYS),
        ("=", ("b",), ["b"]),
        ("=", ("bb",), []),
        ("<", ("b",), ["a", "ab", "abc"]),
        ("<=", ("b",), ["a", "ab", "abc", "b"]),
        (">", ("b1",), ["c", "é", "\U0001f600"]),
        (">=", ("b1",), ["b1", "c", "é", "\U0001f600"]),
        ("BETWEEN", ("ab", "b"), ["ab", "abc", "b"]),
        ("BETWEEN", ("b", "ab"), []),
        ("BEGINS_WITH", ("ab",), ["ab", "abc"]),
        ("BEGINS_WITH", ("\U0001f600",), ["\U0001f600"]),
        ("BEGINS_WITH", ("zz",), []),
    ],
)
def test_bounds_are_those_of_a_walk(comparison, values, expected):
    assert found(comparison, *values) == expected


def test_rows_of_equal_first_key_keep_their_further_order():
    made = Lane()
    for key in (("x", "2"), ("x", "1"), ("w", "9"), ("x", "3")):
        made.put(key, key)
    assert made.items == [("w", "9"), ("x", "1"), ("x", "2"), ("x", "3")]
    assert made.bounds("=", ["x"]) == (1, 4)


def test_an_item_takes_the_place_of_its_predecessor_and_leaves():
    made = lane("a", "b")
    made.put(("a", "0"), "new")
    assert made.items == ["new", "b"]
    made.remove(("a", "0"))
    made.remove(("never", "0"))
    assert (made.keys, made.items) == ([("b", "0")], ["b"])


def test_what_was_loaded_in_any_order_is_sorted_at_once():
    made = Lane(keys=[("c",), ("a",), ("b",)], items=["C", "A", "B"])
    made.sort()
    assert made.items == ["A", "B", "C"]
