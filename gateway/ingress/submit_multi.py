"""The destinations of a submit_multi, each a message of its own, and the one answer to all of them
(SMPP v3.4 §4.5)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.smpp.constants import CommandStatus
from gateway.smpp.destinations import Destination
from gateway.smpp.pdus import DistributionList, SubmitMultiResp, UnsuccessfulSme

OnAnswered = Callable[[SubmitMultiResp | None, CommandStatus], None]


class MultiAnswer:
    """Calls `on_answered` once the outcome of every destination is known.

    Where at least one was accepted that is ESME_ROK, with the id of the first of them and with
    all that were not; where none was, the status that all have, or ESME_RSUBMITFAIL.
    """

    def __init__(self, destinations: tuple[Destination, ...], on_answered: OnAnswered) -> None:
        self._destinations = destinations
        self._on_answered = on_answered
        self._message_ids: dict[int, str] = {}
        self._refused: dict[int, CommandStatus] = {}

    def accepted(self, index: int, message_id: str) -> None:
        """The destination at that place has its message."""
        self._message_ids[index] = message_id
        self._tell()

    def refused(self, index: int, status: CommandStatus) -> None:
        """The destination at that place has none."""
        self._refused[index] = status
        self._tell()

    def _tell(self) -> None:
        if len(self._message_ids) + len(self._refused) < len(self._destinations):
            return
        if not self._message_ids:
            statuses = set(self._refused.values())
            same = len(statuses) == 1
            self._on_answered(None, statuses.pop() if same else CommandStatus.ESME_RSUBMITFAIL)
            return
        unsuccessful = tuple(
            _unsuccessful(self._destinations[index], status)
            for index, status in sorted(self._refused.items())
        )
        first = self._message_ids[min(self._message_ids)]
        self._on_answered(SubmitMultiResp(first, unsuccessful), CommandStatus.ESME_ROK)


def _unsuccessful(destination: Destination, status: CommandStatus) -> UnsuccessfulSme:
    if isinstance(destination, DistributionList):
        return UnsuccessfulSme(0, 0, destination.name, status)
    return UnsuccessfulSme(destination.ton, destination.npi, destination.addr, status)
