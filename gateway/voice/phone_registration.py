"""REGISTER of a customer's phone or browser: who it is, and where it wants to be reached."""

from __future__ import annotations

from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.sip.uri import SipUri
from gateway.voice.customer_door import Asking, CustomerDoor
from gateway.voice.registrar import Registered, Registrar


class PhoneRegistration:
    def __init__(self, door: CustomerDoor, registrar: Registrar) -> None:
        self._door = door
        self._registrar = registrar

    def register(
        self, request: SipRequest, source: Destination, now: float
    ) -> Registered | Refusal:
        """The steps of RFC 3261 §10.3. The host of the address-of-record may be any of our names,
        since a user name is one phone's only."""
        customer = self._door.identify(request, source, now, Asking.REGISTRAR)
        if isinstance(customer, Refusal):
            return customer
        phone = customer.phone
        if phone is None:
            return Refusal(403, "a trunk does not register")
        if customer.account.suspended:
            return Refusal(403, "the account is suspended")
        aor = request.to.uri
        if not isinstance(aor, SipUri) or aor.username != phone.username:
            return Refusal(403, "the address-of-record is another's")
        return self._registrar.register(phone.username, phone.bindings_max, request, source, now)
