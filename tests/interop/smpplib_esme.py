"""A customer's ESME on smpplib, which blocks: call it in a thread."""

# smpplib ships no py.typed, so its classes are Any to mypy.
# mypy: disable-error-code="import-untyped, misc"

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from smpplib import consts, gsm, smpp
from smpplib.client import Client

from tests.e2e.configuration import ESME, ESME_PASSWORD, LONG_CODE
from tests.e2e.process import PATIENCE_S
from tests.e2e.site import Site

T = TypeVar("T")

# One read; smpplib then looks whether what it waits for has come.
READ_S = 0.2


class SmpplibEsme:
    """`with SmpplibEsme(port) as esme` is bound by the `bind_…` method that is named."""

    def __init__(
        self,
        port: int,
        bind: str = "bind_transceiver",
        system_id: str = ESME,
        password: str = ESME_PASSWORD,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._bind = bind
        self._credentials = {"system_id": system_id, "password": password}
        self.client = Client(
            "127.0.0.1", port, timeout=READ_S, ssl_context=tls, allow_unknown_opt_params=True
        )
        self.answered: list[Any] = []
        self.delivered: list[Any] = []
        self.client.set_message_sent_handler(lambda pdu: self.answered.append(pdu))
        self.client.set_message_received_handler(lambda pdu: self.delivered.append(pdu))
        self.client.set_error_pdu_handler(lambda pdu: self.answered.append(pdu))

    def submit(self, text: str, to: str) -> list[str]:
        """Send a text in as many parts as smpplib makes of it; the message_id of each."""
        parts, encoding, esm_class = gsm.make_parts(text)
        before = len(self.answered)
        for part in parts:
            self.client.send_message(
                source_addr_ton=consts.SMPP_TON_INTL,
                source_addr_npi=consts.SMPP_NPI_ISDN,
                source_addr=LONG_CODE.removeprefix("+"),
                dest_addr_ton=consts.SMPP_TON_INTL,
                dest_addr_npi=consts.SMPP_NPI_ISDN,
                destination_addr=to.removeprefix("+"),
                short_message=part,
                data_coding=encoding,
                esm_class=esm_class,
                registered_delivery=True,
            )
        self.read_until(lambda: len(self.answered) == before + len(parts))
        answers = self.answered[before:]
        assert [answer.status for answer in answers] == [0] * len(parts)
        return [answer.message_id.decode() for answer in answers]

    def read_until(self, enough: Callable[[], bool]) -> None:
        """Answer what comes, until `enough` holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not enough():
            assert time.monotonic() < deadline, "smpplib did not hear what it waits for"
            try:
                self.client.read_once(auto_send_enquire_link=False)
            except TimeoutError:
                continue

    def read_receipt(self, message_id: str) -> Any:
        """The deliver_sm that is the receipt of a message."""

        def found() -> list[Any]:
            return [
                pdu
                for pdu in self.delivered
                if (pdu.receipted_message_id or b"").rstrip(b"\0").decode() == message_id
            ]

        self.read_until(lambda: bool(found()))
        return found()[0]

    def request(self, command: str) -> Any:
        """Send a PDU without a body; the next PDU that comes."""
        self.client.send_pdu(smpp.make_pdu(command, client=self.client))
        return self.client.read_pdu()

    def __enter__(self) -> Self:
        self.client.timeout = PATIENCE_S
        self.client.connect()
        try:
            getattr(self.client, self._bind)(**self._credentials)
        except BaseException:
            self.client.disconnect()
            raise
        self.client._socket.settimeout(READ_S)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.client._socket.settimeout(PATIENCE_S)
        try:
            self.client.unbind()
        finally:
            self.client.disconnect()


async def with_esme(
    site: Site, act: Callable[[SmpplibEsme], T], bind: str = "bind_transceiver"
) -> T:
    """What `act` returns, called in a thread beside the carriers."""

    def bound() -> T:
        with SmpplibEsme(site.daemon.smpp_port, bind) as esme:
            return act(esme)

    return await asyncio.to_thread(bound)
