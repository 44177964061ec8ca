"""From an entrypoint to its flow: `path/file.py:function` or `package.module:function`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

from headrace.callee import Callee
from headrace.flows import Flow, loading


class LoadError(Exception):
    """The flow could not be loaded; `hint` says what to do.

    `error` is what the user's code raised, if it did. `is_final`: trying again would end the same way.
    """

    def __init__(
        self, message: str, hint: str, *, error: BaseException | None = None, is_final: bool = True
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.error = error
        self.is_final = is_final


def load_flow(entrypoint: str) -> Flow[..., Any]:
    """The flow that an entrypoint names, relative to the working directory. Raises `LoadError`.

    A function without `@flow` is made a flow.
    """
    target, colon, name = entrypoint.rpartition(":")
    if not colon or not target or not name:
        raise LoadError(
            f"the entrypoint {entrypoint!r} names no function",
            "Write path/file.py:function or package.module:function.",
        )
    is_path = target.endswith(".py") or "/" in target or os.sep in target
    loading.active = True
    try:
        module = _load_file(target) if is_path else _load_module(target)
    finally:
        loading.active = False
    return _as_flow(_find(module, name, target), name, target)


def _load_file(path: str) -> ModuleType:
    file = os.path.abspath(path)  # noqa: PTH100 - pathlib is not worth its import at each start
    if not os.path.isfile(file):  # noqa: PTH113
        raise LoadError(
            f"there is no file {path!r} in {os.getcwd()}",  # noqa: PTH109
            "Check the entrypoint, and the directory that the code source or `path` leads to.",
        )
    _put_first(os.path.dirname(file), os.getcwd())  # noqa: PTH109, PTH120
    name = _free_name(os.path.splitext(os.path.basename(file))[0])  # noqa: PTH119, PTH122
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path!r} is not a Python file", "An entrypoint's file ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _explain(error, path) from error
    return module


def _load_module(name: str) -> ModuleType:
    _put_first(os.getcwd())  # noqa: PTH109
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _explain(error, name) from error


def _put_first(*directories: str) -> None:
    """Put directories first on the path, as running the file as a script would."""
    rest = [one for one in sys.path if one not in ("", *directories)]
    sys.path[:] = [*dict.fromkeys(directories), *rest]
    importlib.invalidate_caches()


def _free_name(stem: str) -> str:
    """The module's name: that of the file, unless a module of that name is already there."""
    return stem if stem not in sys.modules and stem not in sys.stdlib_module_names else f"{stem}__flow"


def _explain(error: BaseException, target: str) -> LoadError:
    """What went wrong in the user's code, said in one sentence."""
    if isinstance(error, SyntaxError):
        where = f"{os.path.basename(error.filename or target)}, line {error.lineno}"  # noqa: PTH119
        return LoadError(f"syntax error in {where}: {error.msg}", "Correct that line.", error=error)
    if isinstance(error, ModuleNotFoundError):
        hint = f"Install it into the environment of {sys.executable}, or put it beside the flow."
        return LoadError(f"{target} could not be imported: {error}", hint, error=error)
    if isinstance(error, ImportError):
        hint = (
            "A file is loaded by itself: for relative imports name it as package.module:function."
            if "relative import" in str(error)
            else "Check the names that the file imports."
        )
        return LoadError(f"{target} could not be imported: {error}", hint, error=error)
    if isinstance(error, SystemExit):
        hint = "Put what the script does when it is run under `if __name__ == '__main__':`."
        return LoadError(f"{target} ended the process while it was being loaded", hint, error=error)
    return LoadError(
        f"{target} raised {type(error).__name__} while it was being loaded: {error}",
        "Code at the top of a flow's file runs each time the file is loaded.",
        error=error,
        is_final=False,
    )


def _find(module: ModuleType, name: str, target: str) -> Any:
    found: Any = module
    for step in name.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            raise LoadError(f"{target} has no {name!r}", _suggest(module, name)) from None
    return found


def _suggest(module: ModuleType, name: str) -> str:
    from difflib import get_close_matches

    names = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
    flows = [one for one in names if isinstance(getattr(module, one), Flow)]
    close = get_close_matches(name, flows or names, n=1) or get_close_matches(name, names, n=1)
    meant = f"Did you mean {close[0]!r}? " if close else ""
    return f"{meant}Its flows are: {', '.join(flows)}." if flows else f"{meant}It has no flows."


def _as_flow(found: Any, name: str, target: str) -> Flow[..., Any]:
    if isinstance(found, Flow):
        return found
    if isinstance(found, Callee):
        raise LoadError(
            f"{name!r} in {target} is a {found.kind}, not a flow",
            "Name a flow that calls it, or put @flow above it instead.",
        )
    if not callable(found) or isinstance(found, type):
        raise LoadError(
            f"{name!r} in {target} is a {type(found).__name__}, not a flow",
            "Name a function, with @flow above it.",
        )
    try:
        return Flow(found)
    except TypeError as error:
        raise LoadError(f"{name!r} in {target} cannot be a flow: {error}", "Name another function.") from None
