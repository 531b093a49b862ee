"""Who may call whom, showing what, and what they are told otherwise."""

import pytest
from msgspec.structs import replace

from gateway.account import Account
from gateway.call import Call, CallDirection
from gateway.sip.digest import Algorithm
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import INSIDE, Destination
from gateway.sip.uri import parse_uri
from gateway.voice.call_admission import Admitted
from gateway.voice.carrier_sources import CarrierSources
from tests.voice.edge_world import (
    ABROAD,
    ALICE,
    BY_ADDRESS,
    BY_DIGEST,
    CARRIER,
    NOW,
    NUMBER,
    OTHER_NUMBER,
    PBX,
    PHONE,
    STRANGER,
    account,
    admitted,
    call,
    call_signed,
    carrier,
    edge,
    invite,
    register,
    signed,
    status,
)

CALLED = "+14155550123"


# Who is it


def test_a_listed_address_is_enough() -> None:
    made = admitted(call(edge(account(BY_ADDRESS)), invite(CALLED)))
    assert (made.caller, made.called, made.source) == (NUMBER, CALLED, "trunk/pbx")
    assert made.direction is CallDirection.OUTBOUND


def test_a_trunk_with_neither_address_nor_user_lets_nobody_in() -> None:
    trunk = replace(BY_ADDRESS, allowed_ips=())
    assert status(call(edge(account(trunk)), invite(CALLED))) == 403


def test_an_address_that_cannot_be_read_lets_nobody_in() -> None:
    trunk = replace(BY_ADDRESS, allowed_ips=("192.0.2.10/99",))
    assert status(call(edge(account(trunk)), invite(CALLED))) == 403


def test_an_unknown_source_is_told_nothing_but_403() -> None:
    refusal = call(edge(account(BY_ADDRESS)), invite(CALLED), STRANGER)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers) == (403, ())


def test_who_may_have_a_password_is_asked_for_it() -> None:
    refusal = call(edge(account(BY_DIGEST)), invite(CALLED), STRANGER)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 407
    assert [name for name, _ in refusal.headers] == ["Proxy-Authenticate"] * 2


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_right_digest_lets_a_trunk_in(algorithm: Algorithm) -> None:
    made = edge(account(BY_DIGEST))
    refusal = call(made, invite(CALLED), PHONE)
    assert isinstance(refusal, Refusal)
    asked = [field for field in refusal.headers if f"algorithm={algorithm}," in field[1]]
    request = signed(invite(CALLED), replace(refusal, headers=tuple(asked)), "pbx")
    assert admitted(call(made, request, PHONE)).source == "trunk/pbx"


def test_credentials_that_cannot_be_read_are_400() -> None:
    request = invite(CALLED, NUMBER, ("Proxy-Authorization", "Digest username"))
    assert status(call(edge(account(BY_DIGEST)), request, PHONE)) == 400


def test_an_identity_that_cannot_be_read_is_not_there() -> None:
    request = invite(CALLED, NUMBER, ("P-Asserted-Identity", "<sip:"))
    assert admitted(call(edge(account(BY_ADDRESS)), request)).caller == NUMBER


def test_a_wrong_password_is_403() -> None:
    assert status(call_signed(edge(account(BY_DIGEST)), invite(CALLED), "pbx", "wrong")) == 403


def test_credentials_played_again_are_asked_for_anew() -> None:
    made = edge(account(BY_DIGEST))
    request = signed(invite(CALLED), call(made, invite(CALLED), PHONE), "pbx")
    admitted(call(made, request, PHONE))
    again = call(made, request, PHONE)
    assert isinstance(again, Refusal)
    assert again.status == 407
    assert "stale=true" in again.headers[0][1]


def test_a_trunk_with_addresses_and_a_user_needs_both() -> None:
    trunk = replace(BY_DIGEST, allowed_ips=("192.0.2.10",))
    made = edge(account(trunk))
    assert status(call(made, invite(CALLED), PBX)) == 407
    assert admitted(call_signed(made, invite(CALLED), "pbx", source=PBX))
    assert status(call(made, invite(CALLED), STRANGER)) == 403


def test_a_phone_calls_with_its_own_caller_id() -> None:
    made = admitted(call_signed(edge(account(ALICE)), invite(CALLED, "alice"), "alice"))
    assert (made.caller, made.source) == (NUMBER, "phone/alice")


def test_a_suspended_account_is_told_so() -> None:
    refusal = call(edge(account(BY_ADDRESS, suspended=True)), invite(CALLED))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 403
    assert refusal.headers == (("Warning", '399 supernet "the account is suspended"'),)


