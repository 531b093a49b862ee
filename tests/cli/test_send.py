"""`supernet send` against a gateway on loopback."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli import main
from tests.cli.fake_gateway import ACCOUNT, TOKEN, FakeGateway

pytestmark = pytest.mark.e2e


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeGateway]:
    fake = FakeGateway()
    server = await fake.start()
    monkeypatch.setenv("SUPERNET_URL", str(server.make_url("")))
    monkeypatch.setenv("SUPERNET_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("SUPERNET_TOKEN", TOKEN)
    yield fake
    await server.close()


async def supernet(*arguments: str) -> int:
    """The command in a thread, since it runs an event loop of its own."""
    return await asyncio.to_thread(main, arguments)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "messages.csv"
    rows = (f"+1500555{number:04},55501,Hello {number}" for number in range(2_500))
    path.write_text("to,from,body\n" + "\n".join(rows) + "\n")
    return path


async def test_a_message_is_followed_to_its_final_state(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.history.extend(["sent", "delivered"])
    assert await supernet("send", "--to", "+15005550009", "--body", "Grüße & more") == 0
    sid = f"SM{0:032x}"
    assert capsys.readouterr().out == f"{sid}  queued\n{sid}  sent\n{sid}  delivered\n"
    assert gateway.accepted == [
        {"To": "+15005550009", "From": "+15005550006", "Body": "Grüße & more"}
    ]


async def test_a_failed_message_says_why(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.fates["+15005550001"] = ("failed", 30003)
    gateway.history.append("failed")
    assert await supernet("send", "--to", "+15005550001", "--body", "Hi") == 0
    assert "failed  30003: unreachable handset\n" in capsys.readouterr().out


async def test_no_wait_prints_the_sid_and_ends(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await supernet("send", "--to", "+1", "--body", "Hi", "--no-wait") == 0
    assert capsys.readouterr().out == f"SM{0:032x}  queued\n"


async def test_a_refused_message_is_one_line_and_exit_code_1(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.refusals.append((400, 21211, "The 'To' number is not valid"))
    assert await supernet("send", "--to", "12", "--body", "Hi") == 1
    assert capsys.readouterr().err == ("supernet: 21211: The 'To' number is not valid (HTTP 400)\n")


async def test_a_file_is_sent_and_its_final_states_are_counted(
    gateway: FakeGateway, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.fates["+15005550001"] = ("undelivered", 30003)
    assert await supernet("send", "--csv", str(csv)) == 0
    assert len({message["To"] for message in gateway.accepted}) == 2_500
    assert capsys.readouterr().out.splitlines() == [
        "accepted         2,500  of 2,500",
        "delivered        2,499",
        "undelivered          1  30003: 1",
        "failed               0",
    ]


async def test_a_file_is_followed_by_the_page_and_not_by_the_message(
    gateway: FakeGateway, csv: Path
) -> None:
    await supernet("send", "--csv", str(csv))
    assert gateway.lists == 1 + 3


async def test_a_throttled_row_is_sent_again(
    gateway: FakeGateway, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.refusals.extend([(429, 20429, "Too many requests"), (400, 21611, "Queue full")])
    assert await supernet("send", "--csv", str(csv), "--no-wait") == 0
    assert "accepted         2,500  of 2,500\n" in capsys.readouterr().out


async def test_a_rejected_row_is_named_by_its_line(
    gateway: FakeGateway, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.refusals.append((400, 21211, "The 'To' number is not valid"))
    assert await supernet("send", "--csv", str(csv), "--concurrency", "1") == 1
    assert capsys.readouterr().out.splitlines()[:3] == [
        "accepted         2,499  of 2,500",
        "rejected             1  21211: 1",
        f"  {csv}:2  21211  The 'To' number is not valid",
    ]


async def test_wrong_credentials_are_found_out_before_anything_is_sent(
    gateway: FakeGateway, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await supernet("send", "--csv", str(csv), "--token", "wrong") == 1
    assert capsys.readouterr().err == "supernet: 20003: Authenticate (HTTP 401)\n"


async def test_no_gateway_is_one_line_and_exit_code_1(
    csv: Path, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    assert await supernet("send", "--csv", str(csv), "--url", url) == 1
    assert capsys.readouterr().err == f"supernet: cannot reach {url}: Connection refused\n"
