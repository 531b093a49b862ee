"""`supernet demo`: the daemon and the simulator, two processes that end together."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.e2e.configuration import LONG_CODE
from tests.e2e.patience import until
from tests.e2e.process import ChildProcess, installed, outcome
from tests.e2e.rest_client import RestClient

pytestmark = pytest.mark.e2e

CONF = Path(__file__).parents[2] / "conf"
PORTS = {8080, 8081, 2775, 5060, 8090, 27751, 27752, 27753, 27761, 27762}
# The demo's own ports may be in use on this machine, so it is shown a copy of its files.
LAST_OF_THE_BANNER = "The configuration is "
STARTS_MAX = 5
SHOWN = """\
import sys
from pathlib import Path
from gateway.cli import demo, main
demo.CHECKOUT = Path(sys.argv[1])
sys.exit(main(["demo"]))
"""


@dataclass(frozen=True)
class Demo:
    process: ChildProcess
    ports: dict[int, int]

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.ports[8080]}"

    @property
    def control(self) -> str:
        return f"http://127.0.0.1:{self.ports[8090]}"


def free_ports(count: int) -> list[int]:
    with ExitStack() as taken:
        sockets = [
            taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]


def copied_conf(directory: Path) -> dict[int, int]:
    """The demo's files in `directory`/conf; which port stands there for which."""
    ports = dict(zip(sorted(PORTS), free_ports(len(PORTS)), strict=True))
    shutil.copytree(CONF, directory / "conf")
    for file in (directory / "conf").glob("*.toml"):
        text = re.sub(
            r"(?<=port = )\d+", lambda found: str(ports.get(int(found[0]), 0)), file.read_text()
        )
        file.write_text(text)
    return ports


def demo_process(directory: Path) -> ChildProcess:
    return ChildProcess(sys.executable, "-c", SHOWN, str(directory), directory=directory)


@asynccontextmanager
async def a_demo(directory: Path) -> AsyncIterator[Demo]:
    ports = copied_conf(directory)
    async with demo_process(directory) as process:
        try:
            await process.line(lambda line: line.startswith(LAST_OF_THE_BANNER))
            yield Demo(process, ports)
        finally:
            simulators = children(process.pid) if process.running else []
            await process.kill()
            for pid in simulators:
                os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """The processes that this one has started (Linux)."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not (proc(5))."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] != "Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """One for the tests that only use it. Tests beside it may take a port that was free."""
    for _ in range(STARTS_MAX):
        async with AsyncExitStack() as stack:
            try:
                demo = await stack.enter_async_context(a_demo(tmp_path_factory.mktemp("demo")))
            except AssertionError as error:
                if "address already in use" not in str(error):
                    raise
                continue
            yield demo
            return
    raise AssertionError("each time somebody had a port of the demo")


@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_banner_shows_works(demo: Demo) -> None:
    async with RestClient(lambda: demo.rest) as rest:
        banner = "\n".join(demo.process.said)
        message = await rest.final(await rest.create("+15005550009", "Hello"))

        assert f"REST        {demo.rest}      documentation {demo.rest}/docs" in banner
        assert f"SMPP        127.0.0.1:{demo.ports[2775]}" in banner
        url = f"{demo.rest}/phone"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            phone = answer.content_type

        assert f"Phone       {demo.rest}/phone#AC" in banner
        assert phone == "text/html"
        assert message["status"] == "delivered"


@pytest.mark.asyncio(loop_scope="module")
async def test_what_arrived_is_seen_at_the_simulator(demo: Demo) -> None:
    async with RestClient(lambda: demo.rest) as rest, aiohttp.ClientSession() as session:

        async def arrived() -> int:
            async with session.get(f"{demo.control}/carriers") as answer:
                carriers = (await answer.json())["carriers"]
            return sum(carrier["stats"]["messages"] for carrier in carriers)

        before = await arrived()
        await rest.final(await rest.create("+15005550009", "Hello once more"))
        async with session.get(f"{demo.control}/violations") as answer:
            violations = (await answer.json())["violations"]

        assert await arrived() == before + 1
        assert violations == []


@pytest.mark.asyncio(loop_scope="module")
async def test_send_waits_for_the_final_state(demo: Demo, tmp_path: Path) -> None:
    code, said = await outcome(
        *(installed("supernet"), "send", "--url", demo.rest),
        *("--to", "+15005550009", "--from", LONG_CODE, "--body", "Hello again"),
        directory=tmp_path,
    )

    assert code == 0
    assert said[-1].endswith("delivered")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_ends_all_processes(tmp_path: Path, number: signal.Signals) -> None:
    async with a_demo(tmp_path) as demo:
        others = children(demo.process.pid)
        demo.process.send_signal(number)
        code = await demo.process.ended()

    assert code == 0
    assert len(others) >= 2, "the simulator and the media workers"
    assert not any(alive(pid) for pid in others)


async def test_demo_that_is_killed_leaves_no_simulator_behind(tmp_path: Path) -> None:
    async with a_demo(tmp_path) as demo:
        simulators = children(demo.process.pid)
        await demo.process.kill()

        async def left() -> list[int]:
            return [pid for pid in simulators if alive(pid)]

        assert await until(left, lambda pids: not pids) == []


async def test_simulator_that_dies_is_reported(tmp_path: Path) -> None:
    async with a_demo(tmp_path) as demo:
        os.kill(children(demo.process.pid)[0], signal.SIGKILL)

        await demo.process.line(lambda line: "the carrier simulator has ended" in line)
        demo.process.send_signal(signal.SIGINT)
        assert await demo.process.ended() == 0


async def test_port_of_the_simulator_that_is_taken(tmp_path: Path) -> None:
    ports = copied_conf(tmp_path)
    with socket.create_server(("127.0.0.1", ports[27752])):
        async with demo_process(tmp_path) as process:
            code = await process.ended()

    assert code == 1
    assert len(process.said) == 1
    assert f"cannot listen on 127.0.0.1:{ports[27752]}" in process.said[0]


async def test_port_of_the_daemon_that_is_taken_leaves_no_simulator_behind(tmp_path: Path) -> None:
    ports = copied_conf(tmp_path)
    with socket.create_server(("127.0.0.1", ports[8080])):
        async with demo_process(tmp_path) as process:
            code = await process.ended()

    async def listening() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", ports[8090])
        except ConnectionError:
            return False
        writer.close()
        return True

    assert code == 1
    assert f"cannot listen on 127.0.0.1:{ports[8080]}" in process.said[-1]
    assert await until(listening, lambda there: not there) is False
