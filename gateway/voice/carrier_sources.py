"""Which carrier's trunk a request comes from."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.carriers.sip_trunk import SipTrunk
from gateway.sip.transaction import Destination
from gateway.voice.source_addresses import SourceAddresses


class CarrierSources:
    """By `allowed_ips`; of a trunk without them by what its host leads to now: over UDP the same
    address and port, over a connection the same address, whose port is any."""

    def __init__(self, trunks: Iterable[SipTrunk]) -> None:
        trunks = tuple(trunks)
        self._listed = SourceAddresses((trunk.config.allowed_ips, trunk) for trunk in trunks)
        self._resolved = tuple(trunk for trunk in trunks if not trunk.config.allowed_ips)

    def at(self, source: Destination) -> SipTrunk | None:
        for trunk in self._resolved:
            if any(_is_from(source, known) for known in trunk.destinations):
                return trunk
        listed = self._listed.find(source.host)
        return listed[0] if listed else None


def _is_from(source: Destination, known: Destination) -> bool:
    return (
        source.host == known.host
        and source.transport == known.transport
        and (source.reliable or source.port == known.port)
    )
