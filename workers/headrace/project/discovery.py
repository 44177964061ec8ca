"""Finds the flows below a folder by reading source; nothing of the user's is imported."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

from headrace.project.decorators import TASK_HOMES, Names, dotted, read_names, statements
from headrace.project.files import python_files

Function = ast.FunctionDef | ast.AsyncFunctionDef
LARGEST = 1024 * 1024
"""Bytes of a file that anybody wrote by hand."""
_WORD = re.compile(rb"(?<!\w)flow(?!\w)")
"""No file without this word names the decorator, unless another one gave it another name."""
_DECORATOR = re.compile(rb"^[ \t]*@", re.MULTILINE)


@dataclass(frozen=True)
class FoundFlow:
    """A flow as its source tells it; `file` is relative to the folder, with `/`."""

    file: str
    line: int
    function: str
    name: str
    summary: str = ""
    is_async: bool = False
    in_package: bool = False
    """Whether its file imports by leading dots, and so cannot be loaded by itself."""

    @property
    def entrypoint(self) -> str:
        """`path/file.py:function`."""
        return f"{self.file}:{self.function}"

    @property
    def loadable(self) -> str:
        """The entrypoint by which it can be loaded: `package.module:function` for a file that needs its package."""
        if not self.in_package:
            return self.entrypoint
        module = self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return f"{module}:{self.function}"


@dataclass(frozen=True)
class Skipped:
    """A file that could not be read as Python, and why."""

    file: str
    reason: str


@dataclass
class Discovery:
    """What was found."""

    flows: list[FoundFlow] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    files: int = 0


def find_flows(folder: Path) -> Discovery:
    """Every flow below a folder, in the order of files and lines."""
    return _Reader(folder).read()


def is_task(folder: Path, entrypoint: str) -> bool:
    """Whether the source of `path/file.py:function` puts Headrace's `@task` on that function."""
    file, _, name = entrypoint.rpartition(":")
    try:
        body = ast.parse((folder / file).read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    words: set[str] = set()
    for statement in statements(body):
        if isinstance(statement, ast.ImportFrom) and statement.module in TASK_HOMES:
            words |= {each.asname or each.name for each in statement.names if each.name == "task"}
        elif isinstance(statement, ast.Import):
            words |= {
                f"{each.asname or each.name}.task" for each in statement.names if each.name in TASK_HOMES
            }
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            makers = [one.func if isinstance(one, ast.Call) else one for one in statement.decorator_list]
            return any(dotted(maker) in words for maker in makers)
    return False


class _Reader:
    """One reading of a folder; each module is parsed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = python_files(folder)
        self._known = set(self._files)
        self._trees: dict[str, ast.Module | None] = {}
        self._names: dict[str, Names | None] = {}
        self._found = Discovery(files=len(self._files))

    def read(self) -> Discovery:
        rest = [file for file in self._files if not self._look(file)]
        aliases = self._aliases()
        for file in rest if aliases else ():
            if any(alias in self._data(file) for alias in aliases):
                self._take_all(file)
        self._found.flows.sort(key=lambda flow: (flow.file, flow.line))
        self._found.skipped.sort(key=lambda skipped: skipped.file)
        return self._found

    def _aliases(self) -> set[bytes]:
        """Other names that some module gives to the decorator."""
        names = {name for each in self._names.values() if each for name in each.direct}
        return {name.encode() for name in names if name != "flow"}

    def _look(self, file: str) -> bool:
        """Take the flows of a file that may have some by its words; False if it cannot."""
        data = self._data(file)
        if not _WORD.search(data) or not (b"headrace" in data or _DECORATOR.search(data)):
            return False
        self._tree(file, data)
        self._take_all(file)
        return True

    def _take_all(self, file: str) -> None:
        tree = self._tree(file)
        names = self._names_of(file)
        if tree is None or names is None:
            return
        functions: dict[str, Function] = {}
        for statement in statements(tree.body):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                functions[statement.name] = statement
                self._take(file, statement, names)
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                self._take_assigned(file, statement, names, functions)

    def _data(self, file: str) -> bytes:
        path = self._folder / file
        try:
            if path.stat().st_size > LARGEST:
                return self._skip(file, f"is larger than {LARGEST // 1024} KB")
            return path.read_bytes()
        except FileNotFoundError:
            return b""  # Deleted in the working tree, and still in git's index.
        except OSError as error:
            return self._skip(file, f"cannot be read: {error.strerror}")

    def _skip(self, file: str, reason: str) -> bytes:
        skipped = Skipped(file, reason)
        if skipped not in self._found.skipped:
            self._found.skipped.append(skipped)
        return b""

    def _tree(self, file: str, data: bytes | None = None) -> ast.Module | None:
        if file not in self._trees:
            self._trees[file] = self._parsed(file, self._data(file) if data is None else data)
        return self._trees[file]

    def _parsed(self, file: str, data: bytes) -> ast.Module | None:
        if b"\0" in data:
            self._skip(file, "is not text")
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(data, filename=file)
        except SyntaxError as error:
            line = f", line {error.lineno}" if error.lineno else ""
            self._skip(file, f"syntax error{line}: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            self._skip(file, f"cannot be parsed: {type(error).__name__}")
        return None

    def _names_of(self, file: str) -> Names | None:
        if file not in self._names:
            tree = self._tree(file)
            self._names[file] = names = None if tree is None else Names()
            if tree is not None and names is not None:
                # Modules that import each other see what the other one has read so far, as in Python.
                read_names(tree, names, lambda module, level: self._exports(file, module, level))
        return self._names[file]

    def _exports(self, importer: str, module: str, level: int) -> Names | None:
        path = module.replace(".", "/")
        parts = importer.split("/")[:-1]
        bases = ["/".join(parts[: len(parts) - level + 1])] if level else ["/".join(parts), "", "src"]
        for base in bases:
            start = f"{base}/{path}".strip("/")
            for file in (f"{start}.py", f"{start}/__init__.py".lstrip("/")):
                if file in self._known and file != importer:
                    return self._names_of(file)
        return None

    def _take(self, file: str, function: Function, names: Names) -> None:
        for decorator in function.decorator_list:
            called = isinstance(decorator, ast.Call)
            if names.means_flow(decorator.func if isinstance(decorator, ast.Call) else decorator):
                options = _constants(decorator) if called else {}
                self._add(_found(file, function.lineno, function.name, function, options))
                return

    def _take_assigned(
        self, file: str, statement: ast.Assign | ast.AnnAssign, names: Names, functions: dict[str, Function]
    ) -> None:
        """`job = flow(function)`, or `job = flow(retries=2)(function)`: it is found by the name on the left."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        call = statement.value
        if not (isinstance(call, ast.Call) and len(call.args) == 1 and isinstance(targets[0], ast.Name)):
            return
        options = _constants(call)
        maker = call.func
        if isinstance(maker, ast.Call) and not maker.args:
            options, maker = _constants(maker), maker.func
        if names.means_flow(maker):
            made_of = dotted(call.args[0]).rpartition(".")[2]
            name = targets[0].id
            options.setdefault("name", (made_of or name).replace("_", "-"))
            self._add(_found(file, statement.lineno, name, functions.get(dotted(call.args[0])), options))

    def _add(self, flow: FoundFlow) -> None:
        tree = self._tree(flow.file)
        imports = [each for each in statements(tree.body) if isinstance(each, ast.ImportFrom)] if tree else []
        if any(each.level for each in imports):
            parts = flow.file.removesuffix(".py").split("/")
            flow = replace(flow, in_package=len(parts) > 1 and all(part.isidentifier() for part in parts))
        self._found.flows.append(flow)


def _found(file: str, line: int, name: str, function: Function | None, options: dict[str, str]) -> FoundFlow:
    docstring = ast.get_docstring(function) if function is not None else None
    summary = options.get("description") or docstring or ""
    return FoundFlow(
        file=file,
        line=line,
        function=name,
        name=options.get("name") or name.replace("_", "-"),
        summary=next((text.strip() for text in summary.splitlines() if text.strip()), ""),
        is_async=isinstance(function, ast.AsyncFunctionDef),
    )


def _constants(decorator: ast.expr) -> dict[str, str]:
    """The decorator's options that are plain text."""
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return {
        each.arg: each.value.value
        for each in keywords
        if each.arg and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
    }
