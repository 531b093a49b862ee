"""Hands the rows of a CSV file to the gateway, and follows the messages to their final states."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from gateway.cli.console import CommandError
from gateway.cli.message_client import MessageClient, MessageState, OutcomeUnknown
from gateway.cli.message_rows import Row, read_rows
from gateway.cli.retry import is_down, retry_wait_s
from gateway.cli.tally import Tally
from gateway.message import FINAL

POLL_MIN_S = 1.0
POLL_MAX_S = 30.0
# A round over the pages costs the gateway something: the rest after it is so many times as long.
POLL_REST = 4.0
# Rounds in a row without an answer, some ten minutes, until the gateway counts as gone.
POLL_FAILURES_MAX = 20
# How long before the first answer a message of the same moment may have been made.
CREATED_SLACK = timedelta(minutes=1)

FINAL_NAMES = frozenset(status.value for status in FINAL)


class FileSender:
    """Sends rows, so many at a time, and remembers which messages are not final yet."""

    def __init__(self, client: MessageClient, tally: Tally) -> None:
        self._client = client
        self._tally = tally
        self._gateway_gone = False
        self._since: datetime | None = None
        self._pending: set[str] = set()

    async def send(self, path: Path, concurrency: int) -> None:
        """Returns when every row is accepted or given up, or the gateway has gone away.

        Raises:
            CommandError: the file cannot be read.
        """
        rows = read_rows(path)
        try:
            with tqdm(total=self._tally.rows, desc="accepted", unit="msg", disable=None) as bar:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(concurrency):
                        workers.create_task(self._work(rows, bar))
        except* CommandError as errors:
            raise errors.exceptions[0] from None

    async def follow(self, patience_s: float) -> None:
        """Returns when every accepted message has reached a final state, or none has for
        `patience_s`: some carriers never send the receipt that they owe.

        Asks for pages of the whole list and not for each message, which is a thousandth of the
        requests.

        Raises:
            CommandError: the gateway does not answer any more.
        """
        loop = asyncio.get_running_loop()
        progress_at = loop.time()
        failures = 0
        with tqdm(total=self._tally.accepted, desc="final", unit="msg", disable=None) as bar:
            while True:
                started = loop.time()
                try:
                    await self._poll()
                    failures = 0
                except CommandError:
                    failures += 1
                    if failures == POLL_FAILURES_MAX:
                        raise
                news = self._tally.accepted - len(self._pending) - bar.n
                progress_at = started if news else progress_at
                bar.update(news)
                bar.set_postfix(
                    {status: f"{count:,}" for status, count in self._tally.final.items()}
                )
                if not self._pending or started - progress_at > patience_s:
                    return
                rest_s = max(POLL_REST * (loop.time() - started), POLL_MIN_S * 2.0**failures)
                await asyncio.sleep(min(rest_s, POLL_MAX_S))

    async def _work(self, rows: Iterator[Row], bar: tqdm[NoReturn]) -> None:
        """One of the workers, which all take from the same rows."""
        for row in rows:
            await self._hand_over(row)
            bar.update()
            if self._tally.rejected:
                bar.set_postfix(rejected=self._tally.rejected, refresh=False)
            if self._gateway_gone:
                return

    async def _hand_over(self, row: Row) -> None:
        attempt = 1
        while True:
            answer = await self._client.create(row.to, row.sender, row.body)
            if isinstance(answer, MessageState):
                self._accepted(answer)
                return
            if isinstance(answer, OutcomeUnknown):
                self._tally.lose(row, answer)
                return
            wait_s = retry_wait_s(answer, attempt, random.random())
            if wait_s is None:
                self._tally.reject(row, answer)
                self._gateway_gone |= is_down(answer)
                return
            await asyncio.sleep(wait_s)
            attempt += 1

    def _accepted(self, message: MessageState) -> None:
        self._tally.accepted += 1
        self._pending.add(message.sid)
        if self._since is None:
            self._since = _created(message)

    async def _poll(self) -> None:
        """One round over the pages, from the newest message back to our first."""
        unseen = set(self._pending)
        async for page in self._client.pages():
            for message in page:
                if message.sid in unseen:
                    unseen.remove(message.sid)
                    self._seen(message)
            if not unseen or (page and self._before_ours(page[-1])):
                break
        # What the list no longer has was deleted by someone else.
        self._pending -= unseen
        self._tally.gone += len(unseen)

    def _seen(self, message: MessageState) -> None:
        if message.status in FINAL_NAMES:
            self._pending.remove(message.sid)
            self._tally.finish(message)

    def _before_ours(self, message: MessageState) -> bool:
        created = _created(message)
        return bool(created and self._since and created < self._since - CREATED_SLACK)


def _created(message: MessageState) -> datetime | None:
    try:
        return parsedate_to_datetime(message.date_created)
    except ValueError:
        return None
