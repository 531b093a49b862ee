"""What holds at this moment: which binds are up, which alarms are raised. Pure.

Unlike events, states are not told one by one: who was away is told the latest of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

ONLINE = "online"
OFFLINE = "offline"
UP = "up"
DOWN = "down"
RAISED = "raised"
CLEARED = "cleared"


class State(NamedTuple):
    """What holds of a topic, `since` when, and why. `version` counts the changes of the board."""

    topic: str
    value: str
    since: float
    detail: str
    version: int


class StateBoard:
    """The latest state of each topic: `binds/<carrier>/<bind>` or `alarms/<name>`.

    It has as many states as the configuration has binds and the gateway alarms; whoever raises
    alarms of changing names forgets them in time. `on_change` is called at each change.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._states: dict[str, State] = {}
        self._version = 0

    def set(self, topic: str, value: str, now: float, detail: str = "") -> bool:
        """What holds of a topic now; whether that is a change."""
        known = self._states.get(topic)
        if known is not None and known.value == value:
            return False
        self._version += 1
        self._states[topic] = State(topic, value, now, detail, self._version)
        self.on_change()
        return True

    def forget(self, topic: str, value: str) -> None:
        """Tell no more of a topic, if it has this value: who knows it keeps what was told last."""
        state = self._states.get(topic)
        if state is not None and state.value == value:
            del self._states[topic]

    def get(self, topic: str) -> State | None:
        return self._states.get(topic)

    def changed_since(self, version: int) -> list[State]:
        """The states that are newer than a version, the oldest first; all of them since 0."""
        changed = (state for state in self._states.values() if state.version > version)
        return sorted(changed, key=lambda state: state.version)
