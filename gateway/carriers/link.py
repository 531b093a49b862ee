"""What the rest of the gateway sees of a way to a carrier: one session, or a pool of them."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.carriers.bind_events import Delivered
from gateway.config.carrier import CarrierBind
from gateway.smpp.pdus import SubmitSm


class Link(Protocol):
    """`carrier/bind`, from `run` until `drain`. It tells what happens by `BindEvent`s."""

    id: str
    config: CarrierBind

    @property
    def up(self) -> bool: ...

    @property
    def on_backup(self) -> bool:
        """Whether it is up by a backup host only."""
        ...

    @property
    def in_flight(self) -> int:
        """How many submit_sm await their answer."""
        ...

    async def run(self) -> None:
        """Keep it up until it is drained."""
        ...

    def submit(self, pdu: SubmitSm, reference: Any) -> None:
        """Write a submit_sm; `reference` comes back with the one event that ends the wait for its
        answer.

        Raises:
            NotBound, WindowFull: the router had an older view.
        """
        ...

    def answer(self, delivered: Delivered, command_status: int = 0) -> None:
        """Answer a deliver_sm or data_sm."""
        ...

    async def drain(self) -> None:
        """Unbind once the answers under way have come."""
        ...
