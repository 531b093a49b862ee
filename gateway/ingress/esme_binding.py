"""Whether a peer may bind as the ESME that it says it is (SMPP v3.4 §4.1).

What costs nothing is looked at first: who is locked out, from where the ESME may bind, how, and how
often. A password is hashed for those alone who pass all that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import msgspec

from gateway.account import Account, Esme
from gateway.clock import Clock
from gateway.config.credentials import Credentials
from gateway.config.sections import Smpp
from gateway.ingress.bind_lockout import BindLockout
from gateway.ingress.bound_esme import BoundEsme
from gateway.interworking.address_range import AddressRange, AddressRangeError
from gateway.net.peer_address import is_allowed, origin
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import BindFields

log = logging.getLogger(__name__)


class Peer(msgspec.Struct, frozen=True):
    """Who asks: its address, whether it came over TLS, and the names in its certificate. `binds`
    counts those of an ESME, and `is_here` says whether the peer still waits for the answer."""

    address: str
    tls: bool
    names: frozenset[str]
    binds: Callable[[Esme], int]
    is_here: Callable[[], bool]


class BindRefused(Exception):
    """The answer to a bind. The reason is for our log; the peer gets the status alone."""

    def __init__(self, reason: str, status: CommandStatus = CommandStatus.ESME_RBINDFAIL) -> None:
        super().__init__(reason)
        self.status = status


class EsmeBinding:
    def __init__(self, config: Smpp, clock: Clock, credentials: Credentials) -> None:
        self._clock = clock
        self._credentials = credentials
        self._lockout = BindLockout(config.auth_failures_max, config.lockout_s)
        self.failures = 0
        self.locked_out = 0

    async def check(self, peer: Peer, pdu: BindFields) -> BoundEsme:
        """Who has bound.

        Raises:
            BindRefused: with the status that answers the bind.
        """
        address_range = _address_range(pdu.address_range)
        check = partial(self._check_limits, peer, pdu.system_id)
        check()
        found = await self._credentials.esme(pdu.system_id, pdu.password, check)
        if found is None:
            raise self._failed(peer, pdu.system_id)
        check()  # Others may have bound meanwhile.
        account, esme = found
        self._lockout.bound(origin(peer.address), esme.system_id)
        return BoundEsme(account, esme, pdu.interface_version, address_range)

    def _check_limits(self, peer: Peer, system_id: str) -> None:
        """Raises BindRefused; knows nothing of the password."""
        if not peer.is_here():
            raise BindRefused("the peer has gone")
        now, came_from = self._clock.now(), origin(peer.address)
        if self._lockout.is_locked(came_from, now):
            self.locked_out += 1
            raise BindRefused("too many failures from this address")
        found = self._credentials.find_esme(system_id)
        if found is None:
            return
        account, esme = found
        if esme.allowed_ips:
            if not is_allowed(peer.address, esme.allowed_ips):
                raise BindRefused("not from an address of allowed_ips")
        elif self._lockout.is_besieged(system_id, came_from, now):
            self.locked_out += 1
            raise BindRefused("too many failures of this system_id, and this address is new")
        _check_terms(peer, account, esme)

    def _failed(self, peer: Peer, system_id: str) -> BindRefused:
        self.failures += 1
        known = self._credentials.find_esme(system_id) is not None
        came_from = origin(peer.address)
        if self._lockout.failed(came_from, system_id if known else None, self._clock.now()):
            log.warning("address locked out", extra={"peer": peer.address})
        if known:
            return BindRefused("wrong password", CommandStatus.ESME_RINVPASWD)
        return BindRefused("unknown system_id", CommandStatus.ESME_RINVSYSID)


def _check_terms(peer: Peer, account: Account, esme: Esme) -> None:
    """Raises BindRefused where the ESME may not bind like this."""
    if account.suspended:
        raise BindRefused("the account is suspended")
    if (esme.require_tls or esme.certificate) and not peer.tls:
        raise BindRefused("not over TLS")
    if esme.certificate and esme.certificate.lower() not in peer.names:
        raise BindRefused("not with its certificate")
    if peer.binds(esme) >= esme.binds_max:
        raise BindRefused("too many binds")


def _address_range(pattern: str) -> AddressRange | None:
    """None for the one that matches all (§5.2.7)."""
    if not pattern:
        return None
    try:
        return AddressRange(pattern)
    except AddressRangeError as error:
        raise BindRefused(f"address_range: {error}") from None
