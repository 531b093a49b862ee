"""One call in an rtpengine."""

from typing import Any

import pytest

from gateway.call import Quality
from gateway.ng.bencode import Value, encode
from gateway.ng.client import DATAGRAM_MAX, Unanswered
from gateway.voice.media_session import (
    Lost,
    MediaEvent,
    MediaRefused,
    OneWay,
    Played,
    Qualities,
    Side,
    Silence,
)
from gateway.voice.rtpengine_playing import TONE_S_MAX
from gateway.voice.rtpengine_session import RtpengineSession
from gateway.voice.rtpengine_watch import ONE_WAY_S, SILENCE_S
from gateway.voice.steps import Reply
from media import wav
from media.audio import tone
from media.profile import Profile
from tests.media.descriptions import audio, sdp, spoken
from tests.voice.fake_rtpengine import FakeRtpengine

OFFER, ANSWER = spoken(4_000), spoken(5_000)


class Call:
    """A session, its servers, and what it has told."""

    def __init__(self, *servers: FakeRtpengine) -> None:
        self.servers = servers or (FakeRtpengine(),)
        self.events: list[MediaEvent] = []
        self.closed: list[RtpengineSession] = []
        self.playing: list[RtpengineSession] = []
        self.session = RtpengineSession(
            "call", self.servers, self.events.append, self.closed.append, self.playing.append
        )

    def agree(self, profile: Profile = Profile.PLAIN) -> None:
        value(self.session.offer(Side.CALLER, OFFER, profile))
        value(self.session.answer(Side.CALLED, ANSWER))

    @property
    def asked(self) -> list[dict[str, Any]]:
        return self.servers[0].asked


def value(reply: Reply[Any]) -> Any:
    """What a reply that is there has, or raises."""
    assert reply.settled
    with pytest.raises(StopIteration) as stopped:
        reply.__await__().send(None)
    return stopped.value.value


def refused(reply: Reply[Any]) -> int:
    assert reply.settled
    with pytest.raises(MediaRefused) as raised:
        reply.__await__().send(None)
    return raised.value.status


def test_descriptions_pass_through_the_server() -> None:
    call = Call()
    offered = value(call.session.offer(Side.CALLER, OFFER, Profile.PLAIN))
    answered = value(call.session.answer(Side.CALLED, ANSWER))
    assert offered.startswith(b"engine's v=0")
    assert b"m=audio 4000 " in offered
    assert b"m=audio 5000 " in answered
    offer, answer = call.asked
    assert (offer["from-tag"], offer["via-branch"]) == (b"caller", b"called-1")
    assert (answer["from-tag"], answer["to-tag"]) == (b"caller", b"called-1")


@pytest.mark.parametrize(
    ("profile", "protocol", "ice"),
    [
        (Profile.PLAIN, b"RTP/AVP", b"remove"),
        (Profile.OSRTP, b"RTP/AVP", b"remove"),
        (Profile.SDES, b"RTP/SAVP", b"remove"),
        (Profile.WEBRTC, b"UDP/TLS/RTP/SAVPF", b"force"),
    ],
)
def test_who_is_offered_media_is_spoken_to_in_its_profile(
    profile: Profile, protocol: bytes, ice: bytes
) -> None:
    call = Call()
    call.agree(profile)
    offer, answer = call.asked
    assert (offer["transport-protocol"], offer["ICE"]) == (protocol, ice)
    assert answer["ICE"] == b"remove"


def test_browser_that_calls_is_answered_with_ice() -> None:
    call = Call()
    browser = sdp(audio(4_000, "fingerprint:sha-256 00", proto="UDP/TLS/RTP/SAVPF"))
    value(call.session.offer(Side.CALLER, browser, Profile.PLAIN))
    value(call.session.answer(Side.CALLED, ANSWER))
    assert call.asked[1]["ICE"] == b"force"


def test_names_of_who_described_it_are_hidden() -> None:
    call = Call()
    told = OFFER.replace(b"s=a call\r\n", b"s=a call\r\ni=of Alice's\r\n")
    passed = value(call.session.offer(Side.CALLER, told, Profile.PLAIN))
    for name in (b"alice", b"a call", b"Alice"):
        assert name not in passed


