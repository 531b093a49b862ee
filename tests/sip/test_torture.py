"""RFC 4475, message by message: the answer that each asks for, by the paragraph that says so.

`read` is what every element does with octets; `answer` what our B2BUA says to the request, None
where it goes on to serve it. Where the RFC leaves a choice the test says which we made.
"""

from __future__ import annotations

import pytest

from gateway.sip import digest, sanity
from gateway.sip.address import Address
from gateway.sip.errors import MessageError, RequestRefused
from gateway.sip.framing import StreamParser
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.uri import SipUri
from tests.sip import torture_messages as torture


def read(octets: bytes) -> SipRequest:
    request = parse(octets)
    assert isinstance(request, SipRequest)
    return request


def answer(octets: bytes) -> SipResponse | None:
    """What goes back, and that it can be written."""
    response = _answer(octets)
    if response is not None:
        assert response.to_bytes()
        assert "Via" in response.headers
    return response


def _answer(octets: bytes) -> SipResponse | None:
    try:
        request = read(octets)
    except RequestRefused as refused:
        return refused.request.response(refused.status, refused.reason, to_tag="uas")
    refusal = sanity.check(request)
    return None if refusal is None else refusal.response(request, "uas")


def status(octets: bytes) -> int | None:
    response = answer(octets)
    return None if response is None else response.status


def dropped(octets: bytes) -> bool:
    """A response is dropped by the parser, or before a transaction is looked for."""
    try:
        response = parse(octets)
    except MessageError as error:
        return not isinstance(error, RequestRefused)
    assert isinstance(response, SipResponse)
    return sanity.check_response(response) is not None


def on_stream(octets: bytes) -> tuple[list[object], StreamParser]:
    stream = StreamParser()
    return list(stream.feed(octets)), stream


def sip_uri(address: Address | None) -> SipUri:
    assert address is not None
    assert isinstance(address.uri, SipUri)
    return address.uri


# 3.1.1 Valid messages


def test_torture_wsinv_is_served() -> None:
    assert answer(torture.WSINV) is None


def test_torture_wsinv_is_read_through_its_folds() -> None:
    request = read(torture.WSINV)
    assert (request.max_forwards, request.cseq, request.content_length) == (68, (9, "INVITE"), 150)
    assert (request.to_tag, request.from_tag) == ("1918181833n", "98asjd8")
    assert request.from_.display_name == 'J Rosenberg \\"'
    assert [(via.transport, via.host, via.branch) for via in request.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]


def test_torture_wsinv_keeps_headers_that_nobody_knows() -> None:
    headers = read(torture.WSINV).headers
    assert headers.get("unknownheaderwithunusualvalue") == ";;,,;;,;"
    assert headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert headers.get("Subject") == ""


def test_torture_wsinv_has_a_contact_with_odd_parameters() -> None:
    contact = read(torture.WSINV).contact
    assert contact is not None
    assert contact.display_name == 'Quoted string ""'
    assert contact.parameters == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert contact.q == 0.33


def test_torture_intmeth_is_answered_501_with_the_methods_listed() -> None:
    response = answer(torture.INTMETH)
    assert response is not None
    assert response.status == 501
    assert "INVITE" in response.headers.elements("Allow")


def test_torture_intmeth_is_read_to_the_octet() -> None:
    request = read(torture.INTMETH)
    uri = request.request_uri
    assert isinstance(uri, SipUri)
    assert uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert request.from_.display_name == "token1~` token2'+_ token3*%!.-"
    assert request.from_.parameters["fromparam''~+*_!.-%"] == '"работающий"'
    assert request.from_tag == "_token~1'+`*%!-."
    assert request.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"
    assert b"extensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7" in request.to_bytes()


def test_torture_esc01_is_served() -> None:
    assert answer(torture.ESC01) is None


def test_torture_esc01_is_unescaped_once() -> None:
    request = read(torture.ESC01)
    uri = request.request_uri
    assert isinstance(uri, SipUri)
    assert uri.username == "sips:user@example.com"
    assert sip_uri(request.from_).username == "I have spaces"
    assert sip_uri(request.to).matches(SipUri("example.com", "user"))
    contact = sip_uri(request.contact)
    assert contact.matches(SipUri("host5.example.net", "caller", None, {"name": "value%2541"}))
    assert not contact.matches(SipUri("host5.example.net", "caller", None, {"name": "valueA"}))


def test_torture_escnull_registers_two_contacts() -> None:
    assert answer(torture.ESCNULL) is None
    request = read(torture.ESCNULL)
    users = [sip_uri(contact).username for contact in request.contacts]
    assert users == ["\0", "\0\0"]
    assert sip_uri(request.to).username == "null-\0-null"


def test_torture_esc02_is_no_register_and_is_answered_501() -> None:
    assert status(torture.ESC02) == 501


def test_torture_esc02_has_two_contacts_and_not_three() -> None:
    request = read(torture.ESC02)
    assert len(request.contacts) == 2
    assert request.to.display_name == "%Z%45"
    assert request.headers.get("C%6Fntact") == "<sip:alias2@host2.example.com>"


