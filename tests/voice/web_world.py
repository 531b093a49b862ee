"""Builders: who calls over the REST API, beside the gateway and two carriers on one wire."""

from random import Random
from typing import cast

import msgspec

from gateway.call import CallEvent
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import INSIDE, Destination, Outgoing
from gateway.sip.user_agent import UserAgent
from gateway.voice.web_call import Described, WebCall, WebEvent
from gateway.voice.web_calls import WebCalls
from tests.sip.transactions import tokens
from tests.voice.world import ACCOUNT, CALLED, CALLER, GATEWAY, OFFER, Message, World

WEB = Destination(INSIDE, ACCOUNT, 0, 1)


class Inside:
    """The user agent of `WebCalls` as the wire sees it. Both of its ends have one name."""

    def __init__(self, calls: WebCalls) -> None:
        self._calls = calls
        self.next_timer = calls.next_timer
        self.handle_timer = calls.handle_timer

    def receive(self, message: Message, source: Destination, now: float) -> None:
        self._calls.receive(message, WEB, now)

    def messages_to_send(self) -> list[Outgoing]:
        return [
            msgspec.structs.replace(each, destination=GATEWAY)
            for each in self._calls.user_agent.messages_to_send()
        ]

    def events(self) -> list[object]:
        return []


class WebWorld(World):
    def __init__(self, calls_max: int = 10, interval: SessionInterval | None = None) -> None:
        super().__init__(interval=interval)
        self.web = WebCalls(
            tokens("web"), Random(1), interval or SessionInterval(), calls_max=calls_max
        )
        inside = cast(UserAgent, Inside(self.web))
        self.agents[WEB] = inside
        self.told[inside] = []

    def _on_call_event(self, event: CallEvent) -> None:
        super()._on_call_event(event)
        self.web.on_call_event(event)

    def _note(
        self, source: Destination, target: Destination, message: Message, arrives: bool
    ) -> None:
        if WEB not in (source, target):
            super()._note(source, target, message, arrives)

    def place(self, sdp: bytes = OFFER) -> WebCall:
        """Somebody calls over the API and listens."""
        call = self.web.place(ACCOUNT, WEB, CALLER, CALLED, sdp, self.now)
        self.web.listen(call, lambda: None)
        self.carry()
        return call


def told(call: WebCall, after: int = 0) -> list[str]:
    """What happened: statuses, and descriptions as `kind: text`."""
    return [_word(event) for _, event in call.after(after)]


def _word(event: WebEvent) -> str:
    if isinstance(event, Described):
        return f"{event.kind}: {event.sdp.decode()}"
    assert isinstance(event, CallEvent)
    return event.status.value