def test_offer_within_the_call_names_both_and_keeps_what_the_other_speaks() -> None:
    call = Call()
    secure = sdp(audio(5_000, "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k", proto="RTP/SAVPF"))
    value(call.session.offer(Side.CALLER, OFFER, Profile.SDES))
    value(call.session.answer(Side.CALLED, secure))
    value(call.session.offer(Side.CALLER, OFFER))
    again = call.asked[-1]
    assert (again["from-tag"], again["to-tag"]) == (b"caller", b"called-1")
    assert again["transport-protocol"] == b"RTP/SAVPF"
    value(call.session.answer(Side.CALLED, secure))
    value(call.session.offer(Side.CALLED, secure))
    back = call.asked[-1]
    assert (back["from-tag"], back["to-tag"]) == (b"called-1", b"caller")
    assert back["transport-protocol"] == b"RTP/AVP"


def test_third_that_does_not_answer_leaves_the_call_as_it_was() -> None:
    call = Call()
    call.agree()
    value(call.session.offer(Side.CALLER, OFFER, Profile.WEBRTC))
    assert call.asked[-1]["via-branch"] == b"called-2"
    value(call.session.offer(Side.CALLED, ANSWER))
    assert call.asked[-1]["from-tag"] == b"called-1"


def test_third_that_answers_takes_the_place() -> None:
    call = Call()
    call.agree()
    value(call.session.offer(Side.CALLER, OFFER, Profile.PLAIN))
    value(call.session.answer(Side.CALLED, ANSWER))
    value(call.session.offer(Side.CALLED, ANSWER))
    assert call.asked[-1]["from-tag"] == b"called-2"
    call.servers[0].came = {"called-1": 3, "called-2": 4}
    assert value(call.session.query()).called.packets == 7


def test_what_is_no_description_is_refused_without_asking() -> None:
    call = Call()
    assert refused(call.session.offer(Side.CALLER, b"no SDP", Profile.PLAIN)) == 488
    assert refused(call.session.offer(Side.CALLER, sdp("m=video 4 RTP/AVP 31"), None)) == 488
    assert refused(call.session.answer(Side.CALLED, ANSWER)) == 488
    assert call.asked == []


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({"result": b"error", "error-reason": b"Failed to parse SDP"}, 488),
        ({"result": b"error", "error-reason": b"Ran out of ports"}, 503),
        ({"result": b"load limit", "message": b"Parallel session limit reached"}, 503),
        ({"result": b"error", "error-reason": b"Something else"}, 500),
        ({"result": 7}, 500),
        ({}, 500),
        ({"result": b"ok"}, 500),
        ({"result": b"ok", "sdp": [b"v=0"]}, 500),
        (Unanswered.SILENT, 503),
        (Unanswered.FULL, 503),
    ],
)
def test_refusal_is_answered_in_sips_words(
    reply: dict[str, Value] | Unanswered, status: int
) -> None:
    call = Call()
    call.servers[0].refuses = reply
    assert refused(call.session.offer(Side.CALLER, OFFER, Profile.PLAIN)) == status


@pytest.mark.parametrize(
    "why",
    [Unanswered.SILENT, {"result": b"error", "error-reason": b"Ran out of ports"}],
)
def test_new_call_goes_to_the_next_server(why: dict[str, Value] | Unanswered) -> None:
    first, second = FakeRtpengine(), FakeRtpengine("two")
    first.refuses = why
    call = Call(first, second)
    call.agree()
    assert second.commands == ["offer", "answer"]
    assert call.session.server is second


def test_description_that_is_bad_is_not_tried_elsewhere() -> None:
    first, second = FakeRtpengine(), FakeRtpengine("two")
    first.refuses = {"result": b"error", "error-reason": b"Failed to parse SDP"}
    assert refused(Call(first, second).session.offer(Side.CALLER, OFFER, Profile.PLAIN)) == 488
    assert second.asked == []


def test_call_stays_with_its_server() -> None:
    first, second = FakeRtpengine(), FakeRtpengine("two")
    call = Call(first, second)
    call.agree()
    first.up = False
    assert refused(call.session.offer(Side.CALLER, OFFER)) == 503
    assert second.asked == []


def test_what_came_is_told_with_what_the_other_end_reported() -> None:
    call = Call()
    call.agree()
    server = call.servers[0]
    server.came = {"caller": 270, "called-1": 300}
    average: dict[str, Value] = {"MOS": 41, "round-trip time": 80_000, "jitter": 10}
    server.ssrc = {"222": {"cumulative loss": 30, "average MOS": average}}
    expected = Qualities(
        Quality(270, 270 * 172, 30, 0.010, 0.080, 4.1), Quality(300, 300 * 172, 0, 0.0, 0.0, 0.0)
    )
    assert value(call.session.query()) == expected
    assert value(call.session.flowing(Side.CALLED)) is True
    assert value(call.session.close()) == expected


