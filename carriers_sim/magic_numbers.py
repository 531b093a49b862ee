"""Recipients that provoke an outcome through any gateway, by their last four digits.

docs/how-to/use-the-carrier-simulator.md shows this table to users.
"""

from __future__ import annotations

from carriers_sim.fault import Fault
from carriers_sim.message_id import IdFormat
from carriers_sim.response_form import ResponseForm
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
    # Receipts
    "0021": Effect(receipt="DELIVRD", receipts={"carriage": "data_sm"}),
    "0022": Effect(receipt="DELIVRD", receipts={"carriage": "message_payload"}),
    "0023": Effect(receipt="DELIVRD", receipts={"form": "tlv"}),
    "0024": Effect(receipt="DELIVRD", receipts={"form": "text"}),
    "0025": Effect(receipt="DELIVRD", receipts={"form": "text", "template": "shortest"}),
    "0026": Effect(receipt="DELIVRD", receipts={"form": "text", "template": "seconds"}),
    "0027": Effect(receipt="UNDELIV", err="0AB", receipts={"form": "text", "template": "id_last"}),
    "0028": Effect(receipt="DELIVRD", receipts={"wrong_id": 1.0}),
    "0029": Effect(receipt="DELIVRD", receipts={"foreign_id": 1.0}),
    "0030": Effect(receipt="DELIVRD", receipts={"esm_class_missing": 1.0}),
    "0031": Effect(receipt="ENROUTE+DELIVRD", receipts={"unasked": True}),
    "0032": Effect(receipt="DELIVRD", receipts={"bind": "other"}),
    "0033": Effect(receipt="DELIVRD", receipts={"parts": "last"}),
    "0034": Effect(receipt="DELIVRD", receipts={"parts": "first"}),
    "0035": Effect(receipt="DELIVRD", receipts={"parts": "reversed"}),
    "0036": Effect(receipt="UNDELIV+DELIVRD"),
    # Responses
    "0040": Effect(response=ResponseForm.WRONG_SEQUENCE),
    "0041": Effect(response=ResponseForm.NO_BODY),
    "0042": Effect(response=ResponseForm.EXTRA_TLVS),
    "0043": Effect(response=ResponseForm.GENERIC_NACK, repeat=Repeat.ONCE),
    "0044": Effect(response=ResponseForm.TWICE),
    "0045": Effect(
        receipt="DELIVRD", id_format=IdFormat.HEX, receipt_id_format=IdFormat.DECIMAL_BARE
    ),
    "0046": Effect(
        receipt="DELIVRD", id_format=IdFormat.DECIMAL_BARE, receipt_id_format=IdFormat.HEX
    ),
    "0047": Effect(receipt="DELIVRD", id_format=IdFormat.LONG),
    "0048": Effect(receipt="DELIVRD", id_format=IdFormat.PART_SUFFIX),
    "0049": Effect(receipt="DELIVRD", id_format=IdFormat.EMPTY, receipt_id_format=IdFormat.DECIMAL),
    # The connection
    "0050": Effect(fault=Fault.RST, repeat=Repeat.ONCE),
    "0051": Effect(fault=Fault.FIN, repeat=Repeat.ONCE),
    "0052": Effect(fault=Fault.FIN_MID_PDU, repeat=Repeat.ONCE),
    "0053": Effect(fault=Fault.STOP_READING, fault_for_s=5.0),
    "0054": Effect(fault=Fault.BLACKHOLE, fault_for_s=60.0, repeat=Repeat.ONCE),
    "0055": Effect(fault=Fault.UNBIND, response_delay_s=0.5, repeat=Repeat.ONCE),
    # What a client must answer in the words of SMPP, or leave alone
    "0060": Effect(fault=Fault.UNKNOWN_COMMAND),
    "0061": Effect(fault=Fault.UNKNOWN_TLV),
    "0062": Effect(fault=Fault.LONG_C_STRING),
    "0063": Effect(fault=Fault.TLV_PAST_END),
    "0064": Effect(fault=Fault.STRAY_NACK),
    "0065": Effect(fault=Fault.STRAY_RESPONSE),
    "0066": Effect(fault=Fault.DRIBBLED),
    "0067": Effect(fault=Fault.GLUED),
    "0068": Effect(fault=Fault.HUGE_LENGTH, repeat=Repeat.ONCE),
}
