"""The HTTP control interface: what arrived, what was wrong, and switches for the behaviours.

It has no passwords and is meant for the loopback address. A request that changes something must
say `Content-Type: application/json`, which no foreign web page can do behind a user's back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web

from carriers_sim.behaviour import Behaviour
from carriers_sim.call_behaviour import CallBehaviour
from carriers_sim.call_out import CallOut
from carriers_sim.config import ControlConfig
from carriers_sim.delay import Seconds
from carriers_sim.fault import Fault
from carriers_sim.mobile_originated import MobileOriginated
from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import CallsFull, SipCarrier
from carriers_sim.smsc import NoReceiver, QueueFull, Smsc
from gateway.net.errors import ListenError
from gateway.sip.errors import SipError
from gateway.smpp.errors import FieldError

BODY_MAX = 1 << 20
MESSAGES_DEFAULT = 100
MESSAGES_MAX = 10_000
SHUTDOWN_S = 1.0
OUTBIND_S = 10.0

STATUS_PAGE = Path(__file__).with_name("status_page.html")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")
B = TypeVar("B", Behaviour, CallBehaviour)


class Befall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to the connections of a carrier, and for how long where it lasts."""

    fault: Fault
    for_s: Seconds = 0.0


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert_notification to inject."""

    handset: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="from")
    esme: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="to")


class OutbindTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's port for outbind; the carrier's own credentials unless others are given."""

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    system_id: Annotated[str, msgspec.Meta(max_length=15)] = ""
    password: Annotated[str, msgspec.Meta(max_length=8)] = ""


