"""What stands between the world and the calls: who is heard, who may call, who is registered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.account import Account
from gateway.carriers.sip_trunk import SipTrunk
from gateway.config.sip import Sip
from gateway.sip.digest import Algorithm
from gateway.sip.digest_server import DigestServer
from gateway.sip.transaction import Destination
from gateway.voice.bans import Bans
from gateway.voice.call_admission import CallAdmission
from gateway.voice.call_targets import CallTargets
from gateway.voice.carrier_sources import CarrierSources
from gateway.voice.customer_door import CustomerDoor
from gateway.voice.customers import Customers
from gateway.voice.phone_registration import PhoneRegistration
from gateway.voice.registrar import Registrar
from gateway.voice.user_sieges import UserSieges
from routing.numbering_plan import EMPTY_PLAN, NumberingPlan


class Edge(NamedTuple):
    admission: CallAdmission
    registration: PhoneRegistration
    registrar: Registrar
    bans: Bans


def build_edge(
    sip: Sip,
    accounts: Iterable[Account],
    trunks: Iterable[SipTrunk],
    secret: bytes,
    plan: NumberingPlan = EMPTY_PLAN,
    located: Mapping[str, Sequence[Destination]] | None = None,
) -> Edge:
    """`secret` makes the nonces and does not outlive the process. `located` says where the names in
    the uris of customers' trunks lead, as its owner looks them up."""
    customers = Customers(accounts)
    bans = Bans(sip.failures_max, sip.ban_s)
    sieges = UserSieges(sip.failures_max, sip.ban_s)
    algorithms = tuple(map(Algorithm, sip.digest_algorithms))
    door = CustomerDoor(customers, DigestServer(sip.realm, secret, algorithms), bans, sieges)
    registrar = Registrar()
    admission = CallAdmission(
        sip, customers, door, bans, CarrierSources(trunks), CallTargets(registrar, located), plan
    )
    return Edge(admission, PhoneRegistration(door, registrar), registrar, bans)
