"""The operator's HTTP face."""

from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest

from gateway.admin.app import UNMATCHED_DEFAULT, UNMATCHED_MAX, create_app
from gateway.admin.readings import Readings
from gateway.errors import StoreError
from gateway.store.interface import UnmatchedReceipt
from tests.admin.builders import binds, readings

RECEIPT = UnmatchedReceipt("alpha", "77", 1_700_000_000.0, "UNDELIV", "001", "2311142213")


class Operator:
    """The app, with what it reads, and a client of it."""

    def __init__(self, read: Readings) -> None:
        self.limits: list[int] = []
        self.broken = False
        app = create_app(lambda: read, self._unmatched)
        transport = httpx.ASGITransport(cast(Any, app))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://admin.test")

    async def _unmatched(self, limit: int) -> Sequence[UnmatchedReceipt]:
        self.limits.append(limit)
        if self.broken:
            raise StoreError("the disk is gone")
        return [RECEIPT]

    async def get(self, path: str) -> httpx.Response:
        async with self.client as client:
            return await client.get(path)


async def test_health_of_a_gateway_that_is_well() -> None:
    response = await Operator(readings()).get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert response.json()["binds"][0]["bind"] == "alpha/1"


async def test_a_gateway_that_is_degraded_still_gets_traffic() -> None:
    response = await Operator(readings(binds=binds(alpha=True, beta=False))).get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")


async def test_a_gateway_that_is_failing_gets_none() -> None:
    response = await Operator(readings(accepting=False)).get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "failing")


async def test_metrics_are_text_of_prometheus() -> None:
    response = await Operator(readings()).get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.text.startswith("# HELP supernet_uptime_seconds")


async def test_receipts_that_found_no_message_are_shown() -> None:
    operator = Operator(readings())
    response = await operator.get("/receipts/unmatched")
    assert response.json() == [
        {
            "carrier": "alpha",
            "carrier_id": "77",
            "at": 1_700_000_000.0,
            "carrier_status": "UNDELIV",
            "carrier_error": "001",
            "done_date": "2311142213",
        }
    ]
    assert operator.limits == [UNMATCHED_DEFAULT]


async def test_as_many_receipts_are_shown_as_are_asked_for() -> None:
    operator = Operator(readings())
    await operator.get("/receipts/unmatched?limit=7")
    assert operator.limits == [7]


@pytest.mark.parametrize("limit", ["0", "-1", "x", str(UNMATCHED_MAX + 1)])
async def test_a_limit_out_of_its_range_is_refused(limit: str) -> None:
    operator = Operator(readings())
    response = await operator.get(f"/receipts/unmatched?limit={limit}")
    assert (response.status_code, operator.limits) == (400, [])


async def test_a_store_that_cannot_be_read_is_told_as_such() -> None:
    operator = Operator(readings())
    operator.broken = True
    response = await operator.get("/receipts/unmatched")
    assert (response.status_code, response.json()["detail"]) == (503, "the disk is gone")


async def test_there_is_nothing_else() -> None:
    assert (await Operator(readings()).get("/schema")).status_code == 404
