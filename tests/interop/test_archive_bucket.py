"""moto, a foreign S3-compatible server, as the archive's bucket."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import aiohttp
import pytest
import pytest_asyncio

from gateway.clock import message_sid
from gateway.config.sections import Archive, Events
from gateway.message import Status
from gateway.streams.archive_target import archive_target
from gateway.streams.event_streams import EventStreams
from gateway.streams.segment_archive import SegmentArchive
from tests.e2e.patience import until
from tests.e2e.process import ChildProcess
from tests.interop.free_port import free_port
from tests.streams.archives import a_segment, lines_of
from tests.streams.builders import StreamLedger, a_clock, running

pytestmark = pytest.mark.interop

NAME = "2023/11/14/messages-20231114T221321.000Z-" + message_sid(1) + ".ndjson.zst"


# moto checks no signature, but tells nobody what is somebody's.
SOMEBODY = {"Authorization": "AWS4-HMAC-SHA256 Credential=key/20231114/eu-north-1/s3/aws4_request"}


class Bucket(ChildProcess):
    """`bucket` of a server of its own."""

    def __init__(self, directory: Path) -> None:
        # A stack of packages that nothing else needs, so it is looked for and not asked for.
        command = os.environ.get("MOTO_SERVER") or shutil.which("moto_server")
        if command is None:
            pytest.skip("moto_server is not installed (pip install 'moto[s3]' flask flask-cors)")
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        super().__init__(command, "-H", "127.0.0.1", "-p", str(port), directory=directory)

    async def start(self) -> None:
        await super().start()
        await self.line(lambda line: "Running on" in line)
        async with aiohttp.ClientSession() as client:
            await client.put(f"{self.endpoint}/bucket")

    async def get(self, key: str) -> bytes:
        """An object, or nothing."""
        async with (
            aiohttp.ClientSession(headers=SOMEBODY) as client,
            client.get(f"{self.endpoint}/bucket/{key}") as answer,
        ):
            return await answer.read() if answer.status == 200 else b""


@pytest_asyncio.fixture
async def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with Bucket(tmp_path) as bucket:
        yield bucket


def to(bucket: Bucket) -> Archive:
    return Archive("s3://bucket/archive", endpoint=bucket.endpoint, region="eu-north-1", file_s=1.0)


async def test_messages_that_failed_are_kept_in_the_bucket(bucket: Bucket, tmp_path: Path) -> None:
    ledger = StreamLedger()
    ledger.accepts(1)
    ledger.becomes(1, 1, status=Status.FAILED)
    events = Events(archive=to(bucket))
    streams = EventStreams(events, 0, ledger, a_clock(), Random(1), tmp_path / "workshop")

    async def kept() -> bytes:
        return await bucket.get(f"archive/{NAME}")

    async with running(streams.run()):
        octets = await until(kept)
    await streams.close()

    assert [line["sid"] for line in lines_of(octets)] == [message_sid(1)]


async def test_segment_is_kept_in_the_bucket(bucket: Bucket, tmp_path: Path) -> None:
    target = archive_target(to(bucket), tmp_path / "workshop")
    SegmentArchive(target).archive_segment(a_segment(tmp_path, 1))

    octets = await bucket.get("archive/2023/11/14/segment-20231114T221321.000Z-00000003.ndjson.zst")

    assert [line["record"] for line in lines_of(octets)] == ["message", "transition"]


async def test_file_of_many_parts_is_kept_whole(bucket: Bucket, tmp_path: Path) -> None:
    target = archive_target(to(bucket), tmp_path / "workshop")
    octets = Random(1).randbytes(12 << 20)
    path = target.workshop / "large"
    path.write_bytes(octets)

    target.put(path, "large")

    assert await bucket.get("archive/large") == octets
