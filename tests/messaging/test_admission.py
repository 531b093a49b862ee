"""Who may send what to whom, and the one reason why not."""

from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account import Account, Language, Registration, Sender, SenderType
from gateway.errors import Refusal, Refused
from gateway.message import Encoding, Origin
from gateway.messaging import admission
from gateway.messaging.admission import Admission, Admitted, SenderIndex, SendRequest
from gateway.messaging.opt_out import OptOuts
from gateway.store.interface import OptOut
from gateway.text.segmentation import segment

NOW = 1_700_000_000.0
SID = "AC0123456789abcdef0123456789abcdef"

LONG_CODE = Sender("+15005550006", SenderType.LONG_CODE)
TOLL_FREE = Sender("+18005550100", SenderType.TOLL_FREE)
SHORT_CODE = Sender("55501", SenderType.SHORT_CODE)
TEN_DLC = Sender("+14155550100", SenderType.TEN_DLC)
NAME = Sender("DEMO", SenderType.ALPHANUMERIC)
SENDERS = (LONG_CODE, TOLL_FREE, SHORT_CODE, TEN_DLC, NAME)

US = "+15005550009"
CANADA = "+14165550123"
GERMANY = "+4915112345678"
CONCATENATION = bytes([5, 0, 3, 7, 2, 1])


def account(**changes: Any) -> Account:
    fields: dict[str, Any] = {"senders": SENDERS, "countries": ("US", "CA", "DE")}
    return Account(SID, "token", **(fields | changes))


def request(**changes: Any) -> SendRequest:
    fields: dict[str, Any] = {
        "account": account(),
        "sender": LONG_CODE.address,
        "recipient": US,
        "body": "hello",
        "origin": Origin.REST,
    }
    return SendRequest(**(fields | changes))


def check(*, opt_outs: OptOuts | None = None, reachable: bool = True, **changes: Any) -> Admitted:
    gate = Admission(opt_outs or OptOuts(), lambda recipient, sender_type: reachable)
    return gate.check(request(**changes), NOW)


def refusal(**changes: Any) -> Refusal:
    with pytest.raises(Refused) as refused:
        check(**changes)
    return refused.value.refusal


def stopped(sender: Sender = LONG_CODE, recipient: str = US) -> OptOuts:
    opt_outs = OptOuts()
    opt_outs.apply(OptOut(SID, sender.address, recipient, NOW, opted_out=True))
    return opt_outs


def with_sender(sender: Sender, **changes: Any) -> Sender:
    return msgspec.structs.replace(sender, **changes)


def test_a_sound_request_is_admitted_with_all_that_was_found_out() -> None:
    assert check() == Admitted(
        sender=LONG_CODE,
        sender_address="+15005550006",
        recipient=US,
        body="hello",
        encoding=Encoding.GSM_7BIT,
        segments=1,
        expires_at=NOW + 14_400,
    )


def test_a_suspended_account_is_refused() -> None:
    assert refusal(account=account(suspended=True)) is Refusal.ACCOUNT_SUSPENDED


# Recipient and sender.


@pytest.mark.parametrize("recipient", ["", "  "])
def test_a_missing_recipient_is_refused(recipient: str) -> None:
    assert refusal(recipient=recipient) is Refusal.TO_MISSING


@pytest.mark.parametrize("recipient", ["15005550009", "+1500555", "DEMO", "55501"])
def test_an_impossible_recipient_is_refused(recipient: str) -> None:
    assert refusal(recipient=recipient) is Refusal.TO_INVALID


def test_a_certain_landline_is_refused() -> None:
    assert refusal(recipient="+4930123456") is Refusal.TO_NOT_MOBILE


def test_a_recipient_is_normalized() -> None:
    assert check(recipient=" +1 (500) 555-0009").recipient == US


@pytest.mark.parametrize("sender", ["", "  "])
def test_a_missing_sender_is_refused(sender: str) -> None:
    assert refusal(sender=sender) is Refusal.FROM_MISSING


@pytest.mark.parametrize("sender", ["15005550006", "+1500", "a name that is too long"])
def test_an_impossible_sender_is_refused(sender: str) -> None:
    assert refusal(sender=sender) is Refusal.FROM_INVALID


@pytest.mark.parametrize("sender", ["+15005550007", "55502", "demo"])
def test_a_sender_of_somebody_else_is_refused(sender: str) -> None:
    assert refusal(sender=sender) is Refusal.FROM_NOT_OWNED


