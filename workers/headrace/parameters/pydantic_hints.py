"""Hints that are pydantic's: models, its types, `Field`. Only used when the flow's code imported pydantic."""

from __future__ import annotations

import json
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, cast, get_origin

from headrace import secret
from headrace.parameters.errors import Misfit
from headrace.parameters.kinds import Definitions, Kind, Schema

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

_HOOK = "__get_pydantic_core_schema__"
_ROOTS = ("pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types")


def is_pydantic(hint: Any) -> bool:
    """Whether pydantic must read this hint: a class of its own kind, or one annotated with its marks."""
    if "pydantic" not in sys.modules:
        return False
    if get_origin(hint) is Annotated:
        return is_pydantic(hint.__origin__) or any(_is_mark(mark) for mark in hint.__metadata__)
    origin = get_origin(hint) or hint
    return hasattr(origin, _HOOK) or hasattr(origin, "__pydantic_core_schema__")


def _is_mark(mark: Any) -> bool:
    module = getattr(type(mark), "__module__", "") or ""
    return module.partition(".")[0] in _ROOTS or hasattr(mark, _HOOK)


def unpack_field(hint: Any, default: Any) -> tuple[Any, Any, bool]:
    """Hint and default of `x: int = Field(default=1, gt=0)`, and whether there is a default at all."""
    return Annotated[hint, default], default, not default.is_required()


def is_field(default: Any) -> bool:
    """Whether a parameter's default is pydantic's `Field(...)`."""
    return type(default).__name__ == "FieldInfo" and type(default).__module__.startswith("pydantic.")


class PydanticKind(Kind):
    """A hint that pydantic reads and describes."""

    def __init__(self, hint: Any) -> None:
        self._hint = hint
        self.expects = f"a {getattr(hint, '__name__', 'valid value')}"

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter

        return TypeAdapter(self._hint)

    def schema(self, definitions: Definitions) -> Schema:
        """What pydantic says, its models among our definitions, and a reference where it has a secret."""
        from pydantic.errors import PydanticInvalidForJsonSchema

        try:
            schema = _referring(self._adapter.json_schema(ref_template="#/definitions/{model}"))
        except PydanticInvalidForJsonSchema:
            return {}
        renamed = self._take_definitions(schema.pop("$defs", {}), definitions)
        schema = cast("Schema", _rename(schema, renamed))
        # A secret's stands where it is: whoever reads parameters from the command line looks for it there.
        if isinstance(self._hint, type) and schema.get("type") == "object" and "x-secret" not in schema:
            return definitions.reference(self._hint, self._hint.__name__, lambda: schema)
        return schema

    def _take_definitions(self, found: dict[str, Schema], definitions: Definitions) -> dict[str, str]:
        """Put the models within this one beside the others; gives the new names of those that clash."""
        renamed: dict[str, str] = {}
        for name, schema in found.items():
            if definitions.schemas.get(name, schema) != schema:
                renamed[name] = definitions.free_name(name)
            definitions.schemas[renamed.get(name, name)] = schema
        for name in found:
            kept = renamed.get(name, name)
            definitions.schemas[kept] = _rename(definitions.schemas[kept], renamed)
        return renamed

    def read(self, value: Any) -> Any:
        """What pydantic makes of the value, as Python or else as JSON; of secrets as their references say."""
        from pydantic import ValidationError

        value = _opened(value)
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            return self._read_json(value, error)
        except Exception as error:  # a mistake in the user's own validators
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> Misfit:
        name = getattr(self._hint, "__name__", "its type")
        return Misfit.because(f"{name} refuses it: {type(error).__name__}: {error}")

    def _read_json(self, value: Any, error: ValidationError) -> Any:
        """A strict model takes '2025-01-31' for a date from JSON, not from Python: ask it as JSON, too."""
        try:
            return self._adapter.validate_json(json.dumps(value))
        except (TypeError, ValueError):
            problems = [(one["loc"], one["msg"]) for one in error.errors(include_url=False)]
            raise Misfit(problems) from None
        except Exception as mistake:  # as above, in a validator that only JSON's values come to
            raise self._refused(mistake) from mistake


def _referring(schema: Any) -> Any:
    """The schema with a reference's in the place of each secret's (`SecretStr` and the like, at any depth)."""
    if isinstance(schema, list):
        return [_referring(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "password" and schema.get("writeOnly") is True:
        told = {key: schema[key] for key in ("title", "description") if key in schema}
        return {**secret.SCHEMA, **told}
    return {key: _referring(one) for key, one in schema.items()}


def _opened(value: Any) -> Any:
    """The value with the secret's text for each reference in it; the same object if there is none."""
    if isinstance(value, secret.Secret):
        return value.get()
    if (reference := secret.reference_in(value)) is not None:
        try:
            return secret.read(value).get()
        except ValueError as error:
            raise Misfit.because(f"the secret {reference} is {error}") from None
    if not any(True for _ in secret.references_in(value)):
        return value
    if isinstance(value, list):
        return [_opened(one) for one in value]
    return {key: _opened(one) for key, one in value.items()}


def _rename(schema: Any, renamed: dict[str, str]) -> Any:
    """The schema with its references to renamed definitions set right."""
    if not renamed:
        return schema
    if isinstance(schema, list):
        return [_rename(one, renamed) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _rename(one, renamed) for key, one in schema.items()}
    name = str(found.get("$ref", "")).removeprefix("#/definitions/")
    return {**found, "$ref": f"#/definitions/{renamed[name]}"} if name in renamed else found
