"""Several sessions with a carrier as one bind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from gateway.carriers.bind_events import (
    BindCameUp,
    BindEvent,
    BindWentDown,
    Delivered,
    WindowChanged,
)
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import Clock
from gateway.config.carrier import CarrierBind
from gateway.net.network import Network
from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import NotBound, WindowFull
from gateway.smpp.pdus import SubmitSm


class BindPool:
    """`config.sessions` sessions: up while one of them is, with the windows of all that are.

    The loss of one is told as the loss of what was under way there, and as that of the bind only
    with the last.
    """

    def __init__(
        self,
        bind_id: str,
        config: CarrierBind,
        network: Network,
        clock: Clock,
        random: Random,
        on_event: Callable[[BindEvent], None],
    ) -> None:
        self.id = bind_id
        self.config = config
        self._on_event = on_event
        self._sessions = tuple(
            SmppBind(bind_id, config, network, clock, random, self._on_session_event, number)
            for number in range(config.sessions)
        )
        self._up = 0
        self._turn = 0

    @property
    def up(self) -> bool:
        return self._up > 0

    @property
    def on_backup(self) -> bool:
        up = [session for session in self._sessions if session.up]
        return bool(up) and all(session.on_backup for session in up)

    @property
    def in_flight(self) -> int:
        return sum(session.in_flight for session in self._sessions)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, session in enumerate(self._sessions, 1):
                tasks.create_task(session.run(), name=f"bind {self.id}#{number}")

    def submit(self, pdu: SubmitSm, reference: Any) -> None:
        """Write a submit_sm to the session with the most room; those with as much take turns.

        Raises:
            NotBound, WindowFull: the router had an older view of this bind.
        """
        if not self._up:
            raise NotBound("no session is up")
        sessions = self._sessions[self._turn :] + self._sessions[: self._turn]
        session = max(sessions, key=_free)
        if not session.free:
            raise WindowFull("all sessions are full")
        session.submit(pdu, reference)
        self._turn = (self._turn + 1) % len(sessions)

    def answer(self, delivered: Delivered, command_status: int = CommandStatus.ESME_ROK) -> None:
        """Answer a deliver_sm or data_sm on the session that brought it."""
        self._sessions[delivered.session].answer(delivered, command_status)

    async def drain(self) -> None:
        """Unbind each once its answers have come."""
        async with asyncio.TaskGroup() as tasks:
            for session in self._sessions:
                tasks.create_task(session.drain())

    def _on_session_event(self, event: BindEvent) -> None:
        match event:
            case BindCameUp():
                self._up += 1
                if self._up == 1:
                    self._on_event(event)
                self._tell_window()
            case BindWentDown():
                self._up -= 1
                if not self._up:
                    self._on_event(event)
                else:
                    self._tell_window()
            case _:
                self._on_event(event)

    def _tell_window(self) -> None:
        window = self._up * self.config.window
        self._on_event(WindowChanged(self.id, window, self.in_flight))


def _free(session: SmppBind) -> int:
    return session.free