def test_nothing_flows_before_anything_came() -> None:
    call = Call()
    call.agree()
    assert value(call.session.flowing(Side.CALLED)) is False


def test_closed_call_is_deleted() -> None:
    call = Call()
    call.agree()
    call.session.close()
    assert call.servers[0].calls == {}
    assert call.closed == [call.session]


def test_call_that_was_never_offered_is_closed_without_asking() -> None:
    call = Call()
    assert value(call.session.close()) == Qualities()
    assert call.asked == []


def test_close_without_an_answer_tells_what_was_known() -> None:
    call = Call()
    call.agree()
    call.servers[0].came = {"caller": 5}
    value(call.session.query())
    call.servers[0].up = False
    assert value(call.session.close()).caller.packets == 5


def test_offer_that_is_answered_after_the_close_is_deleted() -> None:
    call = Call()
    call.servers[0].late = []
    call.session.offer(Side.CALLER, OFFER, Profile.PLAIN)
    value(call.session.close())
    call.servers[0].reply()
    assert call.servers[0].calls == {}


def test_digits_are_played_by_the_other_side_once_the_server_may_put_them_in() -> None:
    call = Call()
    call.agree()
    value(call.session.send_dtmf(Side.CALLER, "1#"))
    offer, answer, one, hash_ = call.asked[2:]
    assert [b"inject-DTMF" in each["flags"] for each in (offer, answer)] == [True, True]
    assert offer["to-tag"] == b"called-1"
    assert [(each["from-tag"], each["code"]) for each in (one, hash_)] == [
        (b"called-1", b"1"),
        (b"called-1", b"#"),
    ]
    value(call.session.send_dtmf(Side.CALLER, "2"))
    assert len(call.asked) == 7
    value(call.session.offer(Side.CALLER, OFFER))
    assert b"inject-DTMF" in call.asked[-1]["flags"]


def test_digits_need_somebody_to_hear_them() -> None:
    assert refused(Call().session.send_dtmf(Side.CALLER, "1")) == 500


def test_digits_end_with_the_first_that_is_refused() -> None:
    call = Call()
    call.agree()
    value(call.session.send_dtmf(Side.CALLED, "1"))
    call.servers[0].restart()
    asked = len(call.asked)
    assert refused(call.session.send_dtmf(Side.CALLED, "23")) == 500
    assert len(call.asked) == asked + 1


def test_file_is_played_until_it_is_stopped() -> None:
    call = Call()
    call.agree()
    value(call.session.play(Side.CALLED, "/srv/busy.wav"))
    value(call.session.stop(Side.CALLED))
    play, stop = call.asked[2:]
    assert (play["command"], play["from-tag"]) == (b"play media", b"called-1")
    assert (stop["command"], play["file"]) == (b"stop media", b"/srv/busy.wav")
    call.servers[0].up = False
    assert refused(call.session.play(Side.CALLED, "/srv/busy.wav")) == 503
    assert call.events == [Played(Side.CALLED, False)]


def test_end_of_what_is_played_is_told_when_its_length_is_over() -> None:
    call = Call()
    call.agree()
    call.servers[0].length_ms = 2_500
    value(call.session.play(Side.CALLED, "/srv/busy.wav"))
    assert call.playing == [call.session]
    assert [call.session.look_at_playing(now) for now in (10.0, 12.0, 12.5)] == [True, True, False]
    assert call.events == [Played(Side.CALLED, True)]


def test_what_is_played_instead_ends_what_was_played_before() -> None:
    call = Call()
    call.agree()
    value(call.session.play(Side.CALLED, "/srv/busy.wav"))
    value(call.session.play_tone(Side.CALLED, (425.0,), 0.25, 0.25))
    assert call.events == [Played(Side.CALLED, False)]
    assert call.session.look_at_playing(86_400.0)


def test_tone_goes_to_the_server_as_a_file_of_one_turn() -> None:
    call = Call()
    call.agree()
    value(call.session.play_tone(Side.CALLER, (350.0, 440.0), 0.1, 0.2))
    play = call.asked[-1]
    assert (play["command"], play["from-tag"]) == (b"play media", b"caller")
    assert wav.read(play["blob"]) == tone((350.0, 440.0), 0.1, 0.2)


