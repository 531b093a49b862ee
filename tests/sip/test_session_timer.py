"""Session timers (RFC 4028): what is agreed, who refreshes, and that the silent are hung up on."""

import pytest

from gateway.sip.errors import GrammarError
from gateway.sip.headers import Field
from gateway.sip.leg_events import Answered, Asked, EndCause, Ended, Responded
from gateway.sip.message import SipRequest
from gateway.sip.session_timer import SessionExpires, SessionInterval, SessionTimer
from tests.sip.calls import ANSWER, BOB, OFFER, Wire, invitation, losing
from tests.sip.transactions import read, request

SUPPORTED: Field = ("Supported", "timer")


def agreed(*headers: Field) -> dict[str, str]:
    return dict(SessionTimer(SessionInterval()).agree_as_uas(request(headers=headers)))


# What is agreed (§9, table 2)


@pytest.mark.parametrize(
    ("headers", "session_expires", "require"),
    [
        ([SUPPORTED, ("Session-Expires", "600")], "600;refresher=uas", "timer"),
        ([SUPPORTED, ("Session-Expires", "600;refresher=uac")], "600;refresher=uac", "timer"),
        ([SUPPORTED, ("Session-Expires", "600;refresher=uas")], "600;refresher=uas", "timer"),
        ([SUPPORTED, ("Session-Expires", "7200")], "1800;refresher=uas", "timer"),
        (
            [SUPPORTED, ("Session-Expires", "3600"), ("Min-SE", "2000")],
            "2000;refresher=uas",
            "timer",
        ),
        ([SUPPORTED], "1800;refresher=uas", "timer"),
        ([], "1800;refresher=uas", None),
        ([("Session-Expires", "30")], "90;refresher=uas", None),
    ],
)
def test_uas_agrees_to_what_is_asked_within_its_bounds(
    headers: list[Field], session_expires: str, require: str | None
) -> None:
    fields = agreed(*headers)
    assert fields["Session-Expires"] == session_expires
    assert fields.get("Require") == require


@pytest.mark.parametrize(
    ("value", "expires"),
    [
        ("600", SessionExpires(600)),
        ("600 ; refresher=UAC", SessionExpires(600, "uac")),
        ("99999999999", None),
        ("soon", None),
        ("600;refresher=me", None),
        ("", None),
    ],
)
def test_session_expires_is_read_as_it_is_written(
    value: str, expires: SessionExpires | None
) -> None:
    message = request(headers=[("Session-Expires", value)])
    if expires is None:
        with pytest.raises(GrammarError):
            SessionExpires.of(message)
    else:
        assert SessionExpires.of(message) == expires
        assert SessionExpires.of(request(headers=[("Session-Expires", str(expires))])) == expires


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ([SUPPORTED, ("Session-Expires", "89")], True),
        ([SUPPORTED, ("Session-Expires", "90")], False),
        ([("Session-Expires", "89")], False),
        ([SUPPORTED], False),
    ],
)
def test_interval_that_is_too_small_is_refused_to_those_who_know_what_that_means(
    headers: list[Field], refused: bool
) -> None:
    refusal = SessionTimer(SessionInterval()).refusal(request(headers=headers))
    assert refusal == ([("Min-SE", "90")] if refused else None)


def test_who_refreshes_stays_the_same() -> None:
    timer = SessionTimer(SessionInterval())
    timer.agreed_as_uac(request(headers=[("Session-Expires", "600;refresher=uas")]))
    assert dict(timer.offered())["Session-Expires"] == "600;refresher=uas"
    timer.agreed_as_uac(request(headers=[("Session-Expires", "600")]))
    assert dict(timer.offered())["Session-Expires"] == "600;refresher=uac"


@pytest.mark.parametrize("headers", [[], [("Session-Expires", "soon")]])
def test_2xx_without_an_interval_is_a_session_without_end(headers: list[Field]) -> None:
    timer = SessionTimer(SessionInterval())
    timer.agreed_as_uac(request(headers=headers))
    assert (timer.expires_s, timer.we_refresh) == (0, False)


# On the wire


