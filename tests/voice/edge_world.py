"""Builders: customers, a carrier, and requests as they come from them."""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

from msgspec.structs import replace

from gateway.account import Account, CustomerTrunk, Phone, Sender, SenderType
from gateway.carriers.sip_trunk import SipTrunk
from gateway.config.sip import Sip
from gateway.config.trunk import CarrierTrunk
from gateway.sip.digest import Algorithm, ha1
from gateway.sip.digest_client import DigestClient
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.voice.call_admission import Admitted
from gateway.voice.edge import Edge, build_edge
from routing.numbering_plan import NumberingPlan, NumberRange
from tests.sip.transactions import tokens

NOW = 1_000_000.0
REALM = "supernet"
PBX = Destination("UDP", "192.0.2.10", 5060)
PHONE = Destination("UDP", "203.0.113.5", 41_000)
STRANGER = Destination("UDP", "198.51.100.66", 5060)
CARRIER = Destination("UDP", "192.0.2.200", 5060)

VIA = "SIP/2.0/UDP 203.0.113.5:41000;rport;branch=z9hG4bK1"

NUMBER = "+12025550100"
OTHER_NUMBER = "+12025550199"
ABROAD = "+493012345678"
PASSWORD = "secret"
PLAN = NumberingPlan([NumberRange("1", "US"), NumberRange("1876", "JM"), NumberRange("49", "DE")])

U = TypeVar("U", CustomerTrunk, Phone)


def with_password(user: U, password: str = PASSWORD) -> U:
    return replace(
        user,
        ha1_md5=ha1(user.username, REALM, password, Algorithm.MD5),
        ha1_sha256=ha1(user.username, REALM, password, Algorithm.SHA_256),
    )


BY_ADDRESS = CustomerTrunk("pbx", allowed_ips=("192.0.2.10",), uri="sip:192.0.2.10:5070")
BY_DIGEST = with_password(CustomerTrunk("pbx", username="pbx"))
ALICE = with_password(Phone("alice", caller_id=NUMBER))


def account(*customers: CustomerTrunk | Phone, **changes: object) -> Account:
    made = Account(
        "AC" + "0" * 32,
        "0" * 32,
        senders=(Sender(NUMBER, SenderType.LONG_CODE),),
        trunks=tuple(one for one in customers if isinstance(one, CustomerTrunk)),
        phones=tuple(one for one in customers if isinstance(one, Phone)),
    )
    return replace(made, **changes)


def carrier(**changes: object) -> SipTrunk:
    made = SipTrunk(
        "alpha/1",
        replace(CarrierTrunk("1", "sip.carrier.example", options_s=0.0), **changes),
        Random(1),
        tokens("trunk"),
        lambda _: "<sip:198.51.100.1>",
        lambda _: None,
    )
    made.resolved([CARRIER], NOW)
    return made


def edge(*accounts: Account, **sip: Any) -> Edge:
    return build_edge(Sip(**sip), accounts, [carrier()], b"secret", PLAN)


def invite(called: str, caller: str = NUMBER, *headers: tuple[str, str]) -> SipRequest:
    """`called` is a Request-URI, or the user part of one."""
    uri = called if ":" in called else f"sip:{called}@sbc.example.net"
    return SipRequest.make(
        "INVITE",
        uri,
        from_=f"<{caller if ':' in caller else f'sip:{caller}@pbx.example.com'}>;tag=1",
        to=f"<{uri}>",
        call_id="call-1",
        cseq=1,
        headers=headers,
    )


def register(
    user: str,
    *contacts: str,
    cseq: int = 1,
    call_id: str = "reg-1",
    via: str = VIA,
    **headers: str,
) -> SipRequest:
    aor = f"<sip:{user}@sbc.example.net>"
    fields = [("Contact", contact) for contact in contacts]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return SipRequest.make(
        "REGISTER",
        "sip:sbc.example.net",
        from_=f"{aor};tag=1",
        to=aor,
        call_id=call_id,
        cseq=cseq,
        via=via,
        headers=fields,
    )


def signed(
    request: SipRequest, refusal: object, username: str, password: str = PASSWORD
) -> SipRequest:
    """The request again, with the credentials that the refusal asks for."""
    assert isinstance(refusal, Refusal)
    response = request.response(refusal.status, headers=refusal.headers)
    answer = DigestClient(username, password).answer(request, response, "cnonce")
    assert answer is not None
    via = request.headers.get("Via")
    return answer if via is None else answer.under(via)


def call(
    made: Edge, request: SipRequest, source: Destination = PBX, now: float = NOW
) -> Admitted | Refusal:
    return made.admission.check(request, source, now)


def call_signed(
    made: Edge,
    request: SipRequest,
    username: str,
    password: str = PASSWORD,
    source: Destination = PHONE,
    now: float = NOW,
) -> Admitted | Refusal:
    """After the challenge."""
    return call(
        made, signed(request, call(made, request, source, now), username, password), source, now
    )


def admitted(outcome: object) -> Admitted:
    assert isinstance(outcome, Admitted), outcome
    return outcome


def status(outcome: object) -> int:
    """Of a refusal."""
    assert isinstance(outcome, Refusal), outcome
    return outcome.status
