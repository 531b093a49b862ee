"""Where on a broker things are published, and states as JSON (docs/reference/events.md)."""

from __future__ import annotations

import msgspec

from gateway.call import CallEvent
from gateway.store.interface import StreamEvent
from gateway.streams.cloud_event import status_of
from gateway.streams.state_board import OFFLINE, State
from gateway.streams.timestamp import rfc_3339

STATUS = "status"

_encoder = msgspec.json.Encoder()


class Topics:
    """All under one prefix, in the levels by which a consumer would choose."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def message(self, event: StreamEvent) -> str:
        """`<prefix>/accounts/<AccountSid>/messages/<status>`"""
        account_sid = event.message.account_sid
        return f"{self._prefix}/accounts/{account_sid}/messages/{status_of(event)}"

    def call(self, event: CallEvent) -> str:
        """`<prefix>/accounts/<AccountSid>/calls/<status>`"""
        return f"{self._prefix}/accounts/{event.call.account_sid}/calls/{event.status.value}"

    def state(self, topic: str) -> str:
        """`<prefix>/status`, `<prefix>/binds/<carrier>/<bind>`, `<prefix>/alarms/<name>`"""
        return f"{self._prefix}/{topic}"


def state_json(state: State) -> bytes:
    since = rfc_3339(state.since)
    return _encoder.encode({"state": state.value, "since": since, "detail": state.detail})


def last_will() -> bytes:
    """What the broker says of us once we are gone: since when, only the broker knows."""
    return _encoder.encode({"state": OFFLINE, "since": None, "detail": "connection lost"})
