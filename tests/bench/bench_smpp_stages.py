"""What each stage of a message over SMPP costs in CPU: `python -m tests.bench.bench_smpp_stages`.

Both sides of the gateway with its real connections, sessions and owners, fed and read in batches as
one turn of the event loop has them; between the two there is nothing, and no socket. Nanoseconds a
message, of many repeats the smallest: what the machine does besides only makes them larger.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any, cast

import uvloop

from gateway.account import Account, Esme
from gateway.carriers.bind_events import BindEvent, Delivered, SubmitAnswered
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import system_clock
from gateway.config.carrier import CarrierBind
from gateway.config.credentials import Credentials
from gateway.config.sections import Smpp
from gateway.events import StatusEvent
from gateway.ingress.esme_delivery import EsmeDelivery
from gateway.ingress.smpp_server import SmppServer
from gateway.interworking import submit_sm
from gateway.interworking.deliver_sm import from_carrier
from gateway.message import Direction, Encoding, Message, Origin, Receipts, Status
from gateway.messaging.idempotency import Idempotency
from gateway.messaging.pending_messages import PendingMessages
from gateway.net.network import Network, ProtocolFactory
from gateway.smpp import codec
from gateway.smpp.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.store.interface import Store
from tests.bench import traffic

# What one read holds at a window of 50 or so.
BATCH = 20
REPEATS = 1_500
WINDOW = 1_000
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
FIRST_ID = 1_700_000_000_000 << 22
RECEIPT = (
    b"id:%010d sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 "
    b"stat:DELIVRD err:000 text:"
)
BIND = BindTransceiver(system_id="bench", password="benchpw")


class Wire(asyncio.Transport):
    """The far end of a connection, which reads all."""

    def __init__(self) -> None:
        super().__init__()
        self.octets: list[bytes] = []

    def write(self, octets: Any) -> None:
        self.octets.append(octets)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    abort = close


class Line:
    """A network whose connections end in the test's hand."""

    port = 0

    def __init__(self) -> None:
        self.factory: ProtocolFactory

    async def listen(self, host: str, port: int, factory: ProtocolFactory, *_: Any) -> Line:
        self.factory = factory
        return self

    async def connect(self, host: str, port: int, factory: ProtocolFactory, *_: Any) -> None:
        self.factory = factory

    async def close(self) -> None:
        pass


class Taker:
    """An intake that only keeps what is to be called."""

    def __init__(self) -> None:
        self.taken: list[Callable[[Message], None]] = []

    def submit(self, request: Any, on_taken: Callable[[Message], None], on_refused: Any) -> None:
        self.taken.append(on_taken)


class Outbox:
    """A store that takes notes of what was told, and keeps none."""

    writable = True

    def append(self, record: Any, on_commit: Any = None) -> None:
        pass