# Whom


@pytest.mark.parametrize(
    "uri",
    [
        "sip:+14155550123@sbc.example.net",
        "sip:%2B14155550123@sbc.example.net;user=phone",
        "sip:0014155550123@sbc.example.net",
        "sip:01114155550123@sbc.example.net",
        "sip:14155550123@sbc.example.net",
        "sip:4155550123@sbc.example.net",
        "sip:+1-415-555-0123@sbc.example.net",
        "sip:5550123;phone-context=+1415@sbc.example.net;user=phone",
        "sips:+14155550123@sbc.example.net",
        "tel:+1-415-555-0123",
        "tel:4155550123;phone-context=example.com",
    ],
)
def test_a_number_is_understood_in_each_form_that_pbxs_send(uri: str) -> None:
    assert admitted(call(edge(account(BY_ADDRESS)), invite(uri))).called == CALLED


def test_a_national_number_is_of_the_accounts_first_country() -> None:
    made = edge(account(BY_ADDRESS, countries=("DE",)))
    assert admitted(call(made, invite("03012345678"))).called == ABROAD
    assert admitted(call(made, invite("004930 12345678".replace(" ", "")))).called == ABROAD


@pytest.mark.parametrize(
    "called", ["123", "bob", "+1415", "+9991234567", "9" * 40, "sip:x.example"]
)
def test_what_is_no_number_is_404(called: str) -> None:
    assert status(call(edge(account(BY_ADDRESS)), invite(called))) == 404


@pytest.mark.parametrize("called", [ABROAD, "+18765550123", "+882161234567"])
def test_a_country_that_is_not_the_accounts_is_403(called: str) -> None:
    assert status(call(edge(account(BY_ADDRESS)), invite(called))) == 403


@pytest.mark.parametrize("called", ["911", "112", "tel:911;phone-context=+1"])
def test_an_emergency_number_is_refused_in_words(called: str) -> None:
    refusal = call(edge(account(BY_ADDRESS)), invite(called))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 403
    assert "emergency calls are not carried" in refusal.headers[0][1]


def test_an_extension_is_a_phone_of_the_same_account() -> None:
    made = edge(account(BY_ADDRESS, ALICE))
    assert status(call(made, invite("alice"))) == 480
    request = register("alice", "<sip:alice@203.0.113.5:41000>")
    asked = made.registration.register(request, PHONE, NOW)
    made.registration.register(signed(request, asked, "alice"), PHONE, NOW)
    found = admitted(call(made, invite("alice")))
    assert [(one.uri, one.destination) for one in found.targets] == [
        ("sip:alice@203.0.113.5:41000", PHONE)
    ]


# Showing what


def test_another_accounts_number_cannot_be_shown() -> None:
    refusal = call(edge(account(BY_ADDRESS)), invite(CALLED, OTHER_NUMBER))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 403
    assert "caller ID" in refusal.headers[0][1]


def test_a_number_of_the_trunks_can_be_shown() -> None:
    trunk = replace(BY_ADDRESS, caller_ids=(OTHER_NUMBER,))
    made = admitted(call(edge(account(trunk)), invite(CALLED, OTHER_NUMBER)))
    assert made.caller == OTHER_NUMBER


def test_a_caller_id_in_national_form_is_understood() -> None:
    assert admitted(call(edge(account(BY_ADDRESS)), invite(CALLED, "2025550100"))).caller == NUMBER


@pytest.mark.parametrize("header", ["P-Asserted-Identity", "P-Preferred-Identity"])
def test_an_identity_that_a_trunk_asserts_counts_before_from(header: str) -> None:
    request = invite(CALLED, "sip:anonymous@anonymous.invalid", (header, f"<tel:{NUMBER}>"))
    made = admitted(call(edge(account(BY_ADDRESS)), request))
    assert (made.caller, made.private) == (NUMBER, True)


def test_what_a_phone_asserts_is_not_believed() -> None:
    phone = replace(ALICE, caller_id="")
    request = invite(CALLED, "alice", ("P-Asserted-Identity", f"<tel:{NUMBER}>"))
    assert status(call_signed(edge(account(phone)), request, "alice")) == 403


@pytest.mark.parametrize(
    ("privacy", "private"),
    [("id", True), ("header;ID", True), ("none", False), ("critical", False)],
)
def test_privacy_is_asked_for_by_its_header(privacy: str, private: bool) -> None:
    request = invite(CALLED, NUMBER, ("Privacy", privacy))
    assert admitted(call(edge(account(BY_ADDRESS)), request)).private is private


