"""Writes any nested value as TOML in styles drawn at random, and knows each key's line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from hypothesis import strategies as st

from gateway.config.toml_lines import KeyPath

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

BARE = re.compile(r"[A-Za-z0-9_-]+")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

texts = st.text(
    st.one_of(st.sampled_from("\"'#=[]{},.\\\n \tab1"), st.characters(exclude_categories=["Cs"])),
    max_size=8,
)
scalars = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.datetimes(),
    st.dates(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(texts, inner, max_size=3),
        st.lists(st.dictionaries(texts, inner, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=12,
)
documents = st.dictionaries(texts, values, max_size=5)


class TomlWriter:
    """`text` grows; `lines` holds what `key_lines(text)` should say."""

    def __init__(self, draw: Draw[bool]) -> None:
        self.text = ""
        self.lines: dict[KeyPath, int] = {}
        self._draw = draw

    def table(self, table: Mapping[str, object], path: KeyPath = (), header: str = "") -> None:
        """The body of a table: its own keys first, then the tables that get a header."""
        headed: dict[str, object] = {}
        for key, value in table.items():
            if (isinstance(value, dict) or _is_array_of_tables(value)) and self._coin():
                headed[key] = value
            else:
                self._key_value(key, value, path)
        for key, value in headed.items():
            self._headed(value, (*path, key), f"{header}.{_key(key)}" if header else _key(key))

    def _headed(self, value: object, path: KeyPath, header: str) -> None:
        if isinstance(value, list):
            for index, element in enumerate(value):
                self._blank_lines()
                self._mark(path, (*path, index))
                self.text += f"[[ {header} ]]  # an element\n"
                self.table(element, (*path, index), header)
            return
        assert isinstance(value, dict)
        implied = bool(value) and all(isinstance(inner, dict) and inner for inner in value.values())
        if implied and self._coin():
            for key, inner in value.items():
                self._headed(inner, (*path, key), f"{header} . {_key(key)}")
            return
        self._blank_lines()
        self._mark(*(path[:end] for end in range(1, len(path) + 1)))
        self.text += f"[{header}]\n"
        self.table(value, path, header)

    def _key_value(self, key: str, value: object, path: KeyPath, before: str = "") -> None:
        if isinstance(value, dict) and value and self._coin():
            for inner_key, inner in value.items():
                self._key_value(inner_key, inner, (*path, key), f"{before}{_key(key)} . ")
            return
        self._blank_lines()
        self._mark(*(path[:end] for end in range(1, len(path) + 1)), (*path, key))
        self.text += f"{before}{_key(key)} = "
        self._value(value, (*path, key))
        self.text += "  # a comment = [\n" if self._coin() else "\n"

    def _value(self, value: object, path: KeyPath, *, one_line: bool = False) -> None:
        if isinstance(value, dict):
            self.text += "{"
            for number, (key, inner) in enumerate(value.items()):
                self._mark((*path, key))
                self.text += f"{', ' if number else ''}{_key(key)} = "
                self._value(inner, (*path, key), one_line=True)
            self.text += "}"
        elif isinstance(value, list):
            self.text += "["
            for index, inner in enumerate(value):
                self.text += "\n  # element ]\n  " if self._coin() else " "
                self._mark((*path, index))
                self._value(inner, (*path, index))
                self.text += " ," if index + 1 < len(value) or self._coin() else ""
            self.text += "]"
        elif isinstance(value, str):
            self.text += self._string(value, one_line=one_line)
        elif isinstance(value, bool | int | float):
            self.text += str(value).lower()
        else:
            self.text += str(value)

    def _string(self, text: str, *, one_line: bool) -> str:
        if not CONTROL.search(text):
            if "'" not in text and "\n" not in text and self._coin():
                return f"'{text}'"
            if "'''" not in text and self._coin() and not one_line:
                return f"'''\n{text}'''"
        if self._coin() and not one_line:
            escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
            return '"""\n' + CONTROL.sub(lambda c: f"\\u{ord(c[0]):04x}", escaped) + '"""'
        return _basic_string(text)

    def _blank_lines(self) -> None:
        if self._coin():
            self.text += "\n  # [no.header]\n"

    def _mark(self, *paths: KeyPath) -> None:
        for path in paths:
            self.lines.setdefault(path, self.text.count("\n") + 1)

    def _coin(self) -> bool:
        return self._draw(st.booleans())


def _is_array_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, dict) for x in value)


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else _basic_string(key)


def _basic_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
