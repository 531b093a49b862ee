"""The customers' web servers: they check each signature, and now and then they fail."""

from __future__ import annotations

import asyncio
from random import Random
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import RequestValidator

from gateway.clock import Clock
from gateway.message import Origin
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import IDEMPOTENCY_HEADER, Answer, Failure, WebhookRequest
from gateway.webhooks.signature import SIGNATURE_HEADER
from tests.sim.cast import ACCOUNTS
from tests.sim.ledger import Ledger, Told
from tests.sim.numbered_text import numbered_text

REPLY_SHARE = 0.3
FAILURES = (
    (FailureKind.CONNECT, 11205),
    (FailureKind.READ, 11200),
    (FailureKind.SERVER_ERROR, 11200),
    (FailureKind.CLIENT_ERROR, 11200),
)


class WebhookServer:
    """A `Poster`. `failing` is the share of requests that fail."""

    def __init__(self, ledger: Ledger, clock: Clock, random: Random) -> None:
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._validators = {
            account.sid: RequestValidator(account.auth_token) for account in ACCOUNTS
        }
        self.failing = 0.0

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        random = self._random
        await asyncio.sleep(random.uniform(0.01, 0.2))
        fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        signed = request.headers[SIGNATURE_HEADER]
        expected = self._validators[fields["AccountSid"]].compute_signature(request.url, fields)
        assert signed == expected, "the signature is wrong"
        token = request.headers[IDEMPOTENCY_HEADER]
        self._ledger.attempted.append((token, fields["MessageSid"]))
        if random.random() < self.failing:
            await asyncio.sleep(random.choice((0.0, 0.0, 5.0)))
            kind, code = random.choice(FAILURES)
            return Failure(kind, code, "as asked")
        path = urlsplit(request.url).path
        self._ledger.webhooks.append(Told(self._clock.now(), path, fields, token))
        await asyncio.sleep(random.uniform(0.01, 0.2))
        return Answer(200, "text/xml", self._reply(path, fields))

    def _reply(self, path: str, fields: dict[str, str]) -> bytes:
        if path != "/sms" or not self._random.random() < REPLY_SHARE:
            return b"<Response/>"
        account = next(one for one in ACCOUNTS if one.sid == fields["AccountSid"])
        asked = self._ledger.ask(account, fields["To"], fields["From"], Origin.REST)
        text = numbered_text(asked.number)
        return f"<Response><Message>{text}</Message></Response>".encode()
