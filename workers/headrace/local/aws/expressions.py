"""moto's expression parsers without the work they repeat for every call.

The text of an expression is the same for thousands of calls, only its values differ: what depends on the
text alone is kept. What the parsers and validators decide is unchanged.
"""

from __future__ import annotations

import copy
from collections import deque
from functools import lru_cache
from typing import Any

from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.parsing import ast_nodes, expressions

from headrace.local.aws.patch import Patch

# moto leaves these two modules without types.
DepthFirstTraverser: Any = vars(ast_nodes)["DepthFirstTraverser"]
Expression: Any = vars(ast_nodes)["Expression"]
Node: Any = vars(ast_nodes)["Node"]
UpdateExpressionFunction: Any = vars(ast_nodes)["UpdateExpressionFunction"]
UpdateExpressionParser: Any = vars(expressions)["UpdateExpressionParser"]

_KEPT_TEXTS = 1024
_answers: dict[tuple[type, Any], bool] = {}
_stock_lex = ConditionExpressionParser._lex_condition_expression
_stock_make = UpdateExpressionParser.make.__func__


@lru_cache(maxsize=_KEPT_TEXTS)
def _lexed(text: str) -> tuple[Any, ...]:
    return tuple(_stock_lex(ConditionExpressionParser(text, {}, {})))


def _lex_once(self: ConditionExpressionParser) -> deque[Any]:
    return deque(_lexed(self.condition_expression))


def conditions_lexed_once() -> list[Patch]:
    """Stock compiles six regular expressions anew for every word of every condition."""
    return [Patch(ConditionExpressionParser, "_lex_condition_expression", _lex_once)]


@lru_cache(maxsize=_KEPT_TEXTS)
def _made(text: str) -> Any:
    return _stock_make(UpdateExpressionParser, text)


def updates_parsed_once() -> list[Patch]:
    """Stock parses each update expression twice a call. Validators work on a copy of the tree."""
    return [Patch(UpdateExpressionParser, "make", staticmethod(_made))]


def _copy_node(self: Any, memo: dict[int, Any]) -> Any:
    twin = object.__new__(type(self))
    twin.type, twin.parent, twin.children = self.type, None, None
    if self.children is not None:
        twin.children = [
            child.__deepcopy__(memo) if _is(type(child), Node) else copy.deepcopy(child, memo)
            for child in self.children
        ]
        for child in twin.children:
            if _is(type(child), Node):
                child.parent = twin
    return twin


def trees_copied_directly() -> list[Patch]:
    """Stock copies the tree by Python's general machinery, parents, children and all: a millisecond."""
    return [Patch(Node, "__deepcopy__", _copy_node)]


def _is(kind: type, wanted: Any) -> bool:
    """Abstract classes answer `isinstance` slowly; there are few kinds of nodes, so each is asked once."""
    known = _answers.get((kind, wanted))
    if known is None:
        known = _answers[kind, wanted] = issubclass(kind, wanted)
    return known


def _traverse(self: Any, node: Any, child_id: int = -1) -> Any:
    processors = self._processing_map()
    wanted = tuple(processors)
    before_child = self.pre_processing_of_child
    if type(self).pre_processing_of_child is DepthFirstTraverser.pre_processing_of_child:
        before_child = None

    def visit(node: Any, child_id: int) -> Any:
        parent = node.parent
        for at, child in enumerate(node.children or ()):
            if before_child:
                before_child(node, at)
            if _is(type(child), Node):
                visit(child, at)
        if _is(type(node), wanted):
            process = next(process for kind, process in processors.items() if _is(type(node), kind))
            node = process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return visit(node, child_id)


def _find_clauses(self: Any, kinds: Any) -> list[Any]:
    clauses: list[Any] = []
    for child in self.children or ():
        if type(child) in kinds:
            clauses.append(child)
        elif _is(type(child), (Expression, UpdateExpressionFunction)):
            clauses.extend(_find_clauses(child, kinds))
    return clauses


def maps_asked_once() -> list[Patch]:
    """Stock asks each validator for its map of processors at every node of the tree, twice."""
    return [
        Patch(DepthFirstTraverser, "traverse_node_recursively", _traverse),
        Patch(Node, "find_clauses", _find_clauses),
    ]
