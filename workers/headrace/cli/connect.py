"""Opens the API client for a command, and says in the command line's words what the API refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.cli.errors import BadUsage, CliError
from headrace.settings import Profiles, Settings, SettingsError, headrace_home, load_profiles, load_settings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from headrace.client.api import Api
    from headrace.client.errors import ApiError
    from headrace.client.resource import Page
    from headrace.contract.base import ListRequest

ModelT = TypeVar("ModelT", bound="BaseModel")
ListT = TypeVar("ListT", bound="ListRequest")
RowT = TypeVar("RowT")


@contextmanager
def connect() -> Iterator[Api]:
    """Open a client of the control plane that the settings name."""
    settings = read_settings()
    with connect_to(settings.require_api_url(), settings.api_key) as api:
        yield api


@contextmanager
def connect_to(api_url: str, api_key: str | None) -> Iterator[Api]:
    """Open a client of this control plane."""
    from headrace.client.api import Api
    from headrace.client.errors import ApiError
    from headrace.client.transport import Transport

    try:
        with Api(Transport(api_url, api_key)) as api:
            yield api
    except ApiError as error:
        raise _translate(error, api_url) from error


def read_settings() -> Settings:
    """Read the settings, which must name a control plane."""
    with settings_errors():
        settings = load_settings()
        settings.require_api_url()
    return settings


def read_profiles() -> Profiles:
    """The profiles of this user."""
    with settings_errors():
        return load_profiles(headrace_home())


@contextmanager
def settings_errors() -> Iterator[None]:
    """Say in the command line's words what is wrong with the settings."""
    try:
        yield
    except SettingsError as error:
        problem, _, hint = str(error).partition(". ")
        raise CliError(f"{problem.rstrip('.')}.", hint or None) from error


def _translate(error: ApiError, api_url: str) -> CliError:
    from headrace.client.errors import Unauthorized, Unreachable

    if isinstance(error, Unreachable) and error.status == 0:
        return CliError(
            f"No control plane answers at {api_url}.",
            "Start one with: headrace server start   (for another one: headrace login, or headrace profile ls)",
        )
    hint = error.hint
    if isinstance(error, Unauthorized) and hint is None:
        hint = "Log in with an API key: headrace login   (or set HEADRACE_API_KEY)"
    problems = [(e.path, e.message) for e in error.errors]
    if len(problems) > 1 and hint and hint.startswith(f"Expected {error.errors[0].expected} at "):
        hint = None  # it is about the first one only
    return CliError(_with_problems(error.message, problems), hint)


def _with_problems(message: str, problems: list[tuple[str, str]]) -> str:
    """The message with each field's problem: one behind it, unless it says that already; several as lines."""
    if len(problems) > 1:
        headline = message.partition(f": {problems[0][0]} ")[0].rstrip(".")
        return "\n".join([f"{headline}:", *(f"  {path} {text.rstrip('.')}" for path, text in problems)])
    extra = "".join(f"{path}: {text}" for path, text in problems if text not in message)
    return f"{message.rstrip('.')}: {extra}." if extra else message


def checked(model: type[ModelT], **members: Any) -> ModelT:
    """Make a request body; what does not fit is the command line's mistake."""
    from pydantic import ValidationError

    from headrace.contract.errors import wording

    try:
        return model(**members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the request"
        raise BadUsage(f"{place}: {wording(first)} (got {_short(first['input'])}).") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def given(**members: Any) -> dict[str, Any]:
    """The members that were given a value."""
    return {name: value for name, value in members.items() if value is not None}


def rows_of(fetch: Callable[[ListT], Page[RowT]], request: ListT, at_most: int | None = None) -> list[RowT]:
    """All rows of a list, or the first `at_most`."""
    from headrace.client.resource import each

    return list(each(fetch, request, at_most))
