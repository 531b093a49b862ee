"""Customers: accounts, their senders, credentials and limits. Plain values, read from conf."""

from __future__ import annotations

from enum import StrEnum

import msgspec

DEFAULT_MAX_QUEUE_S = 14_400
LIMIT_MAX_QUEUE_S = 36_000


class SenderType(StrEnum):
    SHORT_CODE = "short_code"
    TOLL_FREE = "toll_free"
    TEN_DLC = "10dlc"
    LONG_CODE = "long_code"
    ALPHANUMERIC = "alphanumeric"


class Registration(StrEnum):
    """Where a sender stands with its registry (10DLC campaign, toll-free verification)."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    PENDING = "pending"
    SUSPENDED = "suspended"


MPS_BY_SENDER_TYPE: dict[SenderType, float] = {
    SenderType.SHORT_CODE: 100.0,
    SenderType.TOLL_FREE: 3.0,
    SenderType.LONG_CODE: 1.0,
    SenderType.ALPHANUMERIC: 10.0,
}

# 10DLC: (lowest trust score, segments a second); without a score the low-volume rate.
MPS_BY_TRUST_SCORE: tuple[tuple[int, float], ...] = ((75, 225.0), (50, 120.0), (1, 12.0))
MPS_10DLC_LOW_VOLUME = 3.75


class InDoubt(StrEnum):
    """What becomes of a message that a carrier may have taken, when a bind or we ourselves went
    down before its answer was on record: sent again at once; held for a receipt first, then sent
    again; or never sent again, its outcome unknown unless a receipt tells."""

    RESEND = "resend"
    HOLD = "hold"
    UNKNOWN = "unknown"


class TrafficClass(StrEnum):
    """What a delivery is worth, where a message does not say (TrafficType)."""

    OTP = "otp"
    TRANSACTIONAL = "transactional"
    PROMOTIONAL = "promotional"


class Language(StrEnum):
    """The national languages of SMS (3GPP TS 23.038 §6.2.1.2.4), by their ISO 639-1 codes."""

    TURKISH = "tr"
    SPANISH = "es"
    PORTUGUESE = "pt"
    BENGALI = "bn"
    GUJARATI = "gu"
    HINDI = "hi"
    KANNADA = "kn"
    MALAYALAM = "ml"
    ORIYA = "or"
    PUNJABI = "pa"
    TAMIL = "ta"
    TELUGU = "te"
    URDU = "ur"


class Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number, short code or sender id that an account may send from."""

    address: str
    type: SenderType
    mps: float | None = None
    registration: Registration = Registration.REGISTERED
    trust_score: int | None = None
    countries: tuple[str, ...] = ()
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    traffic_class: TrafficClass | None = None

    @property
    def segments_per_second(self) -> float:
        """The configured rate, else that of the sender's type."""
        if self.mps is not None:
            return self.mps
        if self.type is not SenderType.TEN_DLC:
            return MPS_BY_SENDER_TYPE[self.type]
        score = self.trust_score or 0
        return next((mps for low, mps in MPS_BY_TRUST_SCORE if score >= low), MPS_10DLC_LOW_VOLUME)


class ApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`SK…` and the hash of its secret (see `gateway.config.secrets`)."""

    sid: str
    secret_hash: str


class Esme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SMPP credentials of an account. `certificate` is a name in the client certificate that it
    must show, and so asks for TLS as `require_tls` does."""

    system_id: str
    password_hash: str
    binds_max: int = 8
    allowed_ips: tuple[str, ...] = ()
    require_tls: bool = False
    certificate: str = ""


class CustomerTrunk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[account.trunk]]: a customer's PBX. It is known by where its calls come from
    (`allowed_ips`), by its digest (`username`, with `ha1_md5` and `ha1_sha256`, the hashes of
    `user:realm:password` that `supernet accounts sip-user` prints), or both; with none of them
    nothing is let in. Calls to the account's numbers go to `uri`; where a number is one trunk's
    only, it is among its `caller_ids`: numbers beside the account's senders that it may show. The
    statuses of its own calls are posted to `status_callback`, else to the account's
    `call_status_callback`.
    """

    id: str
    allowed_ips: tuple[str, ...] = ()
    username: str = ""
    ha1_md5: str = ""
    ha1_sha256: str = ""
    uri: str = ""
    channels: int = 30
    cps: float = 5.0
    caller_ids: tuple[str, ...] = ()
    status_callback: str = ""


class Phone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[account.phone]]: somebody who registers, with a phone or a browser, as `username`, and is
    called by it within the account. It shows `caller_id` and gets the calls to that number; without
    one it may show any number of the account's, and gets the calls that are for nobody else."""

    username: str
    ha1_md5: str = ""
    ha1_sha256: str = ""
    caller_id: str = ""
    bindings_max: int = 5


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer. The auth token stands in clear because it is the key that signs webhooks.

    `national_languages` are those in whose shift tables its texts may go; None: the gateway's.
    `sees_prices`: what carriers charge is shown to it where routes are explained. `channels` calls
    at most stand at once over all its trunks and phones, and `cps` may begin in a second.
    """

    sid: str
    auth_token: str
    name: str = ""
    suspended: bool = False
    api_keys: tuple[ApiKey, ...] = ()
    esmes: tuple[Esme, ...] = ()
    senders: tuple[Sender, ...] = ()
    countries: tuple[str, ...] = ("US", "CA")
    mps_max: float | None = None
    max_queue_s: int = DEFAULT_MAX_QUEUE_S
    requests_per_second: float = 200.0
    concurrent_requests: int = 500
    submits_per_second: float = 5_000.0
    in_doubt: InDoubt = InDoubt.RESEND
    in_doubt_hold_s: float = 120.0
    national_languages: tuple[Language, ...] | None = None
    traffic_class: TrafficClass | None = None
    sees_prices: bool = False
    channels: int = 500
    cps: float = 25.0
    trunks: tuple[CustomerTrunk, ...] = msgspec.field(name="trunk", default=())
    phones: tuple[Phone, ...] = msgspec.field(name="phone", default=())
    call_status_callback: str = ""

    def callback_of_calls(self, source: str) -> str:
        """Where a call from that source (see `Call`) is told about: as its trunk says, else as the
        account does; empty for nowhere."""
        own = (one.status_callback for one in self.trunks if f"trunk/{one.id}" == source)
        return next(own, "") or self.call_status_callback
