"""Who has guessed too often."""

import pytest

from gateway.ingress import bind_lockout
from gateway.ingress.bind_lockout import KNOWN_MAX, BindLockout

NOW = 1_700_000_000.0
STRANGER, CUSTOMER = "192.0.2.1", "198.51.100.1"


def a_lockout() -> BindLockout:
    return BindLockout(failures_max=3, lockout_s=300.0)


def attacked(lockout: BindLockout, origins: int, now: float = NOW) -> None:
    for number in range(origins):
        lockout.failed(f"203.0.113.{number}", "demo", now)


def test_an_address_is_locked_at_so_many_failures() -> None:
    lockout = a_lockout()
    assert [lockout.failed(STRANGER, "demo", NOW) for _ in range(3)] == [False, False, True]
    assert lockout.is_locked(STRANGER, NOW)
    assert not lockout.is_locked(CUSTOMER, NOW)


def test_unknown_system_ids_count_as_well() -> None:
    lockout = a_lockout()
    for system_id in ("demo", None, None):
        lockout.failed(STRANGER, system_id, NOW)
    assert lockout.is_locked(STRANGER, NOW)


def test_a_lock_opens_by_itself() -> None:
    lockout = a_lockout()
    for _ in range(3):
        lockout.failed(STRANGER, "demo", NOW)
    assert lockout.is_locked(STRANGER, NOW + 299)
    assert not lockout.is_locked(STRANGER, NOW + 300)
    assert not lockout.failed(STRANGER, "demo", NOW + 300)


def test_failures_that_are_far_apart_do_not_add_up() -> None:
    lockout = a_lockout()
    for number in range(10):
        lockout.failed(STRANGER, "demo", NOW + number * 301)
    assert not lockout.is_locked(STRANGER, NOW + 9 * 301)


def test_a_success_takes_no_failure_back() -> None:
    """Else who has one account could try another's password for ever."""
    lockout = a_lockout()
    for _ in range(3):
        lockout.failed(STRANGER, "demo", NOW)
        lockout.bound(STRANGER, "the stranger's own")
    assert lockout.is_locked(STRANGER, NOW)


def test_one_stranger_does_not_besiege_an_esme() -> None:
    lockout = a_lockout()
    for _ in range(100):
        lockout.failed(STRANGER, "demo", NOW)
    assert not lockout.is_besieged("demo", CUSTOMER, NOW)


def test_many_strangers_besiege_an_esme_for_all_but_known_addresses() -> None:
    lockout = a_lockout()
    lockout.bound(CUSTOMER, "demo")
    attacked(lockout, origins=3)
    assert lockout.is_besieged("demo", "192.0.2.99", NOW)
    assert not lockout.is_besieged("demo", CUSTOMER, NOW)
    assert not lockout.is_besieged("spare", "192.0.2.99", NOW)
    assert not lockout.is_besieged("demo", "192.0.2.99", NOW + 300)


def test_of_the_known_addresses_the_last_are_remembered() -> None:
    lockout = a_lockout()
    for number in range(KNOWN_MAX + 1):
        lockout.bound(f"198.51.100.{number}", "demo")
    attacked(lockout, origins=3)
    assert lockout.is_besieged("demo", "198.51.100.0", NOW)
    assert not lockout.is_besieged("demo", "198.51.100.1", NOW)


def test_the_table_of_addresses_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bind_lockout, "ORIGINS_MAX", 2)
    lockout = a_lockout()
    for origin in ("a", "b", "c"):
        for _ in range(3):
            lockout.failed(origin, None, NOW)
    assert [lockout.is_locked(origin, NOW) for origin in ("a", "b", "c")] == [False, True, True]
