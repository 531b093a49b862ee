"""The crypto attribute (RFC 4568): read, made, chosen."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import NotAcceptable
from media.sdes import KEY_OCTETS, Crypto, OurKeys, SrtpKeys, Suite, cryptos
from media.sdp_lines import Line, Lines

# RFC 4568 §6.1 and §9.1.
INLINE = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
CM_80 = f"1 AES_CM_128_HMAC_SHA1_80 {INLINE}"
KEY = b"wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#"
CRYPTOS = st.sampled_from(Suite).flatmap(
    lambda suite: st.builds(
        Crypto,
        st.integers(0, 999_999_999),
        st.just(suite),
        st.binary(min_size=KEY_OCTETS[suite], max_size=KEY_OCTETS[suite]),
        st.just(0),
    )
)


def read(*values: str) -> tuple[Crypto, ...]:
    return cryptos(Lines([Line("a", f"crypto:{value}") for value in values]))


def keys() -> OurKeys:
    numbers = count(1)
    return OurKeys(lambda octets: bytes([next(numbers)]) * octets)


@given(CRYPTOS)
def test_what_is_printed_is_read_as_it_was(crypto: Crypto) -> None:
    assert cryptos(Lines([crypto.line])) == (crypto,)


@pytest.mark.parametrize(
    ("said", "mki_octets"),
    [
        ("", 0),
        ("|2^20", 0),
        ("|1048576", 0),
        ("|2^48", 0),
        ("|2^20|1:4", 4),
        ("|1:32", 32),
        (" WSH=64", 0),
        (" KDR=0", 0),
        (" -FOO=1", 0),
        ("|2^31|1:1 WSH=128", 1),
    ],
)
def test_lifetimes_and_names_of_keys_are_read(said: str, mki_octets: int) -> None:
    assert read(CM_80 + said) == (Crypto(1, Suite.AES_CM_128_HMAC_SHA1_80, KEY, mki_octets),)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "x AES_CM_128_HMAC_SHA1_80 " + INLINE,
        "1234567890 AES_CM_128_HMAC_SHA1_80 " + INLINE,
        "1 F8_128_HMAC_SHA1_80 " + INLINE,
        "1 AES_CM_128_HMAC_SHA1_80 " + INLINE.removeprefix("inline:"),
        "1 AES_CM_128_HMAC_SHA1_80 inline:****",
        "1 AES_CM_128_HMAC_SHA1_80 inline:d0Rm",
        "1 AEAD_AES_128_GCM " + INLINE,
        CM_80 + ";" + INLINE,
        CM_80 + "|0",
        CM_80 + "|2^49",
        CM_80 + "|2^",
        CM_80 + "|x",
        CM_80 + "|2^20|1",
        CM_80 + "|2^20|1:0",
        CM_80 + "|2^20|1:129",
        CM_80 + "|2^20|x:4",
        CM_80 + "|2^20|1:4|2:4",
        CM_80 + " UNENCRYPTED_SRTP",
        CM_80 + " UNAUTHENTICATED_SRTP",
        CM_80 + " KDR=1",
        CM_80 + " FEC_ORDER=FEC_SRTP",
        CM_80 + " FOO=1",
    ],
)
def test_what_cannot_be_had_is_passed_over(value: str) -> None:
    good = "2 AES_CM_128_HMAC_SHA1_32 " + INLINE
    assert [one.tag for one in read(value, good)] == [2]


@given(st.text(max_size=80))
def test_any_text_has_an_answer(value: str) -> None:
    assert len(read(value)) <= 1


def test_gcm_is_offered_first_and_what_was_agreed_before_it() -> None:
    ours = keys()
    first = ours.offered()
    assert [one.suite for one in first] == list(Suite)
    assert [one.tag for one in first] == [1, 2, 3, 4]
    ours.agreed(SrtpKeys(first[3], first[3]))
    again = ours.offered()
    assert again == (first[3], *first[:3])


def test_the_first_that_can_be_had_is_answered_under_its_tag() -> None:
    chosen = keys().for_offer(read("7 NEW_SUITE inline:AA", CM_80.replace("1 ", "8 ", 1), CM_80))
    assert chosen is not None
    assert (chosen.theirs.tag, chosen.theirs.key) == (8, KEY)
    assert (chosen.ours.tag, chosen.ours.suite) == (8, Suite.AES_CM_128_HMAC_SHA1_80)
    assert chosen.ours.key != KEY


def test_an_answer_is_the_one_that_it_names() -> None:
    ours = keys()
    gcm = Crypto(1, Suite.AEAD_AES_128_GCM, bytes(28))
    assert ours.for_answer((gcm,)) == SrtpKeys(gcm, ours.offered()[0])
    assert ours.for_answer(()) is None


@pytest.mark.parametrize(
    "answered",
    [
        (Crypto(2, Suite.AEAD_AES_128_GCM, bytes(28)),),
        (Crypto(9, Suite.AES_CM_128_HMAC_SHA1_80, KEY),),
        (Crypto(1, Suite.AEAD_AES_128_GCM, bytes(28)),) * 2,
    ],
    ids=["another suite's tag", "no tag of ours", "two"],
)
def test_an_answer_that_is_none_of_ours_is_refused(answered: tuple[Crypto, ...]) -> None:
    with pytest.raises(NotAcceptable):
        keys().for_answer(answered)


def test_keys_are_not_shown() -> None:
    [crypto] = read(CM_80)
    assert str(crypto) == repr(crypto) == "Crypto(1, AES_CM_128_HMAC_SHA1_80)"
