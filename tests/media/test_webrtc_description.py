"""What a WebRTC end and one with plain RTP are told of each other (RFC 8829, RFC 8843)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media import sdp
from media.errors import NotAcceptable
from media.offer_answer import Negotiation
from media.profile import Profile, profile_of
from media.sdp import Address, Media
from media.sdp_lines import Direction
from media.transport_description import PlainDescription
from media.webrtc_description import WebRtcDescription
from media.webrtc_parameters import LocalParameters
from tests.media.descriptions import audio, spoken
from tests.media.descriptions import sdp as described
from tests.media.webrtc_descriptions import LOCAL, TRANSPORT, browser, media_of, restarted, role

RENEWED = replace(LOCAL, ufrag="renewed0")


class Call:
    """A browser is end 0 and a phone end 1, or the other way round."""

    def __init__(self, browser_end: int = 0, transcodes: bool = True) -> None:
        self.renewals = 0
        self.web = WebRtcDescription(LOCAL, self._renew)
        plain = PlainDescription(Address("192.0.2.1", 20_000))
        ends = (self.web, plain) if browser_end == 0 else (plain, self.web)
        self.negotiation = Negotiation(ends, (1, 2), transcodes)

    def offer(self, end: int, octets: bytes) -> Media:
        (media,) = sdp.parse(self.negotiation.offer(end, octets)).media
        return media

    def answer(self, end: int, octets: bytes) -> Media:
        return sdp.parse(self.negotiation.answer(end, octets)).media[0]

    def _renew(self) -> LocalParameters:
        self.renewals += 1
        return RENEWED


def attributes(media: Media) -> dict[str, str]:
    return media.lines.attributes


def test_a_browsers_offer_is_known() -> None:
    assert profile_of(browser()) is Profile.WEBRTC


def test_a_phone_is_offered_nothing_of_the_browsers_transport() -> None:
    offered = Call().offer(0, browser())
    assert (offered.proto, offered.port) == ("RTP/AVP", 20_000)
    of_browsers = {"ice-ufrag", "fingerprint", "setup", "mid", "extmap", "rtcp-fb", "ssrc", "msid"}
    assert not of_browsers & set(attributes(offered))


def test_a_phone_is_offered_g711_first_then_opus_and_digits() -> None:
    assert Call().offer(0, browser()).formats == ("0", "8", "111", "126", "110")


def test_a_phones_own_number_for_digits_is_the_browsers_in_the_answer() -> None:
    call = Call()
    call.offer(0, browser())
    lines = ("rtpmap:101 telephone-event/8000", "fmtp:101 0-15")
    answered = call.answer(1, described(audio(49_170, *lines, formats=("0", "101"))))
    assert answered.formats == ("0", "126")
    said = [line.value for line in answered.lines if line.value.startswith(("rtpmap", "fmtp"))]
    assert said == ["rtpmap:126 telephone-event/8000", "fmtp:126 0-15", "rtpmap:0 PCMU/8000"]


def test_a_number_that_is_something_else_to_the_browser_is_not_answered_it() -> None:
    call = Call()
    call.offer(0, browser())
    answered = call.answer(
        1, described(audio(49_170, "rtpmap:111 G726-32/8000", formats=("0", "111")))
    )
    assert "111" not in answered.formats


def test_a_phone_is_offered_the_digits_and_the_law_that_a_browser_has_not() -> None:
    call = Call()
    assert call.offer(0, browser(formats=("0",))).formats == ("0", "8", "101")
    lines = ("rtpmap:101 telephone-event/8000",)
    answered = call.answer(1, described(audio(49_170, *lines, formats=("8", "101"))))
    assert answered.formats == ("0",)


def test_a_browser_is_answered_in_its_own_words() -> None:
    call = Call()
    call.offer(0, browser())
    answered = call.answer(1, described(audio(49_170, "rtpmap:0 PCMU/8000", formats=("0",))))
    said = attributes(answered)
    assert (answered.proto, answered.port, answered.formats) == (
        "UDP/TLS/RTP/SAVPF",
        30_000,
        ("0", "126"),
    )
    assert (said["mid"], said["setup"], said["ice-ufrag"]) == ("0", "active", "ourUfrag")
    assert said["fingerprint"] == "sha-256 " + ":".join(["EF"] * 32)
    assert said["candidate"] == "f 1 udp 2130706431 192.0.2.1 30000 typ host"
    assert {"rtcp-mux", "end-of-candidates", "sendrecv", "msid"} <= set(said)
    assert call.web.is_client


def test_video_is_refused_and_stays_out_of_the_bundle() -> None:
    call = Call()
    call.offer(0, browser(video=True))
    answer = sdp.parse(call.negotiation.answer(1, spoken()))
    audio_media, video = answer.media
    assert (video.port, attributes(video)["mid"]) == (0, "1")
    assert audio_media.port != 0
    assert ("a", "group:BUNDLE 0") in answer.lines


def test_audio_that_is_bundled_behind_video_goes_by_the_transport_of_that() -> None:
    video = media_of("m=video 9 UDP/TLS/RTP/SAVPF 96", *TRANSPORT, "mid:v", "rtpmap:96 VP8/90000")
    bundled = media_of("m=audio 9 UDP/TLS/RTP/SAVPF 0", "rtcp-mux", "mid:a", "rtpmap:0 PCMU/8000")
    call = Call()
    call.offer(0, described(video, bundled, session=("a=group:BUNDLE v a",)))
    answer = sdp.parse(call.negotiation.answer(1, spoken()))
    assert [one.port for one in answer.media] == [0, 30_000]
    assert ("a", "group:BUNDLE a") in answer.lines


def test_an_answer_names_nothing_that_was_not_offered() -> None:
    call = Call()
    call.offer(0, browser(formats=("0", "126")))
    assert call.answer(1, spoken()).formats == ("0", "126")


def test_a_browser_without_g711_is_answered_opus() -> None:
    call = Call()
    offered = call.offer(0, browser(formats=("111", "110")))
    assert offered.formats == ("0", "8", "111", "110", "96")
    answered = call.answer(
        1, described(audio(49_170, "rtpmap:96 telephone-event/8000", formats=("0", "96")))
    )
    assert answered.formats == ("111", "110")
    assert "maxplaybackrate=8000" in attributes(answered)["fmtp"]


def test_a_browser_without_g711_is_refused_by_a_phone_where_nothing_transcodes() -> None:
    call = Call(transcodes=False)
    assert call.offer(0, browser(formats=("111", "110"))).formats == ("111", "110")
    with pytest.raises(NotAcceptable):
        call.answer(1, described(audio(49_170, formats=("8",))))


def test_a_browser_is_offered_g711_and_how_to_reach_us() -> None:
    call = Call(browser_end=1)
    offered = call.offer(0, spoken())
    said = attributes(offered)
    assert (offered.proto, offered.formats) == ("UDP/TLS/RTP/SAVPF", ("0", "8", "101"))
    assert (said["setup"], said["mid"], said["ice-pwd"]) == ("actpass", "0", LOCAL.pwd)
    assert {"rtcp-mux", "rtcp-mux-only", "sendrecv"} <= set(said)


def test_a_browser_that_answers_active_begins_dtls() -> None:
    call = Call(browser_end=1)
    call.offer(0, spoken())
    answered = call.answer(1, browser(formats=("0", "126"), transport=role("active")))
    assert (answered.proto, answered.port) == ("RTP/AVP", 20_000)
    assert not call.web.is_client


@pytest.mark.parametrize("setup", ["actpass", "holdconn"])
def test_an_answer_must_choose_who_begins_dtls(setup: str) -> None:
    call = Call(browser_end=1)
    call.offer(0, spoken())
    with pytest.raises(NotAcceptable):
        call.answer(1, browser(formats=("0",), transport=role(setup)))


def test_a_browser_is_not_offered_what_none_has() -> None:
    with pytest.raises(NotAcceptable) as raised:
        Call(browser_end=1).offer(
            0, described(audio(49_170, "rtpmap:18 G729/8000", formats=("18",)))
        )
    assert raised.value.status == 488


@pytest.mark.parametrize("missing", ["rtcp-mux", "fingerprint", "ice-pwd", "setup"])
def test_an_offer_without_what_webrtc_needs_is_refused(missing: str) -> None:
    transport = tuple(one for one in TRANSPORT if not one.startswith(missing))
    with pytest.raises(NotAcceptable):
        Call().offer(0, browser(transport=transport))


def test_an_old_browsers_profile_is_served() -> None:
    call = Call()
    call.offer(0, browser(proto="RTP/SAVPF"))
    assert call.answer(1, spoken()).proto == "RTP/SAVPF"


def test_a_new_offer_keeps_names_credentials_and_roles() -> None:
    call = Call()
    call.offer(0, browser(mid="voice"))
    first = attributes(call.answer(1, spoken()))
    call.offer(0, browser(mid="voice", direction="sendonly"))
    again = attributes(call.answer(1, spoken()))
    same = ("mid", "ice-ufrag", "ice-pwd", "setup", "fingerprint")
    assert [first[one] for one in same] == [again[one] for one in same]
    assert "recvonly" in again
    assert call.renewals == 0


def test_a_new_offer_of_ours_keeps_names_and_credentials() -> None:
    call = Call()
    call.offer(0, browser(mid="voice"))
    call.answer(1, spoken())
    said = attributes(call.offer(1, spoken()))
    assert (said["mid"], said["ice-ufrag"], said["setup"]) == ("voice", "ourUfrag", "actpass")


def test_the_role_that_there_is_is_kept_when_the_other_end_offers() -> None:
    call = Call(browser_end=1)
    call.offer(0, spoken())
    call.answer(1, browser(formats=("0",), transport=role("active")))
    call.offer(1, browser())
    assert attributes(call.answer(0, spoken()))["setup"] == "passive"


def test_ice_begins_anew_when_the_browser_asks_for_it() -> None:
    call = Call()
    call.offer(0, browser())
    call.answer(1, spoken())
    call.offer(0, browser(transport=restarted()))
    answered = attributes(call.answer(1, spoken()))
    assert (answered["ice-ufrag"], call.renewals) == ("renewed0", 1)
    assert attributes(call.answer(1, spoken()))["ice-ufrag"] == "renewed0"


def test_an_answer_cannot_begin_ice_anew() -> None:
    call = Call(browser_end=1)
    call.offer(0, spoken())
    call.answer(1, browser(formats=("0",), transport=role("active")))
    call.offer(0, spoken())
    with pytest.raises(NotAcceptable):
        call.answer(1, browser(formats=("0",), transport=role("active", restarted())))


def test_another_end_does_not_come_by_the_way_of_the_last_one() -> None:
    call = Call()
    call.offer(0, browser())
    call.answer(1, spoken())
    other = tuple(one.replace("CD:", "CE:") for one in TRANSPORT)
    with pytest.raises(NotAcceptable):
        call.offer(0, browser(transport=other))
    call.offer(0, browser(transport=restarted(role("passive", other))))
    assert attributes(call.answer(1, spoken()))["setup"] == "active"


def test_two_browsers_pass_what_is_theirs_alone() -> None:
    ends = (WebRtcDescription(LOCAL, lambda: LOCAL), WebRtcDescription(LOCAL, lambda: LOCAL))
    negotiation = Negotiation(ends, (1, 2))
    (offered,) = sdp.parse(negotiation.offer(0, browser(mid="voice"))).media
    assert offered.formats[0] == "111"
    assert attributes(offered)["mid"] == "voice"
    assert {"extmap", "rtcp-fb"} <= set(attributes(offered))
    answer = browser(mid="voice", transport=role("active"))
    (answered,) = sdp.parse(negotiation.answer(1, answer)).media
    assert (answered.formats[0], attributes(answered)["setup"]) == ("111", "active")


def test_hold_passes_both_ways() -> None:
    call = Call()
    call.offer(0, browser(direction="inactive"))
    answered = call.answer(1, spoken(49_170, "inactive"))
    assert "inactive" in attributes(answered)
    stream = call.negotiation.stream(0)
    assert stream is not None
    assert stream.direction is Direction.INACTIVE


@pytest.mark.parametrize(
    ("offer", "restarts"),
    [
        (browser(), False),
        (browser(transport=restarted()), True),
        (browser(transport=restarted(TRANSPORT[:-1])), False),
        (described(media_of("m=audio 0 UDP/TLS/RTP/SAVPF 0", *restarted())), False),
        (spoken(), False),
    ],
    ids=["the same", "restarted", "not served", "refused", "plain"],
)
def test_ice_begins_anew_by_what_can_be_served_and_has_another_name(
    offer: bytes, restarts: bool
) -> None:
    call = Call()
    assert not call.web.restarts(sdp.parse(offer))
    call.offer(0, browser())
    call.answer(1, spoken())
    assert call.web.restarts(sdp.parse(offer)) is restarts


def test_what_was_gathered_for_a_new_beginning_is_told_once() -> None:
    call = Call()
    call.offer(0, browser())
    call.answer(1, spoken())
    call.web.renewed = replace(LOCAL, ufrag="gathered")
    call.offer(0, browser(transport=restarted()))
    assert attributes(call.answer(1, spoken()))["ice-ufrag"] == "gathered"
    assert call.renewals == 0
    call.offer(0, browser())
    assert attributes(call.answer(1, spoken()))["ice-ufrag"] == "renewed0"


def test_the_first_of_a_bundle_speaks_for_audio_that_says_nothing_of_its_transport() -> None:
    video = media_of("m=video 9 UDP/TLS/RTP/SAVPF 96", *TRANSPORT, "mid:0", "rtpmap:96 VP8/90000")
    silent = media_of("m=audio 9 UDP/TLS/RTP/SAVPF 0", "rtcp-mux", "mid:1")
    call = Call()
    bundled = described(video, silent, session=("a=group:BUNDLE 0 1",))
    call.offer(0, bundled)
    first, second = sdp.parse(call.negotiation.answer(1, spoken())).media
    assert (first.port, second.port) == (0, 30_000)
    for group in ("", "a=group:BUNDLE 7 1"):
        with pytest.raises(NotAcceptable):
            Call().offer(0, described(video, silent, session=(group,) if group else ()))
