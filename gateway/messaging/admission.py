"""Admission: may this account send this message from this sender to this recipient, now?

Pure: the request, the account and `now` in; an `Admitted` out, or `Refused` raised. Nothing is
stored and nothing is counted here; rates and queue space are the intake's affair.

The first check that fails is the answer, in this order: the account is active; To is there and
possible; From is there and the account's; the sender's type reaches the destination; the account
may send to the region; the sender is registered for it; the recipient has not opted out; the
content can be sent; the validity period; the scheduled time; some carrier can be reached.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import ceil, inf

import msgspec

from gateway.account import Account, Language, Registration, Sender, SenderType
from gateway.errors import Refusal, Refused
from gateway.message import Direction, Encoding, Message, Origin, Receipts, SmppFields
from gateway.messaging.opt_out import OptOuts
from gateway.messaging.phone_number import PhoneNumber, normalize_sender, parse
from gateway.text import gsm_03_38, ucs2
from gateway.text.errors import TextError, TooManyPartsError, UnencodableError
from gateway.text.preview import Preview, preview
from gateway.text.segmentation import TextEncoding, measure
from gateway.text.smart_encoding import smart_encode

BODY_MAX = 1600
VALIDITY_MIN_S = 1
VALIDITY_MAX_S = 36_000
SEND_AT_AHEAD_MIN_S = 5 * 60
SEND_AT_AHEAD_MAX_S = 35 * 86_400

# TP-User-Data (3GPP TS 23.040 §9.2.3.24): 140 octets, or 160 septets, user data header included.
USER_DATA_OCTETS = 140
USER_DATA_SEPTETS = 160

# Accounts whose senders are indexed at a time. One more takes the place of the oldest, which is
# indexed again when it next sends.
ACCOUNTS_INDEXED_MAX = 16_384

# The countries of US short codes, toll-free numbers and 10DLC, with their registries; there,
# alphanumeric senders do not exist.
NORTH_AMERICA = frozenset({"US", "CA"})

_ENCODINGS = {TextEncoding.GSM_7BIT: Encoding.GSM_7BIT, TextEncoding.UCS2: Encoding.UCS2}

UNREGISTERED_SENDERS: dict[tuple[SenderType, Registration], Refusal] = {
    (SenderType.TEN_DLC, Registration.UNREGISTERED): Refusal.SENDER_NOT_REGISTERED,
    (SenderType.TEN_DLC, Registration.PENDING): Refusal.SENDER_BEING_CONFIGURED,
    (SenderType.TEN_DLC, Registration.SUSPENDED): Refusal.CAMPAIGN_SUSPENDED,
    (SenderType.TOLL_FREE, Registration.UNREGISTERED): Refusal.TOLL_FREE_NOT_VERIFIED,
    (SenderType.TOLL_FREE, Registration.PENDING): Refusal.TOLL_FREE_NOT_VERIFIED,
    (SenderType.TOLL_FREE, Registration.SUSPENDED): Refusal.TOLL_FREE_NOT_VERIFIED,
}


class SendRequest(msgspec.Struct, frozen=True, gc=False):
    """What a customer asks for, over REST or SMPP, before anything is made of it.

    `encoding` is read only with `octets` or `udh`, whose messages pass as they came; every other
    text gets the encoding that the splitter gives it. `send_at` is Unix seconds, 0 for at once.
    `after_opt_out` lets the one confirmation of a STOP out to a recipient who has just opted out.
    `key` and `fingerprint` are 16 octets each where the customer gave an idempotency key
    (`gateway.messaging.idempotency_key`), else empty.
    """

    account: Account
    sender: str
    recipient: str
    body: str
    origin: Origin
    direction: Direction = Direction.OUTBOUND_API
    status_callback: str = ""
    validity_s: float | None = None
    send_at: float = 0.0
    receipts: Receipts = Receipts.NONE
    udh: bytes = b""
    octets: bytes = b""
    encoding: Encoding | None = None
    traffic_type: str = ""
    smart_encoded: bool = False
    after_opt_out: bool = False
    key: bytes = b""
    fingerprint: bytes = b""
    smpp: SmppFields | None = None


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A request that may become a message, with all that admission found out about it.

    `body` is the text to send: the customer's, smart-encoded where that was asked for. It is the
    text that `segments` counts, with references of `ref_bits` bits, in the shift tables named here.
    """

    sender: Sender
    sender_address: str
    recipient: str
    body: str
    encoding: Encoding
    segments: int
    expires_at: float
    locking_shift: int = 0
    single_shift: int = 0
    ref_bits: int = 8


