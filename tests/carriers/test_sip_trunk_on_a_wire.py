"""Trunks on a wire: our user agent pings and registers, a carrier's answers."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from gateway.carriers.sip_trunk import SipTrunk
from gateway.config.trunk import CarrierTrunk
from gateway.sip.digest import Algorithm, ha1
from gateway.sip.digest_server import DigestServer, Verdict
from gateway.sip.leg_events import OutsideDialog, OutsideResponse
from routing.events import BindDown, BindUp
from tests.carriers.trunks import PLAIN, REGISTERING
from tests.sip.calls import BOB, Wire
from tests.sip.transactions import tokens


class Carriers:
    """Alice is we, Bob is a carrier who asks for a password; each may have a bad day."""

    def __init__(self, *configs: CarrierTrunk) -> None:
        self.wire = Wire()
        self.told: list[BindUp | BindDown] = []
        self.trunks = {
            f"alpha/{config.id}": SipTrunk(
                f"alpha/{config.id}",
                config,
                Random(1),
                tokens(config.id),
                lambda _: "<sip:alice@192.0.2.1:5060>",
                self.told.append,
            )
            for config in configs
        }
        self._digest = DigestServer("carrier", b"secret")
        for trunk in self.trunks.values():
            trunk.resolved([BOB], self.wire.now)

    def run(self, seconds: float) -> None:
        until = self.wire.now + seconds
        while self.wire.now < until:
            for trunk in self.trunks.values():
                trunk.handle_timer(self.wire.now)
            self._exchange()
            due = [at for one in self.trunks.values() if (at := one.next_timer()) is not None]
            self.wire.run(min([until, *due]) - self.wire.now)
            self._exchange()

    def _exchange(self) -> None:
        alice, bob = self.wire.alice, self.wire.bob
        for _ in range(3):
            for sent in [one for each in self.trunks.values() for one in each.requests_to_send()]:
                alice.send_request(sent.request, sent.destination, self.wire.now, sent)
            for asked in self.wire.events(bob, OutsideDialog):
                self._answer(asked)
            for answered in self.wire.events(alice, OutsideResponse):
                sent = answered.user
                sent.trunk.receive_response(sent, answered.status, answered.response, self.wire.now)
            self.wire.forget()

    def _answer(self, asked: OutsideDialog) -> None:
        now, request = self.wire.now, asked.request
        status, headers = 200, [("Expires", "600")]
        if request.method == "REGISTER":
            values = request.headers.get_all("Authorization")
            found = self._digest.check(values, "REGISTER", ha1_of, now)
            if found.verdict is not Verdict.ACCEPTED:
                status = 401
                headers = [("WWW-Authenticate", v) for v in self._digest.challenges(now)]
        self.wire.bob.respond(asked.transaction, status, now, headers)


def ha1_of(username: str, algorithm: Algorithm) -> str:
    return ha1(username, "carrier", "secret", algorithm)


def test_trunks_ping_and_register_until_they_are_up_and_stay_so() -> None:
    carriers = Carriers(PLAIN, replace(REGISTERING, id="2", options_s=30.0))
    carriers.run(3_600.0)
    assert [event.bind for event in carriers.told] == ["alpha/1", "alpha/2"]
    assert all(trunk.up for trunk in carriers.trunks.values())


def test_a_carrier_that_falls_silent_is_down_and_up_again_when_it_is_back() -> None:
    carriers = Carriers(PLAIN)
    carriers.run(10.0)
    carriers.wire.passes = lambda _: False
    carriers.run(60.0)
    carriers.wire.passes = lambda _: True
    carriers.run(60.0)
    assert [type(event) for event in carriers.told] == [BindUp, BindDown, BindUp]


def test_leaving_takes_registrations_back() -> None:
    carriers = Carriers(REGISTERING)
    carriers.run(10.0)
    (trunk,) = carriers.trunks.values()
    trunk.drain(carriers.wire.now)
    carriers.run(1.0)
    assert [type(event) for event in carriers.told] == [BindUp, BindDown]
    assert trunk.next_timer() is None
