"""Where each key of a TOML document stands (TOML v1.0.0), which `tomllib` does not tell.

The text must be one that `tomllib` has accepted: this scanner finds keys and the ends of values
and checks nothing.
"""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# A multi-line string may end in up to five quotes, of which the last three close it.
STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
BETWEEN = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
BLANKS = re.compile(r"[ \t]*")
# Numbers, booleans and dates; a date may have a blank inside.
SCALAR = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of each key, table and array element.

    An array of tables is one key with elements: `("bind", 2, "port")` is `port` under the third
    `[[bind]]`. A table stands where its header is, and without a header where it is first named.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._pos = 0
        self._counted = 0
        self._line = 1
        self._last_index: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        while True:
            self._skip(BETWEEN)
            if self._pos == len(self._text):
                return
            if self._text.startswith("[[", self._pos):
                table = self._array_of_tables_header()
            elif self._text[self._pos] == "[":
                table = self._table_header()
            else:
                self._key_value(table)

    def _table_header(self) -> KeyPath:
        line = self._line_here()
        self._pos += 1
        path = self._header_path(line)
        self._pos += 1
        self.lines[path] = line
        return path

    def _array_of_tables_header(self) -> KeyPath:
        line = self._line_here()
        self._pos += 2
        array = self._header_path(line)
        self._pos += 2
        self._last_index[array] = self._last_index.get(array, -1) + 1
        element = (*array, self._last_index[array])
        self.lines.setdefault(array, line)
        self.lines[element] = line
        return element

    def _header_path(self, line: int) -> KeyPath:
        """A header's full path: it goes through the newest element of each array of tables."""
        *parents, last = self._key()
        path: KeyPath = ()
        for parent in parents:
            path = (*path, parent)
            self.lines.setdefault(path, line)
            if path in self._last_index:
                path = (*path, self._last_index[path])
        return (*path, last)

    def _key_value(self, table: KeyPath) -> None:
        line = self._line_here()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._pos += 1  # The equals sign.
        self._skip(BLANKS)
        self._value(path)

    def _key(self) -> list[str]:
        parts = [self._key_part()]
        while self._text[self._pos] == ".":
            self._pos += 1
            parts.append(self._key_part())
        return parts

    def _key_part(self) -> str:
        """One part of a dotted key, and the blanks on both sides of it."""
        self._skip(BLANKS)
        if self._text[self._pos] in "\"'":
            part = str(tomllib.loads(f"key = {self._take(STRING)}")["key"])
        else:
            part = self._take(BARE_KEY)
        self._skip(BLANKS)
        return part

    def _value(self, path: KeyPath) -> None:
        match self._text[self._pos]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip(STRING)
            case _:
                self._skip(SCALAR)

    def _array(self, path: KeyPath) -> None:
        index = 0
        while not self._closes("]"):
            element = (*path, index)
            self.lines[element] = self._line_here()
            self._value(element)
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        while not self._closes("}"):
            self._key_value(path)

    def _closes(self, bracket: str) -> bool:
        """Step over the opening bracket or a comma; whether the closing bracket followed."""
        self._skip(BETWEEN)
        if self._text[self._pos] != bracket:
            self._pos += 1
            self._skip(BETWEEN)
        if self._text[self._pos] != bracket:
            return False
        self._pos += 1
        return True

    def _take(self, pattern: re.Pattern[str]) -> str:
        start = self._pos
        self._skip(pattern)
        return self._text[start : self._pos]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._pos)
        assert found is not None, "not TOML"
        self._pos = found.end()

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._pos)
        self._counted = self._pos
        return self._line
