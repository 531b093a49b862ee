"""What of a changed configuration waits for a restart, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.account import Account, Phone
from gateway.config import Carrier, CarrierBind, Config, Rest
from gateway.config.media import Media
from gateway.config.sip import Sip
from gateway.config.trunk import CallRoute, CarrierTrunk
from gateway.daemon.reloading import waiting

TRUNK = CarrierTrunk("voice", "sip.example")
ALPHA = Carrier("alpha", trunks=(TRUNK,), call_routes=(CallRoute(("49",)),))
ACCOUNT = Account("AC" + "0" * 32, "0" * 32)
STARTED = Config(Path("gateway.toml"), Path("plan.csv"), accounts=(ACCOUNT,), carriers=(ALPHA,))


def changed(calls: bool = True, **changes: Any) -> list[str]:
    return waiting(STARTED, replace(STARTED, **changes), calls)


def test_what_is_as_it_was_waits_for_nothing() -> None:
    assert changed() == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sip": Sip(calls_max=7, call_max_s=60.0, no_answer_s=5.0)}, []),
        ({"sip": Sip(port=5070, calls_max=7)}, ["sip.port"]),
        ({"media": Media(workers=3)}, ["media.workers"]),
        ({"rest": Rest(port=1), "node": 2}, ["node", "rest.port"]),
        ({"numbering_plan": Path("other.csv")}, ["numbering_plan"]),
    ],
)
def test_keys_of_the_entry_file_are_named(changes: dict[str, Any], named: list[str]) -> None:
    assert changed(**changes) == named


def test_accounts_are_named_where_messages_know_them_otherwise() -> None:
    called = replace(ACCOUNT, phones=(Phone("alice"),), channels=3, cps=1.0)
    assert changed(accounts=(called,)) == []
    assert changed(accounts=(replace(ACCOUNT, suspended=True),)) == ["accounts, as to messages"]
    assert changed(accounts=()) == ["accounts, as to messages"]


def test_trunks_are_named_where_the_router_knows_them_otherwise() -> None:
    spoken_to = replace(ALPHA, trunks=(replace(TRUNK, host="b.example", no_answer_s=1.0),))
    assert changed(carriers=(spoken_to,)) == []
    wider = replace(ALPHA, trunks=(replace(TRUNK, channels=7), replace(TRUNK, id="two")))
    assert changed(carriers=(wider,)) == [
        "calls to alpha/voice: its routes, channels and cps",
        "calls to alpha/two: its routes, channels and cps",
    ]


def test_carrier_that_is_gone_needs_no_restart_unless_it_has_binds() -> None:
    assert changed(carriers=()) == []
    bind = CarrierBind("bind", host="smsc.example", port=2775, system_id="us")
    named = changed(carriers=(ALPHA, Carrier("beta", binds=(bind,))))
    assert named == ["carriers, as to messages"]


def test_without_calls_all_of_it_waits() -> None:
    called = replace(ACCOUNT, phones=(Phone("alice"),))
    assert changed(calls=False, accounts=(called,), carriers=(), sip=Sip(calls_max=7)) == [
        "sip.calls_max",
        "accounts",
        "carriers",
    ]
