"""What is wrong with a request, told by field."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from chalicelib.api.requests import author, members, refusal
from chalicelib.domain.errors import Invalid, TooLarge
from headrace.contract.base import AUTHOR_HEADER, JSON_DEPTH, Json, Name, SmallJson, StepName, Time
from headrace.contract.deployments import DeploymentCreate


def wrong(kind: Any, text: str) -> Any:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_json(text)
    return refusal(caught.value)


def test_each_field_is_named_with_what_was_expected() -> None:
    error = wrong(DeploymentCreate, '{"name": 7, "flow_id": "x", "paused": "maybe", "surprise": 1}')
    assert isinstance(error, Invalid)
    found = {problem.path: problem.expected for problem in error.errors}
    assert found == {
        "name": "a text",
        "flow_id": "a UUID",
        "paused": "true or false",
        "surprise": "no such member",
    }
    assert error.message.startswith(f"{error.errors[0].path}: ")
    assert error.message.endswith("(and 3 more)")


def test_no_more_than_twenty_mistakes_are_told_and_none_at_length() -> None:
    body = ",".join(f'"{"m" * 1000}{number}": "{"v" * 1000}"' for number in range(100))
    error = wrong(DeploymentCreate, f"{{{body}}}")
    assert len(error.errors) == 20
    assert len(str(error.errors)) < 20_000


def test_too_large_is_another_error() -> None:
    error = wrong(SmallJson, '{"a": "' + "x" * 40_000 + '"}')
    assert isinstance(error, TooLarge)
    assert "40008 bytes" in error.message


def test_a_body_that_is_no_json_has_no_path() -> None:
    assert wrong(DeploymentCreate, "{").errors[0].path == "body"


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": [-Infinity]}', "1e999"])
def test_numbers_that_are_none_are_refused_in_objects(text: str) -> None:
    assert "NaN and Infinity" in wrong(Json, f'{{"a": {text}}}').message


@pytest.mark.parametrize("depth", [1, JSON_DEPTH - 1, JSON_DEPTH, JSON_DEPTH + 1, 150])
def test_depth_is_bounded(depth: int) -> None:
    text = '{"a": ' * depth + "1" + "}" * depth
    if depth <= JSON_DEPTH:
        TypeAdapter(Json).validate_json(text)
    else:
        assert "levels deep" in wrong(Json, text).message


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+05:00", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59Z"]
)
def test_years_are_bounded(text: str) -> None:
    assert "1900 to 2399" in wrong(Time, f'"{text}"').message


def test_a_time_without_a_zone_is_utc() -> None:
    read = TypeAdapter(Time).validate_python
    assert read("2026-01-31 09:00:00") == read("2026-01-31T10:00:00+01:00")


@pytest.mark.parametrize("name", ["filter", "heartbeat"])
def test_steps_of_the_api_are_no_names_of_pools(name: str) -> None:
    TypeAdapter(Name).validate_python(name)
    with pytest.raises(ValidationError):
        TypeAdapter(StepName).validate_python(f" {name} ")


def test_path_members_are_decoded_once() -> None:
    assert members({"name": "a%2520b%2Fc"}) == {"name": "a%20b/c"}
    with pytest.raises(Invalid) as caught:
        members({"run_id": "no%20id"})
    assert caught.value.errors[0].path == "path.run_id"
    with pytest.raises(Invalid):
        members({"name": "%C3%A4" * 600})


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (None, None),
        ("", None),
        ("ana@laptop", "ana@laptop"),
        (" J%C3%BCrg@b%C3%BCro ", "Jürg@büro"),
        ("a%0Ab%00c", "abc"),
        ("%20%09", None),
        ("x" * 500, "x" * 200),
        ("%ff", "\ufffd"),
    ],
)
def test_an_author_is_one_short_line(said: str | None, kept: str | None) -> None:
    request = SimpleNamespace(headers={} if said is None else {AUTHOR_HEADER: said})
    assert author(request) == kept  # type: ignore[arg-type]