def test_refused_interval_is_raised_and_asked_for_again() -> None:
    wire = Wire(SessionInterval(100, 90), SessionInterval(1_800, 300))
    wire.alice.invite(invitation(), BOB, wire.now)
    wire.carry()
    assert wire.log == ["A INVITE", "B 422", "A ACK", "A INVITE"]
    first, again = [message for message in wire.messages if "INVITE" in message.start_line()][:2]
    assert again.headers.get("Session-Expires") == "300"
    assert again.headers.get("Min-SE") == "300"
    assert again.call_id == first.call_id


def test_422_that_asks_for_no_more_than_we_offered_is_a_rejection() -> None:
    wire = Wire()
    wire.alice.invite(invitation(), BOB, wire.now)
    asked = read(wire.alice.messages_to_send()[0])
    assert isinstance(asked, SipRequest)
    refusal = asked.response(422, to_tag="x", headers=[("Min-SE", "10")])
    wire.alice.receive(refusal, BOB, wire.now)
    assert [event.status for event in wire.events(wire.alice, Ended)] == [422]


def test_refresher_refreshes_at_half_of_the_interval_for_as_long_as_the_call_stands() -> None:
    wire = Wire(SessionInterval(120, 90))
    wire.talk()
    wire.run(59)
    assert wire.log == []
    wire.run(600)
    assert wire.log == ["B UPDATE", "A 200"] * 10
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == ([], [])
    assert wire.events(wire.alice, Asked) == []
    assert wire.events(wire.bob, Responded) == []


def test_peer_without_update_is_refreshed_by_a_reinvite_with_what_was_described() -> None:
    wire = Wire(SessionInterval(120, 90))
    a_leg, b_leg = wire.talk()
    b_leg.peer_allows = frozenset({"invite"})
    wire.run(60)
    (asked,) = wire.events(wire.alice, Asked)
    assert (asked.request.method, asked.request.body) == ("INVITE", ANSWER)
    a_leg.respond(asked.transaction, 200, wire.now, body=OFFER)
    wire.run(50)
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == ([], [])


def test_refresh_waits_for_a_change_of_the_session_that_is_under_way() -> None:
    wire = Wire(SessionInterval(120, 90))
    a_leg, b_leg = wire.talk()
    b_leg.peer_allows = frozenset({"invite"})
    wire.run(55)
    own = b_leg.request("INVITE", wire.now, body=OFFER)
    wire.run(7)
    (asked,) = wire.events(wire.alice, Asked)
    a_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    assert [event.request for event in wire.events(wire.bob, Responded)] == [own]


def test_session_that_is_not_refreshed_is_hung_up() -> None:
    wire = Wire(SessionInterval(120, 90))
    wire.talk()
    wire.passes = losing("UPDATE", times=1_000)
    wire.run(60 + 31)
    assert wire.ends(wire.alice) == [EndCause.EXPIRED]
    assert wire.nothing_stays()


def test_refresher_that_hears_nothing_hangs_up_too() -> None:
    wire = Wire(SessionInterval(120, 90))
    wire.talk()
    wire.passes = lambda _: False
    wire.run(200)
    assert (wire.ends(wire.alice), wire.ends(wire.bob)) == ([EndCause.EXPIRED], [EndCause.EXPIRED])
    assert wire.nothing_stays()


def test_refresh_that_is_answered_481_ends_the_call() -> None:
    wire = Wire(SessionInterval(120, 90))
    a_leg, _ = wire.talk()
    a_leg._end(wire.now)
    wire.run(61)
    assert wire.ends(wire.bob) == [EndCause.LOST]


def test_interval_is_agreed_anew_with_each_reinvite() -> None:
    wire = Wire(SessionInterval(120, 90))
    a_leg, b_leg = wire.talk()
    wire.run(50)
    a_leg.request("INVITE", wire.now, body=OFFER)
    (asked,) = wire.events(wire.bob, Asked)
    b_leg.respond(asked.transaction, 200, wire.now, body=ANSWER)
    wire.forget()
    wire.run(59)
    assert wire.log == []
    wire.run(2)
    assert wire.log == ["B UPDATE", "A 200"]


def test_answer_tells_the_interval() -> None:
    wire = Wire(SessionInterval(120, 90))
    _, b_leg = wire.call()
    b_leg.answer(wire.now, ANSWER)
    (answered,) = wire.events(wire.alice, Answered)
    assert answered.response.headers.get("Session-Expires") == "120;refresher=uas"
