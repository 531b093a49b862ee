"""STOP, START and HELP: what recipients say to a sender, and who has said STOP.

Pure. The words and the rule are Twilio's: the whole text is one word, in any case, and it counts
for the sender that it was sent to.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.store.interface import OptOut


class Keyword(StrEnum):
    """What an opt-out word asks for; the value is Twilio's OptOutType of the inbound webhook."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


KEYWORDS: dict[str, Keyword] = {
    "STOP": Keyword.STOP,
    "STOPALL": Keyword.STOP,
    "UNSUBSCRIBE": Keyword.STOP,
    "CANCEL": Keyword.STOP,
    "END": Keyword.STOP,
    "QUIT": Keyword.STOP,
    "OPTOUT": Keyword.STOP,
    "REVOKE": Keyword.STOP,
    "START": Keyword.START,
    "YES": Keyword.START,
    "UNSTOP": Keyword.START,
    "HELP": Keyword.HELP,
    "INFO": Keyword.HELP,
}

# What a recipient hears where the account has no words of its own. Each fits one segment.
DEFAULT_REPLIES: dict[Keyword, str] = {
    Keyword.STOP: (
        "You have been unsubscribed and will get no more messages from this number. "
        "Reply START to subscribe again."
    ),
    Keyword.START: (
        "You are subscribed to messages from this number again. "
        "Reply HELP for help or STOP to unsubscribe. Msg & data rates may apply."
    ),
    Keyword.HELP: "Reply STOP to unsubscribe from this number. Msg & data rates may apply.",
}


def keyword(text: str) -> Keyword | None:
    """The wish that a whole message text is; None for every other text."""
    return KEYWORDS.get(text.strip().upper())


class OptOuts:
    """Which recipients want no messages from which senders of which accounts.

    This is the one table of the gateway that has no maximum: to forget an entry is to write to
    somebody who said STOP. An entry takes about 100 octets (measured; 420 for a sender's first),
    so a million take 100 MB. START takes an entry out, and `Store.load_opt_outs` holds them all.
    """

    def __init__(self) -> None:
        self._recipients: dict[tuple[str, str], set[str]] = {}

    def __len__(self) -> int:
        return sum(len(recipients) for recipients in self._recipients.values())

    def is_opted_out(self, account_sid: str, sender: str, recipient: str) -> bool:
        return recipient in self._recipients.get((account_sid, sender), ())

    def apply(self, record: OptOut) -> None:
        """Take the recipient's last word. Records come in the order in which they were said."""
        key = (record.account_sid, record.sender)
        if record.opted_out:
            self._recipients.setdefault(key, set()).add(record.recipient)
        elif recipients := self._recipients.get(key):
            recipients.discard(record.recipient)
            if not recipients:
                del self._recipients[key]
