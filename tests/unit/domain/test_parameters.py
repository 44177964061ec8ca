import socket

import pytest

from chalicelib.domain.errors import FieldProblem, Invalid, TooLarge
from chalicelib.domain.parameters import MAX_BYTES, check_schema, merge_defaults, validate

SCHEMA = {
    "title": "Parameters",
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1, "position": 0},
        "name": {"type": "string", "default": None},
        "mode": {"enum": ["fast", "slow"]},
        "day": {"type": "string", "format": "date-time"},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "where": {"anyOf": [{"$ref": "#/definitions/Place"}, {"type": "null"}]},
    },
    "required": ["count"],
    "definitions": {
        "Place": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "zip": {"type": "string", "maxLength": 5}},
            "required": ["city"],
        }
    },
}


def problems(schema, parameters) -> list[FieldProblem]:
    with pytest.raises(Invalid) as caught:
        validate(schema, parameters)
    return list(caught.value.errors)


def test_parameters_that_fit():
    validate(
        SCHEMA,
        {"count": 1, "mode": "fast", "day": "2025-01-31T00:00:00Z", "ids": [1], "where": {"city": "Ulm"}},
    )
    validate(SCHEMA, {"count": 1, "where": None, "name": None})


@pytest.mark.parametrize("schema", [None, {}])
def test_without_a_schema_everything_fits(schema):
    validate(schema, {"anything": [1, {"x": None}]})


@pytest.mark.parametrize(
    ("parameters", "path", "message", "expected"),
    [
        ({}, "parameters.count", "is missing", "an integer"),
        ({"count": "3"}, "parameters.count", "is '3' (a string)", "an integer"),
        ({"count": True}, "parameters.count", "is true", "an integer"),
        ({"count": 0}, "parameters.count", "is 0 (an integer)", "at least 1"),
        ({"count": 1, "mode": "fats"}, "parameters.mode", "is 'fats' (a string)", "one of 'fast', 'slow'"),
        (
            {"count": 1, "day": "May"},
            "parameters.day",
            "is 'May' (a string)",
            "a text in the format date-time",
        ),
        ({"count": 1, "ids": [1, 2, "x"]}, "parameters.ids.2", "is 'x' (a string)", "an integer"),
        ({"count": 1, "where": {"zip": "1"}}, "parameters.where.city", "is missing", "a string"),
        ({"count": 1, "where": 3}, "parameters.where", "is 3 (an integer)", "Place or null"),
        (
            {"count": 1, "where": {"city": "Ulm", "zip": "123456"}},
            "parameters.where.zip",
            "is '123456' (a string)",
            "at most 5 characters",
        ),
    ],
)
def test_each_mistake_is_told_with_place_and_expectation(parameters, path, message, expected):
    assert problems(SCHEMA, parameters) == [FieldProblem(path, message, expected)]


def test_unknown_names_are_refused_with_the_nearest_known_one():
    (problem,) = problems(SCHEMA, {"count": 1, "nmae": "x"})
    assert problem.path == "parameters.nmae"
    assert problem.message == "is not known; did you mean name?"
    assert "count, name, mode" in problem.expected


def test_unknown_names_are_taken_where_the_schema_says_so():
    validate({**SCHEMA, "additionalProperties": True}, {"count": 1, "more": 1})
    (problem,) = problems({**SCHEMA, "additionalProperties": {"type": "string"}}, {"count": 1, "more": 1})
    assert problem.path == "parameters.more"


def test_all_mistakes_are_told_at_once():
    found = problems(SCHEMA, {"name": 1, "mode": 2, "ids": ["x", "y"]})
    assert [problem.path for problem in found] == [
        "parameters.count",
        "parameters.ids.0",
        "parameters.ids.1",
        "parameters.mode",
        "parameters.name",
    ]


def test_a_declared_default_is_allowed_but_no_equal_looking_value():
    schema = {"properties": {"on": {"type": "string", "default": 1}}}
    validate(schema, {"on": 1})
    assert problems(schema, {"on": True})


def test_the_message_is_useful_on_its_own():
    with pytest.raises(Invalid) as caught:
        validate(SCHEMA, {"count": "3", "mode": 1})
    assert caught.value.message == (
        "The parameters do not fit the flow: parameters.count is '3' (a string) (and 1 more)"
    )
    assert caught.value.hint == "Expected an integer at parameters.count."


def test_sizes_are_limited():
    validate(None, {"x": "a" * (MAX_BYTES - len('{"x":""}'))})
    with pytest.raises(TooLarge, match="102401 bytes; at most 102400"):
        validate(None, {"x": "a" * (MAX_BYTES - len('{"x":""}') + 1)})
    with pytest.raises(TooLarge):
        validate(None, {"x": "é" * (MAX_BYTES // 2)})
    with pytest.raises(TooLarge):
        check_schema({"description": "x" * MAX_BYTES})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x"])
def test_what_is_not_json_is_refused(value):
    assert problems(None, {"x": value})[0].path == "parameters"


def test_endless_nesting_is_refused():
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    assert "nested too deeply" in problems(SCHEMA, {"count": deep})[0].message
    with pytest.raises(Invalid, match="nested too deeply"):
        check_schema({"properties": {"x": {"enum": deep}}})


def test_run_parameters_replace_those_of_the_deployment_one_by_one():
    assert merge_defaults({"a": 1, "b": {"x": 1}}, {"b": {"y": 2}, "c": 3}) == {"a": 1, "b": {"y": 2}, "c": 3}


def test_right_schemas_are_taken():
    check_schema(SCHEMA)
    check_schema({})
    check_schema(
        {"$defs": {"A": {"type": "null"}}, "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#"}}}
    )
    check_schema({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"items": [{}]}}})
    check_schema({"properties": {"a": {"default": {"$ref": "http://not.a.reference"}}}})


@pytest.mark.parametrize(
    ("schema", "path", "message"),
    [
        ({"type": "array"}, ".type", "is 'array'"),
        ({"properties": []}, ".properties", "is not an object"),
        ({"properties": {"a": {"type": "int"}}}, ".properties.a.type", "is 'int'"),
        ({"properties": {"a": {"minimum": "x"}}}, ".properties.a.minimum", "is 'x'"),
        ({"properties": {"a": {"pattern": "("}}}, ".properties.a.pattern", "is '('"),
        ({"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}, "", "refers to 'http://127.0.0.1:9/x'"),
        ({"properties": {"a": {"$ref": "#/definitions/No"}}}, "", "refers to '#/definitions/No'"),
        ({"properties": {"a": {"$ref": 3}}}, "", "refers to 3"),
        ({"required": "a"}, ".required", "is 'a'"),
    ],
)
def test_wrong_schemas_are_refused_with_the_place(schema, path, message):
    with pytest.raises(Invalid) as caught:
        check_schema(schema)
    first = caught.value.errors[0]
    assert first.path == f"parameter_openapi_schema{path}"
    assert first.message.startswith(message)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}},
        {"properties": {"a": {"type": "int"}}},
        {"properties": {"a": {"minimum": "x"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": []},
        {"properties": {"a": {"multipleOf": 0}}},
    ],
)
def test_a_broken_schema_makes_a_refusal_and_no_crash(schema, monkeypatch):
    def no_network(*_: object) -> None:
        raise AssertionError("a schema made the validator reach for the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    value = "x" if "pattern" in str(schema) else 3
    assert problems(schema, {"a": value})[0].path.startswith("parameters")


def test_at_most_twenty_mistakes_are_told():
    assert len(problems({"properties": {"a": {"items": {"type": "null"}}}}, {"a": [1] * 100})) == 20
