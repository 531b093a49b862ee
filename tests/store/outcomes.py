"""What the callbacks of a store were told."""

import asyncio
from collections.abc import Callable

from gateway.errors import StoreError
from gateway.store.interface import OnCommit


class Outcomes:
    """Keeps (name, committed) of each answered record, in the order of the answers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def of(self, name: str, then: Callable[[], None] = lambda: None) -> OnCommit:
        def on_commit(error: StoreError | None) -> None:
            self.seen.append((name, error is None))
            for count, future in self._waiting:
                if len(self.seen) == count:
                    future.set_result(None)
            then()

        return on_commit

    async def answered(self, count: int) -> list[tuple[str, bool]]:
        """All answers, as soon as there are `count` of them."""
        if len(self.seen) < count:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((count, future))
            await future
        return self.seen
