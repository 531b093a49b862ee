"""Many accounts at carriers that answer by themselves, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any

from gateway.account import Account, Sender, SenderType
from gateway.messaging.lane import Lane
from gateway.smpp.constants import CommandStatus
from routing.carrier_bind import RouteEntry
from tests.messaging.traffic_world import FakeBind, Traffic, Written

# What a carrier answers to a submit_sm: its status, and after how many seconds.
Behaviour = Callable[[Written], tuple[int, float]]


def takes_all(latency_s: float = 0.02) -> Behaviour:
    return lambda written: (CommandStatus.ESME_ROK, latency_s)


class Market(Traffic):
    """Binds answer as `behave` says; `queued` and `went` are the times of each message."""

    def __init__(
        self,
        binds: Mapping[str, tuple[RouteEntry, ...]] | None = None,
        behaviours: Mapping[str, Behaviour] | None = None,
        **config: Any,
    ) -> None:
        super().__init__(binds, **config)
        self.loop = asyncio.get_running_loop()
        self.queued: dict[int, float] = {}
        self.went: dict[int, float] = {}
        self.senders: dict[int, Lane] = {}
        self._numbers = count(10_000_000)
        for bind, fake in self.binds.items():
            behaviour = (behaviours or {}).get(bind) or takes_all()
            fake.submit = partial(self._submit, bind, fake, behaviour)  # type: ignore[method-assign]

    def _submit(
        self, bind: str, fake: FakeBind, behaviour: Behaviour, pdu: Any, reference: Any
    ) -> None:
        FakeBind.submit(fake, pdu, reference)
        written = fake.awaiting.pop()
        message = reference[0].message
        if message.id not in self.went:
            self.went[message.id] = self.clock.now()
        status, latency_s = behaviour(written)
        carrier_id = f"{len(fake.written)}"
        self.loop.call_later(latency_s, self.answer_to, bind, written, status, carrier_id)

    def lane(self, name: str, sender: str = "1", mps: float = 1_000.0, **account: Any) -> Lane:
        """Of the account of that name, which may have several senders."""
        sid = f"AC{name:0>32}"
        address = f"555{sender:0>3}"
        return self.dispatcher.lanes.of(
            Account(sid, "0" * 32, **{"max_queue_s": 1_000_000, **account}),
            Sender(address, SenderType.SHORT_CODE, mps),
        )

    def send(
        self,
        lane: Lane,
        messages: int = 1,
        segments: int = 1,
        traffic_type: str = "",
        country: str = "1500",
    ) -> None:
        """Messages to as many people, queued at once as if they had just become durable."""
        for _ in range(messages):
            message = self.a_message(
                "x" * (150 * segments),
                account_sid=lane.account_sid,
                sender=lane.sender,
                recipient=f"+{country}{next(self._numbers)}",
                segments=segments,
                traffic_type=traffic_type,
                expires_at=self.clock.now() + 1_000_000,
            )
            assert lane.queue.reserve(segments)
            self.queued[message.id] = self.clock.now()
            self.senders[message.id] = lane
            self.journal.accept(message, partial(self._accepted, lane))

    def _accepted(self, lane: Lane, opened: Any) -> None:
        self.dispatcher.lanes.put(lane, opened)

    def every(self, interval_s: float, work: Callable[[], None]) -> None:
        """Do it now, and again and again."""
        work()
        self.loop.call_later(interval_s, self.every, interval_s, work)

    async def run(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # What is to be seen

    def segments(self, since: float = 0.0) -> dict[str, int]:
        """How many each account has sent, by the last digits of its name."""
        sent: dict[str, int] = {}
        for fake in self.binds.values():
            for written in fake.written:
                if written.at >= self.start + since:
                    name = written.reference[0].message.account_sid[2:].lstrip("0")
                    sent[name] = sent.get(name, 0) + 1
        return sent

    def waits(self, lane: Lane) -> list[float]:
        """How long each message of the sender waited, the longest last. Not gone yet: until now."""
        now = self.clock.now()
        mine = (each for each, sender in self.senders.items() if sender is lane)
        return sorted(self.went.get(each, now) - self.queued[each] for each in mine)

    @property
    def start(self) -> float:
        return self.clock.now() - self.loop.time()


def p99(sorted_values: list[float]) -> float:
    return sorted_values[int(0.99 * (len(sorted_values) - 1))]


def jain(shares: list[float]) -> float:
    """Jain's index: 1 where all are equal, 1 / n where one has all."""
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares))