def test_a_call_that_is_passed_on_shows_its_caller_and_who_diverts_it() -> None:
    request = invite(CALLED, ABROAD, ("Diversion", f"<sip:{NUMBER}@pbx.example.com>;counter=1"))
    made = admitted(call(edge(account(BY_ADDRESS)), request))
    assert (made.caller, made.diversion) == (ABROAD, NUMBER)


def test_a_diversion_by_a_number_of_somebody_else_does_not_count() -> None:
    request = invite(CALLED, ABROAD, ("Diversion", f"<sip:{OTHER_NUMBER}@pbx.example.com>"))
    assert status(call(edge(account(BY_ADDRESS)), request)) == 403


# How many


def test_calls_of_a_trunk_over_its_cps_are_told_when_to_come_again() -> None:
    made = edge(account(replace(BY_ADDRESS, cps=2.0)))
    for _ in range(2):
        admitted(call(made, invite(CALLED)))
    refusal = call(made, invite(CALLED))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers) == (503, (("Retry-After", "1"),))
    admitted(call(made, invite(CALLED), now=NOW + 1.0))


def test_the_trunks_of_an_account_share_its_cps() -> None:
    second = replace(BY_ADDRESS, id="second", allowed_ips=("192.0.2.11",))
    made = edge(account(BY_ADDRESS, second, cps=1.0))
    admitted(call(made, invite(CALLED)))
    assert status(call(made, invite(CALLED), replace(PBX, host="192.0.2.11"))) == 503


def test_refused_calls_count_against_the_cps() -> None:
    made = edge(account(replace(BY_ADDRESS, cps=1.0)))
    assert status(call(made, invite(ABROAD))) == 403
    assert status(call(made, invite(CALLED))) == 503


@pytest.mark.parametrize("where", ["trunk", "account"])
def test_a_channel_is_free_again_when_its_call_is_over(where: str) -> None:
    trunk = replace(BY_ADDRESS, channels=1 if where == "trunk" else 9)
    made = edge(account(trunk, channels=1 if where == "account" else 9))
    first = admitted(call(made, invite(CALLED)))
    assert status(call(made, invite(CALLED))) == 503
    made.admission.ended(first)
    admitted(call(made, invite(CALLED)))


def test_above_calls_max_nobody_is_even_asked_who_they_are() -> None:
    made = edge(account(BY_ADDRESS, BY_DIGEST), calls_max=1)
    first = admitted(call(made, invite(CALLED)))
    refusal = call(made, invite(CALLED), STRANGER)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers[0][0]) == (503, "Retry-After")
    made.admission.ended(first)
    assert made.admission.calls == 0


# Calls of carriers


def test_a_carriers_call_goes_to_the_trunk_of_the_numbers_account() -> None:
    made = admitted(call(edge(account(BY_ADDRESS)), invite(NUMBER, ABROAD), CARRIER))
    assert made.direction is CallDirection.INBOUND
    assert (made.caller, made.called, made.source) == (ABROAD, NUMBER, "alpha/1")
    assert [(one.name, one.uri, one.destination.port) for one in made.targets] == [
        ("trunk/pbx", f"sip:{NUMBER}@192.0.2.10:5070", 5070)
    ]


def test_a_number_that_nobody_has_is_404() -> None:
    assert status(call(edge(account(BY_ADDRESS)), invite(OTHER_NUMBER), CARRIER)) == 404


def test_where_nobody_is_registered_is_480() -> None:
    assert status(call(edge(account(ALICE)), invite(NUMBER, ABROAD), CARRIER)) == 480


def test_a_number_that_nobody_names_goes_to_the_trunks_all_the_same() -> None:
    named = replace(BY_ADDRESS, caller_ids=(OTHER_NUMBER,))
    found = admitted(call(edge(account(named)), invite(NUMBER, ABROAD), CARRIER)).targets
    assert [target.name for target in found] == ["trunk/pbx"]


def test_a_number_of_a_phone_is_the_phones_only() -> None:
    phone = replace(ALICE, caller_id=OTHER_NUMBER)
    made = edge(account(BY_ADDRESS, phone))
    assert status(call(made, invite(OTHER_NUMBER, ABROAD), CARRIER)) == 480
    assert status(call(made, invite(CALLED, OTHER_NUMBER))) == 403
    assert admitted(call_signed(made, invite(CALLED, "alice"), "alice")).caller == OTHER_NUMBER


