"""Each carrier is spoken to in its own way of writing, and heard in ours."""

import pytest
from msgspec.structs import replace

from gateway.config.trunk import CallerIdentity, NumberFormat, NumberRules, SipTransport
from gateway.sip.digest import Challenge, Credentials
from gateway.sip.message import SipRequest
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.uri import parse_uri
from tests.carriers.trunks import CALL, FIRST, PLAIN, REGISTERING, Line

GERMAN = NumberRules(NumberFormat.NATIONAL, "49", "0", "00")
NANP = NumberRules(NumberFormat.NATIONAL, "1", "", "011")


def invited(**config: object) -> Invitation:
    return Line(replace(PLAIN, **config), FIRST).trunk.invitation(CALL)


def numbers(**rules: object) -> NumberRules:
    return replace(NumberRules(), **rules)


def test_a_carrier_is_called_by_e164_and_told_who_calls() -> None:
    made = invited()
    assert made.uri == "sip:+493012345678@sip.carrier.example;user=phone"
    assert made.to == "<sip:+493012345678@sip.carrier.example;user=phone>"
    assert made.from_ == "<sip:+12025550100@198.51.100.1;user=phone>"
    assert made.headers == (("P-Asserted-Identity", "<sip:+12025550100@198.51.100.1;user=phone>"),)


def test_port_and_transport_are_said_where_they_are_configured() -> None:
    made = invited(port=5080, transport=SipTransport.TCP)
    assert made.uri == "sip:+493012345678@sip.carrier.example:5080;user=phone;transport=tcp"


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert "@[2001:db8::1]:5080;" in invited(host="2001:db8::1", port=5080).uri


def test_the_from_domain_is_the_trunks_own() -> None:
    made = invited(from_domain="customer.example")
    assert made.from_ == "<sip:+12025550100@customer.example;user=phone>"


def test_a_carrier_of_from_alone_gets_no_asserted_identity() -> None:
    assert invited(identity=CallerIdentity.FROM).headers == ()


@pytest.mark.parametrize(
    ("rules", "called", "caller"),
    [
        (numbers(format=NumberFormat.DIGITS), "493012345678", "12025550100"),
        (GERMAN, "03012345678", "0012025550100"),
        (NANP, "011493012345678", "2025550100"),
        (numbers(format=NumberFormat.DIGITS, add="1234#"), "1234#493012345678", "12025550100"),
    ],
)
def test_numbers_are_written_as_the_carrier_does(
    rules: NumberRules, called: str, caller: str
) -> None:
    made = invited(numbers=rules)
    assert made.uri == f"sip:{called}@sip.carrier.example".replace("#", "%23")
    assert made.from_ == f"<sip:{caller}@198.51.100.1>"


def test_what_is_no_number_goes_as_it_is() -> None:
    made = Line(replace(PLAIN, numbers=GERMAN), FIRST).trunk.invitation(replace(CALL, caller="12"))
    assert made.from_ == "<sip:12@198.51.100.1>"


def test_a_private_caller_is_anonymous_to_the_called_and_known_to_the_carrier() -> None:
    made = Line(PLAIN, FIRST).trunk.invitation(replace(CALL, private=True))
    assert made.from_ == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert dict(made.headers)["Privacy"] == "id"
    assert "+12025550100" in dict(made.headers)["P-Asserted-Identity"]


def test_a_carrier_of_from_alone_is_not_told_a_private_caller() -> None:
    line = Line(replace(PLAIN, identity=CallerIdentity.FROM), FIRST)
    made = line.trunk.invitation(replace(CALL, private=True))
    assert "12025550100" not in str(made)


def test_who_passes_a_call_on_is_named() -> None:
    made = Line(PLAIN, FIRST).trunk.invitation(replace(CALL, diversion="+12025550111"))
    assert dict(made.headers)["Diversion"] == (
        "<sip:+12025550111@198.51.100.1;user=phone>;reason=unconditional"
    )


@pytest.mark.parametrize(
    ("rules", "uri", "number"),
    [
        (NumberRules(), "sip:+12025550100@gw;user=phone", "+12025550100"),
        (NumberRules(), "sip:12025550100@gw", "+12025550100"),
        (NumberRules(), "sip:0012025550100@gw", "+12025550100"),
        (NumberRules(), "tel:+1-202-555-0100", "+12025550100"),
        (NumberRules(), "tel:5550100;phone-context=+1202", "+12025550100"),
        (GERMAN, "sip:03012345678@gw", "+493012345678"),
        (GERMAN, "sip:0012025550100@gw", "+12025550100"),
        (GERMAN, "sip:+493012345678@gw", "+493012345678"),
        (NANP, "sip:2025550100@gw", "+12025550100"),
        (NANP, "sip:011493012345678@gw", "+493012345678"),
        (NumberRules(), "sip:anonymous@anonymous.invalid", None),
        (NumberRules(), "sip:gw", None),
        (NumberRules(), "sip:+123456789012345678@gw", None),
        (NumberRules(), "urn:service:sos", None),
    ],
)
def test_a_carriers_number_is_heard_in_e164(
    rules: NumberRules, uri: str, number: str | None
) -> None:
    line = Line(replace(PLAIN, numbers=rules), FIRST)
    assert line.trunk.from_carrier(parse_uri(uri)) == number


@pytest.mark.parametrize(
    "rules", [NumberRules(), numbers(format=NumberFormat.DIGITS), GERMAN, NANP]
)
@pytest.mark.parametrize("number", ["+12025550100", "+493012345678", "+442071234567"])
def test_what_is_written_is_read_again(rules: NumberRules, number: str) -> None:
    line = Line(replace(PLAIN, numbers=rules), FIRST)
    made = line.trunk.invitation(replace(CALL, called=number))
    assert line.trunk.from_carrier(parse_uri(made.uri)) == number


def test_a_trunk_without_a_user_gives_no_credentials() -> None:
    assert Line(PLAIN, FIRST).trunk.credentials is None


@pytest.mark.parametrize(
    ("status", "asks", "answers"),
    [
        (401, "WWW-Authenticate", "Authorization"),
        (407, "Proxy-Authenticate", "Proxy-Authorization"),
    ],
)
def test_a_challenge_to_a_call_is_answered(status: int, asks: str, answers: str) -> None:
    credentials = Line(REGISTERING, FIRST).trunk.credentials
    assert credentials is not None
    request = SipRequest.make(
        "INVITE", "sip:+1@c", from_="<sip:a@b>;tag=1", to="<sip:+1@c>", call_id="1", cseq=1
    )
    response = request.response(status, headers=[(asks, str(Challenge("carrier", "nonce")))])
    ((name, value),) = credentials(request, response) or ()
    assert name == answers
    given = Credentials.parse(value)
    assert given is not None
    assert (given.username, given.uri, given.nonce_count) == ("gateway", "sip:+1@c", 1)
    assert credentials(request, request.response(403)) is None
