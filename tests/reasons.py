"""Every reason that the operator's code can give, found in its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import missyou_operator
from missyou_operator.api.components import Component
from missyou_operator.api.conditions import Reason

SOURCES = Path(missyou_operator.__file__).parent
#: Callables that take a reason, and its position among their arguments.
_TAKERS = {
    "pending": 0,
    "failed": 0,
    "NotYetError": 0,
    "RefusedError": 0,
    "FlakyError": 0,
    "Diagnosis": 0,
    "Health": 1,
    "Verdict": 2,
}
_WORD = re.compile(r"[A-Z][A-Za-z]+")


def trees() -> Iterator[ast.Module]:
    """Parse every module of the operator."""
    for path in sorted(SOURCES.rglob("*.py")):
        yield ast.parse(path.read_text())


def reasons() -> set[str]:
    """Return the reasons that are written down: as literals, as members of Reason, and as constants of a module."""
    return {reason for tree in trees() for reason in _of_module(tree)}


def _of_module(tree: ast.Module) -> Iterator[str]:
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and name in _TAKERS:
            given = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            given += node.args[_TAKERS[name] : _TAKERS[name] + 1]
            for expression in given:
                yield from _values(constants.get(getattr(expression, "id", ""), expression))


def _values(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Reason":
            yield Reason[node.attr].value
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value == "WaitingFor":
                yield from (f"WaitingFor{component}" for component in Component)
            elif _WORD.fullmatch(node.value):
                yield node.value


_COMMAND = re.compile(r"aws [a-z0-9-]+ [a-z]+-[a-z-]+(?: (?:--[a-z-]+|[^\s\"'`.,;:)|]+(?=[\s)]|$)))*")


def aws_commands() -> set[str]:
    """Return the commands of the AWS CLI in the operator's messages; what is filled in is `X`."""
    return {match.strip() for tree in trees() for text in _texts(tree) for match in _COMMAND.findall(text)}


def _texts(tree: ast.Module) -> Iterator[str]:
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value
