"""The line to a carrier that says answers twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import pytest

from gateway.smpp import codec
from gateway.smpp.pdus import EnquireLinkResp, SubmitSm, SubmitSmResp
from tests.soak.echoing_wire import EchoingWire

pytestmark = pytest.mark.e2e

REQUEST = codec.encode(SubmitSm(destination_addr="15551234"), 7)
ANSWER = codec.encode(SubmitSmResp("17"), 7)
OTHER = codec.encode(EnquireLinkResp(), 8)


async def carrier(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the request, and ends the connection."""
    assert await reader.readexactly(len(REQUEST)) == REQUEST
    writer.write(ANSWER + OTHER)
    writer.close()


async def answers(doubled: float) -> bytes:
    """What comes back of one request over the wire."""
    server = await asyncio.start_server(carrier, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, EchoingWire(port, Random(1), doubled) as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(REQUEST)
        octets = await reader.readexactly(len(ANSWER + OTHER))
        with suppress(ConnectionResetError):
            octets += await reader.read()
        writer.close()
        return octets


async def test_answer_to_a_message_comes_twice() -> None:
    assert await answers(1.0) == ANSWER + ANSWER + OTHER


async def test_answer_comes_once_where_none_is_doubled() -> None:
    assert await answers(0.0) == ANSWER + OTHER
