"""What is the same request, and what is not."""

from typing import Any

import msgspec
import pytest

from gateway.account import Account
from gateway.errors import Refusal, Refused
from gateway.message import Encoding, Origin, Receipts
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency_key import KEY_OCTETS_MAX, fingerprint, keyed
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT

THE_ACCOUNT = Account(ACCOUNT, "f" * 32)


def a_request(**changes: Any) -> SendRequest:
    fields: dict[str, Any] = {
        "account": THE_ACCOUNT,
        "sender": "55501",
        "recipient": "+15005550009",
        "body": "hello",
        "origin": Origin.REST,
    }
    return SendRequest(**(fields | changes))


def test_a_key_becomes_16_octets_and_so_does_what_was_asked_for() -> None:
    request = keyed(a_request(), b"k")
    assert (len(request.key), len(request.fingerprint)) == (16, 16)
    assert msgspec.structs.replace(request, key=b"", fingerprint=b"") == a_request()


def test_the_same_key_of_another_account_is_another_key() -> None:
    other = keyed(a_request(account=Account(OTHER_ACCOUNT, "f" * 32)), b"k")
    assert keyed(a_request(), b"k").key not in (other.key, keyed(a_request(), b"l").key)


@pytest.mark.parametrize("key", [b"", b"k" * (KEY_OCTETS_MAX + 1)])
def test_a_key_has_1_to_255_octets(key: bytes) -> None:
    with pytest.raises(Refused) as raised:
        keyed(a_request(), key)
    assert raised.value.refusal is Refusal.IDEMPOTENCY_KEY_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "+15005550006"},
        {"recipient": "+15005550008"},
        {"body": "goodbye"},
        {"status_callback": "https://hooks.example.com"},
        {"validity_s": 600.0},
        {"send_at": 1_800_000_000.0},
        {"receipts": Receipts.ALL},
        {"udh": b"\x01\x00", "encoding": Encoding.GSM_7BIT},
        {"octets": b"\x00"},
        {"encoding": Encoding.BINARY},
        {"traffic_type": "otp"},
        {"smart_encoded": True},
    ],
)
def test_who_chooses_otherwise_asks_for_another_thing(changes: dict[str, Any]) -> None:
    assert fingerprint(a_request(**changes)) != fingerprint(a_request())


def test_the_encoding_of_what_passes_as_it_came_was_chosen() -> None:
    prints = {
        fingerprint(a_request(udh=b"\x01\x00", encoding=encoding))
        for encoding in (Encoding.GSM_7BIT, Encoding.UCS2, None)
    }
    assert len(prints) == 3


@pytest.mark.parametrize("changes", [{"origin": Origin.SMPP}, {"encoding": Encoding.GSM_7BIT}])
def test_the_same_request_through_the_other_door_is_the_same(changes: dict[str, Any]) -> None:
    assert fingerprint(a_request(**changes)) == fingerprint(a_request())


def test_times_that_were_reckoned_from_now_are_compared_by_their_words() -> None:
    words = "000000010000000R"
    first = fingerprint(a_request(send_at=1_800_000_000.0, validity_s=59.5), words)
    assert fingerprint(a_request(send_at=1_800_000_007.0, validity_s=52.5), words) == first
    assert fingerprint(a_request(send_at=1_800_000_000.0, validity_s=59.5), words + ".") != first


def test_a_fingerprint_outlives_its_version_of_the_gateway() -> None:
    """It stays in the store for weeks: a new field must not change it."""
    assert fingerprint(a_request()).hex() == "91c2fb2923bdce5410b5ee5e3ace041b"
