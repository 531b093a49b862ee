"""What may be wrong with media; each says who is to hear of it, in SIP's words."""

from __future__ import annotations


class MediaError(Exception):
    """`status` is what the sender of the description is answered (RFC 3261 §21)."""

    status = 500


class SdpError(MediaError):
    """The octets are no session description."""

    status = 488


class NotAcceptable(MediaError):
    """A description that asks for what a plain leg cannot have, or that answers no offer."""

    status = 488


class NoPorts(MediaError):
    """Every port of the range is taken, or rests."""

    status = 503
