"""Calls that are made over the API by who speaks WebRTC, a page in a browser say. Not Twilio's.

In the manner of WHIP (RFC 9725): an offer is posted and makes the call, whose URL takes new offers
(PATCH) and DELETE. But somebody has to answer before there is an answer, so that comes as an event.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import msgspec

from gateway.call import CallStatus
from gateway.clock import Clock, call_id_of, call_sid
from gateway.errors import GatewayError, Refusal, Refused
from gateway.ingress.rest.call_json import WORDS
from gateway.ingress.rest.errors import error_answer
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import Headers, JsonAnswer
from gateway.ingress.rest.message_json import API_VERSION, rfc_2822
from gateway.ingress.rest.octets_answer import OctetsAnswer
from gateway.ingress.rest.web_call_events import WebCallEvents
from gateway.ingress.rest.web_call_json import WebCallResource
from gateway.messaging.phone_number import normalize_sender
from gateway.sip import sanity
from gateway.sip.errors import SipError
from gateway.voice.call_admission import Why
from gateway.voice.customers import calling_numbers
from gateway.voice.web_agent import WebAgent
from gateway.voice.web_call import WebCall
from media.errors import SdpError
from media.sdp import SDP_OCTETS_MAX, parse

WEB_CALLS = "/v1/WebCalls"
SDP = "application/sdp"
# A number, or the user name of a phone of the account's; all of it may stand in a SIP URI.
CALLED = re.compile(r"\+?[0-9A-Za-z._*-]{1,64}")
# For the answer to a new offer, which may ring on.
ANSWER_S = 40.0

encode = msgspec.json.Encoder().encode


class CallRefused(GatewayError):
    """No call was made, or what was asked of it cannot be."""

    def __init__(self, status: int, code: int, text: str, headers: Headers = ()) -> None:
        super().__init__(text)
        self.answer = error_answer(status, code, text, headers)


# How what the gateway says of a call in SIP is told over HTTP, with Twilio's codes.
CODES: dict[str, tuple[int, int]] = {
    Why.SUSPENDED: (403, 20005),
    Why.CALLER_ID: (400, 21210),
    Why.COUNTRY: (400, 21215),
    Why.NOT_A_NUMBER: (400, 21217),
    Why.NO_NUMBER: (400, 21217),
    Why.EMERGENCY: (400, 21214),
}
TOO_MANY = (429, 20429, "too many calls")
NOT_REACHED = (400, 21214, "the 'To' number cannot be reached")
WRONG_STATE = (409, 21220, "the call is not in a state for that")
NO_DESCRIPTION = (400, 20001, "the body must be a session description with audio")


class WebCalls:
    """An account's own. Those of other accounts are not found."""

    def __init__(self, agent: WebAgent, clock: Clock) -> None:
        self._agent = agent
        self._clock = clock
        self._calls = agent.calls

    async def create(self, request: Call) -> JsonAnswer:
        try:
            sdp = await description(request)
            call = self._place(request, sdp)
            await self._settled(call)
        except CallRefused as trouble:
            return trouble.answer
        made = resource(call)
        location = (b"location", f"{WEB_CALLS}/{made.sid}".encode())
        return JsonAnswer(201, encode(made), (location,))

    async def events(self, request: Call) -> WebCallEvents:
        heard = request.headers.get(b"last-event-id", b"")
        last = int(heard) if heard.isdigit() and len(heard) < 10 else 0
        return WebCallEvents(self._agent, self._find(request), self._clock, last)

    async def offer(self, request: Call) -> JsonAnswer | OctetsAnswer:
        """The answer, once the other side has given it."""
        call = self._find(request)
        answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        def on_answer(status: int, sdp: bytes) -> None:
            if not answered.done():
                answered.set_result((status, sdp))

        try:
            sdp = await description(request)
            self._calls.offer(call, sdp, self._clock.now(), on_answer)
        except CallRefused as trouble:
            return trouble.answer
        except SipError as error:
            return CallRefused(*WRONG_STATE[:2], str(error)).answer
        self._agent.flush()
        status, answer = 408, b""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                status, answer = await answered
        if status != 200 or not answer:
            text = f"the other side does not take the offer: SIP {status}"
            return CallRefused(*WRONG_STATE[:2], text).answer
        return OctetsAnswer(200, SDP, answer)

    async def answer(self, request: Call) -> JsonAnswer:
        """To what the other side has offered."""
        call = self._find(request)
        try:
            sdp = await description(request)
            self._calls.answer(call, sdp, self._clock.now())
        except CallRefused as trouble:
            return trouble.answer
        except SipError as error:
            return CallRefused(*WRONG_STATE[:2], str(error)).answer
        self._agent.flush()
        return JsonAnswer(204)

    async def delete(self, request: Call) -> JsonAnswer:
        """Harmless where it is over."""
        self._calls.hang_up(self._find(request), self._clock.now())
        self._agent.flush()
        return JsonAnswer(204)

    def _place(self, request: Call, sdp: bytes) -> WebCall:
        query, account = request.query(), request.account
        called, caller = query.phone_number("To"), query.phone_number("From")
        numbers = calling_numbers(account)
        if not called:
            raise CallRefused(400, 21201, "a 'To' number is required")
        if CALLED.fullmatch(called) is None:
            raise CallRefused(400, 21217, Why.NOT_A_NUMBER)
        if not caller and not numbers:
            raise CallRefused(400, 21213, "a 'From' number is required")
        shown = normalize_sender(caller) if caller else numbers[0]
        if shown is None or CALLED.fullmatch(shown) is None:
            raise CallRefused(400, 21212, "the 'From' number is not a valid phone number")
        try:
            way = self._agent.way(account.sid)
            call = self._calls.place(account.sid, way, shown, called, sdp, self._clock.now())
        except SipError:
            raise CallRefused(*TOO_MANY, ((b"retry-after", b"1"),)) from None
        self._agent.flush()
        return call

    async def _settled(self, call: WebCall) -> None:
        """Until it is known whether there is a call. Raises CallRefused: there is none."""
        if call.call is None and call.refusal is None:
            changed = asyncio.Event()
            listener = changed.set
            self._calls.listen(call, listener)
            try:
                await changed.wait()
            finally:
                self._calls.leave(call, listener, self._clock.now())
        if call.refusal is not None:
            raise refused(call.refusal)

    def _find(self, request: Call) -> WebCall:
        call_id = call_id_of(request.sid("CallSid"))
        call = None if call_id is None else self._calls.find(request.account.sid, call_id)
        if call is None:
            raise Refused(Refusal.NOT_FOUND)
        return call


