"""What one call does, step by step. A step is a coroutine that may wait for a `Reply`: until that
has come, later steps of the call stand in line, and other calls go on. Pure: there is no loop here;
who hears that a reply has come goes on when it has the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
# What a peer may make us put in line; what is beyond is the owner's to refuse.
LINE_MAX = 64


class Reply(Generic[T]):
    """What was asked for: a value or an exception, at once or later. One step awaits it."""

    __slots__ = ("_error", "_value", "on_settled", "settled")

    _value: T

    def __init__(self) -> None:
        self.settled = False
        self.on_settled: Callable[[], None] | None = None
        self._error: Exception | None = None

    @classmethod
    def of(cls, value: T) -> Reply[T]:
        reply = cls()
        reply.settle(value)
        return reply

    @classmethod
    def refused(cls, error: Exception) -> Reply[T]:
        reply = cls()
        reply.refuse(error)
        return reply

    def settle(self, value: T) -> None:
        self._value = value
        self._tell()

    def refuse(self, error: Exception) -> None:
        self._error = error
        self._tell()

    def _tell(self) -> None:
        assert not self.settled
        self.settled = True
        if self.on_settled is not None:
            self.on_settled()

    def __await__(self) -> Generator[Reply[T], None, T]:
        if not self.settled:
            yield self
        return self.result()

    def result(self) -> T:
        """Once it is settled. Raises what it was refused with."""
        if self._error is not None:
            raise self._error
        return self._value


Step = Coroutine[Reply[Any], None, None]


class Steps:
    """`on_ready` is called when there is something to do again, which `go_on` does. `reply` is what
    a step waits for."""

    __slots__ = ("_line", "_on_ready", "_step", "reply")

    def __init__(self, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        self._step: Step | None = None
        self.reply: Reply[Any] | None = None
        self._line: deque[tuple[Callable[..., Step], tuple[Any, ...]]] = deque()

    @property
    def waiting(self) -> bool:
        return self._step is not None

    @property
    def full(self) -> bool:
        return len(self._line) >= LINE_MAX

    def begin(self, step: Callable[..., Step], *args: Any) -> None:
        """At once, or after those before."""
        if self._step is None and not self._line:
            self._run(step(*args), None)
            return
        self._line.append((step, args))
        if self._step is None:
            self._run_line()

    def post(self, step: Callable[..., Step], *args: Any) -> None:
        """When `go_on` is called next."""
        self._line.append((step, args))
        self._on_ready()

    def go_on(self) -> None:
        """Harmless where the reply has not come, and where nothing is in line."""
        step, reply = self._step, self.reply
        if step is None:
            self._run_line()
        elif reply is not None and reply.settled:
            self._run(step, None)

    def give_up(self, error: Exception) -> None:
        """The reply does not come: the step that waits hears this error."""
        step, reply = self._step, self.reply
        assert step is not None
        assert reply is not None
        reply.on_settled = None
        self._run(step, error)

    def let_go(self) -> None:
        """Nobody is to hear that there is something to do."""
        self._on_ready = _to_nobody

    def _run_line(self) -> None:
        if self._line:
            step, args = self._line.popleft()
            self._run(step(*args), None)

    def _run(self, step: Step, error: Exception | None) -> None:
        """This one until it waits or is done; then those in line."""
        while True:
            self._step, self.reply = step, None
            try:
                reply = step.send(None) if error is None else step.throw(error)
            except StopIteration:
                self._step = None
                if not self._line:
                    return
            except BaseException:
                self._step = None
                if self._line:
                    self._on_ready()
                raise
            else:
                reply.on_settled = self._on_ready
                self.reply = reply
                return
            make, args = self._line.popleft()
            step, error = make(*args), None


def _to_nobody() -> None:
    pass
