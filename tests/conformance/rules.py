"""The rules that the conformance report answers for: what each asks, and where that is written.

A test proves a rule by carrying its id in its name: `test_srv_3_…` proves SRV-3.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    id: str
    asks: str
    section: str


FRAMING = (
    Rule("SRV-1", "PDUs are found by command_length, however TCP cuts them", "3.4 §3.2.2"),
    Rule(
        "SRV-2",
        "an impossible command_length is answered by generic_nack ESME_RINVCMDLEN and ends the"
        " session; nothing is allocated for it",
        "3.4 §4.3; 5.0 §2.8.2",
    ),
    Rule(
        "SRV-3",
        "an unknown command_id is answered by generic_nack ESME_RINVCMDID with its"
        " sequence_number; the session lives",
        "3.4 §3.3, §4.3",
    ),
    Rule("SRV-4", "a bad field is answered by the request's own response", "3.4 §2.8"),
    Rule("SRV-5", "generic_nack repeats the sequence_number and is never answered", "3.4 §4.3.1"),
    Rule(
        "SRV-6",
        "sequence_number runs from 1 to 0x7FFFFFFF and wraps; each direction has its own",
        "3.4 §5.1.4; 5.0 §2.6.1",
    ),
    Rule("SRV-7", "responses come in any order", "3.4 §2.5 to §2.7; 5.0 §2.6.4"),
    Rule(
        "SRV-8",
        "each request only in its states, else ESME_RINVBNDSTS or ESME_RALYBND; the session lives",
        "3.4 §2.2, §2.3; 5.0 §2.4",
    ),
    Rule("SRV-9", "enquire_link is always answered; a peer that does not is dead", "3.4 §4.11"),
    Rule("SRV-10", "session_init, inactivity and response timers exist", "3.4 §7.2; 5.0 §2.7"),
    Rule("SRV-11", "unbind waits for what is in flight, and starts nothing", "3.4 §4.2"),
    Rule(
        "SRV-12",
        "C-octet strings end with a NUL within their size, else the field's own error",
        "3.4 §3.1, §5.2",
    ),
    Rule("SRV-13", "integers are big endian; reserved values mean the default", "3.4 §3.1, §3.3"),
)

BINDING = (
    Rule(
        "SRV-14",
        "a failed bind says why, in a response with or without a body",
        "3.4 §4.1.2; 5.0 §4.1.1.2",
    ),
    Rule(
        "SRV-15",
        "a peer of 3.3 gets no TLV and short ids; others get sc_interface_version",
        "3.4 §3.4, §5.2.4; 5.0 §2.11.2",
    ),
    Rule(
        "SRV-16",
        "address_range selects what is delivered, and no expression of it can stall us",
        "3.4 §5.2.7, App. A",
    ),
)

SUBMISSION = (
    Rule("SRV-17", "ESME_ROK means stored", "3.4 §2.8, §4.4"),
    Rule("SRV-18", "an error has no body; one that has is understood", "3.4 §4.4.2"),
    Rule(
        "SRV-19",
        "a text comes in short_message or in message_payload, not in both",
        "3.4 §3.2.3, §4.4.1; 5.0 §4.2.8",
    ),
    Rule(
        "SRV-20",
        "UDHI says that a header leads the text; the header fits, and excludes SAR and ports",
        "3.4 §5.2.12; 5.0 §4.7.12",
    ),
    Rule(
        "SRV-21",
        "the three SAR TLVs count together or not at all, and within their ranges",
        "3.4 §5.3.2.22 to §5.3.2.24",
    ),
    Rule(
        "SRV-22",
        "TLVs come in any order, unknown ones are passed over, each defect has its status",
        "3.4 §3.2.4.1, §3.3, §5.3",
    ),
    Rule(
        "SRV-23",
        "times are absolute or relative, 1 or 17 octets, and years roll over at 38",
        "3.4 §5.2.15, §5.2.16, §7.1.1, App. C",
    ),
    Rule("SRV-24", "registered_delivery is read by its bits", "3.4 §5.2.17; 5.0 §4.7.21"),
    Rule(
        "SRV-25",
        "replace_if_present replaces the message that waits, or is a new one",
        "3.4 §4.4.1.2, §5.2.18",
    ),
    Rule(
        "SRV-26",
        "data_coding 0 is the alphabet agreed on; 3 Latin-1, 8 UCS-2, 2 and 4 octets",
        "3.4 §5.2.19; 5.0 §4.7.7",
    ),
    Rule(
        "SRV-27",
        "query_sm, cancel_sm and replace_sm touch only the sender's own messages",
        "3.4 §4.8 to §4.10; 5.0 §4.5",
    ),
    Rule(
        "SRV-28",
        "submit_multi takes 254 recipients and lists those that it refused",
        "3.4 §4.5; 5.0 §4.2.3",
    ),
    Rule(
        "SRV-29",
        "too fast, a full queue and a fault of ours have a status each; congestion_state",
        "3.4 §5.1.3; 5.0 §2.9, §4.8.4.18",
    ),
)

CLIENT = (
    Rule("CLI-1", "no more than a window awaits answers, which free it in any order", "3.4 §2.5"),
    Rule(
        "CLI-2",
        "without an answer in time the outcome is unknown; a late answer still counts",
        "3.4 §2.9; 5.0 §2.6.3",
    ),
    Rule("CLI-3", "an answer counts only in the session of its request", "5.0 §2.6.3"),
    Rule(
        "CLI-4",
        "we come back with growing, random pauses, and slowly after a refused password",
        "5.0 §2.8.1",
    ),
    Rule(
        "CLI-5",
        "throttling slows the bind, and the same message goes first; a table has the rest",
        "3.4 §5.1.3",
    ),
)

RECEIPTS = (
    Rule(
        "RCP-1",
        "esm_class alone makes a receipt; its addresses are swapped",
        "3.4 §5.2.12; 5.0 §4.3.5.1",
    ),
    Rule(
        "RCP-2",
        "TLVs win over the text; ids are compared by carrier, in that carrier's form",
        "3.4 §5.2.23, §5.3.2.12, §5.3.2.31, §5.3.2.35",
    ),
    Rule("RCP-3", "the text is read in the dialects that are out there", "3.4 App. B, §5.2.28"),
    Rule(
        "RCP-4",
        "early, elsewhere, twice or by data_sm: one outcome, answered once it is stored",
        "3.4 §4.6.2, §2.8",
    ),
    Rule(
        "RCP-5",
        "a receipt comes as it was asked for; intermediate is not final; parts make one outcome",
        "3.4 §5.2.17; 5.0 §4.3.5.1, §4.3.5.2",
    ),
    Rule("RCP-6", "a receipt for nobody is kept, counted and tried again", "3.4 §4.6, §5.1.3"),
)

TEXT = (
    Rule("GSM-1", "one part: 160 septets, 140 octets or 70 UTF-16 units", "23.040 §9.2.3.16"),
    Rule(
        "GSM-2",
        "parts with an 8-bit reference: 153 septets, 134 octets, 67 units",
        "23.040 §9.2.3.24.1",
    ),
    Rule(
        "GSM-3",
        "parts with a 16-bit reference: 152 septets, 133 octets, 66 units",
        "23.040 §9.2.3.24.8",
    ),
    Rule("GSM-4", "a character of the extension table costs two septets", "23.038 §6.2.1.1"),
    Rule("GSM-5", "no escape pair is split", "23.040 §9.2.3.24.1"),
    Rule("GSM-6", "no surrogate pair is split", "23.040 §9.2.3.24.1"),
    Rule("GSM-7", "one encoding for the whole message", "23.038 §4"),
    Rule("GSM-8", "UCS-2 is big endian, without a byte order mark", "23.038 §6.2.3"),
    Rule("GSM-9", "fill bits follow a header only where the text is packed", "23.040 §9.2.3.24"),
    Rule("GSM-10", "the alphabet's own codes: @ is 0x00, $ 0x02, _ 0x11", "23.038 §6.2.1"),
    Rule("GSM-11", "CR and LF are one septet each, and stay", "23.038 §6.1.2, §6.2.1"),
    Rule(
        "GSM-12",
        "national language tables by shift elements, which cost their octets",
        "23.038 §6.2.1.2, annex A; 23.040 §9.2.3.24.15, §9.2.3.24.16",
    ),
    Rule(
        "GSM-13",
        "each part has the same reference and total, and its number; above 255 none is sent",
        "23.040 §9.2.3.24.1",
    ),
    Rule("GSM-14", "references do not collide for a sender and a recipient", "23.040 §9.2.3.24.1"),
    Rule(
        "GSM-15",
        "parts belong together by addresses, reference, size of it and total, for a time",
        "23.040 §9.2.3.24.1",
    ),
    Rule("GSM-16", "the concatenation element stands anywhere in the header", "23.040 §9.2.3.24"),
    Rule(
        "GSM-17",
        "header, SAR TLVs or message_payload, one of them per carrier",
        "3.4 §5.3.2.22, §5.3.2.32",
    ),
    Rule("GSM-18", "smart encoding is a table, applied before counting", "ours"),
    Rule("GSM-19", "what the alphabet lacks makes it UCS-2; nothing is lost in silence", "ours"),
    Rule("GSM-20", "limits and prices count what the splitter sends", "ours; 23.040 §9.2.3.24.1"),
)

CHAPTERS: dict[str, tuple[Rule, ...]] = {
    "Framing and session": FRAMING,
    "Binding": BINDING,
    "Submission": SUBMISSION,
    "Towards carriers": CLIENT,
    "Receipts": RECEIPTS,
    "Text": TEXT,
}
RULES = {rule.id: rule for chapter in CHAPTERS.values() for rule in chapter}
