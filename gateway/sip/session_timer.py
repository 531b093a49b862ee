"""Session timers (RFC 4028): for how long a session lives without a refresh, and who refreshes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.headers import Field
from gateway.sip.message import SipMessage, SipRequest
from gateway.sip.option_tags import option_tags
from gateway.sip.parameters import parse_parameters

MIN_SE_S = 90  # §5
DELTA_SECONDS_MAX = 2**31 - 1
# Values that are kept, and how long one may be for that.
VALUES_KEPT = 1_024
KEPT_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class SessionInterval:
    """What we ask for, and the shortest that we accept, in seconds (§4)."""

    session_expires_s: int = 1_800
    min_se_s: int = MIN_SE_S


class SessionExpires(msgspec.Struct, frozen=True, gc=False):
    """`refresher` is "uac" or "uas" of the request that negotiates, or nobody yet."""

    seconds: int
    refresher: str | None = None

    @classmethod
    def of(cls, message: SipMessage) -> SessionExpires | None:
        """Those read last are kept: a peer says the same in each of its calls."""
        value = message.headers.first.get("Session-Expires")
        if value is None:
            return None
        return _kept(value) if len(value) <= KEPT_LENGTH_MAX else _parse(value)

    def __str__(self) -> str:
        who = f";refresher={self.refresher}" if self.refresher else ""
        return f"{self.seconds}{who}"


def _parse(value: str) -> SessionExpires:
    digits, semicolon, rest = value.partition(";")
    parameters = parse_parameters(semicolon + rest) if semicolon else {}
    refresher = parameters.get("refresher")
    if refresher is not None:
        refresher = refresher.lower()
        if refresher not in ("uac", "uas"):
            raise GrammarError("the refresher is neither uac nor uas")
    return SessionExpires(_seconds("Session-Expires", digits.strip(" \t")), refresher)


_kept = lru_cache(VALUES_KEPT)(_parse)


@lru_cache(VALUES_KEPT)
def _written(seconds: int, refresher: str | None) -> str:
    return str(SessionExpires(seconds, refresher))


def min_se(message: SipMessage) -> int:
    """0 where there is none."""
    value = message.headers.first.get("Min-SE")
    return 0 if value is None else _seconds("Min-SE", value.partition(";")[0].strip(" \t"))


def _seconds(name: str, digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
        raise GrammarError(f"{name} is not a number of seconds")
    return min(int(digits), DELTA_SECONDS_MAX)


class SessionTimer:
    """One dialog's. It changes with each 2xx to an INVITE or UPDATE, in either direction."""

    __slots__ = ("_interval", "_min_se_s", "expires_s", "we_refresh")

    def __init__(self, interval: SessionInterval) -> None:
        self._interval = interval
        self._min_se_s = interval.min_se_s
        self.expires_s = 0  # 0: the session does not expire.
        self.we_refresh = False

    # As the UAC of a request

    def offered(self) -> list[Field]:
        """The headers of an INVITE or UPDATE of ours (§7.1, §7.4). Once it is settled who
        refreshes, it stays so."""
        seconds = max(self.expires_s or self._interval.session_expires_s, self._min_se_s)
        refresher = None
        if self.expires_s:
            refresher = "uac" if self.we_refresh else "uas"
        return [("Session-Expires", _written(seconds, refresher)), ("Min-SE", str(self._min_se_s))]

    def too_small(self, response: SipMessage) -> bool:
        """A 422 has come (§7.3); whether there is any use in asking again."""
        try:
            asked = min_se(response)
        except GrammarError:
            return False
        if asked <= self._min_se_s:
            return False
        self._min_se_s = asked
        return True

    def agreed_as_uac(self, response: SipMessage) -> None:
        """By the 2xx to our request (§7.2); one that cannot be read agrees to nothing."""
        try:
            session_expires = SessionExpires.of(response)
        except GrammarError:
            session_expires = None
        self.expires_s = 0 if session_expires is None else session_expires.seconds
        self.we_refresh = session_expires is not None and session_expires.refresher != "uas"

    # As its UAS

    def refusal(self, request: SipRequest) -> list[Field] | None:
        """The headers of the 422 that answers it, if it asks for less than we accept (§9)."""
        asked = SessionExpires.of(request)
        min_se(request)  # Raised now, not when the owner answers.
        if asked is None or asked.seconds >= self._interval.min_se_s:
            return None
        if "timer" not in option_tags(request, "Supported"):
            return None
        return [("Min-SE", str(self._interval.min_se_s))]

    def agree_as_uas(self, request: SipRequest) -> list[Field]:
        """The headers of our 2xx (§9 with table 2). Who knows no session timers is refreshed by
        us, and so is who leaves the choice to us."""
        supports = "timer" in option_tags(request, "Supported")
        asked = SessionExpires.of(request)
        wanted = self._interval.session_expires_s
        seconds = wanted if asked is None else min(asked.seconds, wanted)
        seconds = max(seconds, self._interval.min_se_s, min_se(request))
        refresher = "uas"
        if supports and asked is not None and asked.refresher == "uac":
            refresher = "uac"
        self.expires_s = seconds
        self.we_refresh = refresher == "uas"
        fields: list[Field] = [("Session-Expires", _written(seconds, refresher))]
        if supports:
            fields.append(("Require", "timer"))
        return fields

    # Deadlines, from the last refresh on

    @property
    def refresh_after_s(self) -> float:
        """Half of the interval, so that there is time for another attempt (§7.2)."""
        return self.expires_s / 2

    @property
    def expire_after_s(self) -> float:
        """Somewhat early, lest the peer's BYE and ours cross (§10)."""
        return self.expires_s - min(32.0, self.expires_s / 3)