def test_a_sender_is_found_in_whatever_way_it_is_written() -> None:
    assert check(sender="+1 500-555-0006").sender is LONG_CODE


# Destinations.


@pytest.mark.parametrize("sender", [TOLL_FREE, SHORT_CODE, TEN_DLC])
def test_a_north_american_sender_does_not_reach_abroad(sender: Sender) -> None:
    assert refusal(sender=sender.address, recipient=GERMANY) is Refusal.FROM_NOT_OWNED


@pytest.mark.parametrize("sender", [TOLL_FREE, SHORT_CODE, TEN_DLC, LONG_CODE])
@pytest.mark.parametrize("recipient", [US, CANADA])
def test_a_number_reaches_north_america(sender: Sender, recipient: str) -> None:
    assert check(sender=sender.address, recipient=recipient).sender is sender


@pytest.mark.parametrize("recipient", [US, CANADA])
def test_a_name_does_not_reach_north_america(recipient: str) -> None:
    assert refusal(sender="DEMO", recipient=recipient) is Refusal.FROM_NOT_OWNED


@pytest.mark.parametrize("sender", [LONG_CODE, NAME])
def test_a_long_code_and_a_name_reach_abroad(sender: Sender) -> None:
    assert check(sender=sender.address, recipient=GERMANY).sender is sender


@pytest.mark.parametrize("sender", SENDERS)
def test_the_countries_of_a_sender_open_what_its_type_does_not(sender: Sender) -> None:
    abroad = with_sender(sender, countries=("US", "DE"))
    owner = account(senders=(abroad,))
    for recipient in (US, GERMANY):
        assert check(account=owner, sender=sender.address, recipient=recipient).sender is abroad


def test_the_countries_of_a_sender_close_what_its_type_opens() -> None:
    owner = account(senders=(with_sender(LONG_CODE, countries=("US",)),))
    assert refusal(account=owner, recipient=CANADA) is Refusal.FROM_NOT_OWNED


def test_a_region_that_the_account_has_not_enabled_is_refused() -> None:
    assert refusal(account=account(countries=("US",)), recipient=GERMANY) is (
        Refusal.REGION_NOT_ENABLED
    )


# Registration.

STANDING = [
    (TEN_DLC, Registration.UNREGISTERED, Refusal.SENDER_NOT_REGISTERED),
    (TEN_DLC, Registration.PENDING, Refusal.SENDER_BEING_CONFIGURED),
    (TEN_DLC, Registration.SUSPENDED, Refusal.CAMPAIGN_SUSPENDED),
    (TOLL_FREE, Registration.UNREGISTERED, Refusal.TOLL_FREE_NOT_VERIFIED),
    (TOLL_FREE, Registration.PENDING, Refusal.TOLL_FREE_NOT_VERIFIED),
    (TOLL_FREE, Registration.SUSPENDED, Refusal.TOLL_FREE_NOT_VERIFIED),
]


@pytest.mark.parametrize(("sender", "registration", "expected"), STANDING)
def test_a_sender_that_is_not_registered_is_refused(
    sender: Sender, registration: Registration, expected: Refusal
) -> None:
    owner = account(senders=(with_sender(sender, registration=registration),))
    assert refusal(account=owner, sender=sender.address) is expected


@pytest.mark.parametrize(("sender", "registration", "_expected"), STANDING)
def test_registration_does_not_matter_abroad(
    sender: Sender, registration: Registration, _expected: Refusal
) -> None:
    abroad = with_sender(sender, registration=registration, countries=("DE",))
    owner = account(senders=(abroad,))
    assert check(account=owner, sender=sender.address, recipient=GERMANY).sender is abroad


@pytest.mark.parametrize("sender", [LONG_CODE, SHORT_CODE])
def test_a_sender_without_a_registry_needs_no_registration(sender: Sender) -> None:
    loose = with_sender(sender, registration=Registration.UNREGISTERED)
    assert check(account=account(senders=(loose,)), sender=sender.address).sender is loose


# Opt-out.


def test_a_recipient_who_said_stop_is_left_alone() -> None:
    assert refusal(opt_outs=stopped()) is Refusal.OPTED_OUT


def test_a_stop_to_one_sender_leaves_the_others_free() -> None:
    assert check(opt_outs=stopped(), sender="55501").sender is SHORT_CODE


def test_a_stop_counts_however_the_addresses_are_written() -> None:
    written = {"sender": "+1 500 555 0006", "recipient": "+1 500 555 0009"}
    assert refusal(opt_outs=stopped(), **written) is Refusal.OPTED_OUT