class Refusal(Exception):
    """A request that cannot be served, with the HTTP status that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Control:
    """Serves one simulator."""

    def __init__(self, simulator: Simulator, config: ControlConfig) -> None:
        self._simulator = simulator
        self._config = config
        self._runner: web.AppRunner | None = None
        self.port = config.port

    @property
    def url(self) -> str:
        return f"http://{self._config.host}:{self.port}/"

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_answer_refusals], client_max_size=BODY_MAX)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/carriers", self._carriers),
                web.get("/carriers/{id}/messages", self._messages),
                web.get("/carriers/{id}/stats", self._stats),
                web.post("/carriers/{id}/mo", self._mobile_originated),
                web.post("/carriers/{id}/behaviour", self._behaviour),
                web.post("/carriers/{id}/fault", self._fault),
                web.post("/carriers/{id}/alert", self._alert),
                web.post("/carriers/{id}/outbind", self._outbind),
                web.post("/carriers/{id}/drop", self._drop),
                web.get("/sip_carriers", self._sip_carriers),
                web.get("/sip_carriers/{id}/calls", self._calls),
                web.post("/sip_carriers/{id}/call", self._call),
                web.post("/sip_carriers/{id}/behaviour", self._call_behaviour),
                web.post("/sip_carriers/{id}/hang_up", self._hang_up),
                web.post("/reset", self._reset),
                web.get("/violations", self._violations),
            ]
        )
        return app

    async def start(self) -> None:
        """Raises ListenError."""
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._config.host, self._config.port)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise ListenError(self._config.host, self._config.port, error) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # GET

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATUS_PAGE)

    async def _carriers(self, request: web.Request) -> web.Response:
        return _json(
            {
                "carriers": [
                    {
                        "id": smsc.name,
                        "host": smsc.config.host,
                        "port": smsc.port,
                        "system_id": smsc.config.system_id,
                        "behaviour": smsc.behaviour,
                        "stats": smsc.stats(),
                    }
                    for smsc in self._simulator.smscs.values()
                ]
            }
        )

    async def _messages(self, request: web.Request) -> web.Response:
        """The last messages, oldest first. `from` and `to` select, `limit` bounds."""
        query = request.query
        limit = _limit(query.get("limit", str(MESSAGES_DEFAULT)))
        messages = [
            message
            for message in self._smsc(request).messages
            if query.get("from", message.sender) == message.sender
            and query.get("to", message.recipient) == message.recipient
        ]
        shown = [
            {
                "from": message.sender,
                "to": message.recipient,
                "body": message.text,
                "data_coding": message.data_coding,
                "segments": message.segments,
                "message_ids": message.message_ids,
                "at": message.at,
            }
            for message in messages[-limit:]
        ]
        return _json({"total": len(messages), "messages": shown})

    async def _stats(self, request: web.Request) -> web.Response:
        return _json(self._smsc(request).stats())

    async def _violations(self, request: web.Request) -> web.Response:
        simulator = self._simulator
        return _json(
            {
                "counts": simulator.violation_counts,
                "rules": simulator.violated_rules,
                "incomplete": simulator.recorder.incomplete,
                "violations": [
                    {
                        "invariant": violation.invariant.name,
                        "rules": violation.invariant.rules,
                        "meaning": violation.invariant.value,
                        "carrier": violation.carrier,
                        "detail": violation.detail,
                        "at": violation.at,
                    }
                    for violation in simulator.violations
                ],
            }
        )

    async def _sip_carriers(self, request: web.Request) -> web.Response:
        return _json(
            {
                "sip_carriers": [
                    {
                        "id": carrier.name,
                        "host": carrier.host,
                        "port": carrier.port,
                        "behaviour": carrier.behaviour,
                        "bindings": carrier.bindings,
                        "stats": carrier.stats(),
                    }
                    for carrier in self._simulator.sip_carriers.values()
                ]
            }
        )

    async def _calls(self, request: web.Request) -> web.Response:
        limit = _limit(request.query.get("limit", str(MESSAGES_DEFAULT)))
        calls = self._sip_carrier(request).calls[-limit:]
        return _json({"calls": [call.as_json() for call in calls]})

    # POST

    async def _call(self, request: web.Request) -> web.Response:
        carrier = self._sip_carrier(request)
        out = _decode(await _json_body(request), CallOut)
        try:
            call = carrier.call_out(out)
        except SipError as error:
            raise Refusal(400, str(error)) from None
        except CallsFull as error:
            raise Refusal(503, str(error)) from None
        return _json({"call_id": call.call_id}, status=202)

    async def _call_behaviour(self, request: web.Request) -> web.Response:
        """The keys that are given change; the others stay as they are."""
        carrier = self._sip_carrier(request)
        behaviour = _changed(carrier.behaviour, await _json_body(request))
        carrier.set_behaviour(behaviour)
        return _json(behaviour)

    async def _hang_up(self, request: web.Request) -> web.Response:
        await _json_body(request)
        return _json({"hung_up": self._sip_carrier(request).hang_up()})

    async def _mobile_originated(self, request: web.Request) -> web.Response:
        smsc = self._smsc(request)
        message = _decode(await _json_body(request), MobileOriginated)
        try:
            parts = smsc.inject(message)
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        except QueueFull as error:
            raise Refusal(503, str(error)) from None
        return _json({"parts": parts, "receivers": smsc.receivers}, status=202)

    async def _behaviour(self, request: web.Request) -> web.Response:
        """The keys that are given change; the others stay as they are."""
        smsc = self._smsc(request)
        behaviour = _changed(smsc.behaviour, await _json_body(request))
        smsc.set_behaviour(behaviour)
        return _json(behaviour)

    async def _fault(self, request: web.Request) -> web.Response:
        smsc = self._smsc(request)
        befall = _decode(await _json_body(request), Befall)
        return _json({"connections": smsc.befall(befall.fault, befall.for_s)})

    async def _alert(self, request: web.Request) -> web.Response:
        smsc = self._smsc(request)
        alert = _decode(await _json_body(request), Alert)
        try:
            smsc.alert(alert.handset, alert.esme)
        except FieldError as error:
            raise Refusal(400, str(error)) from None
        except NoReceiver as error:
            raise Refusal(503, str(error)) from None
        return _json({}, status=202)

    async def _outbind(self, request: web.Request) -> web.Response:
        smsc = self._smsc(request)
        to = _decode(await _json_body(request), OutbindTo)
        try:
            async with asyncio.timeout(OUTBIND_S):
                await smsc.outbind(to.host, to.port, to.system_id, to.password)
        except OSError as error:  # TimeoutError is one.
            raise Refusal(502, str(error) or "timed out") from None
        return _json({}, status=202)

    async def _drop(self, request: web.Request) -> web.Response:
        await _json_body(request)
        return _json({"dropped": self._smsc(request).drop_connections()})

    async def _reset(self, request: web.Request) -> web.Response:
        await _json_body(request)
        self._simulator.reset()
        return _json({})

    def _smsc(self, request: web.Request) -> Smsc:
        name = request.match_info["id"]
        try:
            return self._simulator[name]
        except KeyError:
            raise _unknown(name, self._simulator.smscs) from None

    def _sip_carrier(self, request: web.Request) -> SipCarrier:
        name = request.match_info["id"]
        carrier = self._simulator.sip_carriers.get(name)
        if carrier is None:
            raise _unknown(name, self._simulator.sip_carriers)
        return carrier


@web.middleware
async def _answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors are JSON, `{"error": …}`, aiohttp's own as well."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return _json({"error": str(refusal)}, refusal.status)
    except web.HTTPException as error:
        return _json({"error": error.reason.lower()}, error.status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )


async def _json_body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise Refusal(415, "say Content-Type: application/json")
    return await request.read()


def _unknown(name: str, known: Iterable[str]) -> Refusal:
    return Refusal(404, f"there is no carrier {name!r}; there is {', '.join(known)}")


def _changed(current: B, octets: bytes) -> B:
    """A behaviour with the keys that a request gives."""
    changes = _decode(octets, dict[str, msgspec.Raw])
    keys = msgspec.json.decode(msgspec.json.encode(current), type=dict[str, msgspec.Raw])
    return _decode(msgspec.json.encode(keys | changes), type(current))


def _decode(octets: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(octets, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, str(error)) from None


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MESSAGES_MAX:
        raise Refusal(400, f"limit is a number from 1 to {MESSAGES_MAX}")
    return int(text)