def test_a_number_of_one_trunk_goes_to_that_trunk_only() -> None:
    special = replace(BY_ADDRESS, id="special", uri="sip:192.0.2.11", caller_ids=(OTHER_NUMBER,))
    made = edge(account(BY_ADDRESS, special))
    assert [t.name for t in admitted(call(made, invite(NUMBER, ABROAD), CARRIER)).targets] == [
        "trunk/pbx"
    ]
    assert [t.name for t in admitted(call(made, invite(OTHER_NUMBER), CARRIER)).targets] == [
        "trunk/special"
    ]


def test_a_customer_whose_channels_are_taken_is_busy_to_carriers() -> None:
    made = edge(account(replace(BY_ADDRESS, channels=1)))
    admitted(call(made, invite(CALLED)))
    assert status(call(made, invite(NUMBER, ABROAD), CARRIER)) == 486


def test_a_call_from_another_port_of_a_carriers_address_is_not_the_carriers() -> None:
    other = replace(CARRIER, port=5099)
    assert status(call(edge(account(BY_ADDRESS)), invite(NUMBER, ABROAD), other)) == 403


def test_a_carriers_call_to_a_suspended_account_is_refused() -> None:
    made = edge(account(BY_ADDRESS, suspended=True))
    assert status(call(made, invite(NUMBER, ABROAD), CARRIER)) == 403


def test_a_carrier_that_comes_too_fast_is_told_when_to_come_again() -> None:
    made = edge(account(BY_ADDRESS, cps=1.0))
    admitted(call(made, invite(NUMBER, ABROAD), CARRIER))
    refusal = call(made, invite(NUMBER, ABROAD), CARRIER)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers) == (503, (("Retry-After", "1"),))


def test_carriers_are_bounded_by_calls_max_too() -> None:
    made = edge(account(BY_ADDRESS), calls_max=1)
    admitted(call(made, invite(NUMBER, ABROAD), CARRIER))
    assert status(call(made, invite(NUMBER, ABROAD), CARRIER)) == 503


def test_an_account_of_numbers_alone_cannot_be_reached() -> None:
    assert status(call(edge(account()), invite(NUMBER, ABROAD), CARRIER)) == 480


def test_a_request_uri_that_cannot_be_read_is_400() -> None:
    request = invite("sip:[::zz]")
    assert status(call(edge(account(BY_ADDRESS)), request)) == 400


def test_a_carrier_is_known_by_its_listed_addresses_from_any_port() -> None:
    listed = CarrierSources([carrier(allowed_ips=("192.0.2.0/24",))])
    assert listed.at(replace(CARRIER, port=9)) is not None
    assert listed.at(STRANGER) is None


def test_a_carrier_is_known_by_its_connection_from_any_port() -> None:
    trunk = carrier()
    trunk.resolved([replace(CARRIER, transport="TCP")], NOW)
    known = CarrierSources([trunk])
    assert known.at(replace(CARRIER, transport="TCP", port=50_000, connection=3)) is trunk
    assert known.at(CARRIER) is None


def test_a_carrier_that_tells_no_caller_is_heard() -> None:
    request = invite(NUMBER, "sip:anonymous@anonymous.invalid")
    made = admitted(call(edge(account(BY_ADDRESS)), request, CARRIER))
    assert (made.caller, made.private) == ("", True)


# Scanners and guessers


def test_a_stranger_who_goes_on_gets_no_answer_any_more() -> None:
    made = edge(account(BY_ADDRESS), failures_max=3, ban_s=60.0)
    for _ in range(3):
        assert not made.admission.ignores(invite(CALLED), STRANGER, NOW)
        call(made, invite(CALLED), STRANGER)
    assert made.admission.ignores(invite(CALLED), STRANGER, NOW + 59)
    assert not made.admission.ignores(invite(CALLED), STRANGER, NOW + 61)


def test_a_friendly_scanner_is_not_heard() -> None:
    made = edge(account(BY_DIGEST))
    scan = invite(CALLED, "100", ("User-Agent", "friendly-scanner"))
    assert made.admission.ignores(scan, STRANGER, NOW)
    assert not made.admission.ignores(invite(CALLED), STRANGER, NOW)


def test_a_known_address_is_never_banned() -> None:
    made = edge(account(BY_ADDRESS), failures_max=1)
    for source in (PBX, CARRIER):
        for _ in range(3):
            made.bans.failed(source.host, NOW)
        assert not made.admission.ignores(invite(CALLED), source, NOW)


