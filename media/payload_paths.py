"""What becomes of an end's packets on their way to the other, by their payload type.

Each end is told the other's formats, and sends by their numbers (RFC 3264 §6.1). There are ends
that send by their own: those are given the other's number for the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from media.codecs import CN, KEPT_MAX, PCMA, PCMU, TELEPHONE_EVENT, Codec, Codecs
from media.g711 import A_LAW_TO_MU_LAW, MU_LAW_TO_A_LAW
from media.packet_run import BUFFER, WHOLE, Straight
from media.rtp import HEADER_OCTETS, PLAIN_OCTET, translated

_MARKER = 0x80
_LAWS = {PCMU: (PCMA, MU_LAW_TO_A_LAW), PCMA: (PCMU, A_LAW_TO_MU_LAW)}


class PayloadPath(NamedTuple):
    """`into` is the other end's number, None where the packets end here. `table` translates each
    octet; `clock_rates` are those of an event here and there."""

    into: int | None
    table: bytes = b""
    clock_rates: tuple[int, int] | None = None

    def through(self, packet: bytes) -> bytes | None:
        if self.into is None:
            return None
        if self.table:
            return translated(packet, self.into, self.table)
        return packet[:1] + bytes((packet[1] & _MARKER | self.into,)) + packet[2:]

    def straight(self, packet: bytes, send: Straight) -> Straight | None:
        """The same for a run of such packets, where they stand; None where they are not simple."""
        into, table = self.into, self.table
        if into is None or packet[0] != PLAIN_OCTET:
            return None
        payload = WHOLE[HEADER_OCTETS : len(packet)]

        def translated_and_sent(packet: memoryview) -> None:
            payload[:] = payload.tobytes().translate(table)
            BUFFER[1] = into
            send(packet)

        def renumbered_and_sent(packet: memoryview) -> None:
            BUFFER[1] = into
            send(packet)

        return translated_and_sent if table else renumbered_and_sent


class PathsBetween(NamedTuple):
    """From one end to the other. `event_rates` are the numbers by which digits may come and their
    clock rates, `changed` the types that do not pass as they are, and `clock_rates` those of the
    events among them; of `unknown` ones the receiver has said nothing."""

    event_rates: dict[int, int]
    changed: dict[int, PayloadPath]
    clock_rates: tuple[tuple[int, int], ...]
    unknown: tuple[Codec, ...]


@lru_cache(KEPT_MAX)
def paths_between(sender: Codecs, receiver: Codecs) -> PathsBetween:
    """Not to be changed: phones of two kinds agree on the same in each call."""
    changed = _changed(sender, receiver)
    clock_rates = {path.clock_rates for path in changed.values() if path.clock_rates is not None}
    unknown = [
        codec
        for payload_type, codec in sender.by_payload_type.items()
        if payload_type not in receiver.by_payload_type and payload_type not in changed
    ]
    return PathsBetween(_event_rates(sender, receiver), changed, tuple(clock_rates), tuple(unknown))


def _event_rates(sender: Codecs, receiver: Codecs) -> dict[int, int]:
    return {
        codec.payload_type: codec.clock_rate
        for codecs in (sender, receiver)  # The receiver's count.
        for codec in codecs.by_payload_type.values()
        if codec.name == TELEPHONE_EVENT
        and (codecs is receiver or codec.payload_type not in receiver.by_payload_type)
    }


def _changed(sender: Codecs, receiver: Codecs) -> dict[int, PayloadPath]:
    paths: dict[int, PayloadPath] = {}
    taken = receiver.by_payload_type
    for payload_type, codec in sender.by_payload_type.items():
        if payload_type not in taken:
            path = _path(codec, receiver)
            if path is not None:
                paths[payload_type] = path
    for law, (other, table) in _LAWS.items():
        if law not in taken and other in taken:
            paths[law] = PayloadPath(other, table)
    if receiver.find("CN") is None:
        paths[CN] = PayloadPath(None)
    return paths


def _path(codec: Codec, receiver: Codecs) -> PayloadPath | None:
    """None for what the receiver has said nothing of: it goes as it is, and is not played."""
    if codec.name == TELEPHONE_EVENT:
        into = receiver.events(codec.clock_rate)
        if into is not None:
            return PayloadPath(into, clock_rates=(codec.clock_rate, codec.clock_rate))
        for other in receiver.by_payload_type.values():
            if other.name == TELEPHONE_EVENT:
                rates = codec.clock_rate, other.clock_rate
                return PayloadPath(other.payload_type, clock_rates=rates)
        return PayloadPath(None)
    into = receiver.find(codec.name, codec.clock_rate) if codec.name else None
    return None if into is None else PayloadPath(into)
