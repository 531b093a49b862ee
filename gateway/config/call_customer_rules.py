"""What must hold in [[account.trunk]] and [[account.phone]] beyond the types of their values."""

from __future__ import annotations

import re

from gateway.account import Account, CustomerTrunk, Phone
from gateway.config.gateway_rules import is_network
from gateway.config.mistakes import got
from gateway.config.source import Once, Source
from gateway.config.toml_lines import KeyPath

CHANNELS_LIMIT = 100_000
CPS_LIMIT = 10_000
BINDINGS_LIMIT = 100
Bounds = tuple[str, float, float]
CUSTOMER_TRUNK_BOUNDS: tuple[Bounds, ...] = (
    ("channels", 1, CHANNELS_LIMIT),
    ("cps", 0.01, CPS_LIMIT),
)
PHONE_BOUNDS: tuple[Bounds, ...] = (("bindings_max", 1, BINDINGS_LIMIT),)

TRUNK_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# Of the user part of a SIP URI, as it needs no escapes there (RFC 3261 §25.1).
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.!~*'()&=+$,-]{0,63}")
HA1_MD5 = re.compile(r"[0-9a-f]{32}")
HA1_SHA256 = re.compile(r"[0-9a-f]{64}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SIP_URI = re.compile(
    r"sips?:(?:[A-Za-z0-9_.!~*'()&=+$,-]{1,64}@)?"
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?:;transport=(?:udp|tcp|tls))?"
)


class CallCustomerRules:
    """Of all accounts of a file, one after the other: user names, addresses and numbers may stand
    for one customer only."""

    def __init__(self, source: Source, accounts: tuple[Account, ...]) -> None:
        self._source = source
        self._usernames = Once(source, "username")
        self._networks = Once(source, "allowed_ips")
        self._owners = {
            sender.address: account.sid for account in accounts for sender in account.senders
        }

    def check(self, account: Account, at: KeyPath) -> None:
        """Raises ConfigError: the first thing that is wrong."""
        ids = Once(self._source, "trunk id")
        for index, trunk in enumerate(account.trunks):
            trunk_at = (*at, "trunk", index)
            self._matches(trunk.id, TRUNK_ID, (*trunk_at, "id"), _ID)
            ids.add(trunk.id, (*trunk_at, "id"))
            self._check_trunk(account, trunk, trunk_at)
        for index, phone in enumerate(account.phones):
            self._check_phone(account, phone, (*at, "phone", index))

    def _check_trunk(self, account: Account, trunk: CustomerTrunk, at: KeyPath) -> None:
        for index, network in enumerate(trunk.allowed_ips):
            where = (*at, "allowed_ips", index)
            if not is_network(network):
                expected = 'an IP address or network such as "192.0.2.0/24"'
                raise self._source.error(where, f"expected {expected}, got {got(network)}")
            if not trunk.username:
                self._networks.add(network, where)
        if trunk.username:
            self._check_user(trunk, at)
        elif trunk.ha1_md5 or trunk.ha1_sha256:
            raise self._source.table_error(at, "has hashes and no username")
        elif not trunk.allowed_ips and not trunk.uri:
            text = "lets nobody in and leads nowhere: give allowed_ips, a username or a uri"
            raise self._source.table_error(at, text)
        if trunk.uri:
            self._matches(trunk.uri, SIP_URI, (*at, "uri"), 'a URI such as "sip:192.0.2.1:5060"')
            self._check_port(trunk.uri, (*at, "uri"))
        self._check_bounds(trunk, CUSTOMER_TRUNK_BOUNDS, at)
        for key in ("channels", "cps"):
            most = getattr(account, key)
            if getattr(trunk, key) > most:
                text = f"expected at most the account's, which is {most:g}"
                raise self._source.error((*at, key), text)
        for index, number in enumerate(trunk.caller_ids):
            self._check_number(account, number, (*at, "caller_ids", index))

    def _check_phone(self, account: Account, phone: Phone, at: KeyPath) -> None:
        self._check_user(phone, at)
        self._check_bounds(phone, PHONE_BOUNDS, at)
        if phone.caller_id:
            self._check_number(account, phone.caller_id, (*at, "caller_id"))

    def _check_user(self, user: CustomerTrunk | Phone, at: KeyPath) -> None:
        self._matches(user.username, USERNAME, (*at, "username"), _USERNAME)
        self._usernames.add(user.username, (*at, "username"))
        # A client answers the stronger challenge that it knows, so that both must be there.
        for key, form, digits in (("ha1_md5", HA1_MD5, 32), ("ha1_sha256", HA1_SHA256, 64)):
            if not getattr(user, key):
                raise self._source.table_error(at, f"missing key '{key}'")
            expected = f"{digits} hex digits, as `supernet accounts sip-user` prints them"
            self._matches(getattr(user, key), form, (*at, key), expected)

    def _check_number(self, account: Account, number: str, at: KeyPath) -> None:
        """A number belongs to one account, so that calls to it find that one."""
        self._matches(number, E164, at, 'E.164 such as "+12025550100"')
        owner = self._owners.setdefault(number, account.sid)
        if owner != account.sid:
            raise self._source.error(at, f"{got(number)} is a number of {owner}")

    def _check_port(self, uri: str, at: KeyPath) -> None:
        found = SIP_URI.fullmatch(uri)
        port = int((found and found["port"]) or 0)
        if port > 65_535:
            raise self._source.error(at, f"expected a port up to 65535, got {port}")

    def _check_bounds(self, owner: object, bounds: tuple[Bounds, ...], at: KeyPath) -> None:
        for key, low, high in bounds:
            value = getattr(owner, key)
            if not low <= value <= high:
                text = f"expected a number from {low} to {high}, got {value:g}"
                raise self._source.error((*at, key), text)

    def _matches(self, value: str, form: re.Pattern[str], at: KeyPath, expected: str) -> None:
        if form.fullmatch(value) is None:
            raise self._source.error(at, f"expected {expected}, got {got(value, at)}")


_ID = "an id of at most 32 small letters, digits, '-' and '_'"
_USERNAME = "1 to 64 letters, digits and _.!~*'()&=+$,- that begin with a letter or digit"
