"""What must hold in accounts.toml beyond the types of its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS

from gateway.account import LIMIT_MAX_QUEUE_S, Account, Esme, Sender, SenderType
from gateway.config.call_customer_rules import CHANNELS_LIMIT, CPS_LIMIT, CallCustomerRules
from gateway.config.gateway_rules import is_network
from gateway.config.mistakes import got
from gateway.config.secrets import is_scrypt, is_sha256
from gateway.config.sections import SmppTls
from gateway.config.source import Once, Source
from gateway.config.toml_lines import KeyPath

MPS_LIMIT = 10_000
RATE_LIMIT = 1_000_000
BINDS_LIMIT = 1_000

ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")
API_KEY_SID = re.compile(r"SK[0-9a-f]{32}")
AUTH_TOKEN = re.compile(r"[0-9a-f]{32}")
SYSTEM_ID = re.compile(r"[\x21-\x7e]{1,15}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
NANP = re.compile(r"\+1[2-9][0-9]{9}")
NANP_TOLL_FREE = re.compile(r"\+18(00|33|44|55|66|77|88)[0-9]{7}")
SHORT_CODE = re.compile(r"[0-9]{3,8}")
ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_.-]{1,11}")

T = TypeVar("T")
Check = Callable[[str], object]
# The form of each type's address, and how it is told to who wrote another.
ADDRESS_FORMS: dict[SenderType, tuple[Check, str]] = {
    SenderType.SHORT_CODE: (SHORT_CODE.fullmatch, "3 to 8 digits for a short_code"),
    SenderType.TOLL_FREE: (
        lambda text: (
            NANP_TOLL_FREE.fullmatch(text) or (E164.fullmatch(text) and not NANP.fullmatch(text))
        ),
        'a toll-free number such as "+18005550100" for a toll_free',
    ),
    SenderType.TEN_DLC: (
        lambda text: NANP.fullmatch(text) and not NANP_TOLL_FREE.fullmatch(text),
        'a US long code such as "+12025550100" for a 10dlc',
    ),
    SenderType.LONG_CODE: (E164.fullmatch, 'E.164 such as "+15005550006" for a long_code'),
    SenderType.ALPHANUMERIC: (
        ALPHANUMERIC.fullmatch,
        "1 to 11 letters, digits, blanks and &+_.- with a letter for an alphanumeric",
    ),
}
Bounds = tuple[str, float, float]
ACCOUNT_BOUNDS: tuple[Bounds, ...] = (
    ("mps_max", 0.01, MPS_LIMIT),
    ("max_queue_s", 1, LIMIT_MAX_QUEUE_S),
    ("requests_per_second", 0.01, RATE_LIMIT),
    ("concurrent_requests", 1, RATE_LIMIT),
    ("submits_per_second", 0.01, RATE_LIMIT),
    ("in_doubt_hold_s", 1, 86_400),
    ("channels", 1, CHANNELS_LIMIT),
    ("cps", 0.01, CPS_LIMIT),
)
SENDER_BOUNDS: tuple[Bounds, ...] = (("mps", 0.01, MPS_LIMIT), ("trust_score", 0, 100))
ESME_BOUNDS: tuple[Bounds, ...] = (("binds_max", 1, BINDS_LIMIT),)


def check_accounts(source: Source, accounts: tuple[Account, ...], tls: SmppTls) -> None:
    """`tls` is the listener of ESMEs that must come over one.

    Raises:
        ConfigError: the first thing that is wrong.
    """
    sids = Once(source, "account sid")
    keys = Once(source, "API key")
    system_ids = Once(source, "system_id")
    numbers = Once(source, "sender")
    calls = CallCustomerRules(source, accounts)
    for index, account in enumerate(accounts):
        at: KeyPath = ("account", index)
        _check_account(source, account, at)
        sids.add(account.sid, (*at, "sid"))
        for key_at, key in _numbered(account.api_keys, at, "api_keys"):
            _matches(
                source, key.sid, API_KEY_SID.fullmatch, (*key_at, "sid"), '"SK" and 32 hex digits'
            )
            _matches(source, key.secret_hash, is_sha256, (*key_at, "secret_hash"), "sha256$<hex>")
            keys.add(key.sid, (*key_at, "sid"))
        for esme_at, esme in _numbered(account.esmes, at, "esmes"):
            _check_esme(source, esme, esme_at)
            _check_esme_tls(source, esme, esme_at, tls)
            system_ids.add(esme.system_id, (*esme_at, "system_id"))
        ids = Once(source, "sender")
        for sender_at, sender in _numbered(account.senders, at, "senders"):
            _check_sender(source, sender, sender_at)
            # Anyone may use the same name, but a number has one owner: answers must find it.
            owned = ids if sender.type is SenderType.ALPHANUMERIC else numbers
            owned.add(sender.address, (*sender_at, "address"))
        calls.check(account, at)


def _check_account(source: Source, account: Account, at: KeyPath) -> None:
    _matches(source, account.sid, ACCOUNT_SID.fullmatch, (*at, "sid"), '"AC" and 32 hex digits')
    _matches(source, account.auth_token, AUTH_TOKEN.fullmatch, (*at, "auth_token"), "32 hex digits")
    _check_bounds(source, account, ACCOUNT_BOUNDS, at)
    _check_countries(source, account.countries, at)
    _check_url(source, account.call_status_callback, (*at, "call_status_callback"))
    for trunk_at, trunk in _numbered(account.trunks, at, "trunk"):
        _check_url(source, trunk.status_callback, (*trunk_at, "status_callback"))


def _check_esme(source: Source, esme: Esme, at: KeyPath) -> None:
    expected = "1 to 15 ASCII characters without blanks"
    _matches(source, esme.system_id, SYSTEM_ID.fullmatch, (*at, "system_id"), expected)
    expected = "scrypt$n$r$p$<salt>$<hash> as `supernet accounts hash-secret` prints it"
    _matches(source, esme.password_hash, is_scrypt, (*at, "password_hash"), expected)
    _check_bounds(source, esme, ESME_BOUNDS, at)
    for index, network in enumerate(esme.allowed_ips):
        expected = 'an IP address or network such as "192.0.2.0/24"'
        _matches(source, network, is_network, (*at, "allowed_ips", index), expected)


def _check_esme_tls(source: Source, esme: Esme, at: KeyPath, tls: SmppTls) -> None:
    """Whether it can meet its own terms."""
    if esme.require_tls and not tls.cert_file:
        raise source.error((*at, "require_tls"), "expected [smpp.tls] in gateway.toml")
    if esme.certificate and not tls.client_ca_file:
        raise source.error(
            (*at, "certificate"), "expected a client_ca_file in [smpp.tls] of gateway.toml"
        )


def _check_sender(source: Source, sender: Sender, at: KeyPath) -> None:
    matches, form = ADDRESS_FORMS[sender.type]
    _matches(source, sender.address, matches, (*at, "address"), form)
    _check_bounds(source, sender, SENDER_BOUNDS, at)
    _check_countries(source, sender.countries, at)
    if sender.trust_score is not None and sender.type is not SenderType.TEN_DLC:
        raise source.error((*at, "trust_score"), "only a 10dlc has a trust score")
    for key in ("sms_url", "sms_fallback_url"):
        _check_url(source, getattr(sender, key), (*at, key))
    for key in ("sms_method", "sms_fallback_method"):
        method = getattr(sender, key)
        _matches(source, method, {"GET", "POST"}.__contains__, (*at, key), "GET or POST")
    if sender.sms_fallback_url and not sender.sms_url:
        raise source.error((*at, "sms_fallback_url"), "a fallback needs an sms_url")


def _check_countries(source: Source, countries: tuple[str, ...], at: KeyPath) -> None:
    for index, country in enumerate(countries):
        expected = 'an ISO 3166 country code such as "US"'
        known = SUPPORTED_REGIONS.__contains__
        _matches(source, country, known, (*at, "countries", index), expected)


def _check_bounds(source: Source, owner: object, bounds: tuple[Bounds, ...], at: KeyPath) -> None:
    for key, low, high in bounds:
        value = getattr(owner, key)
        # Written so that nan, which compares with nothing, is refused too.
        if value is not None and not low <= value <= high:
            where = (*at, key)
            raise source.error(where, f"expected a number from {low} to {high}, got {value:g}")


def _matches(source: Source, value: str, matches: Check, at: KeyPath, expected: str) -> None:
    if not matches(value):
        raise source.error(at, f"expected {expected}, got {got(value, at)}")


def _check_url(source: Source, url: str, at: KeyPath) -> None:
    if url:
        _matches(source, url, _is_http_url, at, "an http or https URL")


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        return False


def _numbered(items: tuple[T, ...], at: KeyPath, key: str) -> Iterator[tuple[KeyPath, T]]:
    return (((*at, key, index), item) for index, item in enumerate(items))
