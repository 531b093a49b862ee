"""Addresses that are not heard any more."""

from __future__ import annotations

import pytest

from gateway.voice import bans
from gateway.voice.bans import CHALLENGES_A_FAILURE, Bans

NOW = 1_000.0
HOST = "198.51.100.66"


def test_an_address_is_banned_at_its_last_failure_and_for_a_time() -> None:
    made = Bans(3, 60.0)
    assert [made.failed(HOST, NOW) for _ in range(3)] == [False, False, True]
    assert made.is_banned(HOST, NOW + 59)
    assert not made.is_banned(HOST, NOW + 60)
    assert not made.failed(HOST, NOW + 60)


def test_failures_far_apart_do_not_add_up() -> None:
    made = Bans(2, 60.0)
    assert not made.failed(HOST, NOW)
    assert not made.failed(HOST, NOW + 61)


def test_an_ipv6_network_of_64_bits_is_one_address() -> None:
    made = Bans(1, 60.0)
    made.failed("2001:db8::1", NOW)
    assert made.is_banned("2001:db8::ffff", NOW)
    assert not made.is_banned("2001:db8:0:1::1", NOW)


def test_many_challenges_without_a_password_make_a_failure() -> None:
    made = Bans(1, 60.0)
    told = [made.challenged(HOST, NOW) for _ in range(CHALLENGES_A_FAILURE)]
    assert told == [False] * (CHALLENGES_A_FAILURE - 1) + [True]


def test_challenges_of_who_has_shown_a_password_do_not_count() -> None:
    made = Bans(1, 60.0)
    made.proven(HOST, NOW)
    assert not any(made.challenged(HOST, NOW) for _ in range(100))
    assert made.failed(HOST, NOW)


def test_the_table_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans, "ORIGINS_MAX", 2)
    made = Bans(1, 60.0)
    for number in range(3):
        made.failed(f"198.51.100.{number}", NOW)
    assert len(made) == 2
    assert not made.is_banned("198.51.100.0", NOW)
    assert made.is_banned("198.51.100.2", NOW)
