"""What passes between the gateway and its carriers: the wire is believed over either end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b

from gateway.clock import Clock
from gateway.smpp import codec, receipt
from gateway.smpp.constants import HEADER_LENGTH, CommandId
from gateway.smpp.pdus import DeliverSm, SubmitSm, SubmitSmResp
from tests.sim.cast import CARRIERS
from tests.sim.numbered_text import read
from tests.support.memory_network import Wire


@dataclass(slots=True, eq=False)
class Attempt:
    """One submit_sm that the gateway wrote. Times are Unix seconds, None for never.

    `answered_at` is when the response reached the gateway, `lost_at` when the gateway learnt that
    the connection was over without one. `number` is None for texts that are not numbered; `part`
    is 0 for a message that goes whole.
    """

    carrier: str
    wire: int
    number: int | None
    version: int
    part: int
    pdu: SubmitSm
    written_at: float
    arrived_at: float | None = None
    answered_at: float | None = None
    status: int = 0
    carrier_id: str = ""
    lost_at: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the gateway has heard that the carrier took it."""
        return self.answered_at is not None and not self.status


@dataclass(slots=True, eq=False)
class SeenReceipt:
    """One deliver_sm with a receipt that reached the gateway. `answered_at` is when ESME_ROK was
    back at the carrier; `refused` says that the gateway wrote another answer."""

    carrier: str
    carrier_id: str
    stat: str
    arrived_at: float
    answered_at: float | None = None
    refused: bool = False


@dataclass(slots=True)
class _Line:
    """One connection to a carrier: octets not yet whole, and requests not yet answered."""

    from_gateway_written: bytearray = field(default_factory=bytearray)
    from_gateway_arrived: bytearray = field(default_factory=bytearray)
    from_carrier_arrived: bytearray = field(default_factory=bytearray)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    receipts: dict[int, SeenReceipt] = field(default_factory=dict)


class Wiretap:
    """A `Tap`. `digest` is of every octet that passed, with its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[int, _Line] = defaultdict(_Line)
        self._digest = blake2b(digest_size=16)
        self.attempts: list[Attempt] = []
        self.receipts: list[SeenReceipt] = []

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def written(self, wire: Wire, from_client: bool, octets: bytes) -> None:
        self._digest.update(f"{self._clock.now()} {wire.number} {from_client} ".encode() + octets)
        if wire.port in CARRIERS and from_client:
            line = self._lines[wire.number]
            for command_id, sequence_number, status, body in _pdus(
                line.from_gateway_written, octets
            ):
                if command_id == CommandId.SUBMIT_SM:
                    self._submit(wire, line, sequence_number, body)
                elif command_id == CommandId.DELIVER_SM_RESP and sequence_number in line.receipts:
                    line.receipts[sequence_number].refused = bool(status)

    def arrived(self, wire: Wire, from_client: bool, octets: bytes) -> None:
        if wire.port not in CARRIERS:
            return
        line = self._lines[wire.number]
        if from_client:
            for command_id, sequence_number, status, _ in _pdus(line.from_gateway_arrived, octets):
                if command_id == CommandId.SUBMIT_SM:
                    line.attempts[sequence_number].arrived_at = self._clock.now()
                elif command_id == CommandId.DELIVER_SM_RESP and not status:
                    self._receipt_answered(line, sequence_number)
        else:
            for command_id, sequence_number, status, body in _pdus(
                line.from_carrier_arrived, octets
            ):
                if command_id == CommandId.SUBMIT_SM_RESP:
                    self._answer(line, sequence_number, status, body)
                elif command_id == CommandId.DELIVER_SM:
                    self._deliver(wire, line, sequence_number, body)

    def ended(self, wire: Wire, at_client: bool) -> None:
        if wire.port in CARRIERS and at_client:
            for attempt in self._lines[wire.number].attempts.values():
                attempt.lost_at = self._clock.now()

    def _submit(self, wire: Wire, line: _Line, sequence_number: int, body: bytes) -> None:
        pdu = codec.decode(CommandId.SUBMIT_SM, body)
        assert isinstance(pdu, SubmitSm)
        number, version, part = read(pdu)
        attempt = Attempt(
            CARRIERS[wire.port], wire.number, number, version, part, pdu, self._clock.now()
        )
        line.attempts[sequence_number] = attempt
        self.attempts.append(attempt)

    def _answer(self, line: _Line, sequence_number: int, status: int, body: bytes) -> None:
        attempt = line.attempts.pop(sequence_number)
        attempt.answered_at = self._clock.now()
        attempt.status = status
        if not status:
            pdu = codec.decode(CommandId.SUBMIT_SM_RESP, body)
            assert isinstance(pdu, SubmitSmResp)
            attempt.carrier_id = pdu.message_id

    def _deliver(self, wire: Wire, line: _Line, sequence_number: int, body: bytes) -> None:
        pdu = codec.decode(CommandId.DELIVER_SM, body)
        assert isinstance(pdu, DeliverSm)
        if not receipt.is_receipt(pdu.esm_class):
            return
        said = receipt.parse(pdu.short_message, pdu.tlvs)
        assert said is not None
        seen = SeenReceipt(CARRIERS[wire.port], said.message_id, said.stat, self._clock.now())
        line.receipts[sequence_number] = seen
        self.receipts.append(seen)

    def _receipt_answered(self, line: _Line, sequence_number: int) -> None:
        seen = line.receipts.pop(sequence_number, None)
        if seen is not None:
            seen.answered_at = self._clock.now()


def _pdus(buffer: bytearray, octets: bytes) -> list[tuple[int, int, int, bytes]]:
    """command_id, sequence_number, command_status and body of each PDU that is now whole."""
    buffer += octets
    pdus = []
    while len(buffer) >= HEADER_LENGTH:
        length, command_id, status, sequence_number = codec.HEADER.unpack_from(buffer)
        if len(buffer) < length:
            break
        pdus.append((command_id, sequence_number, status, bytes(buffer[HEADER_LENGTH:length])))
        del buffer[:length]
    return pdus
