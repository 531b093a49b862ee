"""Calls, put together from their parts: the sockets, who is let in, the trunks, the B2BUA and the
media; and the loops that keep them going.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from random import Random

from gateway.account import Account
from gateway.carriers.configured_trunks import SipTrunks, TrunkChanges
from gateway.carriers.sip_trunk import SipTrunk, TrunkRequest
from gateway.clock import Clock
from gateway.config import Config
from gateway.config.sip import Sip
from gateway.config.sip_rules import ANY_HOST
from gateway.daemon.kept_calls import KeptCalls
from gateway.daemon.media_workers import MediaWorkers
from gateway.daemon.rtpengines import Rtpengines
from gateway.net.alarm import Alarm
from gateway.net.sip_address import bracketed
from gateway.net.sip_endpoint import SipEndpoint, SipListen, Verdict
from gateway.net.tls import client_context, server_context
from gateway.sip import sanity
from gateway.sip.leg_events import LegEvent, OutsideDialog, OutsideResponse
from gateway.sip.leg_state import CAPABILITIES
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.sanity import Refusal
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination
from gateway.sip.transaction_layer import TransactionsFull
from gateway.sip.uri import SipUri, parse_uri
from gateway.voice.b2bua import B2bua
from gateway.voice.call_meters import CallReadings
from gateway.voice.call_surroundings import CallBounds
from gateway.voice.customers import Customers
from gateway.voice.edge import build_edge
from gateway.voice.media_session import Qualities
from gateway.voice.web_agent import WebAgent
from routing.events import BindDown, BindUp
from routing.numbering_plan import NumberingPlan
from routing.router import Router

log = logging.getLogger(__name__)

# Trunks count in whole seconds; they are looked after so often.
TRUNKS_TICK_S = 0.5
# How often the names of trunks are looked up: the resolver keeps what the DNS says for how long.
LOOK_UP_S = 30.0
# So long calls may go on when we stop; systemd waits for 45 s.
DRAIN_S = 30.0
TAG_OCTETS = 8


class Voice:
    """Made on its event loop, where `[sip]` is enabled. Each status of a call is told to `kept`,
    and `on_trunk` hears of trunks that come and go.

    Raises:
        TlsError: a file of [sip.tls] cannot be used.
    """

    def __init__(
        self,
        config: Config,
        plan: NumberingPlan,
        router: Router,
        clock: Clock,
        random: Random,
        new_id: Callable[[], int],
        kept: KeptCalls,
        on_trunk: Callable[[BindUp | BindDown], None],
    ) -> None:
        sip = config.sip
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._on_trunk = on_trunk
        self._domain = domain_of(sip)
        self.kept = kept
        self.endpoint = SipEndpoint(
            listen_on(sip),
            self._on_event,
            self._on_message,
            clock,
            random,
            interval=SessionInterval(sip.session_expires_s, sip.min_se_s),
            client_tls=client_context(),
            on_lost=self._on_lost,
        )
        self.trunks = SipTrunks(random, new_token, self.endpoint.contact, self._on_trunk_event)
        self.trunks.take_over(config.carriers, clock.now())
        # Where the names in the uris of customers' trunks lead.
        self._located: dict[str, Sequence[Destination]] = {}
        self._uris = names_of(config.accounts)
        self.edge = build_edge(
            sip,
            config.accounts,
            self.trunks.values(),
            secrets.token_bytes(32),
            plan,
            self._located,
        )
        media = config.media
        self._media = Rtpengines(media) if media.engine == "rtpengine" else MediaWorkers(config)
        self.b2bua = B2bua(
            self.endpoint.user_agent,
            router,
            self.trunks,
            self._media.engine,
            self.edge.admission,
            self._bounds(sip),
            new_id,
            lambda: kept.records.accepting,
            kept.records.on_event,
            kept.on_one_way,
            self._wake,
        )
        self._woken = False
        self.web_agent = WebAgent(
            self.endpoint,
            clock,
            random,
            SessionInterval(sip.session_expires_s, sip.min_se_s),
            sip.calls_max,
            self._query,
        )
        kept.records.subscribe(self.web_agent.calls.on_call_event)
        self._tasks: asyncio.TaskGroup | None = None
        # Whose places are looked up.
        self._looked_up: set[SipTrunk | str] = set()
        self._alarm = Alarm(clock, self._on_timer)
        self._empty: asyncio.Event | None = None

    def readings(self) -> CallReadings:
        return self.kept.readings(self._media.engine.readings())

    # Life

    async def start(self) -> None:
        """Raises ListenError: an address cannot be had. Raises GatewayError: no worker for media
        can be started."""
        self.kept.begin()
        await self._media.start()
        await self.endpoint.start()

    async def run(self) -> None:
        """Keep going what is beside the calls until canceled."""
        async with asyncio.TaskGroup() as self._tasks:
            tasks = self._tasks
            self._look_up()
            tasks.create_task(self._tick(), name="trunks")
            tasks.create_task(self.kept.run(), name="calls")
            tasks.create_task(self._media.run(), name="media")

    def reload(self, config: Config, customers: Customers) -> TrunkChanges:
        """Take over what calls can take over while they stand: accounts with their trunks and
        phones, the trunks to carriers as they are reached and spoken to, and the bounds of calls.
        Which trunks are routed to, and how, stays as it was at the start."""
        sip, now = config.sip, self._clock.now()
        changes = self.trunks.take_over(config.carriers, now)
        self._uris = names_of(config.accounts)
        self.edge.reload(sip, customers, self.trunks.values())
        self.b2bua.bounds = self._bounds(sip)
        self._look_up()
        self._send_for_trunks()
        return changes

    async def drain(self) -> None:
        """Take no new calls; let the others end for DRAIN_S, then end them; close everything."""
        now = self._clock.now()
        self._empty = asyncio.Event()
        self.b2bua.drain(now + DRAIN_S)
        self._arm()
        self._see_whether_empty()
        await self._empty.wait()
        for trunk in self.trunks.values():
            trunk.drain(self._clock.now())
        self._send_for_trunks()
        await self.endpoint.drain()
        self.web_agent.close()
        await self._media.close()
        self._alarm.cancel()

    def _look_up(self) -> None:
        """Begin with those of whom nobody does."""
        if self._tasks is None:
            return
        for trunk in self.trunks.values():
            if trunk not in self._looked_up:
                self._looked_up.add(trunk)
                self._tasks.create_task(self._look_up_trunk(trunk), name=f"look-up of {trunk.id}")
        for text, uri in self._uris.items():
            if text not in self._looked_up:
                self._looked_up.add(text)
                self._tasks.create_task(self._look_up_uri(text, uri), name="look-up of a customer")

    async def _look_up_trunk(self, trunk: SipTrunk) -> None:
        """While it is a trunk of ours."""
        config = trunk.config
        while self.trunks.get(trunk.id) is trunk:
            found = await self.endpoint.resolve(config.host, config.port, config.transport.upper())
            trunk.resolved(found, self._clock.now())
            self._send_for_trunks()
            await asyncio.sleep(LOOK_UP_S)
        self._looked_up.discard(trunk)

    async def _look_up_uri(self, text: str, uri: SipUri) -> None:
        """While a customer has it."""
        transport = "TLS" if uri.scheme == "sips" else (uri.transport or "").upper()
        while text in self._uris:
            found = await self.endpoint.resolve(uri.address, uri.port or 0, transport)
            if found:
                self._located[text] = found
            await asyncio.sleep(LOOK_UP_S)
        self._looked_up.discard(text)
        self._located.pop(text, None)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TRUNKS_TICK_S)
            now = self._clock.now()
            for trunk in self.trunks.values():
                trunk.handle_timer(now)
            self._send_for_trunks()

    def _send_for_trunks(self) -> None:
        now = self._clock.now()
        for trunk in (*self.trunks.values(), *self.trunks.leaving):
            for sent in trunk.requests_to_send():
                try:
                    self.endpoint.user_agent.send_request(sent.request, sent.destination, now, sent)
                except TransactionsFull:
                    trunk.receive_response(sent, 503, None, now)
        self.endpoint.flush()

    # What the endpoint tells

    def _on_message(
        self, request: SipRequest, source: Destination, now: float
    ) -> SipResponse | Verdict | None:
        if self.edge.admission.ignores(request, source, now):
            return Verdict.DROP
        refusal = sanity.check(request)
        return None if refusal is None else refusal.response(request, new_token())

    def _on_event(self, event: LegEvent, now: float) -> None:
        if isinstance(event, OutsideDialog):
            self._answer_outside(event, now)
        elif isinstance(event, OutsideResponse):
            sent = event.user
            assert isinstance(sent, TrunkRequest)
            sent.trunk.receive_response(sent, event.status, event.response, now)
        else:
            self.b2bua.take(event, now)
            if self._empty is not None:
                self._see_whether_empty()
        self._arm()

    def _on_lost(self, connection: int) -> None:
        self.edge.registrar.connection_lost(connection)

    def _answer_outside(self, event: OutsideDialog, now: float) -> None:
        """A request that is for no call: phones register, and everybody asks for OPTIONS."""
        transaction, request = event.transaction, event.request
        respond, source = self.endpoint.user_agent.respond, transaction.source
        if request.method == "REGISTER":
            answer = self.edge.registration.register(request, source, now)
            status = answer.status if isinstance(answer, Refusal) else 200
            respond(transaction, status, now, answer.headers)
            return
        refusal = self.edge.admission.check_outside(request, source, now)
        if refusal is not None:
            respond(transaction, refusal.status, now, refusal.headers)
        elif request.method == "OPTIONS":
            respond(transaction, 200, now, (*CAPABILITIES, ("Accept", "application/sdp")))
        else:  # INFO, NOTIFY or REFER of no call.
            respond(transaction, 481, now)

    # What the trunks and the calls tell

    def _on_trunk_event(self, event: BindUp | BindDown) -> None:
        if isinstance(event, BindUp):
            log.info("trunk up", extra={"trunk": event.bind})
        else:
            log.warning("trunk down", extra={"trunk": event.bind})
        self._on_trunk(event)

    def _query(self, call_id: int, on_known: Callable[[Qualities], None], now: float) -> bool:
        asked = self.b2bua.query(call_id, on_known, now)
        self._arm()
        return asked

    def _see_whether_empty(self) -> None:
        if self._empty is not None and not self.b2bua.calls:
            self._empty.set()

    def _bounds(self, sip: Sip) -> CallBounds:
        return CallBounds(sip.calls_max, sip.call_max_s, sip.no_answer_s, self._domain)

    # The timer of the calls

    def _arm(self) -> None:
        """Calls that end move the deadline away, so an alarm that rings early is set anew."""
        self._alarm.set(self.b2bua.next_timer())

    def _wake(self) -> None:
        """Once all that has come with what wakes us is there."""
        if not self._woken:
            self._woken = True
            self._loop.call_soon(self._on_timer)

    def _on_timer(self) -> None:
        self._woken = False
        try:
            self.b2bua.handle_timer(self._clock.now())
        except Exception:
            log.exception("a call's timer met a fault of ours")
        self.endpoint.flush()
        if self._empty is not None:
            self._see_whether_empty()
        self._arm()


def listen_on(sip: Sip) -> SipListen:
    """Raises TlsError: a file cannot be used."""
    tls = server_context(sip.tls.cert_file, sip.tls.key_file) if sip.tls.cert_file else None
    return SipListen(
        sip.host,
        sip.port,
        tls,
        sip.tls.port,
        sip.websocket_port or None,
        sip.websocket_origins,
        public_host=sip.public_host,
    )


def domain_of(sip: Sip) -> str:
    """Ours, where an account is told who calls."""
    host = sip.public_host or sip.host
    return sip.realm if host in ANY_HOST else bracketed(host)


def names_of(accounts: Sequence[Account]) -> dict[str, SipUri]:
    """The uris of customers' trunks, by their text."""
    uris = {
        trunk.uri: parse_uri(trunk.uri) for one in accounts for trunk in one.trunks if trunk.uri
    }
    return {text: uri for text, uri in uris.items() if isinstance(uri, SipUri)}


def new_token() -> str:
    return secrets.token_hex(TAG_OCTETS)