def test_longest_tone_fits_a_datagram() -> None:
    call = Call()
    call.agree()
    value(call.session.play_tone(Side.CALLER, (425.0,), 1.0, TONE_S_MAX - 1.0))
    assert len(encode(call.asked[-1])) < DATAGRAM_MAX - 100


@pytest.mark.parametrize(("hertz", "on_s"), [((425.0,), TONE_S_MAX + 0.1), ((4_000.0,), 1.0)])
def test_tone_that_cannot_be_played_is_refused(hertz: tuple[float, ...], on_s: float) -> None:
    call = Call()
    call.agree()
    assert refused(call.session.play_tone(Side.CALLER, hertz, on_s)) == 488
    assert call.session.look_at_playing(0.0) is False


def test_what_rtpengine_cannot_do_is_refused() -> None:
    session = Call().session
    assert refused(session.listen(Side.CALLER, True)) == 501
    assert refused(session.record("/srv/call.wav")) == 501
    assert value(session.listen(Side.CALLER, False)) is None
    assert value(session.stop_recording()) is None


def test_call_that_was_lost_is_closed_without_asking() -> None:
    call = Call()
    call.agree()
    call.servers[0].restart()
    call.session.poll(0.0)
    asked = len(call.asked)
    assert value(call.session.close()) == Qualities()
    assert len(call.asked) == asked
    assert call.closed == [call.session]


def test_server_that_has_forgotten_the_call_has_lost_it() -> None:
    call = Call()
    call.agree()
    call.servers[0].restart()
    call.session.poll(10.0)
    call.session.poll(20.0)
    assert call.events == [Lost()]
    assert call.closed == [call.session]


def test_server_that_is_away_has_lost_nothing_yet() -> None:
    call = Call()
    call.agree()
    call.servers[0].up = False
    call.session.poll(10.0)
    assert call.events == []


def test_side_that_is_silent_for_long_is_told_and_again() -> None:
    call = Call()
    call.agree()
    for now in (0.0, SILENCE_S - 1, SILENCE_S, 2 * SILENCE_S - 1, 2 * SILENCE_S):
        call.servers[0].came = {"caller": int(now)}
        call.session.poll(now)
    assert [event for event in call.events if isinstance(event, Silence)] == [Silence()] * 2


def test_side_that_is_silent_while_the_other_is_heard_is_told_once_until_it_is_heard() -> None:
    call = Call()
    call.agree()
    for now, called in enumerate((0, 0, 0, 1, 1, 1)):
        call.servers[0].came = {"caller": now, "called-1": called}
        call.session.poll(now * ONE_WAY_S)
    assert call.events == [OneWay(Side.CALLED)] * 2
    assert call.session.one_way == 2


def test_neither_a_pause_of_both_nor_one_that_was_agreed_goes_one_way() -> None:
    call = Call()
    call.agree()
    for now in (0.0, ONE_WAY_S, 2 * ONE_WAY_S):
        call.session.poll(now)
    call.servers[0].flags = [b"recv"]
    for step in (3, 4, 5):
        call.servers[0].came = {"caller": step}
        call.session.poll(step * ONE_WAY_S)
    assert call.events == []


def test_side_is_missed_anew_after_what_was_agreed_anew() -> None:
    call = Call()
    call.agree()
    for now in range(4):
        if now == 2:
            call.agree()
        call.servers[0].came = {"caller": now}
        call.session.poll(now * ONE_WAY_S)
    assert call.events == [OneWay(Side.CALLED)] * 2


def test_call_on_hold_may_be_silent() -> None:
    call = Call()
    call.agree()
    call.servers[0].flags = [b"send"]
    for now in (0.0, SILENCE_S):
        call.session.poll(now)
    assert call.events == []


@pytest.mark.parametrize(
    "tags", [7, [], {"caller": 1}, {"caller": {"medias": [b"", {"streams": 1}]}}]
)
def test_statistics_that_make_no_sense_are_none(
    tags: Value, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Call()
    call.agree()
    said: list[Any] = []
    server = call.servers[0]
    reply = {"result": b"ok", "tags": tags}
    monkeypatch.setattr(server, "ask", lambda command, on_reply: on_reply(reply))
    said.append(value(call.session.query()))
    assert said == [Qualities()]