def test_the_confirmation_of_a_stop_passes() -> None:
    assert check(opt_outs=stopped(), after_opt_out=True).recipient == US


# Content.


def test_gsm_20_a_missing_body_is_refused() -> None:
    assert refusal(body="") is Refusal.BODY_MISSING


def test_gsm_20_a_body_of_1600_characters_is_admitted() -> None:
    assert check(body="x" * 1600).segments == 11


def test_gsm_20_a_body_of_1601_characters_is_refused() -> None:
    assert refusal(body="x" * 1601) is Refusal.BODY_TOO_LONG


@pytest.mark.parametrize("body", ["\ud800", "a\0b"])
def test_gsm_19_a_body_that_no_encoding_holds_is_refused(body: str) -> None:
    assert refusal(body=body) is Refusal.BODY_UNENCODABLE


def test_gsm_13_a_body_of_more_than_255_parts_is_refused_even_where_the_limit_is_lifted() -> None:
    gate = Admission(OptOuts(), lambda recipient, sender_type: True, body_max=100_000)
    with pytest.raises(Refused) as refused:
        gate.check(request(body="x" * 153 * 256), NOW)
    assert refused.value.refusal is Refusal.BODY_TOO_LONG


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_gsm_20_segments_and_encoding_are_those_of_the_splitter_that_sends(body: str) -> None:
    sent = segment(body)
    admitted = check(body=body)
    assert (admitted.encoding.value, admitted.segments) == (sent.encoding.value, len(sent.parts))


def test_a_plain_text_gets_the_encoding_of_the_splitter_whatever_was_asked() -> None:
    assert check(body="hello", encoding=Encoding.UCS2).encoding is Encoding.GSM_7BIT


def test_gsm_18_smart_encoding_comes_before_the_count() -> None:
    admitted = check(body="\N{LEFT DOUBLE QUOTATION MARK}hello" * 20, smart_encoded=True)
    assert (admitted.body, admitted.encoding) == ('"hello' * 20, Encoding.GSM_7BIT)


def test_gsm_18_a_body_of_which_smart_encoding_leaves_nothing_is_missing() -> None:
    assert refusal(body="\N{ZERO WIDTH SPACE}", smart_encoded=True) is Refusal.BODY_MISSING


# National languages and the size of references.

TURKISH = "a" * 80 + "\N{LATIN SMALL LETTER S WITH CEDILLA}"


def gate_with(**settings: Any) -> Admission:
    return Admission(OptOuts(), lambda recipient, sender_type: True, **settings)


def test_gsm_12_a_text_goes_in_ucs2_unless_a_language_is_allowed() -> None:
    admitted = check(body=TURKISH)
    assert (admitted.encoding, admitted.segments, admitted.single_shift) == (Encoding.UCS2, 2, 0)


def test_gsm_12_the_language_of_the_gateway_saves_a_segment() -> None:
    admitted = gate_with(languages=(Language.TURKISH,)).check(request(body=TURKISH), NOW)
    assert (admitted.encoding, admitted.segments) == (Encoding.GSM_7BIT, 1)
    assert (admitted.locking_shift, admitted.single_shift) == (0, 1)


@pytest.mark.parametrize(
    ("own", "segments"), [((), 2), ((Language.SPANISH,), 2), ((Language.TURKISH,), 1)]
)
def test_gsm_12_the_languages_of_an_account_take_the_place_of_the_gateways(
    own: tuple[Language, ...], segments: int
) -> None:
    gate = gate_with(languages=(Language.TURKISH,))
    asked = request(body=TURKISH, account=account(national_languages=own))
    assert gate.check(asked, NOW).segments == segments


def test_gsm_3_references_of_16_bits_are_counted_with() -> None:
    admitted = gate_with(ref_bits=16).check(request(body="x" * 306), NOW)
    assert (admitted.segments, admitted.ref_bits) == (3, 16)
    assert check(body="x" * 306).segments == 2


