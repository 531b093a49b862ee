"""Builders: requests, and transaction layers alone or back to back in memory."""

from collections.abc import Callable, Iterable
from itertools import count
from typing import TypeVar

from gateway.sip.headers import Field
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.transaction_layer import TransactionLayer

NOW = 1_000.0
VALUES = TimerValues()
UDP = Destination("UDP", "192.0.2.1", 5060)
TCP = Destination("TCP", "192.0.2.1", 5060, 7)

E = TypeVar("E")


def tokens(prefix: str = "") -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def layer(prefix: str = "t", transactions_max: int = 1_000) -> TransactionLayer:
    return TransactionLayer(lambda _: "gw.example:5060", tokens(prefix), VALUES, transactions_max)


def request(
    method: str = "INVITE",
    *,
    uri: str = "sip:bob@gw.example",
    branch: str | None = None,
    from_tag: str = "a",
    to_tag: str | None = None,
    call_id: str = "call-1",
    cseq: int = 1,
    transport: str = "UDP",
    sent_by: str = "192.0.2.1:5060",
    headers: Iterable[Field] = (),
    body: bytes = b"",
) -> SipRequest:
    """With a Via if there is a branch, as a peer's has it."""
    return SipRequest.make(
        method,
        uri,
        from_=f"<sip:alice@example.org>;tag={from_tag}",
        to="<sip:bob@example.net>" + (f";tag={to_tag}" if to_tag else ""),
        call_id=call_id,
        cseq=cseq,
        via=f"SIP/2.0/{transport} {sent_by};branch={branch}" if branch else None,
        headers=headers,
        body=body,
    )


def read(outgoing: Outgoing) -> SipRequest | SipResponse:
    return parse(outgoing.octets)


def sent(made: TransactionLayer) -> list[str]:
    """What it wants to send: methods and status codes."""
    return [
        message.method if isinstance(message, SipRequest) else str(message.status)
        for message in map(read, made.messages_to_send())
    ]


def told(made: TransactionLayer, kind: type[E]) -> list[E]:
    """Its events of one kind; the others are forgotten."""
    return [event for event in made.events() if isinstance(event, kind)]


def run(made: TransactionLayer, until: float) -> None:
    """Let time pass, timer by timer."""
    while (deadline := made.next_timer()) is not None and deadline <= until:
        made.handle_timer(deadline)
