"""Calls whose ends differ in profile: what each is told of keys, and what is refused."""

from __future__ import annotations

from itertools import count

import pytest

from media import sdp
from media.errors import NotAcceptable
from media.offer_answer import Negotiation
from media.profile import Profile, profile_of
from media.sdes import SrtpKeys, Suite, cryptos
from media.sdes_description import SdesDescription
from media.sdp import Address
from media.transport_description import PlainDescription
from tests.media.descriptions import ATTRIBUTES, audio, spoken
from tests.media.descriptions import sdp as description

RELAY = "203.0.113.9"
CALLER, CALLED = 0, 1
KEY = "wDfvg&T+)xG7@fb5jU,RaA}"
CM_80 = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
CM_32 = CM_80.replace("_80", "_32").replace(":1", ":2")


def negotiation(caller: Profile, called: Profile) -> Negotiation:
    numbers = count(1)

    def end(profile: Profile, port: int) -> PlainDescription | SdesDescription:
        local = Address(RELAY, port)
        if profile is Profile.PLAIN:
            return PlainDescription(local)
        return SdesDescription(profile, local, lambda octets: bytes([next(numbers)]) * octets)

    return Negotiation((end(caller, 20_000), end(called, 20_002)), (700, 900))


def secured(*crypto: str, proto: str = "RTP/SAVP", port: int = 4_000) -> bytes:
    return description(audio(port, *ATTRIBUTES, *crypto, proto=proto))


def told(octets: bytes) -> tuple[str, list[tuple[int, Suite]]]:
    [media] = sdp.parse(octets).media
    return media.proto, [one[:2] for one in cryptos(media.lines)]


@pytest.mark.parametrize(
    ("offer", "profile"),
    [
        (spoken(), Profile.PLAIN),
        (b"hello", Profile.PLAIN),
        (description("m=video 4000 RTP/SAVP 31"), Profile.PLAIN),
        (secured(CM_80), Profile.SDES),
        (secured(CM_80, proto="RTP/SAVPF"), Profile.SDES),
        (secured(CM_80, proto="RTP/AVP"), Profile.OSRTP),
        (description(audio(), audio(4_000, CM_80, proto="RTP/SAVP")), Profile.SDES),
        (secured("fingerprint:sha-256 AB", proto="RTP/SAVPF"), Profile.WEBRTC),
        (secured(proto="UDP/TLS/RTP/SAVPF"), Profile.WEBRTC),
        (
            description(audio(proto="RTP/SAVPF"), session=("a=fingerprint:sha-256 AB",)),
            Profile.WEBRTC,
        ),
    ],
)
def test_the_profile_of_an_end_is_in_its_offer(offer: bytes, profile: Profile) -> None:
    assert profile_of(offer) is profile


def test_a_plain_call_becomes_encrypted_on_the_other_side() -> None:
    call = negotiation(Profile.PLAIN, Profile.SDES)
    offered = call.offer(CALLER, spoken())
    assert told(offered) == ("RTP/SAVP", list(enumerate(Suite, 1)))
    answered = call.answer(CALLED, secured(CM_80.replace(":1", ":3")))
    assert told(answered) == ("RTP/AVP", [])
    stream = call.stream(CALLED)
    assert stream is not None
    assert isinstance(stream.secret, SrtpKeys)
    assert stream.secret.ours.suite is Suite.AES_CM_128_HMAC_SHA1_80
    assert KEY not in repr(stream)


def test_an_encrypted_call_is_answered_under_the_tag_that_was_chosen() -> None:
    call = negotiation(Profile.SDES, Profile.PLAIN)
    offered = call.offer(CALLER, secured("crypto:9 UNKNOWN inline:AA", CM_32, CM_80))
    assert told(offered) == ("RTP/AVP", [])
    assert b"crypto" not in offered
    answered = call.answer(CALLED, spoken(5_000))
    assert told(answered) == ("RTP/SAVP", [(2, Suite.AES_CM_128_HMAC_SHA1_32)])


