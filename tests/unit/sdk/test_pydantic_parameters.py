"""Hints that are pydantic's: models, constrained types, `Field` as default."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretBytes, SecretStr, field_validator
from pydantic import dataclasses as pydantic_dataclasses

from chalicelib.domain.secrets import check
from headrace import ParameterError, flow, secret
from headrace.project.plain_secrets import plain_secrets


class Login(BaseModel):
    user: str
    token: SecretStr


class Address(BaseModel):
    zip: str = Field(description="postal code")


class Person(BaseModel):
    name: str
    address: Address | None = None
    friends: list[Person] = []


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Numbers(RootModel[list[int]]):
    pass


class Checked(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def small(cls, x: int) -> int:
        if x > 3:
            raise ValueError("too big")
        return x


@pydantic_dataclasses.dataclass
class Box:
    width: int


@dataclass
class Crate:
    owner: Person


def parameters(hint: Any) -> Any:
    def f(x): ...

    f.__annotations__["x"] = hint
    return flow(f)


@pytest.mark.parametrize(
    ("hint", "given", "expected"),
    [
        (Person, {"name": "ann", "address": {"zip": "1"}}, Person(name="ann", address=Address(zip="1"))),
        (list[Address], [{"zip": "1"}], [Address(zip="1")]),
        (Address | None, None, None),
        (dict[str, Address], {"a": {"zip": "1"}}, {"a": Address(zip="1")}),
        (Crate, {"owner": {"name": "ann"}}, Crate(Person(name="ann"))),
        (Box, {"width": "3"}, Box(3)),
        (Numbers, ["1", 2], Numbers([1, 2])),
        (Strict, {"day": "2025-01-31"}, Strict(day=date(2025, 1, 31))),
        (Annotated[int, Field(gt=0)], "3", 3),
        (Annotated[Cat | Dog, Field(discriminator="kind")], {"kind": "dog"}, Dog(kind="dog")),
        (SecretStr, "s", SecretStr("s")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_reads(hint: Any, given: Any, expected: Any) -> None:
    assert parameters(hint).validate_parameters({"x": given})["x"] == expected


@pytest.mark.parametrize(
    ("hint", "given", "path", "reason"),
    [
        (Person, {"name": 1}, "x.name", "valid string"),
        (Person, {"name": "a", "friends": [{"name": "b"}, {}]}, "x.friends[1].name", "Field required"),
        (list[Address], [{"zip": "1"}, {"zip": 2}], "x[1].zip", "valid string"),
        (Annotated[int, Field(gt=0)], 0, "x", "greater than 0"),
        (Checked, {"x": 4}, "x.x", "too big"),
        (Strict, {"day": 3}, "x.day", "date"),
    ],
)
def test_refuses_with_the_place(hint: Any, given: Any, path: str, reason: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parameters(hint).validate_parameters({"x": given})
    [(place, told)] = caught.value.problems
    assert place == path
    assert reason in told


def test_an_instance_passes_as_it_is() -> None:
    person = Person(name="ann")
    assert parameters(Person).validate_parameters({"x": person})["x"] is person


def test_models_become_definitions() -> None:
    schema = parameters(Person).parameter_schema()
    assert schema["properties"]["x"] == {"title": "x", "position": 0, "$ref": "#/definitions/Person"}
    assert set(schema["definitions"]) == {"Person", "Address"}
    assert schema["definitions"]["Address"]["properties"]["zip"]["description"] == "postal code"
    assert schema["definitions"]["Person"]["properties"]["friends"]["items"] == {
        "$ref": "#/definitions/Person"
    }
    assert "$defs" not in str(schema)


def test_a_model_and_another_class_of_the_same_name_keep_apart() -> None:
    @dataclass
    class Address2:
        street: str

    Address2.__name__ = "Address"

    def f(a, b): ...

    f.__annotations__ = {"a": Address2, "b": Person}
    definitions = flow(f).parameter_schema()["definitions"]
    assert definitions["Address"]["required"] == ["street"]
    assert definitions["Address_2"]["required"] == ["zip"]
    reference = definitions["Person"]["properties"]["address"]["anyOf"][0]
    assert reference == {"$ref": "#/definitions/Address_2"}


def test_field_as_default_gives_constraint_default_and_description() -> None:
    @flow
    def f(
        x: int = Field(default=3, gt=0, description="how many"),
        y: list[int] = Field(default_factory=list),  # noqa: B008 - what is tested
    ) -> Any:
        return x, y

    schema = f.parameter_schema()
    assert schema["properties"]["x"] == {
        "title": "x",
        "position": 0,
        "default": 3,
        "type": "integer",
        "exclusiveMinimum": 0,
        "description": "how many",
    }
    assert schema["required"] == []
    assert f() == (3, [])
    with pytest.raises(ParameterError, match="greater than 0"):
        f(0)


def test_a_required_field_is_required() -> None:
    @flow
    def f(x: int = Field(gt=0)) -> int:
        return x

    assert f.parameter_schema()["required"] == ["x"]
    with pytest.raises(ParameterError, match="x: is required"):
        f.validate_parameters({})


def test_a_model_as_default_is_written_as_json() -> None:
    @flow
    def f(x: Address = Address(zip="1")): ...  # noqa: B008 - what is tested

    assert f.parameter_schema()["properties"]["x"]["default"] == {"zip": "1"}


REFERENCE = {"$secret": "ssm:/x"}


@pytest.mark.parametrize(
    ("hint", "given", "expected"),
    [
        (SecretStr, REFERENCE, SecretStr("hunter2")),
        (SecretBytes, REFERENCE, SecretBytes(b"hunter2")),
        (SecretStr | None, REFERENCE, SecretStr("hunter2")),
        (list[SecretStr], [REFERENCE], [SecretStr("hunter2")]),
        (dict[str, SecretStr], {"a": REFERENCE}, {"a": SecretStr("hunter2")}),
        (Annotated[SecretStr, Field(min_length=3)], REFERENCE, SecretStr("hunter2")),
        (Login, {"user": "u", "token": REFERENCE}, Login(user="u", token=SecretStr("hunter2"))),
        (SecretStr, secret.Secret("hunter2"), SecretStr("hunter2")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_its_secrets_are_given_as_references(
    hint: Any, given: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(secret.known, "ssm:/x", "hunter2")
    made = parameters(hint)
    assert made.validate_parameters({"x": given})["x"] == expected
    values = {"x": given} if given != secret.Secret("hunter2") else {"x": REFERENCE}
    check(made.parameter_schema(), values, "parameters")
    assert not plain_secrets(made.parameter_schema(), values)
    plain = json.loads(json.dumps(values).replace(json.dumps(REFERENCE), '"hunter2"'))
    assert plain_secrets(made.parameter_schema(), plain)


def test_its_secrets_that_nobody_can_read_are_named_and_their_defaults_kept_back() -> None:
    kept = SecretStr("hunter2")

    @flow
    def f(x: SecretStr = kept, y: SecretStr | None = "hunter2", z: secret.Secret = "hunter2"): ...  # type: ignore[assignment]

    assert "hunter2" not in str(f.parameter_schema())
    assert "***" not in str(f.parameter_schema())
    with pytest.raises(ParameterError, match="x: the secret ssm:/nowhere is not readable here"):
        f.validate_parameters({"x": {"$secret": "ssm:/nowhere"}})


class Careless(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def look_up(cls, n: int) -> int:
        return {1: 10}[n]


def test_a_mistake_in_a_validator_is_told_as_one() -> None:
    made = parameters(Careless)
    assert made.validate_parameters({"x": {"n": 1}})["x"].n == 10
    with pytest.raises(ParameterError, match="x: Careless refuses it: KeyError: 5"):
        made.validate_parameters({"x": {"n": 5}})
    with pytest.raises(ParameterError, match=r"x\[0\]: Careless refuses it: KeyError: 5"):
        parameters(list[Careless]).validate_parameters({"x": [{"n": 5}]})
