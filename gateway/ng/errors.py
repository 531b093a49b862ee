"""What may be wrong with what an rtpengine says."""

from __future__ import annotations


class NgError(Exception):
    """The octets are no message of the ng protocol."""
