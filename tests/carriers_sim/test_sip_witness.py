"""What the checker of SIP finds, and what it lets pass."""

import pytest

from carriers_sim.sip_violations import SipInvariant
from carriers_sim.sip_witness import SipWitness
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse

NOW = 1_000.0
US = "sip:carrier@192.0.2.2"


def request(
    method: str = "INVITE",
    branch: str = "z9hG4bK1",
    cseq: int = 1,
    to_tag: str = "",
    uri: str = US,
    without: tuple[str, ...] = (),
    body: bytes = b"",
) -> SipRequest:
    headers = {
        "Via": f"SIP/2.0/UDP 192.0.2.1;branch={branch}",
        "Max-Forwards": "70",
        "From": "<sip:a@example.org>;tag=a",
        "To": f"<sip:b@example.org>{';tag=' + to_tag if to_tag else ''}",
        "Call-ID": "1",
        "CSeq": f"{cseq} {method}",
        "Contact": "<sip:a@192.0.2.1>",
        "Content-Length": str(len(body)),
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if name not in without]
    octets = f"{method} {uri} SIP/2.0\r\n{''.join(lines)}\r\n".encode() + body
    message = parse(octets)
    assert isinstance(message, SipRequest)
    return message


class Watch:
    """A witness, and all that it has found."""

    def __init__(self) -> None:
        self.witness = SipWitness()
        self.now = NOW
        self.found: list[SipInvariant] = []

    def hear(self, message: SipRequest | SipResponse, after_s: float = 0.1) -> None:
        self.now += after_s
        self.found += [found for found, _ in self.witness.received(message, False, self.now)]

    def answer(self, to: SipRequest, status: int, to_tag: str = "b") -> SipResponse:
        response = to.response(status, to_tag=to_tag, contact=f"<{US}>")
        self.witness.sent(response, self.now)
        return response

    def talk(self) -> None:
        """A call that stands."""
        invite = request()
        self.hear(invite)
        self.answer(invite, 200)
        self.hear(request("ACK", "z9hG4bK2", to_tag="b"))


def test_good_call_is_let_pass() -> None:
    watch = Watch()
    watch.talk()
    watch.hear(request("BYE", "z9hG4bK3", 2, "b"))
    assert watch.found == []


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (request(without=("Max-Forwards",)), SipInvariant.MAX_FORWARDS_MISSING),
        (request(without=("Contact",)), SipInvariant.CONTACT_MISSING),
        (request(branch="1"), SipInvariant.BRANCH_WITHOUT_COOKIE),
        (request(body=b"v=0"), SipInvariant.CONTENT_TYPE_MISSING),
        (request("CANCEL"), SipInvariant.CANCEL_OF_NOTHING),
        (request("ACK"), SipInvariant.ACK_CSEQ),
    ],
)
def test_message_that_lacks_something_is_found(message: SipRequest, found: SipInvariant) -> None:
    watch = Watch()
    watch.hear(message)
    assert watch.found == [found]


def test_invite_is_repeated_after_t1_and_then_twice_as_long() -> None:
    watch = Watch()
    for after_s in (0, 0.5, 1, 2, 4, 8):
        watch.hear(request(), after_s)
    assert watch.found == []
    watch.hear(request(), 1)
    assert watch.found == [SipInvariant.RETRANSMITTED_TOO_FAST]


def test_other_request_is_repeated_no_later_than_after_t2() -> None:
    watch = Watch()
    for after_s in (0, 0.5, 1, 2, 4, 4, 4):
        watch.hear(request("OPTIONS"), after_s)
    assert watch.found == []


def test_invite_that_was_answered_is_not_repeated() -> None:
    watch = Watch()
    watch.hear(request())
    watch.answer(request(), 180)
    watch.hear(request(), 0.5)
    assert watch.found == []
    watch.hear(request(), 1)
    assert watch.found == [SipInvariant.RETRANSMITTED_IN_VAIN]


@pytest.mark.parametrize(
    ("status", "ack", "found"),
    [
        (486, request("ACK", "z9hG4bK1", to_tag="b"), []),
        (486, request("ACK", "z9hG4bK2", to_tag="b"), [SipInvariant.ACK_BRANCH]),
        (486, request("ACK", "z9hG4bK1", to_tag="c"), [SipInvariant.ACK_TO_TAG]),
        (486, request("ACK", "z9hG4bK1", 2, "b"), [SipInvariant.ACK_CSEQ]),
        (200, request("ACK", "z9hG4bK1", to_tag="b"), [SipInvariant.ACK_BRANCH]),
        (200, request("ACK", "z9hG4bK2", to_tag="b", uri="sip:x@y"), [SipInvariant.REMOTE_TARGET]),
    ],
)
def test_ack_fits_its_response(status: int, ack: SipRequest, found: list[SipInvariant]) -> None:
    watch = Watch()
    invite = request()
    watch.hear(invite)
    watch.answer(invite, status)
    watch.hear(ack)
    assert watch.found == found


def test_cancel_waits_for_a_provisional_response() -> None:
    watch = Watch()
    watch.hear(request())
    watch.hear(request("CANCEL"))
    assert watch.found == [SipInvariant.CANCEL_TOO_EARLY]
    watch = Watch()
    watch.hear(request())
    watch.answer(request(), 100)
    watch.hear(request("CANCEL"))
    assert watch.found == []


def test_requests_of_a_dialog_rise_and_go_to_our_contact() -> None:
    watch = Watch()
    watch.talk()
    watch.hear(request("INFO", "z9hG4bK3", 1, "b"))
    assert watch.found == [SipInvariant.CSEQ_ORDER]
    watch.hear(request("BYE", "z9hG4bK4", 3, "b", uri="sip:other@192.0.2.2"))
    assert watch.found[1:] == [SipInvariant.REMOTE_TARGET]


@pytest.mark.parametrize(
    ("response", "found"),
    [
        (request().response(100), []),
        (request().response(180), [SipInvariant.TO_TAG_MISSING]),
        (request().response(200, to_tag="b"), [SipInvariant.CONTACT_MISSING]),
        (request().response(200, to_tag="b", contact="<sip:x@y>"), []),
        (request().response(486, to_tag="b", body=b"x"), [SipInvariant.CONTENT_TYPE_MISSING]),
    ],
)
def test_responses_have_what_they_must(response: SipResponse, found: list[SipInvariant]) -> None:
    watch = Watch()
    watch.hear(response)
    assert watch.found == found
