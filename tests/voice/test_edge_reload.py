"""Customers that come, go and change while the gateway runs."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from gateway.account import Account
from gateway.config.sip import Sip
from gateway.voice.customers import Customers
from gateway.voice.edge import Edge
from gateway.voice.registrar import Registered
from tests.voice.edge_world import (
    ALICE,
    BY_ADDRESS,
    BY_DIGEST,
    NOW,
    PHONE,
    account,
    admitted,
    call,
    call_signed,
    carrier,
    edge,
    invite,
    status,
    with_password,
)
from tests.voice.test_phone_registration import registered

CALLED = "+14155550123"


def reload(made: Edge, *accounts: Account, **sip: Any) -> None:
    made.reload(Sip(**sip), Customers(accounts), [carrier()])


def test_trunk_that_is_new_is_let_in() -> None:
    made = edge(account(BY_DIGEST))
    assert status(call(made, invite(CALLED))) == 407
    reload(made, account(BY_ADDRESS))
    assert admitted(call(made, invite(CALLED))).source == "trunk/pbx"


def test_trunk_that_is_gone_is_let_in_no_more_and_its_call_ends_as_others_do() -> None:
    made = edge(account(BY_ADDRESS))
    standing = admitted(call(made, invite(CALLED)))
    reload(made, account())
    assert status(call(made, invite(CALLED))) == 403
    made.admission.ended(standing)
    assert made.admission.calls == 0


def test_calls_that_stand_count_in_a_limit_that_is_new() -> None:
    made = edge(account(BY_ADDRESS, channels=2))
    standing = admitted(call(made, invite(CALLED)))
    reload(made, account(BY_ADDRESS, channels=1))
    assert status(call(made, invite(CALLED))) == 503
    made.admission.ended(standing)
    assert admitted(call(made, invite(CALLED)))


def test_pace_that_is_another_holds_from_now_on() -> None:
    made = edge(account(BY_ADDRESS, cps=1.0))
    admitted(call(made, invite(CALLED)))
    assert status(call(made, invite(CALLED))) == 503
    reload(made, account(BY_ADDRESS, cps=1.0))
    assert status(call(made, invite(CALLED))) == 503
    reload(made, account(BY_ADDRESS, cps=2.0))
    assert admitted(call(made, invite(CALLED)))


def test_bound_of_all_calls_is_taken_over() -> None:
    made = edge(account(BY_ADDRESS))
    admitted(call(made, invite(CALLED)))
    reload(made, account(BY_ADDRESS), calls_max=1)
    assert status(call(made, invite(CALLED))) == 503


def test_password_that_is_new_is_the_one() -> None:
    made = edge(account(BY_DIGEST))
    reload(made, account(with_password(BY_DIGEST, "other")))
    assert status(call_signed(made, invite(CALLED), "pbx")) == 403
    assert admitted(call_signed(made, invite(CALLED), "pbx", "other"))


def test_phone_stays_where_it_has_registered() -> None:
    made = edge(account(ALICE))
    assert isinstance(registered(made, "alice"), Registered)
    reload(made, account(replace(ALICE, bindings_max=1), channels=7))
    assert [one.destination for one in made.registrar.lookup("alice", NOW)] == [PHONE]


def test_who_registered_with_a_password_that_is_gone_is_reached_no_more() -> None:
    made = edge(account(ALICE))
    registered(made, "alice")
    reload(made, account(with_password(ALICE, "other")))
    assert made.registrar.lookup("alice", NOW) == []


def test_phone_of_another_account_now_is_reached_no_more() -> None:
    made = edge(account(ALICE))
    registered(made, "alice")
    reload(made, account(ALICE, sid="AC" + "1" * 32))
    assert made.registrar.lookup("alice", NOW) == []