def test_gsm_20_a_preview_counts_as_the_message_will() -> None:
    gate = gate_with(ref_bits=16, languages=(Language.TURKISH,))
    for body in ("x" * 306, TURKISH, "hello"):
        admitted = gate.check(request(body=body), NOW)
        preview = gate.preview(account(), body)
        assert len(preview.parts) == admitted.segments


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"body": ""}, Refusal.BODY_MISSING),
        ({"body": "x" * 1601}, Refusal.BODY_TOO_LONG),
        ({"body": "\0"}, Refusal.BODY_UNENCODABLE),
        ({"body": "x", "recipient": "1"}, Refusal.TO_INVALID),
        ({"body": "x", "sender": "+15005550007"}, Refusal.FROM_NOT_OWNED),
    ],
)
def test_a_preview_is_refused_as_the_message_would_be(asked: dict[str, Any], why: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        gate_with().preview(account(), **asked)
    assert refused.value.refusal is why


def test_a_sender_and_a_recipient_are_found_as_for_a_message() -> None:
    gate = gate_with()
    assert gate.addresses(account(), "+1 500 555 0006", "+49 151 12345678") == (LONG_CODE, GERMANY)
    with pytest.raises(Refused) as refused:
        gate.addresses(account(), NAME.address, US)
    assert refused.value.refusal is Refusal.FROM_NOT_OWNED


# Messages that pass as they came.


def test_octets_are_one_binary_segment() -> None:
    admitted = check(body="", octets=bytes(140))
    assert (admitted.encoding, admitted.segments) == (Encoding.BINARY, 1)


@pytest.mark.parametrize(("udh", "octets"), [(b"", 141), (CONCATENATION, 135), (bytes(140), 1)])
def test_octets_and_header_over_140_octets_are_refused(udh: bytes, octets: int) -> None:
    assert refusal(body="", udh=udh, octets=bytes(octets)) is Refusal.BODY_TOO_LONG


def test_octets_and_header_of_140_octets_are_admitted() -> None:
    admitted = check(body="", udh=CONCATENATION, octets=bytes(134))
    assert (admitted.encoding, admitted.segments) == (Encoding.BINARY, 1)


def test_a_binary_message_of_nothing_is_refused() -> None:
    assert refusal(body="", encoding=Encoding.BINARY) is Refusal.BODY_MISSING


def test_a_header_alone_is_a_message() -> None:
    assert check(body="", udh=CONCATENATION).segments == 1


@pytest.mark.parametrize(
    ("udh", "body", "encoding"),
    [
        (CONCATENATION, "x" * 153, None),
        (CONCATENATION, "\N{EURO SIGN}" * 76, None),
        (bytes(7), "x" * 152, None),
        (CONCATENATION, "ж" * 67, None),
        (CONCATENATION, "x" * 67, Encoding.UCS2),
        (CONCATENATION, "x" * 153, Encoding.GSM_7BIT),
    ],
)
def test_a_text_that_fits_beside_its_header_is_one_segment(
    udh: bytes, body: str, encoding: Encoding | None
) -> None:
    assert check(udh=udh, body=body, encoding=encoding).segments == 1


@pytest.mark.parametrize(
    ("udh", "body", "encoding"),
    [
        (CONCATENATION, "x" * 154, None),
        (CONCATENATION, "\N{EURO SIGN}" * 77, None),
        (bytes(7), "x" * 153, None),
        (CONCATENATION, "ж" * 68, None),
        (CONCATENATION, "x" * 68, Encoding.UCS2),
    ],
)
def test_a_text_that_does_not_fit_beside_its_header_is_refused(
    udh: bytes, body: str, encoding: Encoding | None
) -> None:
    assert refusal(udh=udh, body=body, encoding=encoding) is Refusal.BODY_TOO_LONG


@pytest.mark.parametrize(
    ("body", "encoding"), [("ж", Encoding.GSM_7BIT), ("\ud800", Encoding.UCS2), ("\ud800", None)]
)
def test_a_text_that_its_own_encoding_does_not_hold_is_refused(
    body: str, encoding: Encoding | None
) -> None:
    assert refusal(udh=CONCATENATION, body=body, encoding=encoding) is Refusal.BODY_UNENCODABLE


# Time.


@pytest.mark.parametrize("validity_s", [0.0, 0.5, -1.0, 36_001.0, inf, nan])
def test_a_validity_period_out_of_range_is_refused(validity_s: float) -> None:
    assert refusal(validity_s=validity_s) is Refusal.VALIDITY_OUT_OF_RANGE


@pytest.mark.parametrize(("validity_s", "held_s"), [(1, 1), (600, 600), (36_000, 14_400)])
def test_a_message_expires_with_its_validity_or_the_longest_queue(
    validity_s: float, held_s: float
) -> None:
    assert check(validity_s=validity_s).expires_at == NOW + held_s


def test_a_message_without_validity_expires_with_the_longest_queue() -> None:
    assert check(account=account(max_queue_s=36_000)).expires_at == NOW + 36_000


def test_a_validity_of_days_is_cut_over_smpp() -> None:
    admitted = check(origin=Origin.SMPP, validity_s=3 * 86_400.0)
    assert admitted.expires_at == NOW + 14_400


def test_a_validity_that_has_passed_is_refused_over_smpp() -> None:
    assert refusal(origin=Origin.SMPP, validity_s=-5.0) is Refusal.VALIDITY_OUT_OF_RANGE


@pytest.mark.parametrize("ahead_s", [300.0, 35 * 86_400.0])
def test_a_scheduled_message_expires_counted_from_its_time(ahead_s: float) -> None:
    assert check(send_at=NOW + ahead_s, validity_s=60).expires_at == NOW + ahead_s + 60


@pytest.mark.parametrize("ahead_s", [-1.0, 0.0, 299.0, 35 * 86_400.0 + 1, inf, nan])
def test_a_scheduled_time_outside_its_window_is_refused(ahead_s: float) -> None:
    assert refusal(send_at=NOW + ahead_s) is Refusal.SEND_AT_INVALID


# Routes, and the order of the checks.


def test_a_recipient_that_no_carrier_reaches_is_refused() -> None:
    assert refusal(reachable=False) is Refusal.NO_ROUTE


def test_the_routes_are_asked_for_the_normalized_recipient_and_the_type_of_the_sender() -> None:
    asked: list[tuple[str, SenderType]] = []

    def reachable(recipient: str, sender_type: SenderType) -> bool:
        asked.append((recipient, sender_type))
        return True

    Admission(OptOuts(), reachable).check(request(recipient="+1 500 555 0009"), NOW)
    assert asked == [(US, SenderType.LONG_CODE)]


def test_the_first_thing_wrong_is_the_answer() -> None:
    """Everything is wrong at first; each repair uncovers the next refusal."""
    toll_free = with_sender(TOLL_FREE, registration=Registration.PENDING, countries=("DE",))
    verified = with_sender(TOLL_FREE)
    repairs: list[dict[str, Any]] = [
        {
            "account": account(suspended=True, countries=(), senders=(toll_free,)),
            "recipient": "",
            "sender": "",
            "body": "",
            "validity_s": 0.0,
            "send_at": 1.0,
            "reachable": False,
            "opt_outs": stopped(TOLL_FREE),
        },
        {"account": account(countries=(), senders=(toll_free,))},
        {"recipient": "+1"},
        {"recipient": "+4930123456"},
        {"recipient": US},
        {"sender": "+1"},
        {"sender": TOLL_FREE.address},
        {"account": account(countries=(), senders=(with_sender(toll_free, countries=("US",)),))},
        {"account": account(senders=(with_sender(toll_free, countries=("US",)),))},
        {"account": account(senders=(verified,))},
        {"opt_outs": None},
        {"body": "hello"},
        {"validity_s": None},
        {"send_at": 0.0},
    ]
    changes: dict[str, Any] = {}
    refusals = [refusal(**(changes := changes | repair)) for repair in repairs]
    assert refusals == [
        Refusal.ACCOUNT_SUSPENDED,
        Refusal.TO_MISSING,
        Refusal.TO_INVALID,
        Refusal.TO_NOT_MOBILE,
        Refusal.FROM_MISSING,
        Refusal.FROM_INVALID,
        Refusal.FROM_NOT_OWNED,
        Refusal.REGION_NOT_ENABLED,
        Refusal.TOLL_FREE_NOT_VERIFIED,
        Refusal.OPTED_OUT,
        Refusal.BODY_MISSING,
        Refusal.VALIDITY_OUT_OF_RANGE,
        Refusal.SEND_AT_INVALID,
        Refusal.NO_ROUTE,
    ]


# The index of senders.


def test_a_reloaded_account_is_indexed_anew() -> None:
    index = SenderIndex()
    index.find(account(), "NEW")
    added = Sender("NEW", SenderType.ALPHANUMERIC)
    assert index.find(account(senders=(added,)), "NEW") is added


def test_the_account_indexed_first_gives_way_when_the_index_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "ACCOUNTS_INDEXED_MAX", 2)
    index = SenderIndex()
    accounts = [Account(f"AC{n}", "token", senders=(LONG_CODE,)) for n in range(3)]
    found = [index.find(owner, LONG_CODE.address) for owner in (*accounts, *accounts)]
    assert found == [LONG_CODE] * 6