def test_torture_lwsdisp_is_served() -> None:
    assert answer(torture.LWSDISP) is None
    assert read(torture.LWSDISP).from_.display_name == "caller"


def test_torture_longreq_is_served() -> None:
    assert answer(torture.LONGREQ) is None
    request = read(torture.LONGREQ)
    assert len(request.vias) == 34
    assert request.from_tag == "12" + "982" * 50 + "424"


def test_torture_dblreq_is_the_register_alone() -> None:
    assert answer(torture.DBLREQ) is None
    request = read(torture.DBLREQ)
    assert (request.method, request.body) == ("REGISTER", b"")
    assert b"INVITE" not in request.to_bytes()


def test_torture_semiuri_is_served() -> None:
    assert answer(torture.SEMIURI) is None
    uri = read(torture.SEMIURI).request_uri
    assert isinstance(uri, SipUri)
    assert uri.username == "user;par=u@example.net"


def test_torture_transports_is_served() -> None:
    assert answer(torture.TRANSPORTS) is None
    vias = read(torture.TRANSPORTS).vias
    assert [via.transport for via in vias] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_torture_mpart01_is_accepted_where_messages_are() -> None:
    request = read(torture.MPART01)
    assert sanity.check(request, sanity.Abilities(methods=("MESSAGE",))) is None
    assert request.content_type == "multipart/mixed"
    assert request.body == torture.MPART01_BODY


def test_torture_mpart01_is_answered_405_by_a_b2bua_for_calls() -> None:
    assert status(torture.MPART01) == 405


def test_torture_unreason_is_accepted() -> None:
    assert not dropped(torture.UNREASON)
    response = parse(torture.UNREASON)
    assert isinstance(response, SipResponse)
    assert response.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert response.to_bytes().startswith(torture.UNREASON.split(b"\r\n")[0])


def test_torture_noreason_is_accepted() -> None:
    assert not dropped(torture.NOREASON)
    response = parse(torture.NOREASON)
    assert isinstance(response, SipResponse)
    assert (response.status, response.reason) == (100, "")


# 3.1.2 Invalid messages


def test_torture_badinv01_is_answered_400() -> None:
    assert status(torture.BADINV01) == 400


def test_torture_clerr_is_answered_400_in_a_datagram() -> None:
    assert status(torture.CLERR) == 400


def test_torture_clerr_is_waited_for_on_a_stream() -> None:
    framed, stream = on_stream(torture.CLERR)
    assert (framed, stream.holding, stream.broken) == ([], True, None)


def test_torture_ncl_is_answered_400_in_a_datagram() -> None:
    assert status(torture.NCL) == 400


def test_torture_ncl_ends_a_stream_with_400() -> None:
    framed, stream = on_stream(torture.NCL)
    assert [getattr(item, "status", None) for item in framed] == [400]
    assert stream.broken is not None


def test_torture_scalar02_is_answered_400() -> None:
    assert status(torture.SCALAR02) == 400


def test_torture_scalar02_expires_of_any_size_means_an_hour() -> None:
    octets = torture.SCALAR02.replace(b"36893488147419103232", b"1").replace(b"s: 300", b"s: 30")
    request = read(octets)
    assert sanity.check(request) is None
    assert request.expires_s == 3_600
    assert [contact.expires_s for contact in request.contacts] == [3_600]


def test_torture_scalarlg_is_dropped() -> None:
    assert dropped(torture.SCALARLG)


def test_torture_quotbal_is_answered_400() -> None:
    assert status(torture.QUOTBAL) == 400


def test_torture_ltgtruri_is_answered_400() -> None:
    assert status(torture.LTGTRURI) == 400


def test_torture_lwsruri_is_answered_400() -> None:
    assert status(torture.LWSRURI) == 400


def test_torture_lwsstart_is_answered_400() -> None:
    """Ours to choose: we do not repair start lines."""
    assert status(torture.LWSSTART) == 400


def test_torture_trws_is_answered_400() -> None:
    """Ours to choose, as with lwsstart."""
    assert status(torture.TRWS) == 400


def test_torture_escruri_is_answered_400() -> None:
    assert status(torture.ESCRURI) == 400


def test_torture_baddate_is_served_since_nobody_asks_for_the_date() -> None:
    assert answer(torture.BADDATE) is None


def test_torture_regbadct_is_answered_400() -> None:
    assert status(torture.REGBADCT) == 400


def test_torture_badaspec_is_answered_400() -> None:
    assert status(torture.BADASPEC) == 400


def test_torture_baddn_is_answered_400() -> None:
    assert status(torture.BADDN) == 400


def test_torture_badvers_is_answered_505() -> None:
    response = answer(torture.BADVERS)
    assert response is not None
    assert response.status == 505
    assert response.via.sent_by == ("c.example.com", 5060)


def test_torture_mismatch01_is_answered_400() -> None:
    assert status(torture.MISMATCH01) == 400


def test_torture_mismatch02_is_answered_501() -> None:
    assert status(torture.MISMATCH02) == 501


