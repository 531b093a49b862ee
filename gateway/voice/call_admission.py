"""Whether a call may begin: who calls, whom, showing what, and whether there is room. Pure: an
INVITE and `now` in; what is admitted, or the answer that refuses it, out.

Who has proven to be a customer is told why it is refused, in a Warning; who has not is told
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from gateway.account import Account
from gateway.call import Call, CallDirection
from gateway.carriers.sip_trunk import SipTrunk
from gateway.config.sip import Sip
from gateway.sip.errors import GrammarError
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.sip.uri import Uri
from gateway.voice.bans import Bans
from gateway.voice.call_limits import CallLimit, retry_after
from gateway.voice.call_targets import CallTarget, CallTargets
from gateway.voice.caller_identity import CallerIdentity
from gateway.voice.carrier_sources import CarrierSources
from gateway.voice.customer_door import FORBIDDEN, CustomerDoor
from gateway.voice.customers import Customer, Customers
from gateway.voice.dialed_number import DialedNumber, dialed, is_emergency, number_of
from routing.numbering_plan import EMPTY_PLAN, NumberingPlan

# When every channel of the gateway is taken, nobody knows when one is free.
BUSY_RETRY_S = 10.0
# What scanners call themselves; nobody else does.
SCANNERS = ("friendly-scanner", "sipvicious", "sundayddr", "sipcli", "pplsip", "vaxsipuseragent")


class Why(StrEnum):
    """What a customer is told of a call that may not begin."""

    SUSPENDED = "the account is suspended"
    CHANNELS = "all channels are in use"
    NO_NUMBER = "no number is called"
    EMERGENCY = "emergency calls are not carried here"
    NOT_A_NUMBER = "there can be no such number"
    COUNTRY = "the account may not call that country"
    CALLER_ID = "the caller ID is not one of the account's"


class Admitted(msgspec.Struct, frozen=True):
    """A call may begin, and holds its channels until `CallAdmission.ended` is told of it.

    `caller`, `called`, `source`, `private` and `diversion` are those of the Call. With `targets`
    it goes to one of these, the first that takes it; without, to a carrier.
    """

    account: Account
    direction: CallDirection
    caller: str
    called: str
    source: str
    private: bool = False
    diversion: str = ""
    targets: tuple[CallTarget, ...] = ()
    limits: tuple[CallLimit, ...] = ()


class CallAdmission:
    def __init__(
        self,
        config: Sip,
        customers: Customers,
        door: CustomerDoor,
        bans: Bans,
        carriers: CarrierSources,
        targets: CallTargets,
        plan: NumberingPlan = EMPTY_PLAN,
    ) -> None:
        self._realm = config.realm
        self._door = door
        self._bans = bans
        self._targets = targets
        self._plan = plan
        self._calls = 0
        self._account_limits: dict[str, CallLimit] = {}
        self._trunk_limits: dict[str, CallLimit] = {}
        self.reload(config, customers, carriers)

    def reload(self, config: Sip, customers: Customers, carriers: CarrierSources) -> None:
        """Calls that stand go on, and count in the limits that are new."""
        self._calls_max = config.calls_max
        self._customers = customers
        self._carriers = carriers
        self._account_limits = _limits(
            self._account_limits,
            ((account.sid, account.channels, account.cps) for account in customers.accounts),
        )
        self._trunk_limits = _limits(
            self._trunk_limits,
            (
                (customer.key, customer.trunk.channels, customer.trunk.cps)
                for customer in customers.all
                if customer.trunk is not None
            ),
        )

    @property
    def calls(self) -> int:
        return self._calls

    def ignores(self, request: SipRequest, source: Destination, now: float) -> bool:
        """Whether it gets no answer at all: a scanner, or an address that is banned. Ask it of each
        request before anything else looks at it."""
        agent = request.headers.first.get("User-Agent")
        scans = agent is not None and agent.lower().startswith(SCANNERS)
        if not scans and not self._bans.is_banned(source.host, now):
            return False
        return not self._is_known(source)

    def check(self, request: SipRequest, source: Destination, now: float) -> Admitted | Refusal:
        """Of an INVITE that begins a call."""
        try:
            carrier = self._carriers.at(source)
            if carrier is not None:
                return self._inbound(request, carrier, now)
            if self._calls >= self._calls_max:
                return _busy(BUSY_RETRY_S)
            customer = self._door.identify(request, source, now)
            if isinstance(customer, Refusal):
                return customer
            return self._outbound(request, customer, now)
        except GrammarError as error:
            return Refusal(400, str(error))

    def check_transfer(self, call: Call, target: Uri, now: float) -> Admitted | Refusal:
        """Whether a customer may have its call transferred there (RFC 3515): it is one more call of
        its account's, which shows the number that the account has shown or was called by."""
        account = self._customers.account(call.account_sid)
        if account is None:
            return Refusal(403, "the account is gone")
        if self._calls >= self._calls_max:
            return _busy(BUSY_RETRY_S)
        limits = (self._account_limits[account.sid],)
        refusal = self._no_room(account, limits, now)
        if refusal is not None:
            return refusal
        whom = self._whom(account, target, now)
        if isinstance(whom, Refusal):
            return whom
        outbound = call.direction is CallDirection.OUTBOUND
        return self._begin(
            Admitted(
                account,
                CallDirection.OUTBOUND,
                call.caller if outbound else call.called,
                whom[0],
                call.source,
                call.private,
                call.diversion if outbound else "",
                whom[1],
                limits,
            )
        )

    def check_outside(self, request: SipRequest, source: Destination, now: float) -> Refusal | None:
        """Of a request that is for no call and no REGISTER, OPTIONS say: None where it comes from
        where a customer or a carrier may be."""
        if self._is_known(source) or self._customers.anybody_signs(source.host):
            return None
        self._bans.failed(source.host, now)
        return FORBIDDEN

    def ended(self, admitted: Admitted) -> None:
        """Its channels are free again. To be told once."""
        self._calls -= 1
        for limit in admitted.limits:
            limit.end()

    def _is_known(self, source: Destination) -> bool:
        return self._carriers.at(source) is not None or self._customers.at(source.host) is not None

    # Calls of customers

    def _outbound(self, request: SipRequest, customer: Customer, now: float) -> Admitted | Refusal:
        account = customer.account
        limits = self._limits(customer)
        refusal = self._no_room(account, limits, now)
        if refusal is not None:
            return refusal
        identity = CallerIdentity.of(request)
        shown = self._shown(customer, identity, _region(account))
        if isinstance(shown, Refusal):
            return shown
        whom = self._whom(account, request.request_uri, now)
        if isinstance(whom, Refusal):
            return whom
        caller, diversion = shown
        called, targets = whom
        return self._begin(
            Admitted(
                account,
                CallDirection.OUTBOUND,
                caller,
                called,
                customer.id,
                identity.private,
                diversion,
                targets,
                limits,
            )
        )

    def _no_room(
        self, account: Account, limits: tuple[CallLimit, ...], now: float
    ) -> Refusal | None:
        """Each attempt counts against the pace, whatever becomes of it."""
        if account.suspended:
            return self._told(403, Why.SUSPENDED)
        wait_s = max([limit.pace.wait_s(now) for limit in limits])
        if wait_s > 0:
            return _busy(wait_s)
        is_full = False
        for limit in limits:
            limit.pace.take(now)
            is_full = is_full or limit.is_full
        return self._told(503, Why.CHANNELS) if is_full else None

    def _whom(
        self, account: Account, uri: Uri, now: float
    ) -> tuple[str, tuple[CallTarget, ...]] | Refusal:
        """A phone of the account's by its user name, or a number that it may call."""
        said = dialed(uri)
        if said is None:
            return self._told(404, Why.NO_NUMBER)
        region = _region(account)
        if is_emergency(said.written, region):
            return self._told(403, Why.EMERGENCY)
        extension = self._customers.extension(account, said.written)
        if extension is not None:
            targets = self._targets.of([extension], said.written, now)
            if not targets:
                return Refusal(480, "nobody is registered there")
            return said.written, targets
        number = number_of(said.in_context, region)
        if number is None:
            return self._told(404, Why.NOT_A_NUMBER)
        if not self._may_call(account, number):
            return self._told(403, Why.COUNTRY)
        return number.e164, ()

    def _shown(
        self, customer: Customer, identity: CallerIdentity, region: str
    ) -> tuple[str, str] | Refusal:
        """Who is shown to call, and on whose behalf. A number must be the customer's; where it
        passes on a call, the number that does so."""
        phone = customer.phone
        if phone is not None and phone.caller_id:
            return phone.caller_id, ""
        trusted = identity.asserted if customer.trunk is not None else ()
        numbers = _numbers((*trusted, identity.from_), region)
        for number in numbers:
            if self._customers.may_show(customer, number):
                return number, ""
        if customer.trunk is not None and numbers:
            for number in _numbers(identity.diversions, region):
                if self._customers.may_show(customer, number):
                    return numbers[0], number
        return self._told(403, Why.CALLER_ID)

    def _may_call(self, account: Account, number: DialedNumber) -> bool:
        """Not where either source of truth says that it is elsewhere: prefixes of dear islands
        look like those of their big neighbour."""
        planned = self._plan.find(number.e164[1:])
        countries = {number.country} | ({planned.country} if planned else set())
        return countries <= set(account.countries)

    # Calls of carriers

    def _inbound(self, request: SipRequest, carrier: SipTrunk, now: float) -> Admitted | Refusal:
        if self._calls >= self._calls_max:
            return _busy(BUSY_RETRY_S)
        called = carrier.from_carrier(request.request_uri)
        account = self._customers.owner(called) if called is not None else None
        if called is None or account is None:
            return Refusal(404, "the number is nobody's")
        if account.suspended:
            return Refusal(403, "the account is suspended")
        limit = self._account_limits[account.sid]
        wait_s = limit.pace.wait_s(now)
        if wait_s > 0:
            return _busy(wait_s)
        limit.pace.take(now)
        places = self._customers.places(account, called)
        free = [place for place in places if not self._is_full(place)]
        if limit.is_full or (places and not free):
            return Refusal(486, "all channels are in use")
        targets = self._targets.of(free, called, now)
        if not targets:
            return Refusal(480, "nobody is registered there")
        identity = CallerIdentity.of(request)
        held = [self._trunk_limits[place.key] for place in free if place.key in self._trunk_limits]
        return self._begin(
            Admitted(
                account,
                CallDirection.INBOUND,
                _caller(identity, carrier),
                called,
                carrier.id,
                identity.private,
                "",
                targets,
                (limit, *held),
            )
        )

    def _is_full(self, place: Customer) -> bool:
        limit = self._trunk_limits.get(place.key)
        return limit is not None and limit.is_full

    # Both

    def _limits(self, customer: Customer) -> tuple[CallLimit, ...]:
        account = self._account_limits[customer.account.sid]
        trunk = self._trunk_limits.get(customer.key)
        return (account,) if trunk is None else (account, trunk)

    def _begin(self, admitted: Admitted) -> Admitted:
        self._calls += 1
        for limit in admitted.limits:
            limit.begin()
        return admitted

    def _told(self, status: int, text: Why) -> Refusal:
        """With the reason, for who is a customer (RFC 3261 §20.43)."""
        return Refusal(status, text, (("Warning", f'399 {self._realm} "{text}"'),))


def _limits(
    before: Mapping[str, CallLimit], wanted: Iterable[tuple[str, int, float]]
) -> dict[str, CallLimit]:
    """Those that there were before count on."""
    made = {}
    for key, channels, cps in wanted:
        limit = before.get(key)
        if limit is None:
            limit = CallLimit(channels, cps)
        else:
            limit.change(channels, cps)
        made[key] = limit
    return made


def _busy(wait_s: float) -> Refusal:
    return Refusal(503, "too many calls", (("Retry-After", retry_after(wait_s)),))


def _region(account: Account) -> str:
    """Where its numbers in national form are dialed: the first of its countries."""
    return account.countries[0] if account.countries else ""


def _numbers(uris: Iterable[Uri], region: str) -> list[str]:
    """Those of them that are numbers."""
    said = [one.in_context for uri in uris if (one := dialed(uri)) is not None]
    return [number.e164 for text in said if (number := number_of(text, region)) is not None]


def _caller(identity: CallerIdentity, carrier: SipTrunk) -> str:
    """As the carrier says it; what is no number is nobody's."""
    for uri in (*identity.asserted, identity.from_):
        number = carrier.from_carrier(uri)
        if number is not None:
            return number
    return ""
