"""Dialogs: who the two are, the way between them, the order of their requests (RFC 3261 §12)."""

import pytest

from gateway.sip.dialog import Dialog
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest
from tests.sip.transactions import request

CONTACT: Field = ("Contact", "<sip:alice@192.0.2.1:5070>")
LOOSE, LOOSER = "<sip:p1.example;lr>", "<sip:p2.example;lr>"
STRICT = "<sip:p1.example;transport=tcp;method=INVITE>"


def as_uas(*record_routes: str) -> Dialog:
    headers = [CONTACT, *(("Record-Route", route) for route in record_routes)]
    return Dialog.as_uas(request(branch="z9hG4bK1", headers=headers, cseq=7), "mine", 100)


def as_uac(*record_routes: str) -> Dialog:
    invite = request(branch="z9hG4bK1", cseq=7)
    routed = invite.with_headers(invite.headers.adding("Record-Route", *record_routes))
    response = routed.response(180, to_tag="theirs", contact="<sip:bob@192.0.2.2>")
    return Dialog.as_uac(invite, "a", response)


def routes(made: SipRequest) -> list[str]:
    return made.headers.get_all("Route")


def test_uas_answers_back_with_from_and_to_exchanged() -> None:
    bye = as_uas().request("BYE")
    assert (bye.uri, bye.from_tag, bye.to_tag) == ("sip:alice@192.0.2.1:5070", "mine", "a")
    assert (str(bye.cseq), bye.call_id) == ("101 BYE", "call-1")


def test_uac_goes_on_where_its_request_was() -> None:
    bye = as_uac().request("BYE")
    assert (bye.uri, bye.from_tag, bye.to_tag) == ("sip:bob@192.0.2.2", "a", "theirs")
    assert str(bye.cseq) == "8 BYE"


def test_route_set_is_as_recorded_for_the_uas_and_reversed_for_the_uac() -> None:
    assert routes(as_uas(LOOSE, LOOSER).request("BYE")) == [LOOSE, LOOSER]
    assert routes(as_uac(LOOSE, LOOSER).request("BYE")) == [LOOSER, LOOSE]


def test_recorded_routes_may_share_a_line() -> None:
    assert routes(as_uas(f"{LOOSE}, {LOOSER}").request("BYE")) == [LOOSE, LOOSER]


def test_next_hop_is_the_first_route_or_the_target() -> None:
    assert as_uas(LOOSE, LOOSER).next_hop == "sip:p1.example;lr"
    assert as_uas().next_hop == "sip:alice@192.0.2.1:5070"


def test_strict_router_gets_its_own_uri_and_the_target_last() -> None:
    dialog = as_uas(STRICT, LOOSER)
    bye = dialog.request("BYE")
    assert bye.uri == dialog.next_hop == "sip:p1.example;transport=tcp"
    assert routes(bye) == [LOOSER, "<sip:alice@192.0.2.1:5070>"]


def test_ack_has_the_number_of_its_invite_and_counts_nothing() -> None:
    dialog = as_uac()
    assert str(dialog.request("ACK", sequence=7).cseq) == "7 ACK"
    assert str(dialog.request("BYE").cseq) == "8 BYE"


@pytest.mark.parametrize(("sequence", "in_order"), [(6, False), (7, False), (8, True), (90, True)])
def test_numbers_of_the_peer_go_up_maybe_with_gaps(sequence: int, in_order: bool) -> None:
    assert as_uas().in_order(sequence) == in_order


def test_first_request_of_the_callee_may_have_any_number() -> None:
    assert as_uac().in_order(1)


def test_contact_of_a_later_request_is_the_new_target_and_leaves_the_routes() -> None:
    dialog = as_uas(LOOSE)
    dialog.refresh_target(request("UPDATE", headers=[("Contact", "<sip:alice@192.0.2.9>")]))
    update = dialog.request("UPDATE")
    assert (update.uri, routes(update)) == ("sip:alice@192.0.2.9", [LOOSE])


def test_2xx_tells_the_routes_again() -> None:
    dialog = as_uac(LOOSE)
    invite = request(branch="z9hG4bK1", headers=[("Record-Route", LOOSER)])
    dialog.confirm(invite.response(200, to_tag="theirs"))
    assert routes(dialog.request("ACK", sequence=7)) == [LOOSER]


def test_response_without_a_contact_that_can_be_read_leaves_the_uri_that_was_asked() -> None:
    response = request(branch="z9hG4bK1").response(180, to_tag="x", contact="<<<")
    assert Dialog.as_uac(request(), "a", response).remote_target == "sip:bob@gw.example"
