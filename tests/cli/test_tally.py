from gateway.cli.message_client import MessageState, OutcomeUnknown, Refusal
from gateway.cli.message_rows import Row
from gateway.cli.tally import SHOWN_MAX, Tally


def test_the_summary_counts_every_row_once() -> None:
    tally = Tally("m.csv", 9)
    tally.accepted = 6
    for status, code in (("delivered", None), ("failed", 30008), ("failed", 30003)):
        tally.finish(MessageState("SM0", status, error_code=code))
    tally.gone = 1
    tally.reject(Row(4, "1", "2", "3"), Refusal(400, 21211, "no number"))
    tally.lose(Row(5, "1", "2", "3"), OutcomeUnknown("connection lost"))
    assert tally.summary().splitlines() == [
        "accepted             6  of 9",
        "rejected             1  21211: 1",
        "unknown              1  no answer: may have been accepted",
        "  m.csv:4  21211  no number",
        "  m.csv:5  outcome unknown  connection lost",
        "not sent             1",
        "delivered            1",
        "undelivered          0",
        "failed               2  30008: 1, 30003: 1",
        "deleted              1  gone from the account meanwhile",
        "under way            2",
    ]


def test_only_the_first_rejected_rows_are_listed() -> None:
    tally = Tally("m.csv", 1_000)
    for line in range(1_000):
        tally.reject(Row(line, "1", "2", "3"), Refusal(400, 21211, "no number"))
    assert f"  … and {1_000 - SHOWN_MAX} more" in tally.summary().splitlines()
