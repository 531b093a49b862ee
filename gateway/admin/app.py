"""The operator's HTTP face, on a listener of its own: it asks for no credentials, so it belongs on
loopback or a management network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from litestar import Litestar, Response, get
from litestar.exceptions import ServiceUnavailableException
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from gateway.admin.health import HealthReport, health
from gateway.admin.metrics import MEDIA_TYPE, metrics
from gateway.admin.readings import Read
from gateway.errors import StoreError
from gateway.store.interface import UnmatchedReceipt

UNMATCHED_DEFAULT = 100
UNMATCHED_MAX = 1_000

UnmatchedReceipts = Callable[[int], Awaitable[Sequence[UnmatchedReceipt]]]


def create_app(
    read: Read, unmatched_receipts: UnmatchedReceipts, routes: Sequence[HTTPRouteHandler] = ()
) -> Litestar:
    """`routes` are those of other files."""

    @get("/health", summary="Is the gateway well? 503 where it is not")
    async def get_health() -> Response[HealthReport]:
        report = health(read())
        return Response(report, status_code=503 if report.status == "failing" else 200)

    @get("/metrics", summary="Metrics for Prometheus")
    async def get_metrics() -> Response[str]:
        return Response(metrics(read()), media_type=MEDIA_TYPE)

    @get("/receipts/unmatched", summary="Receipts that found no message, newest first")
    async def get_unmatched(
        limit: Annotated[int, Parameter(ge=1, le=UNMATCHED_MAX)] = UNMATCHED_DEFAULT,
    ) -> Sequence[UnmatchedReceipt]:
        try:
            return await unmatched_receipts(limit)
        except StoreError as error:
            raise ServiceUnavailableException(str(error)) from None

    return Litestar(
        [get_health, get_metrics, get_unmatched, *routes],
        openapi_config=None,
        logging_config=None,
    )