class Stage:
    """One stage, the smallest figure that it has had."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ns = sys.maxsize

    def __enter__(self) -> None:
        self._began = time.perf_counter_ns()

    def __exit__(self, *_: object) -> None:
        self.ns = min(self.ns, (time.perf_counter_ns() - self._began) // BATCH)


def a_message(number: int) -> Message:
    return Message(
        id=FIRST_ID + number,
        account_sid=ACCOUNT,
        sender=traffic.sender(number),
        recipient=f"+{traffic.known_recipient(number)}",
        body=traffic.text(number),
        encoding=Encoding.GSM_7BIT,
        segments=1,
        direction=Direction.OUTBOUND_API,
        origin=Origin.SMPP,
        accepted_at=1_767_225_600.0,
        expires_at=1_767_240_000.0,
        receipts=Receipts.ALL,
    )


class EsmeSide:
    def __init__(self) -> None:
        clock = system_clock(asyncio.get_running_loop().time)
        self._line, self._taker = Line(), Taker()
        account = Account(ACCOUNT, "0" * 32, esmes=(Esme("bench", "hash"),), submits_per_second=1e9)
        config = Smpp(window=WINDOW)
        self._delivery = EsmeDelivery(cast(Store, Outbox()), clock, config.deliver_s)
        self._server = SmppServer(
            config,
            cast(Network, self._line),
            clock,
            Credentials([account], _is_right),
            cast(Idempotency, self._taker),
            cast(PendingMessages, None),
            self._delivery,
            lambda: True,
            lambda account_sid, sender: 0.0,
            Random(7),
        )
        self._wire = Wire()
        self._now = clock.now()
        self.stages = [
            Stage("ESME: submit_sm"),
            Stage("ESME: submit_sm_resp"),
            Stage("ESME: deliver_sm"),
            Stage("ESME: deliver_sm_resp"),
        ]

    async def start(self) -> None:
        await self._server.start()
        self._connection = cast(Any, self._line.factory())
        self._connection.connection_made(self._wire)
        self._connection.data_received(codec.encode(BIND, 1))
        for _ in range(10):  # The password is checked in a task of its own.
            await asyncio.sleep(0)
        assert self._server.binds()

    async def turn(self, first: int) -> None:
        submit, answer, receipt, answered = self.stages
        connection = self._connection
        numbers = range(first, first + BATCH)
        octets = b"".join(codec.encode(_submission(number), number + 2) for number in numbers)
        with submit:
            connection.data_received(octets)
        messages = [a_message(number) for number in numbers]
        taken, self._taker.taken = self._taker.taken, []
        await asyncio.sleep(0)
        with answer:
            for on_taken, message in zip(taken, messages, strict=True):
                on_taken(message)
            connection._flush()
        events = [
            StatusEvent(message, 3, Status.DELIVERED, self._now, carrier_status="DELIVRD")
            for message in messages
        ]
        with receipt:
            for event in events:
                self._delivery.on_event(event)
            connection._flush()
        octets = b"".join(codec.encode(DeliverSmResp(), number + 1) for number in numbers)
        await asyncio.sleep(0)
        with answered:
            connection.data_received(octets)
        await asyncio.sleep(0)
        assert self._delivery.delivered == first + BATCH
        self._wire.octets.clear()

    async def stop(self) -> None:
        self._delivery.close()


class CarrierSide:
    def __init__(self) -> None:
        clock = system_clock(asyncio.get_running_loop().time)
        self._line, self._wire = Line(), Wire()
        self._config = CarrierBind("1", "supernet", "sink", window=WINDOW)
        self._events: list[BindEvent] = []
        self._bind = SmppBind(
            "sink-1/1",
            self._config,
            cast(Network, self._line),
            clock,
            Random(7),
            self._events.append,
        )
        self._now = clock.now()
        self.stages = [
            Stage("carrier: submit_sm"),
            Stage("carrier: submit_sm_resp"),
            Stage("carrier: deliver_sm"),
            Stage("carrier: deliver_sm_resp"),
        ]

    async def start(self) -> None:
        self._task = asyncio.create_task(self._bind.run())
        await asyncio.sleep(0)
        self._connection = cast(Any, self._line.factory())
        self._connection.connection_made(self._wire)
        self._connection.data_received(codec.encode(BindTransceiverResp("sink"), 1))
        self._events.clear()

    async def turn(self, first: int) -> None:
        submit, answered, receipt, answer = self.stages
        connection, bind, events = self._connection, self._bind, self._events
        numbers = range(first, first + BATCH)
        messages = [a_message(number) for number in numbers]
        await asyncio.sleep(0)
        with submit:
            for message in messages:
                part, *_ = submit_sm.parts(message)
                bind.submit(submit_sm.to_submit_sm(message, part, self._config, self._now), message)
            connection._flush()
        octets = b"".join(
            codec.encode(SubmitSmResp(f"{number:010d}"), number + 2) for number in numbers
        )
        await asyncio.sleep(0)
        with answered:
            connection.data_received(octets)
        assert all(isinstance(event, SubmitAnswered) for event in events)
        events.clear()
        octets = b"".join(codec.encode(_receipt(number), number + 1) for number in numbers)
        await asyncio.sleep(0)
        with receipt:
            connection.data_received(octets)
            for event in events:
                from_carrier(cast(Delivered, event).pdu)
        await asyncio.sleep(0)
        with answer:
            for event in events:
                bind.answer(cast(Delivered, event))
            connection._flush()
        assert len(events) == BATCH
        events.clear()
        self._wire.octets.clear()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def _is_right(password: str, stored: str) -> bool:
    return True


def _submission(number: int) -> SubmitSm:
    return SubmitSm(
        source_addr_ton=3,
        source_addr=traffic.sender(number),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=traffic.known_recipient(number),
        registered_delivery=1,
        short_message=traffic.text(number).encode(),
    )


def _receipt(number: int) -> DeliverSm:
    return DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=traffic.known_recipient(number),
        dest_addr_ton=3,
        destination_addr=traffic.sender(number),
        esm_class=4,
        short_message=RECEIPT % number,
    )


async def measure(repeats: int) -> list[Stage]:
    sides = (EsmeSide(), CarrierSide())
    for side in sides:
        await side.start()
    gc.collect()
    gc.disable()
    for turn in range(repeats):
        for side in sides:
            await side.turn(turn * BATCH)
    gc.enable()
    for side in sides:
        await side.stop()
    return [stage for side in sides for stage in side.stages]


def main() -> None:
    stages = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS))
    for stage in stages:
        sys.stdout.write(f"{stage.name:<24}{stage.ns:>8,} ns\n")
    sys.stdout.write(f"{'all':<24}{sum(stage.ns for stage in stages):>8,} ns\n")


if __name__ == "__main__":
    main()