async def description(request: Call) -> bytes:
    """
    Raises:
        CallRefused: the body is none.
    """
    media_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != SDP.encode():
        raise CallRefused(415, 20415, f"the content type must be {SDP}")
    sdp = await request.body()
    if len(sdp) > SDP_OCTETS_MAX:
        raise CallRefused(413, 20413, f"the session description is over {SDP_OCTETS_MAX} octets")
    try:
        described = parse(sdp)
    except SdpError as error:
        raise CallRefused(*NO_DESCRIPTION[:2], f"{NO_DESCRIPTION[2]}: {error}") from None
    if not any(media.kind == "audio" for media in described.media):
        raise CallRefused(*NO_DESCRIPTION)
    return sdp


def refused(refusal: sanity.Refusal) -> CallRefused:
    """What the gateway has said in SIP, in Twilio's words."""
    if refusal.text in CODES:
        return CallRefused(*CODES[refusal.text], refusal.text)
    if refusal.status == 503:
        wait = dict(refusal.headers).get("Retry-After", "1")
        return CallRefused(*TOO_MANY, ((b"retry-after", wait.encode()),))
    return CallRefused(*NOT_REACHED)


def resource(made: WebCall) -> WebCallResource:
    call = made.call
    assert call is not None
    sid = call_sid(call.id)
    return WebCallResource(
        sid=sid,
        account_sid=call.account_sid,
        from_=call.caller,
        to=call.called,
        status=WORDS[CallStatus.INITIATED],
        date_created=rfc_2822(int(call.started_at)),
        uri=f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{sid}.json",
        events_uri=f"{WEB_CALLS}/{sid}/Events",
    )
