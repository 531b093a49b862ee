"""Who a connection belongs to, once it is bound."""

from __future__ import annotations

from gateway.account import Account, Esme
from gateway.interworking.address_range import AddressRange
from gateway.smpp.constants import INTERFACE_3_4, INTERFACE_5_0


class BoundEsme:
    """`reads_tlvs` says that it is of SMPP v3.4 or later (§3.4), `is_5_0` of 5.0 or later."""

    __slots__ = ("account", "address_range", "esme", "interface_version", "is_5_0", "reads_tlvs")

    def __init__(
        self,
        account: Account,
        esme: Esme,
        interface_version: int,
        address_range: AddressRange | None = None,
    ) -> None:
        self.account = account
        self.esme = esme
        self.interface_version = interface_version
        self.address_range = address_range
        self.reads_tlvs = interface_version >= INTERFACE_3_4
        self.is_5_0 = interface_version >= INTERFACE_5_0
