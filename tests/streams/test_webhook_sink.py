"""Posting batches to the operator's server."""

import json
from typing import Any

import pytest

from gateway.clock import message_sid
from gateway.config.sections import EventWebhook
from gateway.errors import ConfigError
from gateway.store.interface import StreamPage
from gateway.streams.sink import SinkFailed
from gateway.streams.webhook_sink import WebhookSink
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Answer, Failure, WebhookRequest
from tests.streams.builders import SOURCE, a_clock, a_page, an_event
from tests.support.virtual_time import virtual_time

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DOWN = Failure(FailureKind.CONNECT, 11205, "cannot connect")


class Server:
    """Notes the requests; `answers` are its next ones, and then it takes all."""

    def __init__(self) -> None:
        self.requests: list[WebhookRequest] = []
        self.answers: list[Answer | Failure] = []

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else Answer(200)

    @property
    def batches(self) -> list[list[str]]:
        """The subjects of each batch."""
        return [[event["subject"] for event in json.loads(each.body)] for each in self.requests]


def a_sink(server: Server, **changes: Any) -> WebhookSink:
    fields: dict[str, Any] = {"url": "http://127.0.0.1:9/events", "secret": SECRET, "batch_max": 2}
    return WebhookSink(EventWebhook(**(fields | changes)), SOURCE, server, a_clock())


def five() -> StreamPage:
    return a_page(*(an_event(message_id) for message_id in range(1, 6)), batch=5)


@virtual_time
async def test_page_is_posted_in_batches_in_order() -> None:
    server = Server()
    assert await a_sink(server).take(five()) == five().then
    one, two, three, four, last = (message_sid(message_id) for message_id in range(1, 6))
    assert server.batches == [[one, two], [three, four], [last]]


@virtual_time
async def test_batch_is_a_signed_post_of_cloud_events() -> None:
    server = Server()
    await a_sink(server).take(five())
    request = server.requests[0]
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:9/events")
    assert request.headers["Content-Type"] == "application/cloudevents-batch+json"
    assert request.headers["webhook-signature"].startswith("v1,")
    assert "Authorization" not in request.headers


@virtual_time
async def test_credentials_of_the_url_go_as_basic_authentication() -> None:
    server = Server()
    await a_sink(server, url="https://user:pass@events.example/").take(five())
    assert server.requests[0].headers["Authorization"] == "Basic dXNlcjpwYXNz"
    assert server.requests[0].url == "https://events.example/"


@virtual_time
async def test_page_without_events_asks_for_nothing() -> None:
    server = Server()
    page = a_page(batch=3)
    assert await a_sink(server).take(page) == page.then
    assert server.requests == []


@virtual_time
async def test_batches_before_the_failure_are_taken() -> None:
    server = Server()
    server.answers = [Answer(204), DOWN]
    with pytest.raises(SinkFailed, match="11205 cannot connect") as failure:
        await a_sink(server).take(five())
    assert failure.value.taken == 2


@virtual_time
async def test_url_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\[events.webhook\] url"):
        a_sink(Server(), url="ftp://events.example/")


@virtual_time
async def test_closing_moves_nothing() -> None:
    assert await a_sink(Server()).close() is None
