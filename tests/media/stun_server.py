"""What a server of STUN answers (RFC 8489)."""

from __future__ import annotations

from aioice import stun


def mapped(request: bytes, host: str, port: int) -> bytes:
    """That it came from there."""
    transaction_id = stun.parse_message(request).transaction_id
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id)
    response.attributes["XOR-MAPPED-ADDRESS"] = (host, port)
    return bytes(response)