class SenderIndex:
    """An account's senders by address. A reloaded account is a new value and is indexed anew."""

    def __init__(self) -> None:
        self._indexed: OrderedDict[str, tuple[Account, dict[str, Sender]]] = OrderedDict()

    def find(self, account: Account, address: str) -> Sender | None:
        indexed = self._indexed.get(account.sid)
        if indexed is None or indexed[0] is not account:
            indexed = self._index(account)
        return indexed[1].get(address)

    def _index(self, account: Account) -> tuple[Account, dict[str, Sender]]:
        self._indexed.pop(account.sid, None)
        if len(self._indexed) >= ACCOUNTS_INDEXED_MAX:
            self._indexed.popitem(last=False)
        indexed = (account, {sender.address: sender for sender in account.senders})
        self._indexed[account.sid] = indexed
        return indexed


class Admission:
    """Checks requests against the account, the opt-outs and what the routes reach.

    `reachable` says whether any carrier takes messages for an E.164 recipient from senders of a
    type; binds that are down for the moment count as reachable, for the message can wait.
    `ref_bits` is the size of the references of concatenated messages, `languages` are the national
    languages of accounts that have none of their own.
    """

    def __init__(
        self,
        opt_outs: OptOuts,
        reachable: Callable[[str, SenderType], bool],
        body_max: int = BODY_MAX,
        ref_bits: int = 8,
        languages: tuple[Language, ...] = (),
    ) -> None:
        self._opt_outs = opt_outs
        self._reachable = reachable
        self._body_max = body_max
        self._ref_bits = ref_bits
        self._languages = languages
        self._senders = SenderIndex()

    def check(self, request: SendRequest, now: float) -> Admitted:
        """Admit the request at `now`, or raise `Refused` with the first thing that is wrong."""
        account = request.account
        sender, recipient = self.addresses(account, request.sender, request.recipient)
        if not request.after_opt_out and self._opt_outs.is_opted_out(
            account.sid, sender.address, recipient
        ):
            raise Refused(Refusal.OPTED_OUT)
        body, encoding, segments, locking, single = self._content(request)
        expires_at = _expires_at(request, now)
        if not self._reachable(recipient, sender.type):
            raise Refused(Refusal.NO_ROUTE)
        return Admitted(
            sender,
            sender.address,
            recipient,
            body,
            encoding,
            segments,
            expires_at,
            locking,
            single,
            self._ref_bits,
        )

    def preview(
        self,
        account: Account,
        body: str,
        sender: str = "",
        recipient: str = "",
        smart_encoded: bool = False,
    ) -> Preview:
        """What a text would become. Raises `Refused` as `check` does, for sender and recipient
        where they are given, then for the text."""
        if recipient:
            _recipient(recipient)
        if sender:
            self._sender(account, sender)
        body = self._text(body, smart_encoded)
        own = account.national_languages
        try:
            return preview(body, self._ref_bits, self._languages if own is None else own)
        except TextError as error:
            raise _unsendable(error) from None

    def addresses(self, account: Account, sender: str, recipient: str) -> tuple[Sender, str]:
        """The sender and the recipient, in E.164, of a message that the account would send. Raises
        `Refused` as `check` does for the account and for both of them."""
        if account.suspended:
            raise Refused(Refusal.ACCOUNT_SUSPENDED)
        number = _recipient(recipient)
        found = self._sender(account, sender)
        _check_destination(account, found, number.country)
        return found, number.e164

    def opted_out(self, message: Message) -> bool:
        """Whether the recipient has opted out since the message was admitted."""
        return self._opt_outs.is_opted_out(message.account_sid, message.sender, message.recipient)

    def _sender(self, account: Account, text: str) -> Sender:
        # Nearly every customer writes the address as the account lists it.
        if sender := self._senders.find(account, text):
            return sender
        if not text.strip():
            raise Refused(Refusal.FROM_MISSING)
        address = normalize_sender(text)
        if address is None:
            raise Refused(Refusal.FROM_INVALID)
        sender = self._senders.find(account, address)
        if sender is None:
            raise Refused(Refusal.FROM_NOT_OWNED)
        return sender

    def _content(self, request: SendRequest) -> tuple[str, Encoding, int, int, int]:
        """The text to send, its encoding, its number of segments, and the national languages of its
        locking and single shift tables."""
        if request.udh or request.octets or request.encoding is Encoding.BINARY:
            return request.body, _as_it_came(request), 1, 0, 0
        body = request.body
        if request.smart_encoded or not 0 < len(body) <= self._body_max:
            body = self._text(body, request.smart_encoded)
        languages = request.account.national_languages
        if languages is None:
            languages = self._languages
        try:
            coding, segments = measure(body, self._ref_bits, languages)
        except TextError as error:
            raise _unsendable(error) from None
        encoding = _ENCODINGS[coding.encoding]
        return body, encoding, segments, coding.locking_shift, coding.single_shift

    def _text(self, body: str, smart_encoded: bool) -> str:
        """The text to send."""
        if len(body) > self._body_max:
            raise Refused(Refusal.BODY_TOO_LONG)
        if smart_encoded:
            body = smart_encode(body)
        if not body:
            raise Refused(Refusal.BODY_MISSING)
        return body


