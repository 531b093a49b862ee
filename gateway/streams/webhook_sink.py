"""Posts the events, in batches, to the operator's own server."""

from __future__ import annotations

from typing import Protocol

from gateway.clock import Clock
from gateway.config.secrets import signing_key
from gateway.config.sections import EventWebhook
from gateway.errors import ConfigError
from gateway.store.interface import StreamPage, StreamPosition
from gateway.streams.batch_signature import signature_headers
from gateway.streams.cloud_event import BATCH_CONTENT_TYPE, encode_batch
from gateway.streams.sink import SinkFailed
from gateway.webhooks.destination import DestinationError, Overrides, parse_destination
from gateway.webhooks.request import USER_AGENT, Answer, Failure, WebhookRequest


class Poster(Protocol):
    """Makes one request: `WebhookClient`, or a test's server."""

    async def post(self, request: WebhookRequest) -> Answer | Failure: ...


class WebhookSink:
    """One batch at a time, so that they come in order. A 2xx says that the server has it."""

    name = "webhook"
    failures = 0

    def __init__(self, config: EventWebhook, source: str, poster: Poster, clock: Clock) -> None:
        """The configuration has been checked, but for where its URL leads.

        Raises:
            ConfigError: the URL cannot be used.
        """
        key = signing_key(config.secret)
        assert key is not None
        try:
            self._destination = parse_destination(config.url, allow_private=True)
        except DestinationError as error:
            raise ConfigError(f"[events.webhook] url: {error}") from None
        self._key = key
        self._batch_max = config.batch_max
        self._source = source
        self._poster = poster
        self._clock = clock

    async def take(self, page: StreamPage) -> StreamPosition | None:
        for taken in range(0, len(page.events), self._batch_max):
            batch = page.events[taken : taken + self._batch_max]
            answer = await self._poster.post(self._request(encode_batch(batch, self._source)))
            if isinstance(answer, Failure):
                raise SinkFailed(str(answer), taken)
        return page.then

    async def close(self) -> StreamPosition | None:
        return None

    def _request(self, body: bytes) -> WebhookRequest:
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Content-Type": BATCH_CONTENT_TYPE,
            **signature_headers(self._key, body, self._clock.now()),
        }
        if self._destination.authorization:
            headers["Authorization"] = self._destination.authorization
        return WebhookRequest("POST", self._destination.url, headers, body, Overrides())
