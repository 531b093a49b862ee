"""The address_range of a bind: a UNIX regular expression over the ESME's addresses (SMPP v3.4
§5.2.7, Appendix A).

The matcher is our own, because a stranger writes the pattern. All places where a match may stand
are followed at once (Thompson's construction), so that a character costs a step for each place,
however the quantifiers are nested; and places are bounded, repetitions written out.

It reads POSIX extended expressions: literals, `.`, `[…]` with ranges and `^`, `\\` before a
character, `*`, `+`, `?`, `{m}`, `{m,}`, `{m,n}`, `(…)`, `|`, and `^` and `$` for the ends of the
address.
"""

from __future__ import annotations

from collections.abc import Callable

# A pattern has 40 characters.
PLACES_MAX = 256
REPEATS_MAX = 40
NESTED_MAX = 10
# Addresses whose answer is remembered; then all are forgotten. An account has few.
REMEMBERED_MAX = 256

_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_Takes = Callable[[str], bool]


class AddressRangeError(Exception):
    """Not an expression that can be used."""


class AddressRange:
    """A compiled address_range; like a UNIX search, it may match anywhere in the address.

    Raises:
        AddressRangeError: it is malformed, or too large.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._automaton = _Automaton()
        parser = _Parser(pattern, self._automaton)
        self._end = self._automaton.place()
        self._start = parser.parse(self._end)
        self._remembered: dict[str, bool] = {}

    def matches(self, address: str) -> bool:
        """Whether the range holds the address."""
        known = self._remembered.get(address)
        if known is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            known = self._remembered[address] = self._search(address)
        return known

    def _search(self, address: str) -> bool:
        places: set[int] = set()
        for at in range(len(address) + 1):
            # A match may begin here, and those under way go on.
            places.add(self._start)
            places = self._automaton.reach(places, at == 0, at == len(address))
            if self._end in places:
                return True
            if at < len(address):
                places = self._automaton.step(places, address[at])
        return False


class _Automaton:
    """Places with at most one character each; `_jumps` lead on without one."""

    def __init__(self) -> None:
        self._takes: list[_Takes | None] = []
        self._then: list[int] = []
        self._jumps: list[tuple[tuple[int, str], ...]] = []

    def place(
        self, takes: _Takes | None = None, then: int = 0, jumps: tuple[tuple[int, str], ...] = ()
    ) -> int:
        """A new one. A jump with "^" or "$" is open at that end of the address only."""
        if len(self._takes) >= PLACES_MAX:
            raise AddressRangeError(f"it needs over {PLACES_MAX} places")
        self._takes.append(takes)
        self._then.append(then)
        self._jumps.append(jumps)
        return len(self._takes) - 1

    def join(self, place: int, jumps: tuple[tuple[int, str], ...]) -> None:
        """Where a loop leads is known after it has been made."""
        self._jumps[place] = jumps

    def reach(self, places: set[int], at_start: bool, at_end: bool) -> set[int]:
        """With all that can be reached without a character."""
        reached, left = set(places), list(places)
        while left:
            for then, where in self._jumps[left.pop()]:
                if then in reached or (where == "^" and not at_start):
                    continue
                if where == "$" and not at_end:
                    continue
                reached.add(then)
                left.append(then)
        return reached

    def step(self, places: set[int], character: str) -> set[int]:
        return {
            self._then[place]
            for place in places
            if (takes := self._takes[place]) is not None and takes(character)
        }


# An expression that has been read: given the place that follows it, it makes its own and returns
# the first, so that a repetition can be written out as often as it needs.
_Fragment = Callable[[int], int]


class _Parser:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, pattern: str, automaton: _Automaton) -> None:
        self._pattern = pattern
        self._automaton = automaton
        self._at = 0
        self._depth = 0

    def parse(self, end: int) -> int:
        fragment = self._alternatives()
        if self._at < len(self._pattern):
            raise AddressRangeError("a ) without its (")
        return fragment(end)

    @property
    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._next
        if not character:
            raise AddressRangeError("it ends too early")
        self._at += 1
        return character

    def _alternatives(self) -> _Fragment:
        branches = [self._sequence()]
        while self._next == "|":
            self._at += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        place = self._automaton.place
        return lambda then: place(jumps=tuple((branch(then), "") for branch in branches))

    def _sequence(self) -> _Fragment:
        items: list[_Fragment] = []
        while self._next not in ("", "|", ")"):
            items.append(self._repeated(self._atom()))

        def fragment(then: int) -> int:
            for item in reversed(items):
                then = item(then)
            return then

        return fragment

    def _repeated(self, item: _Fragment) -> _Fragment:
        while self._next and self._next in "*+?{":
            low, high = self._bounds()
            item = self._times(item, low, high)
        return item

    def _bounds(self) -> tuple[int, int | None]:
        bounds = _QUANTIFIERS.get(self._take())
        if bounds:
            return bounds
        end = self._pattern.find("}", self._at)
        low, comma, high = self._pattern[self._at : max(end, self._at)].partition(",")
        self._at = end + 1
        if not (_is_count(low) and (_is_count(high) or not high)):
            raise AddressRangeError("a { that is no repetition")
        least = int(low)
        most = int(high) if high else (None if comma else least)
        if max(least, most or 0) > REPEATS_MAX or (most is not None and most < least):
            raise AddressRangeError(f"a repetition that is not from 0 to {REPEATS_MAX}")
        return least, most

    def _times(self, item: _Fragment, low: int, high: int | None) -> _Fragment:
        def fragment(then: int) -> int:
            # One place for each repetition of nothing, too: it is what bounds the work.
            then = self._automaton.place(jumps=((then, ""),))
            if high is None:
                loop = self._automaton.place()
                self._automaton.join(loop, ((item(loop), ""), (then, "")))
                then = loop
            else:
                end = then
                for _ in range(high - low):
                    then = self._automaton.place(jumps=((item(then), ""), (end, "")))
            for _ in range(low):
                then = item(then)
            return then

        return fragment

    def _atom(self) -> _Fragment:
        character = self._take()
        place = self._automaton.place
        match character:
            case "(":
                return self._group()
            case "[":
                return self._one(self._class())
            case ".":
                return self._one(lambda _: True)
            case "^" | "$":
                return lambda then: place(jumps=((then, character),))
            case "*" | "+" | "?" | "{":
                raise AddressRangeError("a repetition of nothing")
            case "\\":
                return self._one(self._take().__eq__)
            case _:
                return self._one(character.__eq__)

    def _one(self, takes: _Takes) -> _Fragment:
        return lambda then: self._automaton.place(takes, then)

    def _group(self) -> _Fragment:
        self._depth += 1
        if self._depth > NESTED_MAX:
            raise AddressRangeError(f"over {NESTED_MAX} groups within each other")
        fragment = self._alternatives()
        if self._take() != ")":
            raise AddressRangeError("a ( without its )")
        self._depth -= 1
        return fragment

    def _class(self) -> _Takes:
        """`[…]`; a `]` that comes first, and a `-` at an end, stand for themselves."""
        negated = self._next == "^"
        self._at += negated
        taken: set[str] = set()
        first = True
        while first or self._next != "]":
            low = self._take()
            first = False
            if self._next == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                high = self._take()
                if high < low:
                    raise AddressRangeError("a range that runs backwards")
                taken.update(map(chr, range(ord(low), ord(high) + 1)))
            else:
                taken.add(low)
        self._at += 1
        return (lambda character: character not in taken) if negated else taken.__contains__


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit()
