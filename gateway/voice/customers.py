"""The customers of the configuration, by what they show: an address, a user name, or a number that
is theirs."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.account import Account, CustomerTrunk, Phone, SenderType
from gateway.sip.digest import Algorithm
from gateway.voice.source_addresses import SourceAddresses

# Those senders that a call can come from and go to.
NUMBERS = frozenset({SenderType.LONG_CODE, SenderType.TOLL_FREE, SenderType.TEN_DLC})
REST = "rest"


class Customer(msgspec.Struct, frozen=True):
    """A trunk or a phone, and whose it is; neither, who calls over the REST API. `id` is what a
    call's `source` says: `trunk/<id>`, `phone/<username>` or `rest`; trunks of two accounts may
    have one id, so `key` is what counts."""

    account: Account
    trunk: CustomerTrunk | None = None
    phone: Phone | None = None

    @property
    def id(self) -> str:
        if self.trunk is not None:
            return f"trunk/{self.trunk.id}"
        return f"phone/{self.phone.username}" if self.phone is not None else REST

    @property
    def key(self) -> str:
        return f"{self.account.sid}/{self.id}"

    def ha1(self, algorithm: Algorithm) -> str | None:
        user = self.trunk or self.phone
        assert user is not None
        return (user.ha1_sha256 if algorithm is Algorithm.SHA_256 else user.ha1_md5) or None

    @property
    def numbers(self) -> frozenset[str]:
        """Those that it may show: its account's, and its own."""
        return _numbers(self.account) | frozenset(self.named)

    @property
    def named(self) -> tuple[str, ...]:
        """The numbers that are said to be its own."""
        if self.trunk is not None:
            return self.trunk.caller_ids
        return (self.phone.caller_id,) if self.phone is not None and self.phone.caller_id else ()


class Customers:
    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts = tuple(accounts)
        self.all: list[Customer] = []
        self._by_sid = {account.sid: account for account in self.accounts}
        self._by_number: dict[str, Account] = {}
        self._of_account: dict[str, list[Customer]] = {}
        for account in self.accounts:
            own = [Customer(account, trunk=trunk) for trunk in account.trunks]
            own += [Customer(account, phone=phone) for phone in account.phones]
            self.all += own
            self._of_account[account.sid] = own
            for number in _numbers(account).union(*(customer.numbers for customer in own)):
                self._by_number.setdefault(number, account)
        self._by_user: dict[str, Customer] = {}
        for customer in self.all:
            user = customer.trunk or customer.phone
            if user is not None and user.username:
                self._by_user[user.username] = customer
        self._over_rest = {account.sid: Customer(account) for account in self.accounts}
        self._numbers = {
            customer.key: customer.numbers for customer in (*self.all, *self._over_rest.values())
        }
        self._sources = SourceAddresses(
            (customer.trunk.allowed_ips, customer)
            for customer in self.all
            if customer.trunk is not None
        )
        self._signs_anywhere = any(
            customer.trunk is None or not customer.trunk.allowed_ips
            for customer in self._by_user.values()
        )

    def account(self, sid: str) -> Account | None:
        return self._by_sid.get(sid)

    def at(self, host: str) -> Customer | None:
        """The trunk that is known by this address alone."""
        for customer in self._sources.find(host):
            assert customer.trunk is not None
            if not customer.trunk.username:
                return customer
        return None

    def over_rest(self, account_sid: str) -> Customer | None:
        """The account itself, as it calls over the REST API."""
        return self._over_rest.get(account_sid)

    def user(self, username: str, host: str) -> Customer | None:
        """Who signs so, if from there; it is still to be proven. A trunk with `allowed_ips` is
        nobody elsewhere."""
        customer = self._by_user.get(username)
        if customer is None or customer.trunk is None or not customer.trunk.allowed_ips:
            return customer
        return customer if any(one is customer for one in self._sources.find(host)) else None

    def anybody_signs(self, host: str) -> bool:
        """Whether it makes sense to ask for a password there."""
        return self._signs_anywhere or bool(self._sources.find(host))

    def may_show(self, customer: Customer, number: str) -> bool:
        return number in self._numbers[customer.key]

    def owner(self, number: str) -> Account | None:
        """The account that a number belongs to."""
        return self._by_number.get(number)

    def places(self, account: Account, number: str) -> list[Customer]:
        """Where calls to a number of the account's go: to the trunks and phones that name it; where
        none does, to those that name none; where there are none, to all trunks. Trunks come
        first."""
        own = [
            customer
            for customer in self._of_account[account.sid]
            if customer.trunk is None or customer.trunk.uri
        ]
        return (
            [customer for customer in own if number in customer.named]
            or [customer for customer in own if not customer.named]
            or [customer for customer in own if customer.trunk is not None]
        )

    def extension(self, account: Account, username: str) -> Customer | None:
        """A phone of the same account."""
        customer = self._by_user.get(username)
        if customer is None or customer.phone is None or customer.account.sid != account.sid:
            return None
        return customer


def calling_numbers(account: Account) -> list[str]:
    """The senders of the account that a call can come from, in their order."""
    return [sender.address for sender in account.senders if sender.type in NUMBERS]


def _numbers(account: Account) -> frozenset[str]:
    return frozenset(calling_numbers(account))