def test_keys_of_one_side_never_reach_the_other() -> None:
    call = negotiation(Profile.SDES, Profile.SDES)
    offered = call.offer(CALLER, secured(CM_80))
    assert b"d0RmdmcmVCspeEc3" not in offered
    answered = call.answer(
        CALLED, secured(CM_80.replace(":1", ":3").replace("inline:d0", "inline:d1"))
    )
    ours = {one.key for one in cryptos(sdp.parse(offered).media[0].lines)}
    [key] = [one.key for one in cryptos(sdp.parse(answered).media[0].lines)]
    assert key not in ours


def test_who_may_encrypt_is_offered_plain_rtp_with_keys() -> None:
    call = negotiation(Profile.PLAIN, Profile.OSRTP)
    proto, offered = told(call.offer(CALLER, spoken()))
    assert (proto, len(offered)) == ("RTP/AVP", len(Suite))
    call.answer(CALLED, spoken(5_000))
    stream = call.stream(CALLED)
    assert stream is not None
    assert stream.secret is None
    call.answer(CALLED, secured(CM_80.replace(":1", ":3"), proto="RTP/AVP"))
    stream = call.stream(CALLED)
    assert stream is not None
    assert isinstance(stream.secret, SrtpKeys)


def test_who_offers_plain_rtp_with_keys_is_answered_with_a_key() -> None:
    call = negotiation(Profile.OSRTP, Profile.PLAIN)
    call.offer(CALLER, secured(CM_80, proto="RTP/AVP"))
    assert told(call.answer(CALLED, spoken()))[1] == [(1, Suite.AES_CM_128_HMAC_SHA1_80)]
    call.offer(CALLER, secured("crypto:1 UNKNOWN inline:AA", proto="RTP/AVP"))
    assert told(call.answer(CALLED, spoken())) == ("RTP/AVP", [])


def test_of_two_lines_the_encrypted_one_is_served() -> None:
    call = negotiation(Profile.SDES, Profile.PLAIN)
    call.offer(CALLER, description(audio(4_000), audio(4_002, CM_80, proto="RTP/SAVP")))
    answered = sdp.parse(call.answer(CALLED, spoken())).media
    assert [(one.proto, one.port) for one in answered] == [("RTP/AVP", 0), ("RTP/SAVP", 20_000)]


@pytest.mark.parametrize(
    "offer",
    [spoken(), secured(), secured("crypto:1 UNKNOWN inline:AA"), secured(CM_80 + "|2^99")],
)
def test_who_must_encrypt_and_cannot_is_refused(offer: bytes) -> None:
    with pytest.raises(NotAcceptable) as refused:
        negotiation(Profile.SDES, Profile.PLAIN).offer(CALLER, offer)
    assert refused.value.status == 488


@pytest.mark.parametrize("answer", [spoken(), secured(), secured(CM_32), secured(CM_80, CM_32)])
def test_an_answer_without_the_key_that_was_asked_for_is_refused(answer: bytes) -> None:
    call = negotiation(Profile.PLAIN, Profile.SDES)
    call.offer(CALLER, spoken())
    with pytest.raises(NotAcceptable):
        call.answer(CALLED, answer)


def test_a_re_invite_that_changes_nothing_changes_no_key_and_no_version() -> None:
    call = negotiation(Profile.SDES, Profile.SDES)
    call.offer(CALLER, secured(CM_80))
    answer = secured(CM_80.replace(":1", ":3"))
    first = call.answer(CALLED, answer)
    before = call.stream(CALLER), call.stream(CALLED)
    call.offer(CALLER, secured(CM_80))
    assert call.answer(CALLED, answer) == first
    after = call.stream(CALLER), call.stream(CALLED)
    for one, other in zip(before, after, strict=True):
        assert one is not None
        assert other is not None
        assert isinstance(one.secret, SrtpKeys)
        assert isinstance(other.secret, SrtpKeys)
        assert [key[1:] for key in one.secret] == [key[1:] for key in other.secret]


def test_feedback_is_offered_where_the_other_side_has_it() -> None:
    call = negotiation(Profile.PLAIN, Profile.SDES)
    assert told(call.offer(CALLER, description(audio(proto="RTP/AVPF"))))[0] == "RTP/SAVPF"
    call = negotiation(Profile.SDES, Profile.PLAIN)
    assert told(call.offer(CALLER, secured(CM_80, proto="RTP/SAVPF")))[0] == "RTP/AVP"
