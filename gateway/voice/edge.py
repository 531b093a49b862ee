"""What stands between the world and the calls: who is heard, who may call, who is registered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    door: CustomerDoor
    admission: CallAdmission
    registration: PhoneRegistration
    registrar: Registrar
    bans: Bans

    @property
    def customers(self) -> Customers:
        return self.door.customers

    def reload(self, sip: Sip, customers: Customers, trunks: Iterable[SipTrunk]) -> None:
        """Calls and registrations stay; but for phones that are gone, another account's, or have
        another password, whose owner may have lost the old one."""
        before = self.door.customers
        self.door.customers = customers
        self.admission.reload(sip, customers, CarrierSources(trunks))
        proven = set(_phones(customers))
        for phone in _phones(before):
            if phone not in proven:
                self.registrar.forget(phone.username)


class _Phone(NamedTuple):
    """What its registrations rest on."""

    username: str
    account_sid: str
    ha1_md5: str
    ha1_sha256: str


def _phones(customers: Customers) -> Iterator[_Phone]:
    for one in customers.all:
        phone = one.phone
        if phone is not None:
            yield _Phone(phone.username, one.account.sid, phone.ha1_md5, phone.ha1_sha256)


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
    return Edge(door, admission, PhoneRegistration(door, registrar), registrar, bans)
