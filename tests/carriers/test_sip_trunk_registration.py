"""A trunk that asks us to register is up while we are."""

import pytest
from msgspec.structs import replace

from gateway.sip.digest import Algorithm, Challenge, ha1
from gateway.sip.digest_server import DigestServer, Verdict
from tests.carriers.trunks import CONTACT, FIRST, NOW, REGISTERING, SECOND, Line

CHALLENGE = ("WWW-Authenticate", str(Challenge("carrier", "nonce")))


def registered() -> Line:
    line = Line(REGISTERING, FIRST)
    line.answer(line.one(), 200, ("Contact", f"{CONTACT};expires=600"))
    return line


def test_a_register_names_us_and_for_how_long() -> None:
    request = Line(REGISTERING, FIRST).one().request
    assert (request.method, request.uri) == ("REGISTER", "sip:sip.carrier.example")
    assert str(request.to.uri) == "sip:gateway@sip.carrier.example"
    assert (request.headers.get("Contact"), request.expires_s) == (CONTACT, 600)


def test_a_trunk_is_up_once_it_has_let_us_register() -> None:
    line = Line(REGISTERING, FIRST)
    register = line.one()
    assert line.told == []
    line.answer(register, 200, ("Contact", f"{CONTACT};expires=600"))
    assert line.told == ["up"]
    assert line.trunk.snapshot(NOW).registered


def test_a_challenge_is_answered_once() -> None:
    line = Line(REGISTERING, FIRST)
    server = DigestServer("carrier", b"secret")
    line.answer(line.one(), 401, *[("WWW-Authenticate", v) for v in server.challenges(NOW)])
    again = line.one()
    values = again.request.headers.get_all("Authorization")

    def ha1_of(username: str, algorithm: Algorithm) -> str:
        return ha1(username, "carrier", "secret", algorithm)

    assert server.check(values, "REGISTER", ha1_of, NOW).verdict is Verdict.ACCEPTED
    line.answer(again, 401, CHALLENGE)
    assert line.sent() == []
    assert line.wait() >= 225.0


def test_a_registration_is_refreshed_before_it_expires() -> None:
    line = Line(REGISTERING, FIRST)
    first = line.one()
    line.answer(first, 200, ("Contact", f"{CONTACT};expires=600"))
    assert line.wait() == 480.0
    refresh = line.one().request
    assert refresh.cseq.sequence == first.request.cseq.sequence + 1
    assert line.told == ["up"]


def test_a_refresh_may_be_asked_for_its_credentials_again() -> None:
    line = Line(REGISTERING, FIRST)
    for _ in range(3):
        line.answer(line.one(), 401, CHALLENGE)
        line.answer(line.one(), 200, ("Contact", f"{CONTACT};expires=600"))
        line.wait()
    assert line.told == ["up"]


def test_the_time_that_the_carrier_grants_counts() -> None:
    line = Line(REGISTERING, FIRST)
    other = "<sip:somebody@192.0.2.1>;expires=3600"
    line.answer(line.one(), 200, ("Contact", f"{other}, {CONTACT};expires=60"))
    assert line.wait() == 48.0


def test_contacts_that_cannot_be_read_leave_the_time_that_was_asked_for() -> None:
    line = Line(REGISTERING, FIRST)
    line.answer(line.one(), 200, ("Contact", "<sip:>;expires=60"))
    assert line.wait() == 480.0


def test_a_time_that_is_too_brief_is_made_longer() -> None:
    line = Line(REGISTERING, FIRST)
    line.answer(line.one(), 423, ("Min-Expires", "1800"))
    assert line.one().request.expires_s == 1_800


@pytest.mark.parametrize("value", ["60", "many", "99999999"])
def test_a_least_time_that_makes_no_sense_is_a_failure(value: str) -> None:
    line = Line(REGISTERING, FIRST)
    line.answer(line.one(), 423, ("Min-Expires", value))
    assert line.sent() == []


def test_a_registrar_in_trouble_is_asked_with_more_and_more_patience() -> None:
    line = Line(REGISTERING, FIRST)
    waits = []
    for _ in range(8):
        line.answer_nothing(line.one(), 503)
        waits.append(line.wait())
    assert 3.75 <= waits[0] <= 6.25
    assert 225.0 <= waits[-1] <= 375.0


def test_a_registration_stands_through_trouble_until_it_expires() -> None:
    line = registered()
    line.wait()
    line.answer_nothing(line.one(), 503)
    assert line.told == ["up"]
    while line.told == ["up"]:
        line.wait()
        for sent in line.sent():
            line.answer_nothing(sent, 503)
    assert line.now == NOW + 600.0


def test_a_registration_that_is_forbidden_ends_at_once() -> None:
    line = registered()
    line.wait()
    line.answer(line.one(), 403)
    assert line.told == ["up", "down"]


def test_another_target_is_registered_with_at_once() -> None:
    line = Line(REGISTERING, FIRST, SECOND)
    line.answer(line.one(), 200)
    line.trunk.unreachable(FIRST, line.now)
    again = line.one()
    assert (again.request.method, again.destination) == ("REGISTER", SECOND)


def test_an_answer_to_an_earlier_register_says_nothing() -> None:
    line = Line(REGISTERING, FIRST, SECOND)
    early = line.one()
    line.trunk.unreachable(FIRST, line.now)
    line.one()
    line.answer(early, 200)
    assert line.told == []


def test_leaving_takes_the_registration_back() -> None:
    line = registered()
    line.trunk.drain(line.now)
    (last,) = line.trunk.requests_to_send()
    assert last.request.expires_s == 0
    line.answer(last, 200, ("Expires", "600"))
    assert line.told == ["up", "down"]


def test_a_trunk_must_be_alive_and_registered() -> None:
    line = Line(replace(REGISTERING, options_s=30.0), FIRST)
    ping, register = line.sent()
    line.answer(register, 200)
    assert line.told == []
    line.answer(ping, 200)
    assert line.told == ["up"]
