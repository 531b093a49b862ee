"""How much one source may send before anyone looks at what it says. Pure: sources and `now` in."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

# A trunk of 1,000 calls a second says some 5,000 messages a second.
MESSAGES_PER_S_MAX = 10_000
SOURCES_MAX = 65_536
NETWORKS_KEPT_MAX = 4_096
WINDOW_S = 1.0

_OTHERS = ""


class SourceRate:
    """Counts the messages of each source within a second. An IPv6 source is its /64, which one
    subscriber has for itself. Sources beyond SOURCES_MAX within a second are counted as one."""

    def __init__(self, messages_per_s_max: int = MESSAGES_PER_S_MAX) -> None:
        assert messages_per_s_max >= 1
        self._most = messages_per_s_max
        self._counts: dict[str, int] = {}
        self._until = 0.0
        self.refused = 0

    def take(self, host: str, now: float, messages: int = 1) -> bool:
        """Whether what this source says now is to be heard."""
        if now >= self._until:
            self._counts.clear()
            self._until = now + WINDOW_S
        counts = self._counts
        count = counts.get(host)
        if count is None:
            # Those of an IPv6 network are never found by their own name.
            host = self._source(host)
            count = counts.get(host, 0)
        counts[host] = count = count + messages
        if count <= self._most:
            return True
        self.refused += messages
        return False

    def _source(self, host: str) -> str:
        """By which name it is counted."""
        source = _network(host) if ":" in host else host
        return (
            _OTHERS if source not in self._counts and len(self._counts) >= SOURCES_MAX else source
        )


@lru_cache(maxsize=NETWORKS_KEPT_MAX)
def _network(host: str) -> str:
    try:
        return f"{int(IPv6Address(host.partition('%')[0])) >> 64:x}"
    except AddressValueError:
        return host
