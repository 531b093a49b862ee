"""Who may say where a phone is."""

from __future__ import annotations

from gateway.sip.sanity import Refusal
from gateway.voice.edge import Edge
from gateway.voice.registrar import Registered
from tests.voice.edge_world import (
    ALICE,
    BY_ADDRESS,
    BY_DIGEST,
    NOW,
    PBX,
    PHONE,
    account,
    edge,
    register,
    signed,
    status,
)

DESK = "<sip:alice@203.0.113.5:41000>"


def registered(
    made: Edge, username: str, aor: str = "alice", password: str = "secret"
) -> Registered | Refusal:
    request = register(aor, DESK)
    asked = made.registration.register(request, PHONE, NOW)
    return made.registration.register(signed(request, asked, username, password), PHONE, NOW)


def test_a_phone_is_asked_for_its_password() -> None:
    refusal = edge(account(ALICE)).registration.register(register("alice", DESK), PHONE, NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 401
    assert [name for name, _ in refusal.headers] == ["WWW-Authenticate"] * 2


def test_a_phone_that_knows_it_is_bound() -> None:
    made = edge(account(ALICE))
    assert isinstance(registered(made, "alice"), Registered)
    assert made.registrar.count(NOW) == 1


def test_nobody_binds_another_phone() -> None:
    assert status(registered(edge(account(ALICE)), "alice", aor="bob")) == 403


def test_a_wrong_password_binds_nothing() -> None:
    made = edge(account(ALICE), failures_max=1)
    assert status(registered(made, "alice", password="wrong")) == 403
    assert made.bans.is_banned(PHONE.host, NOW)


def test_a_trunk_does_not_register() -> None:
    assert status(registered(edge(account(BY_DIGEST)), "pbx", aor="pbx")) == 403


def test_a_phone_at_a_listed_address_is_asked_all_the_same() -> None:
    made = edge(account(BY_ADDRESS, ALICE))
    assert status(made.registration.register(register("alice", DESK), PBX, NOW)) == 401


def test_a_phone_of_a_suspended_account_is_not_bound() -> None:
    assert status(registered(edge(account(ALICE, suspended=True)), "alice")) == 403
