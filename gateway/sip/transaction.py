"""What the four transactions have in common: a state, a row of its table for what happens, and two
timers at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.timers import Timer, TimerEntry, TimerQueues, TimerValues
from gateway.sip.transaction_events import TransactionEvent, TransportFailed
from gateway.sip.transaction_states import Action, Happening, Table, TransactionState

Act = Callable[[Any, float, "Message"], None]
Message = SipRequest | SipResponse | None
Key = tuple[str | int, ...]

# The transport between two user agents of one process. No socket has it, so who says that it is
# his is who we say he is.
INSIDE = "INSIDE"


class Destination(msgspec.Struct, frozen=True, gc=False):
    """Where a message goes, or came from. `transport` is the Via's word for it: UDP, TCP, TLS, WS,
    WSS or INSIDE. `connection` names one that stands already; 0 is none."""

    transport: str
    host: str
    port: int
    connection: int = 0

    @property
    def reliable(self) -> bool:
        return self.transport != "UDP"


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message to be sent. If that fails, tell `TransactionLayer.transport_error`."""

    octets: bytes
    destination: Destination
    transaction: Transaction | None = None


class Surroundings:
    """What all transactions of a layer share: its timers, and where their output goes. `over` are
    those that have ended and are kept no more, of which the user has not been told."""

    __slots__ = ("ended", "events", "messages", "over", "timeout", "timers", "values")

    def __init__(self, values: TimerValues) -> None:
        self.values = values
        self.timeout = values.timeout
        self.timers = TimerQueues()
        self.messages: list[Outgoing] = []
        self.events: list[TransactionEvent] = []
        self.ended: list[Transaction] = []
        self.over: list[Transaction] = []


class Transaction:
    """One request of one hop, with all responses to it (§17).

    `user` is the transaction user's own: whatever it wants to find again by an event.
    """

    # Of each row of its table, the state that follows and what does its actions.
    ROWS: ClassVar[
        Mapping[
            tuple[TransactionState, Happening | Timer], tuple[TransactionState, tuple[Act, ...]]
        ]
    ]

    __slots__ = (
        "_again",
        "_interval",
        "_octets",
        "_shared",
        "_wait",
        "destination",
        "key",
        "request",
        "state",
        "user",
    )

    def __init__(
        self,
        key: Key,
        request: SipRequest,
        destination: Destination,
        shared: Surroundings,
        state: TransactionState,
    ) -> None:
        self.key = key
        self.request = request
        self.destination = destination
        self.state = state
        self.user: Any = None
        self._shared = shared
        self._octets = b""  # what is retransmitted
        self._wait: TimerEntry | None = None
        self._again: TimerEntry | None = None
        self._interval = 0.0

    def step(self, happening: Happening | Timer, now: float, message: Message = None) -> None:
        row = self.ROWS.get((self.state, happening))
        if row is None:
            return
        self.state, acts = row
        for act in acts:
            act(self, now, message)
        if self.state is TransactionState.TERMINATED:
            self._stop_timers(now, None)
            self._shared.ended.append(self)

    # Actions

    def _stop_timers(self, now: float, message: Message) -> None:
        if self._wait is not None:
            self._wait.owner = None
            self._wait = None
        if self._again is not None:
            self._again.owner = None
            self._again = None

    def _tell_transport_error(self, now: float, message: Message) -> None:
        self._shared.events.append(TransportFailed(self))

    def _send(self, octets: bytes) -> None:
        self._shared.messages.append(Outgoing(octets, self.destination, self))

    def _wait_for(self, timer: Timer, interval: float, now: float) -> None:
        """Nothing else is awaited from now on. A wait for what a reliable transport does not
        repeat is over at once."""
        if self._wait is not None:
            self._wait.owner = None
        if self._again is not None:
            self._again.owner = None
            self._again = None
        if interval:
            self._wait = self._shared.timers.set(timer, self, interval, now)
        else:
            self._wait = None
            self.state = self.ROWS[self.state, timer][0]

    def _send_again_after(self, timer: Timer, interval: float, now: float) -> None:
        """Only where the transport may lose it."""
        if self.destination.transport == "UDP":
            self._interval = interval
            self._again = self._shared.timers.set(timer, self, interval, now)


def rows(
    table: Table, acts: Mapping[Action, Act]
) -> Mapping[tuple[TransactionState, Happening | Timer], tuple[TransactionState, tuple[Act, ...]]]:
    """A table with what does its actions in their place."""
    return {
        pair: (state, tuple([acts[action] for action in actions]))
        for pair, (state, actions) in table.items()
    }
