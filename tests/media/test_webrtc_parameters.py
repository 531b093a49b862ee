"""What is read of ICE and DTLS in a description."""

from __future__ import annotations

import pytest

from media.errors import MediaError, NotAcceptable, SdpError
from media.sdp_lines import Line
from media.webrtc_parameters import (
    CANDIDATES_MAX,
    Fingerprint,
    IceCandidate,
    RemoteParameters,
    Setup,
    parse_candidate,
)

SHA_256 = ":".join(["AB"] * 32)
SESSION = ("ice-options:trickle",)
MEDIA = (
    "ice-ufrag:Q1w2",
    "ice-pwd:0123456789abcdefghij+/",
    f"fingerprint:sha-256 {SHA_256}",
    "setup:actpass",
    "candidate:1 1 udp 2130706431 198.51.100.7 49170 typ host generation 0",
)


def lines(*attributes: str) -> list[Line]:
    return [Line("a", one) for one in attributes]


def read(*media: str, session: tuple[str, ...] = SESSION) -> RemoteParameters:
    return RemoteParameters.of(lines(*session), lines(*media))


def test_the_parameters_of_an_end() -> None:
    assert read(*MEDIA) == RemoteParameters(
        "Q1w2",
        "0123456789abcdefghij+/",
        frozenset([Fingerprint("sha-256", SHA_256)]),
        Setup.ACTPASS,
        (IceCandidate("1", 2_130_706_431, "198.51.100.7", 49_170, "host"),),
    )


def test_what_the_session_says_holds_for_its_media() -> None:
    assert read(MEDIA[4], session=MEDIA[:4]) == read(*MEDIA)


def test_a_candidate_is_read_as_it_is_printed() -> None:
    candidate = IceCandidate("7", 1_694_498_815, "2001:db8::1", 50_000, "srflx", "::", 9)
    assert str(candidate) == "7 1 udp 1694498815 2001:db8::1 50000 typ srflx raddr :: rport 9"
    assert parse_candidate(str(candidate)) == candidate._replace(related_host="", related_port=0)


@pytest.mark.parametrize(
    "value",
    [
        "1 1 tcp 2130706431 198.51.100.7 9 typ host tcptype active",
        "1 2 udp 2130706431 198.51.100.7 49171 typ host",
        "1 1 udp 2130706431 5c3f9a3e-8f1a.local 49170 typ host",
        "1 1 udp 2130706431 gateway.example.com 49170 typ host",
        "1 1 udp 2130706431 224.0.0.1 49170 typ host",
        "1 1 udp 2130706431 0.0.0.0 49170 typ host",
        "1 1 udp 2130706431 fe80::1%eth0 49170 typ host",
        "1 1 udp 2130706431 198.51.100.7 0 typ host",
        "1 1 udp 99999999999 198.51.100.7 49170 typ host",
        "1 1 udp 2130706431 198.51.100.7 49170 typ other",
        "1 1 udp 2130706431 198.51.100.7 49170",
        "",
    ],
)
def test_what_cannot_be_tried_is_left_out(value: str) -> None:
    assert parse_candidate(value) is None


def test_no_more_candidates_are_tried_than_the_bound() -> None:
    many = [f"candidate:{n} 1 udp 1 198.51.100.7 {1_024 + n} typ host" for n in range(99)]
    assert len(read(*MEDIA[:4], *many).candidates) == CANDIDATES_MAX


def test_a_hash_that_is_broken_proves_nothing() -> None:
    sha_1 = "fingerprint:sha-1 " + ":".join(["AB"] * 20)
    with pytest.raises(NotAcceptable):
        read(*MEDIA[:2], sha_1, "setup:active")


@pytest.mark.parametrize("missing", range(4))
def test_what_is_not_done_without(missing: int) -> None:
    with pytest.raises(NotAcceptable):
        read(*MEDIA[:missing], *MEDIA[missing + 1 :])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "ice-ufrag:abc"),
        (0, f"ice-ufrag:{'a' * 257}"),
        (0, "ice-ufrag:a b c d"),
        (1, "ice-pwd:tooshort"),
        (2, "fingerprint:sha-256 no:hex"),
        (2, "fingerprint:sha-256"),
        (3, "setup:never"),
    ],
)
def test_what_is_malformed_is_told(place: int, value: str) -> None:
    media = [*MEDIA]
    media[place] = value
    with pytest.raises(SdpError) as raised:
        read(*media)
    assert isinstance(raised.value, MediaError)
    assert raised.value.status == 488


def test_ice_begins_anew_with_other_credentials() -> None:
    before = read(*MEDIA)
    assert not read(*MEDIA[:4]).restarts(before)
    assert read("ice-ufrag:R2t3", *MEDIA[1:]).restarts(before)
