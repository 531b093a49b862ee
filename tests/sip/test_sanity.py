"""Whether a request can be served at all (RFC 3261 §8.2, §16.3), and whose a response is."""

from __future__ import annotations

import pytest

from gateway.sip import sanity
from gateway.sip.leg_state import CAPABILITIES
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from tests.sip.messages import request

SDP = "Content-Type: application/sdp"


def status(asked: SipRequest) -> int | None:
    refusal = sanity.check(asked)
    return None if refusal is None else refusal.status


def ok(*more: str, method: str = "INVITE") -> SipResponse:
    asked = request(method=method)
    lines = [line.split(": ", 1) for line in more]
    wire = asked.response(200, to_tag="x", headers=[(name, value) for name, value in lines])
    read = parse(wire.to_bytes())
    assert isinstance(read, SipResponse)
    return read


def test_a_call_is_served() -> None:
    invite = request(
        "Contact: <sip:a@h>", "Supported: 100rel", SDP, method="INVITE", body=b"v=0\r\n"
    )
    assert status(invite) is None


@pytest.mark.parametrize("method", sanity.B2BUA.methods)
def test_each_method_of_ours_is_served(method: str) -> None:
    assert status(request(method=method)) is None


def test_a_call_allows_what_is_served() -> None:
    """All but REGISTER, which is for no call."""
    allowed = dict(CAPABILITIES)["Allow"].split(", ")
    assert {*allowed, "REGISTER"} == {*sanity.B2BUA.methods}


@pytest.mark.parametrize(
    ("method", "code"), [("PUBLISH", 405), ("MESSAGE", 405), ("DANCE", 501), ("invite", 501)]
)
def test_another_method_is_answered_with_ours(method: str, code: int) -> None:
    refusal = sanity.check(request(method=method))
    assert refusal is not None
    assert refusal.status == code
    assert dict(refusal.headers)["Allow"].startswith("INVITE, ACK")


def test_a_refusal_is_an_answer() -> None:
    asked = request("Require: gizmo")
    refusal = sanity.check(asked)
    assert refusal is not None
    response = refusal.response(asked, "a6c85cf")
    assert (response.status, response.reason, response.to_tag) == (420, "Bad Extension", "a6c85cf")
    assert response.headers.get("Unsupported") == "gizmo"


# URIs


@pytest.mark.parametrize(
    ("uri", "code"),
    [("sip:b@h", None), ("sips:b@h", None), ("tel:+4930901820", None), ("urn:service:sos", 416)],
)
def test_a_scheme_that_nobody_knows_is_answered_416(uri: str, code: int | None) -> None:
    assert status(request(uri=uri)) == code


# Headers


@pytest.mark.parametrize(
    "line",
    [
        "Contact: <sip:a@h",
        "Contact: <sip:a@h>,",
        "Route: sip",
        "Record-Route: <>",
        "Require: a,,b",
    ],
)
def test_a_header_that_is_acted_on_and_cannot_be_read_is_answered_400(line: str) -> None:
    assert status(request(line)) == 400


@pytest.mark.parametrize("line", ["Date: yesterday", "Alert-Info: <", "P-Unknown: ;;", "Warning:"])
def test_a_header_that_is_not_acted_on_is_left_alone(line: str) -> None:
    assert status(request(line)) is None


@pytest.mark.parametrize(
    ("lines", "method", "code"),
    [
        (("Contact: *", "Expires: 0"), "REGISTER", None),
        (("Contact: *",), "REGISTER", 400),
        (("Contact: *", "Expires: 60"), "REGISTER", 400),
        (("Contact: *", "Expires: 0"), "INVITE", 400),
        (("Contact: <sip:a@h>, <sip:b@h>",), "INVITE", 400),
        (("Contact: <sip:a@h>, <sip:b@h>",), "REGISTER", None),
    ],
)
def test_a_contact_is_as_its_method_asks(
    lines: tuple[str, ...], method: str, code: int | None
) -> None:
    assert status(request(*lines, method=method)) == code


# Extensions


@pytest.mark.parametrize(
    ("line", "method", "code"),
    [
        ("Require: 100rel, Timer", "INVITE", None),
        ("Require: 100rel, gizmo", "INVITE", 420),
        ("Require:", "INVITE", None),
        ("Require: gizmo", "CANCEL", None),
        ("Require: gizmo", "ACK", None),
        ("Proxy-Require: gizmo", "INVITE", None),
    ],
)
def test_an_extension_that_is_required_is_known(line: str, method: str, code: int | None) -> None:
    assert status(request(line, method=method)) == code


# Bodies


@pytest.mark.parametrize(
    ("lines", "method", "code"),
    [
        ((SDP,), "INVITE", None),
        (("Content-Type: Application/SDP;charset=x",), "INVITE", None),
        (("Content-Type: multipart/mixed;boundary=x",), "UPDATE", 400),
        (("Content-Type: text/plain",), "INVITE", 415),
        ((), "INVITE", 415),
        ((SDP, "Content-Encoding: gzip"), "INVITE", 415),
        ((SDP, "Content-Encoding: identity"), "INVITE", None),
        (("Content-Type: text/plain", "Content-Disposition: x; handling=optional"), "INVITE", None),
        (("Content-Type: application/dtmf-relay",), "INFO", None),
    ],
)
def test_a_body_is_of_a_type_that_its_method_takes(
    lines: tuple[str, ...], method: str, code: int | None
) -> None:
    assert status(request(*lines, method=method, body=b"v=0\r\n")) == code


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("application/sdp", None),
        ("text/html, application/sdp;q=0.5", None),
        ("application/*", None),
        ("*/*", None),
        ("text/html", 406),
        ("", 406),
    ],
)
def test_an_answer_in_sdp_has_to_be_accepted(accept: str, code: int | None) -> None:
    assert status(request(f"Accept: {accept}", method="INVITE")) == code


# Hops


@pytest.mark.parametrize(
    ("method", "uri", "code"),
    [
        ("INVITE", "sip:b@h", 483),
        ("BYE", "sip:b@h", 483),
        ("OPTIONS", "sip:b@h", 483),
        ("OPTIONS", "sip:h", None),
        ("REGISTER", "sip:h", None),
        ("CANCEL", "sip:b@h", None),
        ("ACK", "sip:b@h", None),
    ],
)
def test_a_request_without_hops_goes_no_further(method: str, uri: str, code: int | None) -> None:
    wire = request(method=method, uri=uri).to_bytes().replace(b"Forwards: 70", b"Forwards: 0")
    read = parse(wire)
    assert isinstance(read, SipRequest)
    assert status(read) == code


@pytest.mark.parametrize("hops", ["many", "256", "-1"])
def test_hops_that_are_no_number_are_answered_400(hops: str) -> None:
    wire = request().to_bytes().replace(b"Forwards: 70", f"Forwards: {hops}".encode())
    read = parse(wire)
    assert isinstance(read, SipRequest)
    assert status(read) == 400


# Responses


def test_a_response_with_our_via_alone_is_for_us() -> None:
    assert sanity.check_response(ok("Contact: <sip:b@h>", "Record-Route: <sip:p;lr>")) is None


@pytest.mark.parametrize(
    "line", ["Via: SIP/2.0/UDP 255.255.255.255", "Contact: <", "Record-Route: sip"]
)
def test_a_response_that_nobody_could_use_is_dropped(line: str) -> None:
    assert sanity.check_response(ok(line)) is not None


def test_a_response_that_makes_no_dialog_may_have_any_contact() -> None:
    assert sanity.check_response(ok("Contact: <", method="OPTIONS")) is None
