"""How rows are retried and messages followed, in virtual time and without a socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.cli.console import CommandError
from gateway.cli.message_client import MessageClient, MessageState, OutcomeUnknown, Refusal
from gateway.cli.retry import ATTEMPTS_MAX
from gateway.cli.send_file import FileSender
from gateway.cli.tally import Tally
from tests.support.virtual_time import virtual_time

PATIENCE_S = 7_200.0
CREATED = "Fri, 02 Jan 2026 03:04:05 +0000"
LONG_BEFORE = "Thu, 01 Jan 2026 03:04:05 +0000"
Answer = MessageState | Refusal | OutcomeUnknown


class Account(MessageClient):
    """The messages of an account in memory. `answer` is asked first, and may accept."""

    def __init__(self, answer: Callable[[str], Answer | None] = lambda _to: None) -> None:
        self._answer = answer
        self.messages: list[MessageState] = []
        self.pages_read = 0
        self.final_at = 0.0
        self.down_until = 0.0

    async def create(self, to: str, sender: str, body: str) -> Answer:
        await asyncio.sleep(0.01)
        answer = self._answer(to)
        if answer is None:
            answer = MessageState(f"SM{len(self.messages):032x}", "queued", CREATED)
            self.messages.append(answer)
        return answer

    async def pages(self, page_size: int = 2) -> AsyncIterator[list[MessageState]]:
        now = asyncio.get_running_loop().time()
        if now < self.down_until:
            raise CommandError("cannot reach it")
        status = "delivered" if now >= self.final_at else "sent"
        newest_first = self.messages[::-1]
        for start in range(0, max(len(newest_first), 1), page_size):
            self.pages_read += 1
            yield [
                MessageState(message.sid, status, message.date_created)
                for message in newest_first[start : start + page_size]
            ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "messages.csv"
    file.write_text("to,from,body\n" + "".join(f"{number},55501,Hi\n" for number in range(6)))
    return file


async def sent(account: Account, path: Path, concurrency: int = 2) -> tuple[FileSender, Tally]:
    tally = Tally("messages.csv", 6)
    sender = FileSender(account, tally)
    await sender.send(path, concurrency)
    return sender, tally


def first_refused(refusal: Refusal, times: int) -> Callable[[str], Answer | None]:
    left = iter([refusal] * times)
    return lambda to: next(left, None) if to == "0" else None


@virtual_time
async def test_a_full_queue_is_waited_for(path: Path) -> None:
    account = Account(first_refused(Refusal(400, 21611, "full"), 500))
    _, tally = await sent(account, path)
    assert tally.complete


@virtual_time
async def test_retry_after_is_obeyed(path: Path) -> None:
    account = Account(first_refused(Refusal(429, 20429, "slow down", retry_after_s=100), 1))
    await sent(account, path)
    assert asyncio.get_running_loop().time() > 100


@virtual_time
async def test_a_row_that_can_never_be_accepted_is_not_sent_again(path: Path) -> None:
    account = Account(first_refused(Refusal(400, 21211, "no number"), 2))
    _, tally = await sent(account, path)
    assert (tally.accepted, tally.rejected) == (5, 1)


@virtual_time
async def test_a_row_without_an_answer_is_not_sent_again(path: Path) -> None:
    lost = iter([OutcomeUnknown("connection lost")])
    account = Account(lambda to: next(lost, None) if to == "0" else None)
    _, tally = await sent(account, path)
    assert (tally.accepted, tally.unknown) == (5, 1)


@virtual_time
async def test_a_gateway_that_stays_away_ends_the_run(path: Path) -> None:
    asked: list[str] = []

    def refuse(to: str) -> Answer:
        asked.append(to)
        return Refusal(0, message="cannot reach it")

    _, tally = await sent(Account(refuse), path)
    assert len(asked) == 2 * ATTEMPTS_MAX
    assert (tally.rejected, tally.untried) == (2, 4)


@virtual_time
async def test_messages_are_followed_until_all_are_final(path: Path) -> None:
    account = Account()
    account.final_at = 3600.0
    sender, tally = await sent(account, path)
    await sender.follow(PATIENCE_S)
    assert tally.final == {"delivered": 6}


@virtual_time
async def test_following_ends_when_nothing_becomes_final_for_so_long(path: Path) -> None:
    account = Account()
    account.final_at = 1e9
    sender, tally = await sent(account, path)
    await sender.follow(120.0)
    assert tally.under_way == 6
    assert 120 < asyncio.get_running_loop().time() < 180


@virtual_time
async def test_a_round_ends_where_all_have_been_seen(path: Path) -> None:
    account = Account()
    account.messages = [MessageState(f"SMold{n}", "delivered", CREATED) for n in range(1_000)]
    sender, _ = await sent(account, path)
    await sender.follow(PATIENCE_S)
    assert account.pages_read == 3


@virtual_time
async def test_a_round_ends_at_messages_older_than_ours(path: Path) -> None:
    account = Account()
    account.messages = [MessageState(f"SMold{n}", "delivered", LONG_BEFORE) for n in range(1_000)]
    sender, tally = await sent(account, path)
    del account.messages[-1]
    await sender.follow(PATIENCE_S)
    assert account.pages_read == 3
    assert tally.gone == 1


@virtual_time
async def test_a_restart_of_the_gateway_does_not_end_the_following(path: Path) -> None:
    account = Account()
    account.down_until = 60.0
    sender, tally = await sent(account, path)
    await sender.follow(PATIENCE_S)
    assert tally.final == {"delivered": 6}


@virtual_time
async def test_a_gateway_that_is_gone_ends_the_following(path: Path) -> None:
    account = Account()
    account.down_until = 86_400.0
    sender, tally = await sent(account, path)
    with pytest.raises(CommandError, match="cannot reach it"):
        await sender.follow(PATIENCE_S)
    assert 300 < asyncio.get_running_loop().time() < 600
    assert tally.under_way == 6
