"""Where the names in the uris of customers' trunks lead, looked up again and again (RFC 3263)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from gateway.account import Account
from gateway.carriers.trunk_look_ups import EVERY_S, Resolve
from gateway.sip.transaction import Destination
from gateway.sip.uri import SipUri, parse_uri
from gateway.voice.call_targets import destinations_of


class CustomerLookUps:
    """`located` is for `build_edge`. What was found last stays where nothing is found."""

    def __init__(self, accounts: Iterable[Account], resolve: Resolve) -> None:
        self.located: dict[str, Sequence[Destination]] = {}
        self._resolve = resolve
        texts = {trunk.uri for account in accounts for trunk in account.trunks if trunk.uri}
        uris = [(text, parse_uri(text)) for text in sorted(texts)]
        self._names = [
            (text, uri)
            for text, uri in uris
            if isinstance(uri, SipUri) and not destinations_of(uri)
        ]

    async def run(self) -> None:
        """Until it is cancelled; returns at once where there is nothing to look up."""
        while self._names:
            await self.look_up()
            await asyncio.sleep(EVERY_S)

    async def look_up(self) -> None:
        """All of them once, side by side."""
        await asyncio.gather(*[self._look_up_one(text, uri) for text, uri in self._names])

    async def _look_up_one(self, text: str, uri: SipUri) -> None:
        transport = "TLS" if uri.scheme == "sips" else (uri.transport or "").upper()
        found = await self._resolve(uri.host, uri.port or 0, transport)
        if found:
            self.located[text] = tuple(found)