def test_who_guesses_from_many_addresses_does_not_lock_the_user_out() -> None:
    made = edge(account(ALICE), failures_max=3)
    admitted(call_signed(made, invite(CALLED), "alice"))
    for number in range(3):
        guesser = replace(STRANGER, host=f"198.51.100.{number}")
        assert status(call_signed(made, invite(CALLED), "alice", "guess", guesser)) == 403
    elsewhere = replace(STRANGER, host="198.51.100.99")
    assert status(call_signed(made, invite(CALLED), "alice", source=elsewhere)) == 403
    assert admitted(call_signed(made, invite(CALLED), "alice"))


def test_who_guesses_from_one_address_shuts_out_that_address_alone() -> None:
    made = edge(account(ALICE), failures_max=3)
    for _ in range(3):
        assert status(call_signed(made, invite(CALLED), "alice", "guess", STRANGER)) == 403
    assert made.admission.ignores(invite(CALLED), STRANGER, NOW)
    assert admitted(call_signed(made, invite(CALLED), "alice"))


# Transfers


def test_there_is_no_transfer_above_calls_max_nor_of_an_account_that_is_gone() -> None:
    made = edge(account(BY_ADDRESS), calls_max=1)
    call_ = Call(1, account().sid, CallDirection.OUTBOUND, NUMBER, CALLED, "trunk/pbx", NOW)
    gone = replace(call_, account_sid="AC" + "9" * 32)
    target = parse_uri(f"tel:{CALLED}")
    assert status(made.admission.check_transfer(gone, target, NOW)) == 403
    admitted(call(made, invite(CALLED)))
    assert status(made.admission.check_transfer(call_, target, NOW)) == 503


def transferred(account_: Account, target: str, direction: CallDirection) -> Admitted | Refusal:
    made = edge(account_)
    call_ = Call(1, account_.sid, direction, NUMBER, OTHER_NUMBER, "trunk/pbx", NOW)
    return made.admission.check_transfer(call_, parse_uri(target), NOW)


def test_a_transfer_is_one_more_call_of_the_account() -> None:
    found = admitted(
        transferred(account(BY_ADDRESS), f"sip:{CALLED}@sbc.example.net", CallDirection.OUTBOUND)
    )
    assert (found.caller, found.called) == (NUMBER, CALLED)


def test_a_call_that_came_in_is_transferred_under_the_number_it_came_to() -> None:
    found = admitted(transferred(account(BY_ADDRESS), f"tel:{CALLED}", CallDirection.INBOUND))
    assert (found.caller, found.direction) == (OTHER_NUMBER, CallDirection.OUTBOUND)


def test_a_transfer_goes_nowhere_where_a_call_may_not() -> None:
    assert status(transferred(account(BY_ADDRESS), f"tel:{ABROAD}", CallDirection.INBOUND)) == 403
    suspended = account(BY_ADDRESS, suspended=True)
    assert status(transferred(suspended, f"tel:{CALLED}", CallDirection.INBOUND)) == 403


# OPTIONS and the like


def test_options_are_for_those_who_may_call() -> None:
    made = edge(account(BY_ADDRESS), failures_max=2)
    assert made.admission.check_outside(invite(CALLED), PBX, NOW) is None
    assert made.admission.check_outside(invite(CALLED), CARRIER, NOW) is None
    for _ in range(2):
        assert status(made.admission.check_outside(invite(CALLED), STRANGER, NOW)) == 403
    assert made.admission.ignores(invite(CALLED), STRANGER, NOW)


# Over REST


def over_rest(sid: str = "AC" + "0" * 32) -> Destination:
    return Destination(INSIDE, sid, 0, 1)


def test_who_calls_over_rest_is_the_account_that_was_asked_there() -> None:
    made = admitted(call(edge(account()), invite(CALLED), over_rest()))
    assert (made.caller, made.source, made.account.sid) == (NUMBER, "rest", "AC" + "0" * 32)


@pytest.mark.parametrize(
    "source",
    [over_rest("AC1"), Destination("UDP", "AC" + "0" * 32, 0, 1), Destination("WS", "", 0)],
)
def test_nobody_else_is_that_account(source: Destination) -> None:
    assert status(call(edge(account()), invite(CALLED), source)) == 403


def test_over_rest_only_the_accounts_own_numbers_are_shown() -> None:
    assert status(call(edge(account()), invite(CALLED, OTHER_NUMBER), over_rest())) == 403


def test_over_rest_the_accounts_limits_hold() -> None:
    made = edge(account(channels=1))
    admitted(call(made, invite(CALLED), over_rest()))
    assert status(call(made, invite(CALLED), over_rest())) == 503