def test_torture_bigcode_is_dropped() -> None:
    assert dropped(torture.BIGCODE)


# 3.2 Transaction layer


def test_torture_badbranch_falls_back_to_the_matching_of_rfc_2543() -> None:
    """Ours to choose, between that and 400."""
    assert answer(torture.BADBRANCH) is None
    assert not read(torture.BADBRANCH).via.has_magic_cookie


# 3.3 Application layer


def test_torture_insuf_is_answered_400_with_what_there_is() -> None:
    response = answer(torture.INSUF)
    assert response is not None
    assert response.status == 400
    assert [name for name, _ in response.headers] == ["Via", "CSeq"]


def test_torture_unkscm_is_answered_416() -> None:
    assert status(torture.UNKSCM) == 416


def test_torture_novelsc_is_answered_416() -> None:
    assert status(torture.NOVELSC) == 416


def test_torture_unksm2_is_answered_400_by_the_registrar() -> None:
    assert status(torture.UNKSM2) == 400


def test_torture_bext01_is_answered_420_with_what_is_not_supported() -> None:
    response = answer(torture.BEXT01)
    assert response is not None
    assert response.status == 420
    unsupported = response.headers.elements("Unsupported")
    assert unsupported == ["nothingSupportsThis", "nothingSupportsThisEither"]


def test_torture_invut_is_answered_415_with_what_is_accepted() -> None:
    response = answer(torture.INVUT)
    assert response is not None
    assert response.status == 415
    assert "application/sdp" in response.headers.elements("Accept")


def test_torture_regaut01_is_challenged_as_one_without_credentials() -> None:
    assert answer(torture.REGAUT01) is None
    value = read(torture.REGAUT01).headers.get("Authorization")
    assert value is not None
    assert digest.Credentials.parse(value) is None


def test_torture_multi01_is_answered_400() -> None:
    assert status(torture.MULTI01) == 400


def test_torture_mcl01_is_answered_400() -> None:
    assert status(torture.MCL01) == 400


def test_torture_mcl01_ends_a_stream_with_400() -> None:
    framed, stream = on_stream(torture.MCL01)
    assert [getattr(item, "status", None) for item in framed] == [400]
    assert stream.broken is not None


def test_torture_bcast_is_dropped() -> None:
    assert dropped(torture.BCAST)


def test_torture_zeromf_is_answered_483() -> None:
    assert status(torture.ZEROMF) == 483


def test_torture_zeromf_to_this_element_itself_is_served() -> None:
    octets = torture.ZEROMF.replace(b"OPTIONS sip:user@example.com", b"OPTIONS sip:example.com")
    assert answer(octets) is None


def test_torture_cparam01_registers_a_contact_with_a_parameter() -> None:
    assert answer(torture.CPARAM01) is None
    contact = read(torture.CPARAM01).contact
    assert contact is not None
    assert contact.parameters == {"unknownparam": None}
    assert sip_uri(contact).parameters == {}


def test_torture_cparam02_registers_a_uri_with_a_parameter() -> None:
    assert answer(torture.CPARAM02) is None
    contact = read(torture.CPARAM02).contact
    assert contact is not None
    assert contact.parameters == {}
    assert sip_uri(contact).parameters == {"unknownparam": None}


def test_torture_regescrt_registers_a_uri_with_a_header() -> None:
    assert answer(torture.REGESCRT) is None
    contact = sip_uri(read(torture.REGESCRT).contact)
    assert contact.headers == (("Route", "%3Csip:sip.example.com%3E"),)


def test_torture_sdp01_is_answered_406() -> None:
    """Ours to choose, between that and 400."""
    assert status(torture.SDP01) == 406


# 3.4 Backward compatibility


def test_torture_inv2543_is_served() -> None:
    assert answer(torture.INV2543) is None
    request = read(torture.INV2543)
    assert (request.branch, request.from_tag, request.max_forwards) == (None, None, None)
    assert sip_uri(request.from_).e164 == "+13035551111"


# The set as a whole


def test_torture_set_is_all_49() -> None:
    assert len(torture.TORTURE) == 49


@pytest.mark.parametrize("name", torture.TORTURE)
def test_torture_message_is_the_same_octet_by_octet(name: str) -> None:
    octets = torture.TORTURE[name]
    whole, piecemeal = StreamParser(), StreamParser()
    at_once = whole.feed(octets)
    in_pieces = [item for octet in octets for item in piecemeal.feed(bytes([octet]))]
    assert list(map(repr, in_pieces)) == list(map(repr, at_once))
    assert piecemeal.broken == whole.broken


@pytest.mark.parametrize("name", torture.TORTURE)
def test_torture_message_that_is_read_is_written_as_it_means(name: str) -> None:
    try:
        message = parse(torture.TORTURE[name])
    except MessageError:
        return
    again = parse(message.to_bytes())
    assert again.body == message.body
    assert [field for field in again.headers if field[0] != "Content-Length"] == [
        field for field in message.headers if field[0] != "Content-Length"
    ]
