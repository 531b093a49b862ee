"""The webhook engine, a number that has an SmsUrl, and an intake that keeps what it is given."""

import asyncio
from collections.abc import Callable

from gateway.account import Sender
from gateway.errors import Refusal, Refused
from gateway.message import Direction, Message, Status
from gateway.messaging.admission import SendRequest
from gateway.messaging.inbound import Inbound
from gateway.messaging.opt_out import OptOuts
from gateway.store.interface import Listener, OptOut
from gateway.webhooks.request import Answer
from tests.messaging.webhook_world import (
    NUMBER,
    TEXTER,
    World,
    a_message,
    a_number,
    a_transition,
    accounts_of,
    an_account,
)

SMS_URL = "https://hooks.example.com/sms?tenant=1"
HOST = "hooks.example.com"


class InboundWorld(World):
    """`refusal`: how the intake answers, at once, or with `late` in the next turn of the loop."""

    def __init__(self, number: Sender | None = None) -> None:
        super().__init__(account=an_account(number or a_number(SMS_URL)))
        self.opt_outs = OptOuts()
        self.submitted: list[SendRequest] = []
        self.replied = asyncio.Event()
        self.refusal: Refusal | None = None
        self.late = False
        self.inbound = Inbound(
            webhooks=self.webhooks,
            accounts=accounts_of(self.account),
            opt_outs=self.opt_outs,
            submit=self.submit,
            store=self.store,
            clock=self.clock,
        )

    def submit(
        self,
        request: SendRequest,
        on_accepted: Callable[[Message], None],
        on_refused: Callable[[Refused], None],
    ) -> None:
        self.submitted.append(request)
        self.replied.set()
        if self.refusal is None:
            on_accepted(a_message(10**6))
        elif self.late:
            asyncio.get_running_loop().call_soon(on_refused, Refused(self.refusal))
        else:
            on_refused(Refused(self.refusal))

    def receive(
        self, body: str, listener: Listener = Listener.WEBHOOK, message_id: int = 1
    ) -> Message:
        message = an_mo(body, message_id)
        transition = a_transition(message, status=Status.RECEIVED, listener=listener)
        self.store.has(message, transition)
        self.inbound.on_inbound(message, transition)
        return message

    def answer(self, body: str, content_type: str = "text/xml") -> None:
        answer = Answer(200, content_type, body.encode())
        self.endpoints.scripts[HOST] = lambda request: answer

    @property
    def recorded_opt_outs(self) -> list[OptOut]:
        return [record for record in self.store.records if isinstance(record, OptOut)]

    @property
    def bodies(self) -> list[str]:
        return [request.body for request in self.submitted]


def an_mo(body: str, message_id: int = 1) -> Message:
    return a_message(
        message_id,
        body=body,
        sender=TEXTER,
        recipient=NUMBER,
        direction=Direction.INBOUND,
        status_callback="",
    )
