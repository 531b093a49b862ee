"""What became of the rows of a file, counted as it happens."""

from __future__ import annotations

from collections import Counter

from gateway.cli.message_client import MessageState, OutcomeUnknown, Refusal
from gateway.cli.message_rows import Row

SHOWN_MAX = 20
FINAL_STATUSES = ("delivered", "undelivered", "failed", "canceled")


class Tally:
    """Counts, and the first rows of each kind of trouble."""

    def __init__(self, file: str, rows: int) -> None:
        self.file = file
        self.rows = rows
        self.accepted = 0
        self.rejected = 0
        self.unknown = 0
        self.gone = 0
        self.final: Counter[str] = Counter()
        self._rejected_codes: Counter[int] = Counter()
        self._final_codes: Counter[tuple[str, int]] = Counter()
        self._shown: list[str] = []

    @property
    def complete(self) -> bool:
        """Whether every row was accepted."""
        return self.accepted == self.rows

    @property
    def untried(self) -> int:
        return self.rows - self.accepted - self.rejected - self.unknown

    @property
    def under_way(self) -> int:
        return self.accepted - self.gone - self.final.total()

    def reject(self, row: Row, refusal: Refusal) -> None:
        self.rejected += 1
        self._rejected_codes[refusal.code] += 1
        self._show(row, f"{refusal.code or refusal.status}  {refusal.message}")

    def lose(self, row: Row, outcome: OutcomeUnknown) -> None:
        self.unknown += 1
        self._show(row, f"outcome unknown  {outcome.reason}")

    def finish(self, message: MessageState) -> None:
        self.final[message.status] += 1
        if message.error_code:
            self._final_codes[message.status, message.error_code] += 1

    def summary(self) -> str:
        """A table of what was accepted, what was not and why, and the final states."""
        lines = [_line("accepted", self.accepted, f"of {self.rows:,}")]
        if self.rejected:
            lines.append(_line("rejected", self.rejected, _codes(self._rejected_codes)))
        if self.unknown:
            lines.append(_line("unknown", self.unknown, "no answer: may have been accepted"))
        lines += self._shown
        if hidden := self.rejected + self.unknown - len(self._shown):
            lines.append(f"  … and {hidden:,} more")
        if self.untried:
            lines.append(_line("not sent", self.untried))
        for status in sorted({*FINAL_STATUSES[:3], *self.final}, key=_order):
            codes = Counter(
                {code: n for (state, code), n in self._final_codes.items() if state == status}
            )
            lines.append(_line(status, self.final[status], _codes(codes)))
        if self.gone:
            lines.append(_line("deleted", self.gone, "gone from the account meanwhile"))
        if self.under_way:
            lines.append(_line("under way", self.under_way))
        return "\n".join(lines)

    def _show(self, row: Row, text: str) -> None:
        if len(self._shown) < SHOWN_MAX:
            self._shown.append(f"  {self.file}:{row.line}  {text}")


def _line(name: str, count: int, note: str = "") -> str:
    return f"{name:<12}{count:>10,}  {note}".rstrip()


def _codes(codes: Counter[int]) -> str:
    return ", ".join(f"{code or 'no code'}: {count:,}" for code, count in codes.most_common())


def _order(status: str) -> int:
    return FINAL_STATUSES.index(status) if status in FINAL_STATUSES else len(FINAL_STATUSES)
