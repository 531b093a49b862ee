"""Why a text cannot be carried, or a user data header not be read."""

from __future__ import annotations


class TextError(ValueError):
    """Anything that this package raises on purpose."""


class UnencodableError(TextError):
    """A character cannot be sent in the encoding asked for.

    It names the character but never the text around it, so that it may be logged.
    """

    def __init__(self, character: str, position: int) -> None:
        super().__init__(f"U+{ord(character):04X} at character {position} cannot be sent")
        self.character = character
        self.position = position


class TooManyPartsError(TextError):
    """The text needs more parts than the octet that counts them can say (§9.2.3.24.1)."""

    def __init__(self, parts: int) -> None:
        super().__init__(f"the text needs {parts} parts, 255 is the most")
        self.parts = parts


class MalformedUdhError(TextError):
    """The information elements do not fill the user data header exactly.

    A receiver then ignores the whole header (3GPP TS 23.040 §9.2.3.24). `rest` is the user data
    behind it; it is empty where the header claims more octets than there are.
    """

    def __init__(self, reason: str, rest: bytes = b"") -> None:
        super().__init__(reason)
        self.rest = rest
