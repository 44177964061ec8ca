"""Which names of a module mean Headrace's `flow`: imported, aliased, or passed on by another local module."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HOMES = frozenset({"headrace", "headrace.flows"})
"""Modules that the decorator is imported from."""
TASK_HOMES = frozenset({"headrace", "headrace.tasks"})
"""Modules that `task` is imported from."""

Exports = Callable[[str, int], "Names | None"]
"""Names of another module of the project, given how it is imported (its dotted name, its leading dots)."""


@dataclass
class Names:
    """Names that are the decorator, and dotted names of modules that carry it as `<module>.<name>`."""

    direct: set[str] = field(default_factory=set)
    modules: dict[str, set[str]] = field(default_factory=dict)

    def means_flow(self, node: ast.expr) -> bool:
        """Whether an expression is the decorator, bare or through a module."""
        if isinstance(node, ast.Name):
            return node.id in self.direct
        if isinstance(node, ast.Attribute):
            return node.attr in self.modules.get(dotted(node.value), ())
        return False


def dotted(node: ast.expr) -> str:
    """`a.b.c` of nested attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported; what stands in functions and classes does not count."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from statements(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from statements(handler.body)


def read_names(tree: ast.Module, names: Names, exports: Exports) -> None:
    """Read a module's imports and assignments in order, into `names`."""
    for statement in statements(tree.body):
        if isinstance(statement, ast.ImportFrom):
            _import_from(statement, names, exports)
        elif isinstance(statement, ast.Import):
            _import(statement, names, exports)
        elif isinstance(statement, ast.Assign) and _is_alias(statement.value, names):
            names.direct |= {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _is_alias(value: ast.expr, names: Names) -> bool:
    """`job = flow`, `job = flow(retries=2)`, or `job = partial(flow, retries=2)`."""
    if names.means_flow(value):
        return True
    if not isinstance(value, ast.Call):
        return False
    if not value.args:
        return names.means_flow(value.func)
    return dotted(value.func) in ("partial", "functools.partial") and names.means_flow(value.args[0])


def _import_from(statement: ast.ImportFrom, names: Names, exports: Exports) -> None:
    module = statement.module or ""
    if module in HOMES and not statement.level:
        names.direct |= {
            each.asname or each.name for each in statement.names if each.name in ("flow", "*")
        } - {"*"}
        names.direct |= {"flow"} if any(each.name == "*" for each in statement.names) else set()
        return
    other = exports(module, statement.level) if module or statement.level else None
    direct = other.direct if other else set()
    for each in statement.names:
        if each.name == "*":
            names.direct |= {name for name in direct if not name.startswith("_")}
        elif each.name in direct:
            names.direct.add(each.asname or each.name)
        else:
            _submodule(f"{module}.{each.name}".lstrip("."), statement.level, each, names, exports)


def _submodule(path: str, level: int, each: ast.alias, names: Names, exports: Exports) -> None:
    """`from package import module`, where the module carries the decorator."""
    other = exports(path, level)
    if other and other.direct:
        names.modules[each.asname or each.name] = other.direct


def _import(statement: ast.Import, names: Names, exports: Exports) -> None:
    for each in statement.names:
        if each.name in HOMES:
            carried: set[str] = {"flow"}
        else:
            other = exports(each.name, 0)
            carried = other.direct if other else set()
        if carried:
            names.modules[each.asname or each.name] = carried
        if each.name == "headrace.flows" and not each.asname:
            names.modules["headrace"] = {"flow"}