def _unsendable(error: TextError) -> Refused:
    if isinstance(error, TooManyPartsError):
        return Refused(Refusal.BODY_TOO_LONG, str(error))
    return Refused(Refusal.BODY_UNENCODABLE, str(error))


def _recipient(text: str) -> PhoneNumber:
    number = parse(text)
    if number is None:
        raise Refused(Refusal.TO_INVALID if text.strip() else Refusal.TO_MISSING)
    if not number.mobile_capable:
        raise Refused(Refusal.TO_NOT_MOBILE)
    return number


def _check_destination(account: Account, sender: Sender, country: str) -> None:
    if not _reaches(sender, country):
        raise Refused(Refusal.FROM_NOT_OWNED, "the 'From' number cannot send to this country")
    if country not in account.countries:
        raise Refused(Refusal.REGION_NOT_ENABLED)
    if sender.registration is not Registration.REGISTERED and country in NORTH_AMERICA:
        refusal = UNREGISTERED_SENDERS.get((sender.type, sender.registration))
        if refusal is not None:
            raise Refused(refusal)


def _reaches(sender: Sender, country: str) -> bool:
    """Whether a sender may be shown in a country; its own list decides where it has one."""
    if sender.countries:
        return country in sender.countries
    if sender.type is SenderType.ALPHANUMERIC:
        return country not in NORTH_AMERICA
    return sender.type is SenderType.LONG_CODE or country in NORTH_AMERICA


def _as_it_came(request: SendRequest) -> Encoding:
    """The encoding of a message with octets or a header of the customer's own: one segment.

    GSM 7-bit text is counted in septets: the header takes whole septets, and the text starts at
    the next (3GPP TS 23.040 §9.2.3.24). Everything else is counted in octets.
    """
    header = len(request.udh)
    encoding = _own_encoding(request)
    limit = USER_DATA_OCTETS - header
    try:
        if encoding is Encoding.GSM_7BIT:
            limit = USER_DATA_SEPTETS - ceil(header * 8 / 7)
        if request.octets or encoding is Encoding.BINARY:
            length = len(request.octets)
        elif encoding is Encoding.UCS2:
            length = len(ucs2.encode(request.body))
        else:
            length = gsm_03_38.septets(request.body)
    except UnencodableError:
        raise Refused(Refusal.BODY_UNENCODABLE) from None
    if not header and not length:
        raise Refused(Refusal.BODY_MISSING)
    if length > limit:
        raise Refused(Refusal.BODY_TOO_LONG, "the message does not fit one segment of 140 octets")
    return encoding


def _own_encoding(request: SendRequest) -> Encoding:
    if request.encoding is not None:
        return request.encoding
    if request.octets:
        return Encoding.BINARY
    return Encoding.GSM_7BIT if gsm_03_38.is_encodable(request.body) else Encoding.UCS2


def _expires_at(request: SendRequest, now: float) -> float:
    """When the message fails if it has not left its queue.

    The sooner of the customer's validity period and the account's max_queue_s ends it, both from
    `send_at` where it is scheduled. A period over 36,000 s is refused over REST, where the contract
    says so; over SMPP it is cut, because ESMEs ask for days and an SMSC may keep less.
    """
    hold_s: float = request.account.max_queue_s
    if request.validity_s is not None:
        validity_max_s = inf if request.origin is Origin.SMPP else VALIDITY_MAX_S
        if not VALIDITY_MIN_S <= request.validity_s <= validity_max_s:
            raise Refused(Refusal.VALIDITY_OUT_OF_RANGE)
        hold_s = min(request.validity_s, hold_s)
    if not request.send_at:
        return now + hold_s
    if not SEND_AT_AHEAD_MIN_S <= request.send_at - now <= SEND_AT_AHEAD_MAX_S:
        raise Refused(Refusal.SEND_AT_INVALID)
    return request.send_at + hold_s
