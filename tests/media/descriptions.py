"""Session descriptions as ends write them."""

from __future__ import annotations

HOST = "198.51.100.7"
FORMATS = ("0", "8", "101")
ATTRIBUTES = (
    "rtpmap:0 PCMU/8000",
    "rtpmap:8 PCMA/8000",
    "rtpmap:101 telephone-event/8000",
    "fmtp:101 0-16",
    "ptime:20",
)


def audio(
    port: int = 49_170, *attributes: str, proto: str = "RTP/AVP", formats: tuple[str, ...] = FORMATS
) -> str:
    """An m= line of audio and its attributes."""
    lines = (f"m=audio {port} {proto} {' '.join(formats)}", *(f"a={one}" for one in attributes))
    return "\r\n".join(lines)


def sdp(*media: str, host: str = HOST, session: tuple[str, ...] = (), version: int = 1) -> bytes:
    kind = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=alice 2890844526 {version} IN {kind} {host}",
        "s=a call",
        f"c=IN {kind} {host}",
        "t=0 0",
        *session,
        *media,
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def spoken(port: int = 49_170, *attributes: str, host: str = HOST) -> bytes:
    """What a phone offers: two codecs and telephone-event."""
    return sdp(audio(port, *ATTRIBUTES, *attributes), host=host)
