"""Which route a number's last one-time password took: the next one takes another.

Who asks for a second code did not get the first. A number that gets many is no person waiting for a
code, but a test or a machine: nothing is made of that.
"""

from __future__ import annotations

from collections import OrderedDict

NUMBERS_MAX = 65_536
RESEND_TIME_S = 600.0
RESENDS_MAX = 3


class Resends:
    __slots__ = ("_last",)

    def __init__(self) -> None:
        # Ordered, for the oldest of a dict is the slower to find the more have gone before it.
        self._last: OrderedDict[str, tuple[float, str, int, int]] = OrderedDict()

    def last_bind(self, destination: str, message_id: int, now: float) -> str:
        """The bind to avoid, or "". The same message's next attempt is no resend."""
        last = self._last.get(destination)
        if last is None:
            return ""
        at, bind, of_message, count = last
        if now - at > RESEND_TIME_S or of_message == message_id or count > RESENDS_MAX:
            return ""
        return bind

    def sent(self, destination: str, message_id: int, bind: str, at: float) -> None:
        last = self._last.pop(destination, None)
        count = 1
        if last is not None and at - last[0] <= RESEND_TIME_S:
            count = last[3] + (last[2] != message_id)
        elif last is None and len(self._last) >= NUMBERS_MAX:
            self._last.popitem(last=False)
        self._last[destination] = (at, bind, message_id, count)
