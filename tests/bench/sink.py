"""A message centre that does nothing but take messages: the bench's carrier, as its own process.

`python -m tests.bench.sink` listens on a free port and prints it. Each line on its standard input
is answered with what has come so far; at the end of its input it writes the ledger of what arrived
to the file it was given, and ends. With a second argument of 1 it acknowledges at once what TCP
brings (TCP_QUICKACK): a peer that leaves Nagle's algorithm on waits for that, up to 40 ms.

PDUs are cut out and answered from prepared octets: a message with its receipt costs some 10 µs,
against the gateway's hundred and more, so that the sink is never what is measured.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from struct import Struct
from typing import cast

import msgspec
import uvloop

from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus, EsmClass
from gateway.smpp.pdus import BindReceiverResp, BindTransceiverResp, BindTransmitterResp, UnbindResp
from tests.bench.ledger import Ledger
from tests.bench.traffic import NUMBER_DIGITS

HEADER = Struct(">IIII")
HEADER_LENGTH = HEADER.size

SUBMIT_SM = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
DELIVER_SM = int(CommandId.DELIVER_SM)
DELIVER_SM_RESP = int(CommandId.DELIVER_SM_RESP)
BIND_RESPONSES = {
    CommandId.BIND_TRANSCEIVER: BindTransceiverResp(system_id="sink"),
    CommandId.BIND_TRANSMITTER: BindTransmitterResp(system_id="sink"),
    CommandId.BIND_RECEIVER: BindReceiverResp(system_id="sink"),
}

# Of a deliver_sm: what follows the addresses, up to the id (SMPP v3.4 §4.6.1, Appendix B).
RECEIPT_TEXT = b"id:%010d sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:"
RECEIPT_LENGTH = len(RECEIPT_TEXT % (0, b"0" * 10, b"0" * 10))
BEFORE_RECEIPT = (
    bytes((EsmClass.DELIVERY_RECEIPT, 0, 0)) + b"\0\0" + bytes((0, 0, 0, 0, RECEIPT_LENGTH))
)


class Counts(msgspec.Struct, frozen=True):
    """`answered` are the receipts that the peer has taken, `unexpected` the PDUs or answers that
    have no business here. `cpu_s` is of this process.
    """

    arrived: int
    answered: int
    unexpected: int
    cpu_s: float


class Ready(msgspec.Struct, frozen=True):
    port: int


class Sink:
    """What has come over all connections. Message ids are unique over all of them."""

    def __init__(self, *, quick_ack: bool) -> None:
        self.quick_ack = quick_ack
        self.arrived = Ledger()
        self.answered = 0
        self.unexpected = 0

    def counts(self) -> Counts:
        return Counts(len(self.arrived), self.answered, self.unexpected, time.process_time())


class SinkConnection(asyncio.Protocol):
    """One bind of a client's."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rest = b""
        self._sequence_number = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket: socket.socket = transport.get_extra_info("socket")

    def data_received(self, octets: bytes) -> None:
        now = time.monotonic()
        if self._sink.quick_ack:
            # It holds until the kernel thinks otherwise, hence each time (tcp(7)).
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if self._rest:
            octets = self._rest + octets
        answers: list[bytes] = []
        receipts: list[bytes] = []
        at, end = 0, len(octets)
        while end - at >= HEADER_LENGTH:
            length, command_id, status, sequence_number = HEADER.unpack_from(octets, at)
            if end - at < length:
                break
            if command_id == SUBMIT_SM:
                self._submitted(octets, at, sequence_number, now, answers, receipts)
            elif command_id == DELIVER_SM_RESP:
                if status:
                    self._sink.unexpected += 1
                else:
                    self._sink.answered += 1
            else:
                answers.append(self._other(command_id, sequence_number))
            at += length
        self._rest = octets[at:]
        if answers or receipts:
            self._transport.write(b"".join((*answers, *receipts)))

    def _submitted(
        self,
        octets: bytes,
        at: int,
        sequence_number: int,
        now: float,
        answers: list[bytes],
        receipts: list[bytes],
    ) -> None:
        """Cut a submit_sm (§4.4.1) at its NULs, answer it, and make its receipt if it wants one."""
        source = octets.find(0, at + HEADER_LENGTH) + 1
        destination = octets.find(0, source + 2) + 1
        esm_class = octets.find(0, destination + 2) + 1
        validity_period = octets.find(0, esm_class + 3) + 1
        registered_delivery = octets.find(0, validity_period) + 1
        text = registered_delivery + 5
        arrived = self._sink.arrived
        arrived.note(int(octets[text : text + NUMBER_DIGITS]), now)
        message_id = len(arrived)
        answers.append(
            HEADER.pack(HEADER_LENGTH + 11, SUBMIT_SM_RESP, 0, sequence_number)
            + b"%010d\0" % message_id
        )
        if octets[registered_delivery]:
            body = (
                b"\0"
                + octets[destination:esm_class]
                + octets[source:destination]
                + BEFORE_RECEIPT
                + RECEIPT_TEXT % (message_id, b"2601010000", b"2601010000")
            )
            self._sequence_number += 1
            receipts.append(
                HEADER.pack(HEADER_LENGTH + len(body), DELIVER_SM, 0, self._sequence_number) + body
            )

    def _other(self, command_id: int, sequence_number: int) -> bytes:
        if command_id in BIND_RESPONSES:
            return codec.encode(BIND_RESPONSES[CommandId(command_id)], sequence_number)
        if command_id == CommandId.ENQUIRE_LINK:
            return codec.encode_header(CommandId.ENQUIRE_LINK_RESP, sequence_number)
        if command_id == CommandId.UNBIND:
            return codec.encode(UnbindResp(), sequence_number)
        self._sink.unexpected += 1
        return codec.encode_header(
            CommandId.GENERIC_NACK, sequence_number, CommandStatus.ESME_RINVCMDID
        )


async def serve(ledger_file: Path, *, quick_ack: bool) -> None:
    loop = asyncio.get_running_loop()
    sink = Sink(quick_ack=quick_ack)
    server = await loop.create_server(lambda: SinkConnection(sink), "127.0.0.1", 0)
    say(Ready(server.sockets[0].getsockname()[1]))
    done = asyncio.Event()

    def on_input() -> None:
        octets = os.read(sys.stdin.fileno(), 4096)
        for _ in range(octets.count(b"\n")):
            say(sink.counts())
        if not octets:
            loop.remove_reader(sys.stdin.fileno())
            done.set()

    loop.add_reader(sys.stdin.fileno(), on_input)
    await done.wait()
    sink.arrived.save(ledger_file)


def say(line: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.flush()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1]), quick_ack=sys.argv[2] == "1"))


if __name__ == "__main__":
    main()
