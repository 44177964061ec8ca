"""Secret parameters: references pass, secrets do not, and no answer ever tells one."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain import parameters
from chalicelib.domain.errors import Invalid
from chalicelib.domain.secrets import check
from headrace import Secret, flow

GOOD = (
    {"$secret": "env:DB_PASSWORD"},
    {"$secret": "ssm:/team/db.pw"},
    {"$secret": "secretsmanager:arn:aws:x:1:s-2"},
)
VALUE = "hunter2-and-more"


@flow
def one(
    password: Secret,
    spare: Secret | None = None,
    several: list[Secret] | None = None,
    named: dict[str, Secret] | None = None,
    note: str = "",
    rest: object = None,
) -> None: ...


SCHEMA = one.parameter_schema()


def test_the_schema_marks_secrets() -> None:
    told = SCHEMA["properties"]["password"]
    assert (told["format"], told["writeOnly"], told["x-secret"], told["type"]) == (
        "password",
        True,
        True,
        "object",
    )


def test_a_default_that_is_a_secret_is_not_told() -> None:
    secret = Secret(VALUE)

    @flow
    def careless(password: Secret = secret) -> None: ...

    assert VALUE not in str(careless.parameter_schema())


def test_kwargs_may_be_secrets() -> None:
    @flow
    def many(**passwords: Secret) -> None: ...

    schema = many.parameter_schema()
    assert parameters.of_run(schema, {}, {"a": GOOD[0]}, enforce=True) == {"a": GOOD[0]}
    with pytest.raises(Invalid, match="must be a reference"):
        parameters.of_run(schema, {}, {"a": VALUE}, enforce=False)


@pytest.mark.parametrize("reference", GOOD, ids=lambda one: one["$secret"])
def test_references_pass(reference: dict[str, str]) -> None:
    values = {"password": reference, "spare": reference, "several": [reference], "named": {"a": reference}}
    assert parameters.of_run(SCHEMA, {}, values, enforce=True) == values
    assert parameters.of_run(SCHEMA, values, {"spare": None}, enforce=True)["spare"] is None


BAD: list[tuple[str, dict[str, Any]]] = [
    ("a text", {"password": VALUE}),
    ("a number", {"password": 12345678}),
    ("a list", {"password": [VALUE]}),
    ("null where one is needed", {"password": None}),
    ("a text that looks like a reference", {"password": "env:DB"}),
    ("no reference in it", {"password": {}}),
    ("more beside it", {"password": {**GOOD[0], "value": VALUE}}),
    ("an unknown kind", {"password": {"$secret": f"vault:{VALUE}"}}),
    ("an environment name that is none", {"password": {"$secret": f"env:{VALUE}"}}),
    ("an empty place", {"password": {"$secret": "ssm:"}}),
    ("a reference that is a number", {"password": {"$secret": 7}}),
    ("a text where one may be left out", {"spare": VALUE}),
    ("a text in a list", {"several": [GOOD[0], VALUE]}),
    ("a text in an object", {"named": {"a": VALUE}}),
    ("a wrong reference in a list", {"several": [{"$secret": f"vault:{VALUE}"}]}),
    ("a reference for a text", {"note": GOOD[0]}),
    ("a reference where anything goes", {"rest": GOOD[0]}),
    ("one deep in what may be anything", {"rest": {"a": [GOOD[0]]}}),
]


@pytest.mark.parametrize(("values"), [values for _, values in BAD], ids=[why for why, _ in BAD])
def test_what_is_no_reference_is_refused_and_not_repeated(values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        parameters.of_run(SCHEMA, {"password": GOOD[0]}, values, enforce=True)
    said = [caught.value.message, caught.value.hint or "", *map(str, caught.value.errors)]
    assert VALUE not in "".join(said)
    assert caught.value.errors[0].path.startswith(f"parameters.{next(iter(values))}")


@pytest.mark.parametrize(
    "values", [{"password": VALUE}, {"rest": GOOD[0]}], ids=["a text", "a reference elsewhere"]
)
def test_it_is_refused_also_where_nothing_else_is_checked(values: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parameters.of_run(SCHEMA, {}, values, enforce=False)


def test_without_a_schema_nothing_is_secret() -> None:
    check(None, {"x": VALUE}, "parameters")
    with pytest.raises(Invalid):
        check(None, {"x": [GOOD[0]]}, "parameters")


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {
        "properties": {"x": {"$ref": "#/definitions/A"}},
        "definitions": {"A": {"properties": {"a": {"$ref": "#/definitions/A"}, "b": {"x-secret": True}}}},
    }
    check(schema, {"x": {"a": {"b": GOOD[0]}}}, "parameters")
