"""The header fields of a message, in their order (RFC 3261 §7.3).

Names compare without regard to case, and compact forms are resolved when they are read; a name
that we do not know stays as it is written, and so does each value but for the space around it and
its folding. A Headers never changes: what alters it returns another, so that both legs of a call
may hold one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.grammar import one_line, split_list
from gateway.sip.header_names import KNOWN, NAMES

Field = tuple[str, str]

_new = object.__new__


class Headers:
    """Iterates as (name, value), in order. `first` is the quick way to a header that we know."""

    __slots__ = ("_fields", "_first")

    _first: dict[str, str] | None

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        """Of our own values: raises ValueRefused where one cannot be written."""
        self._fields = own_fields(fields)
        self._first = None

    @classmethod
    def of(cls, fields: list[Field]) -> Headers:
        """Of fields that are known to be good: names out of NAMES, values of one line."""
        headers = _new(cls)
        headers._fields = fields
        headers._first = None
        return headers

    @property
    def first(self) -> dict[str, str]:
        """The first value of each name, as we write the name. It is made when it is asked for:
        most of what we write is never looked up."""
        first = self._first
        if first is None:
            self._first = first = dict(reversed(self._fields))
        return first

    @property
    def repeats(self) -> int:
        """How many fields are not the first of their name."""
        first = self._first
        return len(self._fields) - len(self.first if first is None else first)

    def get(self, name: str) -> str | None:
        """The value of the first field of this name."""
        if name in KNOWN:
            return self.first.get(name)
        same = name.lower()
        if same in NAMES:
            return self.first.get(NAMES[same])
        return next((value for key, value in self._fields if key.lower() == same), None)

    def get_all(self, name: str) -> list[str]:
        """The value of each field of this name, as it stands."""
        if name not in KNOWN:
            same = name.lower()
            if same not in NAMES:
                return [value for key, value in self._fields if key.lower() == same]
            name = NAMES[same]
        first = self.first
        if name not in first:
            return []
        if len(first) == len(self._fields):
            return [first[name]]
        return [value for key, value in self._fields if key == name]

    def elements(self, name: str) -> list[str]:
        """The elements of all fields of this name, where commas join them (§7.3.1). A field may
        have none at all, as `Allow:`."""
        if name in KNOWN and name not in self.first:
            return []
        values = self.get_all(name)
        return [element for value in values if value for element in split_list(value)]

    def under(self, field: Field) -> Headers:
        """With this field, which is known to be good, before all others."""
        return Headers.of([field, *self._fields])

    @property
    def topmost(self) -> Field:
        """The field before all others."""
        return self._fields[0]

    def with_topmost(self, value: str) -> Headers:
        """With this in the topmost field's place, which is one line and of the same name."""
        return Headers.of([(self._fields[0][0], value), *self._fields[1:]])

    def adding(self, name: str, *values: str) -> Headers:
        """With these fields at the end."""
        return Headers.of([*self._fields, *_own_fields(name, values)])

    def prepending(self, name: str, *values: str) -> Headers:
        """With these fields before all others, as Via asks for (§8.1.1.7)."""
        return Headers.of([*_own_fields(name, values), *self._fields])

    def replacing(self, name: str, *values: str) -> Headers:
        """With these fields in the place of the first of the name, and no other of it."""
        fields = _own_fields(name, values)
        same = _own_name(name).lower()
        at = next((at for at, (key, _) in enumerate(self._fields) if key.lower() == same), None)
        if at is None:
            return Headers.of([*self._fields, *fields])
        rest = [field for field in self._fields[at:] if field[0].lower() != same]
        return Headers.of([*self._fields[:at], *fields, *rest])

    def without(self, *names: str) -> Headers:
        gone = {_own_name(name).lower() for name in names}
        return Headers.of([field for field in self._fields if field[0].lower() not in gone])

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields


class ReadHeaders(Headers):
    """A peer's. They are looked up again and again, so what is asked for most is made at once."""

    __slots__ = ("first", "repeats")

    first: dict[str, str]
    repeats: int

    @classmethod
    def read(cls, fields: list[Field]) -> ReadHeaders:
        """Each a line that was read, by whatever name it has there."""
        first = dict(reversed(fields))
        if not KNOWN.issuperset(first) and any([NAMES[name] != name for name in first]):
            fields = [(NAMES[name], value) for name, value in fields]
            first = dict(reversed(fields))
        headers = _new(cls)
        headers._fields = fields
        headers.first = first
        headers.repeats = len(fields) - len(first)
        return headers

    def with_topmost(self, value: str) -> Headers:
        """Itself: this is for the transport alone, before anyone has read them."""
        name = self._fields[0][0]
        self._fields[0] = (name, value)
        self.first[name] = value
        return self


def _own_name(name: str) -> str:
    try:
        return NAMES[name]
    except GrammarError as error:
        raise ValueRefused("a header has no name") from error


def _own_fields(name: str, values: Iterable[str]) -> list[Field]:
    name = _own_name(name)
    return [(name, one_line(value)) for value in values]


def own_fields(fields: Iterable[Field]) -> list[Field]:
    """Of our own values: raises ValueRefused where one cannot be written."""
    if not fields:
        return []
    try:
        return [(NAMES[name], one_line(value)) for name, value in fields]
    except GrammarError as error:
        raise ValueRefused("a header has no name") from error
