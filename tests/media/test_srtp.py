"""SRTP of one end against libsrtp by itself: suites, names of keys, keys that stay and change."""

from __future__ import annotations

import pytest
from pylibsrtp import Policy, Session

from media.sdes import KEY_OCTETS, Crypto, SrtpKeys, Suite
from media.srtp import SOURCES_MAX, Srtp, policy
from tests.media.packets import packet, receiver_report

ALL = pytest.mark.parametrize("suite", Suite)


def crypto(suite: Suite, key: int, mki_octets: int = 0) -> Crypto:
    return Crypto(1, suite, bytes([key]) * KEY_OCTETS[suite], mki_octets)


class End:
    """Another's: it sends by `key` 1 and hears by 2, and we the other way round."""

    def __init__(self, suite: Suite, mki_octets: int = 0, key: int = 1) -> None:
        self.theirs, self.ours = crypto(suite, key, mki_octets), crypto(suite, 2)
        self.out = Session(policy(self.theirs, Policy.SSRC_ANY_OUTBOUND))
        self.into = Session(policy(self.ours, Policy.SSRC_ANY_INBOUND))
        self.keys = SrtpKeys(self.theirs, self.ours)

    def heard(self, packet: bytes | None) -> bytes:
        assert packet is not None
        return self.into.unprotect(packet)

    def srtp(self) -> Srtp:
        made = Srtp()
        made.agreed(self.keys)
        return made


@ALL
def test_packets_of_both_kinds_go_both_ways(suite: Suite) -> None:
    end = End(suite)
    srtp = end.srtp()
    assert srtp.plain(end.out.protect(packet(7))) == packet(7)
    assert srtp.plain(end.out.protect_rtcp(receiver_report())) == receiver_report()
    protected = srtp.protected(packet(8))
    assert protected is not None
    assert packet(8)[12:] not in protected
    assert end.heard(protected) == packet(8)
    report = srtp.protected_rtcp(receiver_report())
    assert report is not None
    assert end.into.unprotect_rtcp(report) == receiver_report()


@ALL
def test_what_is_not_authentic_or_was_there_before_is_nothing(suite: Suite) -> None:
    end = End(suite)
    srtp, protected = end.srtp(), end.out.protect(packet(7))
    assert srtp.plain(protected[:-1] + bytes([protected[-1] ^ 1])) is None
    assert srtp.plain(packet(7)) is None
    assert srtp.plain(receiver_report()) is None
    assert srtp.plain(b"") is None
    assert srtp.plain(bytes(2_000)) is None
    assert srtp.plain(protected) == packet(7)
    assert srtp.plain(protected) is None


@ALL
def test_the_name_of_a_key_is_taken_off(suite: Suite) -> None:
    end = End(suite, mki_octets=4)
    srtp = end.srtp()
    tags = {Suite.AES_CM_128_HMAC_SHA1_80: (10, 10), Suite.AES_CM_128_HMAC_SHA1_32: (4, 10)}
    for kind, octets in enumerate(
        (end.out.protect(packet(7)), end.out.protect_rtcp(receiver_report()))
    ):
        at = len(octets) - tags.get(suite, (0, 0))[kind]
        named = octets[:at] + b"\0\0\0\1" + octets[at:]
        assert srtp.plain(named) == (packet(7), receiver_report())[kind]


def test_the_same_keys_again_go_on_counting_when_the_number_has_begun_again() -> None:
    """As in pjproject #2682: a re-INVITE in a long call."""
    end = End(Suite.AES_CM_128_HMAC_SHA1_80)
    srtp = end.srtp()
    for number in range(0, 3 * 65_536, 10_000):
        srtp.plain(end.out.protect(packet(number)))
        end.heard(srtp.protected(packet(number)))
    srtp.agreed(SrtpKeys(end.theirs._replace(tag=5), end.ours._replace(tag=5)))
    assert srtp.plain(end.out.protect(packet(3 * 65_536))) == packet(3 * 65_536)
    assert end.heard(srtp.protected(packet(3 * 65_536))) == packet(3 * 65_536)


def test_another_key_of_the_end_leaves_ours_as_it_is() -> None:
    end = End(Suite.AEAD_AES_128_GCM)
    srtp = end.srtp()
    end.heard(srtp.protected(packet(7)))
    other = End(Suite.AEAD_AES_128_GCM, key=3)
    srtp.agreed(other.keys)
    assert srtp.plain(end.out.protect(packet(1))) is None
    assert srtp.plain(other.out.protect(packet(1))) == packet(1)
    assert end.heard(srtp.protected(packet(8))) == packet(8)


def test_a_number_is_never_used_twice_with_one_key() -> None:
    srtp = End(Suite.AEAD_AES_256_GCM).srtp()
    assert srtp.protected(packet(7)) is not None
    assert srtp.protected(packet(7, payload=b"another")) is None
    assert srtp.protected(packet(8, payload=bytes(1_480))) is None


def test_reports_of_so_many_sources_are_sent_on() -> None:
    srtp = End(Suite.AEAD_AES_128_GCM).srtp()
    sent = [srtp.protected_rtcp(receiver_report(ssrc=one)) for one in range(SOURCES_MAX + 1)]
    assert [one is not None for one in sent] == [True] * SOURCES_MAX + [False]


def test_what_is_no_rtp_is_not_protected() -> None:
    srtp = End(Suite.AEAD_AES_128_GCM).srtp()
    assert srtp.protected(b"") is None
    assert srtp.protected_rtcp(b"\x80") is None
    assert srtp.plain(b"\x80") is None
