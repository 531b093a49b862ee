"""Ids under which nothing is awaited any more are known for a while."""

import pytest

from gateway.messaging import forgone_receipts
from gateway.messaging.forgone_receipts import ForgoneReceipts


def test_an_id_under_which_nothing_is_awaited_is_known() -> None:
    forgone = ForgoneReceipts()
    forgone.add("alpha/77")
    assert "alpha/77" in forgone
    assert "beta/77" not in forgone


def test_of_too_many_the_first_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgone_receipts, "FORGONE_MAX", 2)
    forgone = ForgoneReceipts()
    for key in ("1", "2", "3"):
        forgone.add(key)
    assert [key for key in ("1", "2", "3") if key in forgone] == ["2", "3"]
