"""PDUs that are wrong get their answer, and other sessions go on undisturbed."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.smpp.constants import CommandId, CommandStatus
from tests.e2e.configuration import ESME, ESME_PASSWORD
from tests.e2e.esme import Esme, submit_sm
from tests.e2e.process import PATIENCE_S
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HEADER = struct.Struct(">IIII")
UNKNOWN_COMMAND = 0x0000_0BAD
SEQUENCE_NUMBER = 7


def pdu(command_id: int, body: bytes = b"", length: int | None = None) -> bytes:
    """Octets put together by hand, with any command_length."""
    whole = HEADER.size + len(body)
    return HEADER.pack(whole if length is None else length, command_id, 0, SEQUENCE_NUMBER) + body


BIND = pdu(
    CommandId.BIND_TRANSCEIVER,
    ESME.encode() + b"\0" + ESME_PASSWORD.encode() + b"\0\0" + bytes([0x34, 0, 0, 0]),
)
ADDRESSES = b"\0" + b"\x01\x0115005550006\0" + b"\x01\x0112065550100\0"


class RawPeer:
    """A socket at the SMPP port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, octets: bytes) -> None:
        self._writer.write(octets)

    async def answer(self) -> tuple[int, int, int]:
        """command_id, command_status and sequence_number of the next PDU."""
        async with asyncio.timeout(PATIENCE_S):
            octets = await self._reader.readexactly(HEADER.size)
            length, command_id, status, sequence_number = HEADER.unpack(octets)
            await self._reader.readexactly(length - HEADER.size)
        return command_id, status, sequence_number

    async def closed(self) -> bool:
        """Whether the peer closes without another word."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read(1) == b""


@asynccontextmanager
async def a_peer(site: Site, *, bound: bool = False) -> AsyncIterator[RawPeer]:
    """Beside it an ESME is bound all the time, and sends a message at the end."""
    async with Esme(site.daemon.smpp_port) as other:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.daemon.smpp_port)
        try:
            peer = RawPeer(reader, writer)
            if bound:
                peer.write(BIND)
                assert await peer.answer() == (CommandId.BIND_TRANSCEIVER_RESP, 0, SEQUENCE_NUMBER)
            yield peer
        finally:
            writer.close()
            await writer.wait_closed()
        await other.submit(submit_sm(site.recipient()))


@pytest.mark.parametrize("length", [0, 15, 70_000, 0xFFFF_FFFF])
async def test_impossible_length_ends_the_session(site: Site, length: int) -> None:
    async with a_peer(site, bound=True) as peer:
        peer.write(pdu(CommandId.SUBMIT_SM, ADDRESSES, length))

        assert await peer.answer() == (
            CommandId.GENERIC_NACK,
            CommandStatus.ESME_RINVCMDLEN,
            SEQUENCE_NUMBER,
        )
        assert await peer.closed()


async def test_unknown_command_is_nacked_and_the_session_goes_on(site: Site) -> None:
    async with a_peer(site, bound=True) as peer:
        peer.write(pdu(UNKNOWN_COMMAND, b"?") + pdu(CommandId.ENQUIRE_LINK))

        assert await peer.answer() == (
            CommandId.GENERIC_NACK,
            CommandStatus.ESME_RINVCMDID,
            SEQUENCE_NUMBER,
        )
        assert await peer.answer() == (CommandId.ENQUIRE_LINK_RESP, 0, SEQUENCE_NUMBER)


async def test_short_message_past_the_end_is_refused_and_the_session_goes_on(site: Site) -> None:
    async with a_peer(site, bound=True) as peer:
        flags = bytes(9)
        peer.write(pdu(CommandId.SUBMIT_SM, ADDRESSES + flags + bytes([200]) + b"short"))
        peer.write(pdu(CommandId.ENQUIRE_LINK))

        assert await peer.answer() == (
            CommandId.SUBMIT_SM_RESP,
            CommandStatus.ESME_RINVMSGLEN,
            SEQUENCE_NUMBER,
        )
        assert await peer.answer() == (CommandId.ENQUIRE_LINK_RESP, 0, SEQUENCE_NUMBER)


async def test_submit_sm_before_bind_is_refused(site: Site) -> None:
    async with a_peer(site) as peer:
        peer.write(pdu(CommandId.SUBMIT_SM, ADDRESSES + bytes(10)))

        assert await peer.answer() == (
            CommandId.SUBMIT_SM_RESP,
            CommandStatus.ESME_RINVBNDSTS,
            SEQUENCE_NUMBER,
        )


async def test_response_to_nothing_is_passed_over(site: Site) -> None:
    async with a_peer(site, bound=True) as peer:
        peer.write(pdu(CommandId.DELIVER_SM_RESP, b"\0") + pdu(CommandId.ENQUIRE_LINK))

        assert await peer.answer() == (CommandId.ENQUIRE_LINK_RESP, 0, SEQUENCE_NUMBER)


async def test_other_protocol_is_hung_up_on(site: Site) -> None:
    async with a_peer(site) as peer:
        peer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")

        assert (await peer.answer())[:2] == (CommandId.GENERIC_NACK, CommandStatus.ESME_RINVCMDLEN)
        assert await peer.closed()


async def test_peer_that_never_binds_is_hung_up_on(site: Site) -> None:
    async with a_peer(site) as peer:
        assert await peer.closed()


async def test_peer_that_goes_in_the_middle_of_a_pdu_costs_nothing(site: Site) -> None:
    async with a_peer(site, bound=True) as peer:
        peer.write(pdu(CommandId.SUBMIT_SM, ADDRESSES, 200))
