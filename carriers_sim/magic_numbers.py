"""Recipients that provoke an outcome through any gateway, by their last four digits.

docs/how-to/use-the-carrier-simulator.md shows this table to users.
"""

from __future__ import annotations

from carriers_sim.rule import Effect, Repeat

SUFFIX_LENGTH = 4

MAGIC_NUMBERS: dict[str, Effect] = {
    "0001": Effect(receipt="UNDELIV", err="001"),
    "0002": Effect(receipt="EXPIRED"),
    "0003": Effect(receipt="REJECTD"),
    "0004": Effect(receipt="NONE"),
    "0005": Effect(status="ESME_RTHROTTLED", repeat=Repeat.ONCE),
    "0006": Effect(status="ESME_RINVDSTADR"),
    "0007": Effect(status="ESME_RSYSERR", repeat=Repeat.HERE),
    "0008": Effect(receipt="DELIVRD", receipt_delay_s=30.0),
    # 0009 is left out on purpose: Twilio's samples send to +15005550009, which must just work.
    "0010": Effect(receipt="DELIVRD", receipt_duplicated=True),
    "0011": Effect(receipt="DELIVRD", receipt_before_response=True),
    "0012": Effect(receipt="ACCEPTD+DELIVRD"),
    "0013": Effect(unanswered=True),
    "0014": Effect(drop=True),
    "0015": Effect(status="ESME_RMSGQFUL", repeat=Repeat.ONCE),
    "0016": Effect(response_delay_s=5.0),
    "0017": Effect(receipt="DELIVRD+UNDELIV"),
    "0018": Effect(receipt="UNKNOWN"),
    "0019": Effect(receipt="DELETED"),
    "0020": Effect(status="0x0410"),
}
