"""Where phones are reached, and for how long (RFC 3261 §10)."""

from __future__ import annotations

import pytest

from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.voice.registrar import Registered, Registrar
from tests.voice.edge_world import NOW, PHONE, register, status

DESK = "<sip:alice@203.0.113.5:41000>"
SOFT = "<sip:alice@203.0.113.6:5060>"
BROWSER = Destination("WSS", "203.0.113.7", 51_000, 12)
FLOW = '<sip:8k2nqf4u@df7jal23ls0d.invalid;transport=wss>;reg-id=1;+sip.instance="<urn:uuid:1f0a>"'


class Desk:
    """A registrar, and Alice, who may have three bindings."""

    def __init__(self) -> None:
        self.registrar = Registrar()
        self._cseq = 0

    def __call__(
        self,
        *contacts: str,
        at: float = NOW,
        source: Destination = PHONE,
        cseq: int = 0,
        call_id: str = "reg-1",
        **headers: str,
    ) -> Registered | Refusal:
        self._cseq += 1
        request = register("alice", *contacts, cseq=cseq or self._cseq, call_id=call_id, **headers)
        return self.registrar.register("alice", 3, request, source, at)

    def uris(self, at: float = NOW) -> list[str]:
        return [f"<{one.uri}>" for one in self.registrar.lookup("alice", at)]


def test_a_binding_stands_until_it_expires() -> None:
    alice = Desk()
    done = alice(DESK, Expires="600")
    assert isinstance(done, Registered)
    assert done.headers == (("Contact", f"{DESK};expires=600"),)
    assert alice.uris(NOW + 599) == [DESK]
    assert alice.uris(NOW + 600) == []


@pytest.mark.parametrize(
    ("contact", "expires", "granted"),
    [
        (f"{DESK};expires=300", "600", 300),
        (DESK, "", 3_600),
        (DESK, "soon", 3_600),
        (DESK, "86400", 7_200),
    ],
)
def test_a_contacts_own_time_counts_before_the_requests_and_ours(
    contact: str, expires: str, granted: int
) -> None:
    done = Desk()(contact, Expires=expires) if expires else Desk()(contact)
    assert isinstance(done, Registered)
    assert done.headers[0][1].endswith(f";expires={granted}")


def test_a_time_that_is_too_brief_is_423_with_the_least() -> None:
    refusal = Desk()(DESK, Expires="59")
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers) == (423, (("Min-Expires", "60"),))


def test_a_register_without_a_contact_asks_what_stands() -> None:
    alice = Desk()
    alice(DESK)
    done = alice(at=NOW + 600)
    assert isinstance(done, Registered)
    assert done.headers == (("Contact", f"{DESK};expires=3000"),)
    assert not done.changed


def test_a_contact_of_no_time_is_taken_away() -> None:
    alice = Desk()
    alice(DESK, SOFT)
    alice(f"{DESK};expires=0")
    assert alice.uris() == [SOFT]


def test_a_star_takes_all_away() -> None:
    alice = Desk()
    alice(DESK)
    alice(SOFT)
    done = alice("*", Expires="0")
    assert isinstance(done, Registered)
    assert (done.headers, done.changed, alice.uris()) == ((), True, [])


def test_the_preferred_contact_comes_first_and_of_equals_the_newest() -> None:
    alice = Desk()
    alice(f"{DESK};q=0.5")
    alice(SOFT)
    alice("<sip:alice@203.0.113.8>", at=NOW + 1)
    assert alice.uris(NOW + 1) == ["<sip:alice@203.0.113.8>", SOFT, DESK]


def test_a_contact_that_comes_again_is_refreshed() -> None:
    alice = Desk()
    alice(DESK, Expires="60")
    alice(DESK.replace("alice@", "%61lice@"), at=NOW + 50, Expires="60")
    assert len(alice.uris(NOW + 70)) == 1


def test_of_more_than_bindings_max_the_oldest_goes() -> None:
    alice = Desk()
    for number in range(5):
        alice(f"<sip:alice@203.0.113.{number}>", at=NOW + number)
    assert alice.uris(NOW + 5) == [f"<sip:alice@203.0.113.{number}>" for number in (4, 3, 2)]


def test_a_register_that_was_overtaken_changes_nothing() -> None:
    alice = Desk()
    alice(DESK, cseq=8)
    assert status(alice(f"{DESK};expires=0", cseq=7)) == 500
    assert status(alice("*", Expires="0", cseq=8)) == 500
    assert alice.uris() == [DESK]


def test_another_call_id_may_count_from_anew() -> None:
    alice = Desk()
    alice(DESK, cseq=8)
    alice(f"{DESK};expires=0", cseq=1, call_id="after-restart")
    assert alice.uris() == []


def test_all_contacts_are_bound_or_none() -> None:
    alice = Desk()
    assert status(alice(DESK, f"{SOFT};expires=10")) == 423
    assert alice.uris() == []


@pytest.mark.parametrize("contact", ["<tel:+12025550100>", "<mailto:alice@example.net>"])
def test_a_contact_that_cannot_be_called_is_400(contact: str) -> None:
    assert status(Desk()(contact)) == 400


def test_contacts_that_cannot_be_read_are_400() -> None:
    assert status(Desk()("<sip:")) == 400


def test_too_many_contacts_and_too_long_a_path_are_refused() -> None:
    assert status(Desk()(*[f"<sip:alice@203.0.113.{n}>" for n in range(11)])) == 403
    assert status(Desk()(DESK, Path=", ".join(["<sip:p.example;lr>"] * 5))) == 403


def test_a_browser_is_reached_by_its_connection_until_that_is_lost() -> None:
    alice = Desk()
    alice(FLOW, source=BROWSER)
    alice(DESK)
    found = alice.registrar.lookup("alice", NOW)
    assert {one.destination for one in found} == {BROWSER, PHONE}
    alice.registrar.connection_lost(12)
    alice.registrar.connection_lost(12)
    assert alice.uris() == [DESK]


def test_a_flow_of_the_same_instance_replaces_the_older() -> None:
    alice = Desk()
    alice(FLOW, source=BROWSER)
    later = Destination("WSS", "203.0.113.7", 51_001, 13)
    alice(FLOW.replace("8k2nqf4u", "zzzzzzzz"), source=later, call_id="page-2", cseq=1)
    (binding,) = alice.registrar.lookup("alice", NOW)
    assert binding.destination == later
    alice.registrar.connection_lost(12)
    assert len(alice.uris()) == 1


def test_a_phone_behind_a_nat_is_reached_where_it_came_from() -> None:
    alice = Desk()
    alice("<sip:alice@192.168.1.7:5060>", via="SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bK1")
    assert alice.registrar.lookup("alice", NOW)[0].destination == PHONE


def test_a_contact_elsewhere_is_reached_there() -> None:
    alice = Desk()
    alice(SOFT)
    assert alice.registrar.lookup("alice", NOW)[0].destination.host == "203.0.113.6"


def test_a_phone_behind_a_proxy_is_reached_by_its_path() -> None:
    alice = Desk()
    done = alice(SOFT, Path="<sip:edge.example;lr>", Supported="path")
    (binding,) = alice.registrar.lookup("alice", NOW)
    assert (binding.path, binding.destination) == (("<sip:edge.example;lr>",), PHONE)
    assert isinstance(done, Registered)
    assert ("Path", "<sip:edge.example;lr>") in done.headers


def test_bindings_that_stand_are_counted() -> None:
    alice = Desk()
    alice(DESK, SOFT, Expires="60")
    assert (alice.registrar.count(NOW), alice.registrar.count(NOW + 60)) == (2, 0)
