"""Which tests carry a rule's id: found in the source, so that nothing need be imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

NAMED = re.compile(r"test_(srv|cli|rcp|gsm)_(\d+)_")


def named_tests(directory: Path = TESTS) -> dict[str, list[str]]:
    """The node ids of the tests of each rule, `tests/…/test_….py::test_srv_1_…`, in order.

    A parametrized test is one, whatever its parameters.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(directory.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if NAMED.search(source):
            for node in _tests(ast.parse(source)):
                if rule := rule_of(node):
                    name = f"{path.relative_to(directory.parent).as_posix()}::{node}"
                    found.setdefault(rule, []).append(name)
    return found


def rule_of(test: str) -> str | None:
    """The id of the rule that a test proves by its name."""
    named = NAMED.match(test.rpartition("::")[2])
    return f"{named[1].upper()}-{named[2]}" if named else None


def _tests(module: ast.Module) -> Iterator[str]:
    """Functions of the module and methods of its test classes, as pytest collects them."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}::{member.name}"
