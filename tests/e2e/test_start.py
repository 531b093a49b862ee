"""What keeps the daemon from starting is told in one line, and changes nothing."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.configuration import write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.process import installed, outcome

pytestmark = pytest.mark.e2e

EXIT_TROUBLE = 1
EXIT_WRONG_INPUT = 2


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """The entry file of a configuration that is right; nobody is at the carrier's port."""
    return write_configuration(tmp_path, {"alpha": 9})


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


async def run(entry: Path) -> tuple[int, list[str]]:
    return await outcome(
        installed("supernet"), "run", "--config", str(entry), directory=entry.parent
    )


def edit(file: Path, old: str, new: str) -> int:
    """Replace the first `old`; the line where it stood."""
    text = file.read_text()
    before, found, after = text.partition(old)
    assert found, old
    file.write_text(before + new + after)
    return before.count("\n") + 1


@pytest.mark.parametrize("section", ["rest", "admin", "smpp"])
async def test_port_that_is_taken(entry: Path, taken_port: int, section: str) -> None:
    edit(entry, f"[{section}]\nport = 0", f"[{section}]\nport = {taken_port}")

    code, said = await run(entry)

    assert code == EXIT_TROUBLE
    assert said == [
        f"supernet: cannot listen on 127.0.0.1:{taken_port}: address already in use; "
        "is another gateway running?"
    ]


async def test_typo_in_the_configuration(entry: Path) -> None:
    line = edit(entry, "response_s", "respons_s")

    code, said = await run(entry)

    assert code == EXIT_WRONG_INPUT
    assert said == [
        f"supernet: {entry}:{line}: [smpp] unknown key 'respons_s'; did you mean 'response_s'?"
    ]


async def test_wrong_value_in_another_file(entry: Path) -> None:
    carriers = entry.parent / "carriers.toml"
    line = edit(carriers, "window = 50", 'window = "50"')

    code, said = await run(entry)

    assert code == EXIT_WRONG_INPUT
    assert len(said) == 1
    assert said[0].startswith(f"supernet: {carriers}:{line}: ")


async def test_configuration_that_is_not_there(tmp_path: Path) -> None:
    code, said = await run(tmp_path / "gateway.toml")

    assert code == EXIT_WRONG_INPUT
    assert said == [f"supernet: {tmp_path / 'gateway.toml'}: no such file or directory"]


async def test_store_directory_that_cannot_be_made(entry: Path) -> None:
    """Under a file, which stops root as well."""
    (entry.parent / "file").touch()
    edit(entry, 'directory = "store"', 'directory = "file/store"')

    code, said = await run(entry)

    assert code == EXIT_TROUBLE
    assert len(said) == 1
    assert said[0].startswith("supernet: the data directory file/store cannot be used: ")


async def test_second_daemon_on_the_same_store(entry: Path) -> None:
    async with Daemon(entry) as first:
        code, said = await run(entry)

        assert code == EXIT_TROUBLE
        assert said == [
            f"supernet: the data directory store is in use by another process (pid {first.pid})"
        ]
        assert await first.health()


async def test_daemon_starts_while_no_carrier_answers(entry: Path) -> None:
    async with Daemon(entry) as daemon:
        health = await daemon.health()

    assert (health["status"], health["reasons"]) == ("failing", ["down: alpha/1"])
