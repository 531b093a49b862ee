"""Offers and answers rewritten for the other side (RFC 3264)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import sdp
from media.errors import MediaError, NotAcceptable, SdpError
from media.offer_answer import Negotiation
from media.sdp import Address, SessionDescription
from media.sdp_lines import Direction
from media.transport_description import PlainDescription
from tests.media.descriptions import ATTRIBUTES, HOST, audio, spoken
from tests.media.descriptions import sdp as description

RELAY = "203.0.113.9"
CALLER, CALLED = 0, 1


def negotiation(relay: str = RELAY, *ours: Address) -> Negotiation:
    first, second = [
        PlainDescription(Address(relay, port), lambda one: one in ours) for port in (20_000, 20_002)
    ]
    return Negotiation((first, second), (700, 900))


def agreed(offer: bytes = b"", answer: bytes = b"") -> tuple[Negotiation, bytes, bytes]:
    """After one offer of the caller and its answer, and what each of them was told."""
    call = negotiation()
    offered = call.offer(CALLER, offer or spoken())
    return call, offered, call.answer(CALLED, answer or spoken(5_000))


def direction(octets: bytes) -> Direction:
    read = sdp.parse(octets)
    return read.direction(read.media[0])


def origin(octets: bytes) -> str:
    line = sdp.parse(octets).origin
    assert line is not None
    return line.value


def attributes(octets: bytes) -> list[str]:
    return [line.value for line in sdp.parse(octets).media[0].lines]


def test_the_other_side_is_offered_our_address_and_the_same_codecs() -> None:
    _, offered, answered = agreed()
    assert offered == description(audio(20_002, *ATTRIBUTES), host=RELAY).replace(
        b"alice 2890844526 1", b"- 900 900"
    ).replace(b"s=a call", b"s=-")
    [media] = sdp.parse(answered).media
    assert (media.port, media.formats) == (20_000, ("0", "8", "101"))


def test_nothing_of_the_offerers_network_is_told() -> None:
    offer = description(
        audio(4_000, "candidate:1 1 UDP 1 10.0.0.7 4000 typ host", f"rtcp:4001 IN IP4 {HOST}"),
        f"c=IN IP4 {HOST}",
        session=(
            "i=secret",
            "e=alice@example.com",
            "a=ice-ufrag:x",
            "a=group:BUNDLE 0",
            "a=tool:x",
        ),
    )
    offered = negotiation().offer(CALLER, offer)
    for secret in (HOST, "alice", "10.0.0.7", "secret", "ice", "BUNDLE", "4001"):
        assert secret.encode() not in offered
    assert b"a=tool:x\r\n" in offered


def test_bandwidths_and_times_stand_where_they_belong() -> None:
    offered = negotiation().offer(CALLER, description(audio(4_000), "b=AS:64", session=("b=CT:9",)))
    assert [kind for kind, _ in sdp.parse(offered).lines] == ["s", "c", "b", "t"]
    assert b" 101 96\r\nb=AS:64\r\na=rtpmap:96" in offered


def test_keys_of_encryption_are_not_passed() -> None:
    offer = spoken(4_000, "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", "fingerprint:sha-256 AB")
    assert attributes(negotiation().offer(CALLER, offer)) == list(ATTRIBUTES)


@pytest.mark.parametrize("proto", ["RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF", "udptl"])
def test_audio_that_only_an_encrypted_leg_can_have_is_refused(proto: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        negotiation().offer(CALLER, description(audio(proto=proto)))
    assert refused.value.status == 488


def test_plain_audio_is_taken_where_both_are_offered() -> None:
    call = negotiation()
    call.offer(CALLER, description(audio(4_000, proto="RTP/SAVP"), audio(4_002)))
    answered = sdp.parse(call.answer(CALLED, spoken()))
    assert [(one.proto, one.port) for one in answered.media] == [
        ("RTP/SAVP", 0),
        ("RTP/AVP", 20_000),
    ]


def test_what_is_not_served_is_answered_with_port_0_in_its_place() -> None:
    offer = description("m=video 4000 RTP/AVP 31", audio(4_002), audio(4_004), "m=text 1 x y z")
    _, offered, answered = agreed(offer)
    assert len(sdp.parse(offered).media) == 1
    assert [(one.kind, one.port, one.formats[0]) for one in sdp.parse(answered).media] == [
        ("video", 0, "31"),
        ("audio", 20_000, "0"),
        ("audio", 0, "0"),
        ("text", 0, "y"),
    ]


def test_media_once_offered_keep_their_place_when_the_other_side_offers() -> None:
    call, _, _ = agreed(description("m=video 4000 RTP/AVP 31", audio(4_002)))
    again = sdp.parse(call.offer(CALLED, spoken()))
    assert [(one.kind, one.port) for one in again.media] == [("video", 0), ("audio", 20_000)]


@pytest.mark.parametrize(
    ("offered", "answered", "told"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "recvonly", "recvonly"),
        ("sendonly", "sendrecv", "recvonly"),
        ("sendonly", "inactive", "inactive"),
        ("recvonly", "sendrecv", "sendonly"),
        ("recvonly", "sendonly", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
    ],
)
def test_an_answer_says_no_more_than_the_offer_allows(
    offered: str, answered: str, told: str
) -> None:
    _, to_called, to_caller = agreed(spoken(4_000, offered), spoken(5_000, answered))
    assert direction(to_called) == offered
    assert direction(to_caller) == told


def test_hold_by_an_address_of_zeros_becomes_sendonly() -> None:
    call = negotiation()
    held = spoken(4_000, host="0.0.0.0")
    assert direction(call.offer(CALLER, held)) is Direction.SENDONLY
    call.answer(CALLED, spoken(5_000))
    stream = call.stream(CALLER)
    assert stream is not None
    assert (stream.rtp, stream.rtcp, stream.direction) == (None, None, "sendonly")


def test_a_direction_of_the_session_is_told_as_that_of_the_media() -> None:
    held = description(audio(4_000, *ATTRIBUTES), session=("a=sendonly",))
    offered = negotiation().offer(CALLER, held)
    assert attributes(offered) == [*ATTRIBUTES, "sendonly"]
    assert all(line.kind != "a" for line in sdp.parse(offered).lines)


def test_the_version_grows_only_when_something_has_changed() -> None:
    call, first, _ = agreed()
    assert origin(first).split()[1:3] == ["900", "900"]
    assert origin(call.offer(CALLER, spoken())).split()[2] == "900"
    assert origin(call.offer(CALLER, spoken(4_000, "sendonly"))).split()[2] == "901"
    assert origin(call.offer(CALLER, spoken(4_002, "sendonly"))).split()[2] == "901"
    assert origin(call.offer(CALLER, spoken())).split()[2] == "902"


def test_where_each_side_is_sent_to_is_known_from_the_answer_on() -> None:
    call = negotiation()
    call.offer(CALLER, spoken(4_000))
    assert call.stream(CALLER) is None
    call.answer(CALLED, spoken(5_000, "rtcp:5007"))
    caller, called = call.stream(CALLER), call.stream(CALLED)
    assert caller is not None
    assert called is not None
    assert (caller.rtp, caller.rtcp) == ((HOST, 4_000), (HOST, 4_001))
    assert (called.rtp, called.rtcp) == ((HOST, 5_000), (HOST, 5_007))
    assert set(caller.codecs.by_payload_type) == {0, 8, 101}


def test_an_offer_that_fails_leaves_all_as_it_was() -> None:
    call, _, _ = agreed()
    before = call.stream(CALLER), call.stream(CALLED)
    call.offer(CALLED, spoken(6_000))
    assert (call.stream(CALLER), call.stream(CALLED)) == before


def test_the_last_of_several_answers_counts() -> None:
    call, _, _ = agreed()
    call.answer(CALLED, spoken(7_000))
    stream = call.stream(CALLED)
    assert stream is not None
    assert stream.rtp == (HOST, 7_000)


def test_rtcp_mux_is_proposed_on_and_agreed_with_each_side_by_itself() -> None:
    call, offered, answered = agreed(spoken(4_000, "rtcp-mux"))
    assert "rtcp-mux" in attributes(offered)
    assert "rtcp-mux" in attributes(answered)
    assert "rtcp-mux" in attributes(call.offer(CALLED, spoken()))
    assert "rtcp-mux" not in attributes(call.offer(CALLER, spoken()))
    called = call.stream(CALLED)
    assert called is not None
    assert called.rtcp == (HOST, 5_001)
    stream = call.stream(CALLER)
    assert stream is not None
    assert stream.rtcp == stream.rtp


def test_an_answer_has_the_proto_of_the_offer() -> None:
    _, _, answered = agreed(description(audio(proto="RTP/AVPF")), spoken())
    assert sdp.parse(answered).media[0].proto == "RTP/AVPF"


def test_ipv6_is_said_as_ip6() -> None:
    call = negotiation("2001:db8::9")
    offered = call.offer(CALLER, spoken(host="2001:DB8:0::7"))
    assert b"c=IN IP6 2001:db8::9\r\n" in offered
    call.answer(CALLED, spoken(host="2001:db8::8"))
    stream = call.stream(CALLER)
    assert stream is not None
    assert stream.rtp == ("2001:db8::7", 49_170)


def test_a_name_for_an_address_is_waited_for() -> None:
    call, _, _ = agreed(spoken(host="phone.example.com"))
    stream = call.stream(CALLER)
    assert stream is not None
    assert stream.rtp is None
    assert stream.direction is Direction.SENDRECV


@pytest.mark.parametrize("host", ["224.2.1.1", "255.255.255.255", "2001:db8::1"])
def test_an_address_that_is_not_one_host_of_our_family_is_refused(host: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiation().offer(CALLER, spoken(host=host))


def test_the_relays_own_address_is_refused() -> None:
    call = negotiation(RELAY, Address(HOST, 49_170))
    with pytest.raises(NotAcceptable):
        call.offer(CALLER, spoken())


def test_rtcp_at_an_address_of_the_relays_own_is_left_out() -> None:
    call = negotiation(RELAY, Address(HOST, 49_171))
    call.offer(CALLER, spoken())
    call.answer(CALLED, spoken(5_000))
    stream = call.stream(CALLER)
    assert stream is not None
    assert stream.rtcp is None


@pytest.mark.parametrize(
    "answer",
    [
        description(),
        description("m=video 1 RTP/AVP 31"),
        spoken(0),
        description(audio(proto="RTP/SAVP")),
    ],
)
def test_an_answer_without_the_audio_is_refused(answer: bytes) -> None:
    call = negotiation()
    call.offer(CALLER, spoken())
    with pytest.raises(NotAcceptable):
        call.answer(CALLED, answer)


def test_nobody_answers_his_own_offer() -> None:
    call = negotiation()
    with pytest.raises(NotAcceptable):
        call.answer(CALLED, spoken())
    call.offer(CALLER, spoken())
    with pytest.raises(NotAcceptable):
        call.answer(CALLER, spoken())


def test_audio_without_an_address_is_refused() -> None:
    with pytest.raises(SdpError):
        negotiation().offer(CALLER, re.sub(b"c=.*\r\n", b"", spoken()))


@pytest.mark.parametrize(
    ("offered", "told", "answered", "answer_told"),
    [
        (("0", "101"), ("0", "8", "101"), ("8", "101"), ("0", "101")),
        (("18", "8", "101"), ("18", "8", "0", "101"), ("0", "101"), ("8", "101")),
        (("0", "101"), ("0", "8", "101"), ("0", "8", "101"), ("0", "101")),
        (("0", "8", "101"), ("0", "8", "101"), ("8", "101"), ("8", "101")),
        (("18",), ("18",), ("18",), ("18",)),
    ],
)
def test_one_law_of_g711_is_offered_as_both(
    offered: tuple[str, ...],
    told: tuple[str, ...],
    answered: tuple[str, ...],
    answer_told: tuple[str, ...],
) -> None:
    maps = [rtpmap(one) for one in answered]
    _, to_called, to_caller = agreed(
        description(audio(4_000, *map(rtpmap, offered), formats=offered)),
        description(audio(5_000, *maps, formats=answered)),
    )
    assert sdp.parse(to_called).media[0].formats == told
    assert sdp.parse(to_caller).media[0].formats == answer_told
    foreign = set(answered) - set(answer_told)
    assert attributes(to_caller) == [rtpmap(one) for one in answered if one not in foreign]


def rtpmap(payload_type: str) -> str:
    name = "telephone-event" if payload_type == "101" else "X"
    return f"rtpmap:{payload_type} {name}/8000"


@pytest.mark.parametrize(
    ("offered", "told", "answered", "answer_told"),
    [
        (("0", "8"), ("0", "8", "101"), ("0", "101"), ("0",)),
        (("0", "8"), ("0", "8", "101"), ("0",), ("0",)),
        (("0", "101"), ("0", "8", "101"), ("0",), ("0", "101")),
        (("8", "0", "18", "101"), ("8", "0", "18", "101"), ("18",), ("18",)),
        (("18", "3"), ("18", "3"), ("3",), ("3",)),
    ],
)
def test_events_are_offered_with_g711_and_answered_to_who_has_them(
    offered: tuple[str, ...],
    told: tuple[str, ...],
    answered: tuple[str, ...],
    answer_told: tuple[str, ...],
) -> None:
    _, to_called, to_caller = agreed(
        description(audio(4_000, *map(rtpmap, offered), formats=offered)),
        description(audio(5_000, *map(rtpmap, answered), formats=answered)),
    )
    assert sdp.parse(to_called).media[0].formats == told
    assert sdp.parse(to_caller).media[0].formats == answer_told
    for octets in (to_called, to_caller):
        [media] = sdp.parse(octets).media
        assert ("101" in media.formats) is ("rtpmap:101 telephone-event/8000" in attributes(octets))


def test_a_number_that_something_else_has_is_not_taken_for_events() -> None:
    said = description(audio(4_000, "rtpmap:101 speex/8000", "rtpmap:0 PCMU/8000"))
    offered = negotiation().offer(CALLER, said)
    assert sdp.parse(offered).media[0].formats == ("0", "8", "101", "96")
    assert attributes(offered)[-2:] == ["rtpmap:96 telephone-event/8000", "fmtp:96 0-16"]


@pytest.mark.parametrize(
    ("said", "rtcp"),
    [
        ("rtcp:0", None),
        ("rtcp:x", None),
        (f"rtcp:53020 IN IP4 {HOST}", (HOST, 53_020)),
        ("rtcp:53020 IN IP4 0.0.0.0", None),
        ("rtcp:53020 IN IP4 host", None),
        ("rtcp:53020 IN IP6 2001:db8::1", None),
    ],
)
def test_rtcp_may_be_elsewhere(said: str, rtcp: tuple[str, int] | None) -> None:
    call, _, _ = agreed(spoken(4_000, said))
    stream = call.stream(CALLER)
    assert stream is not None
    assert stream.rtcp == rtcp


def test_the_clock_rate_is_that_of_the_first_format() -> None:
    opus = description(audio(4_000, "rtpmap:111 opus/48000/2", formats=("111", "0")))
    odd = description(audio(4_000, "rtpmap:111 opus", formats=("111",)))
    assert [
        stream.codecs.clock_rate
        for offer in (opus, odd, spoken())
        if (stream := agreed(offer)[0].stream(CALLER))
    ] == [48_000, 8_000, 8_000]


@given(
    st.lists(
        st.sampled_from(
            [
                audio(4_000),
                audio(4_000, "sendonly", "rtcp-mux"),
                audio(0),
                audio(4_000, proto="RTP/SAVP"),
                "m=video 4000 RTP/AVP 31",
                "m=image 4000 udptl t38",
                "c=IN IP4 0.0.0.0",
                "a=inactive",
                "a=rtcp:9",
                "b=AS:64",
            ]
        ),
        max_size=6,
    ),
    st.lists(st.sampled_from([(0, True), (1, True), (0, False), (1, False)]), max_size=6),
)
def test_whatever_is_said_is_told_well_or_refused(
    lines: list[str], turns: list[tuple[int, bool]]
) -> None:
    call, said = negotiation(), description(*lines)
    for end, offers in [(CALLER, True), (CALLED, False), *turns]:
        try:
            told = call.offer(end, said) if offers else call.answer(end, said)
        except MediaError:
            continue
        read = sdp.parse(told)
        assert bytes(read) == told
        assert HOST.encode() not in told
        assert served(read) == 1


def served(read: SessionDescription) -> int:
    return sum(one.port in (20_000, 20_002) for one in read.media)
