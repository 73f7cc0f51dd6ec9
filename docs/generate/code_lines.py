"""Where a name is defined in a Python file, found without importing it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


class SymbolError(LookupError):
    """A file does not define a name."""


def line_of(file: Path, symbol: str) -> int:
    """The line, from 1, that defines a class, function, method, attribute or constant.

    Args:
        file: A Python file.
        symbol: Its name, with dots between a class and what is in it.

    Raises:
        SymbolError: It is not defined there, or there is no such file.
    """
    if not file.is_file():
        raise SymbolError(f"{file} is not there; the documentation names {symbol} in it")
    body: list[ast.stmt] = _parsed(file).body
    line = 0
    for name in symbol.split("."):
        found = next((statement for statement in body if name in _names(statement)), None)
        if found is None:
            raise SymbolError(f"{file} does not define {symbol}: correct the documentation, or the name")
        line = found.lineno
        body = found.body if isinstance(found, ast.ClassDef) else []
    return line


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()
