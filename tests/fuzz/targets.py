"""What is fuzzed: each target takes any octets, and whatever it raises is a defect.

The documented errors of a decoder are its answer and are caught here; what it decodes must encode
to octets that mean the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from gateway.net import proxy_protocol
from gateway.net.errors import ProxyHeaderError
from gateway.smpp import codec, receipt, times, tlv
from gateway.smpp.constants import CommandId, Tag
from gateway.smpp.destinations import decode_destinations, decode_unsuccessful
from gateway.smpp.errors import FieldError, PduError
from gateway.smpp.pdus import PDUS, DataSm, DeliverSm, SubmitMulti, SubmitSm
from gateway.smpp.states import Role
from gateway.smpp.times import TimeError
from gateway.text import gsm_03_38, ucs2, udh
from gateway.text.errors import MalformedUdhError
from media.wav import head
from tests.fuzz.media_octets import fuzz_rtp, fuzz_sdp, fuzz_wav
from tests.fuzz.ng_octets import NG_SEEDS, fuzz_ng
from tests.fuzz.session_script import Script, ScriptedSession, converse
from tests.fuzz.sip_octets import (
    fuzz_sip_digest,
    fuzz_sip_message,
    fuzz_sip_stream,
    fuzz_sip_values,
)
from tests.fuzz.webrtc_octets import WEBRTC_SEEDS, fuzz_transcoding, fuzz_webrtc
from tests.media.descriptions import audio, spoken
from tests.media.descriptions import sdp as description
from tests.media.packets import packet, receiver_report, sender_report
from tests.sip.stack_messages import STACKS
from tests.sip.torture_messages import TORTURE


@dataclass(frozen=True, slots=True)
class Target:
    """`seeds` are inputs that get far, from which a fuzzer goes on."""

    fuzz: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def fuzz_pdu(octets: bytes) -> None:
    """The first octet chooses the PDU."""
    if not octets:
        return
    pdu_class = PDUS[octets[0] % len(PDUS)]
    try:
        pdu = codec.decode(pdu_class.command_id, octets[1:])
    except PduError:
        return
    with contextlib.suppress(FieldError):  # 255 octets of short_message are read, not written.
        body = codec.encode(pdu, 1)[16:]
        assert codec.decode(pdu_class.command_id, body) == pdu


def fuzz_tlv(octets: bytes) -> None:
    try:
        pdu = codec.decode(CommandId.DATA_SM, bytes(10) + octets)
    except PduError:
        return
    assert isinstance(pdu, DataSm)
    tlvs = pdu.tlvs
    assert len(tlvs) <= codec.TLVS_MAX
    for tag in Tag:
        for read in (tlv.octets, tlv.integer, tlv.text):
            with contextlib.suppress(PduError):
                read(tlvs, tag)
    for say in (tlv.sar, tlv.network_error_code):
        with contextlib.suppress(PduError):
            say(tlvs)


def fuzz_destinations(octets: bytes) -> None:
    for decode in (decode_destinations, decode_unsuccessful):
        with contextlib.suppress(PduError, IndexError):
            _, at = decode(octets, 0)
            assert at <= len(octets)


def fuzz_time(octets: bytes) -> None:
    with contextlib.suppress(TimeError):
        assert isfinite(times.parse(octets.decode("latin-1"), 1_700_000_000.0))


def fuzz_receipt(octets: bytes) -> None:
    """The first octet says how much of it is TLVs."""
    size = octets[0] if octets else 0
    tlvs: dict[int, bytes] = {}
    with contextlib.suppress(PduError):
        pdu = codec.decode(CommandId.DATA_SM, bytes(10) + octets[1 : 1 + size])
        assert isinstance(pdu, DataSm)
        tlvs = pdu.tlvs
    said = receipt.parse(octets[1 + size :], tlvs)
    assert said is None or (said.message_id and said.stat)


def fuzz_udh(octets: bytes) -> None:
    try:
        elements, rest = udh.parse(octets)
    except MalformedUdhError:
        return
    assert len(rest) < len(octets)
    udh.concatenation(elements)


def fuzz_text(octets: bytes) -> None:
    for decode in (gsm_03_38.decode, ucs2.decode):
        assert isinstance(decode(octets), str)


def fuzz_proxy_protocol(octets: bytes) -> None:
    read = b""
    try:
        while wanted := proxy_protocol.wanted(read):
            if len(read) + wanted > len(octets):
                return
            read = octets[: len(read) + wanted]
        proxy_protocol.parse(read)
    except ProxyHeaderError:
        return


def fuzz_esme_session(octets: bytes) -> None:
    ScriptedSession(Role.ESME, Script(octets)).run()


def fuzz_smsc_session(octets: bytes) -> None:
    ScriptedSession(Role.SMSC, Script(octets)).run()


PDU_SEEDS = tuple(
    bytes([number]) + codec.encode(pdu_class(), 1)[16:] for number, pdu_class in enumerate(PDUS)
)
STREAM = b"".join(codec.encode(pdu_class(), 1) for pdu_class in PDUS)
SESSION_SEEDS = (
    b"\2" + b"\2\x0f\5\0\0\0" * 3 + b"\5\5\0" + b"\3\x3c",
    b"\0" + b"\4\x09\4\x09\3\x1e" + b"\7\2\3\x1e\3\x1e",
    b"\3" + b"\0\x10" + codec.encode(SubmitSm(), 1)[:16],
    b"\1" + b"\1\x09\0\x07\x21" + codec.encode(SubmitSm(), 1)[16:],
)

TARGETS: dict[str, Target] = {
    "pdu": Target(
        fuzz_pdu,
        (
            *PDU_SEEDS,
            b"\x09"
            + codec.encode(SubmitSm(source_addr="15005550006", short_message=b"hi"), 1)[16:],
            b"\x0f" + codec.encode(SubmitMulti(short_message=b"hi"), 1)[16:],
            b"\x0b" + codec.encode(DeliverSm(tlvs={Tag.MESSAGE_STATE: b"\2"}), 1)[16:],
        ),
    ),
    "tlv": Target(
        fuzz_tlv,
        (
            bytes.fromhex("020c00020102 020e000103 020f000102 0423000303000b 0427000102"),
            bytes.fromhex("001e000534463141 00 0424000568656c6c6f 0428000155 14000000"),
        ),
    ),
    "destinations": Target(
        fuzz_destinations,
        (b"\2\1\1\x01491701234567\0\2friends\0", b"\1\1\x01491701234567\0\0\0\0\x0b"),
    ),
    "time": Target(fuzz_time, (b"020610233429000R", b"231114221320004+", b"000229235959948-")),
    "receipt": Target(
        fuzz_receipt,
        (
            b"\0id:4F1A sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 "
            b"stat:DELIVRD err:000 text:hello",
            b"\x09\x00\x1e\x00\x05" + b"4F1A\0" + b"Id: 7 Done_Date:231114221300 stat:UNDELIV",
        ),
    ),
    "udh": Target(
        fuzz_udh, (b"\5\0\3\x2a\2\1hello", b"\6\x08\4\1\2\3\1", b"\x0b\5\4\x0b\x84\0\0\0\3\1\2\1x")
    ),
    "text": Target(fuzz_text, (bytes(range(128)), b"\x1b\x65\x1b", b"\xd8\x3d\xde\x00\xd8")),
    "proxy_protocol": Target(
        fuzz_proxy_protocol,
        (
            b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
            b"PROXY TCP6 2001:db8::7 ::1 0 2775\r\n",
            b"PROXY UNKNOWN\r\n",
            proxy_protocol.V2_SIGNATURE + b"\x21\x11\0\x0f" + bytes(12) + b"\4\0\0",
            proxy_protocol.V2_SIGNATURE + b"\x21\x21\0\x24" + bytes(36),
            proxy_protocol.V2_SIGNATURE + b"\x20\0\0\0",
        ),
    ),
    "esme_session": Target(fuzz_esme_session, SESSION_SEEDS),
    "smsc_session": Target(fuzz_smsc_session, SESSION_SEEDS),
    "sip_message": Target(fuzz_sip_message, (*TORTURE.values(), *STACKS.values())),
    "sip_stream": Target(
        fuzz_sip_stream,
        (
            *[b"\0\x40" + octets for octets in STACKS.values()],
            b"\xff\x02\r\n" + b"\r\n".join(STACKS.values()),
            b"\0\x03\r\n\r\n" + TORTURE["NCL"],
        ),
    ),
    "sip_values": Target(
        fuzz_sip_values,
        (
            b"sips:alice:secret@[2001:db8::1]:5061;transport=TCP;lr?Subject=hi&Priority=urgent",
            b"tel:863-1234;phone-context=+1-914-555",
            b'"Bob, \\"B" <sip:+4930@h;user=phone>;tag=1 , <sip:b@h>;x="1,2"',
            b"SIP / 2.0 / UDP first.example.com: 4000;ttl=16, SIP/2.0/TCP [2001:db8::1];rport",
        ),
    ),
    "sip_digest": Target(
        fuzz_sip_digest,
        (
            b'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth, auth-int", stale=true',
            b'Digest username="u", realm="r", nonce="n", uri="sip:h", response="0", qop=auth, '
            b'cnonce="c", nc=00000001',
        ),
    ),
    "sdp": Target(
        fuzz_sdp,
        (
            spoken(4_000, "sendonly", "rtcp:53020 IN IP4 126.16.64.4", "rtcp-mux"),
            description("m=video 4000/2 RTP/AVP 31", audio(4_002), host="0.0.0.0"),
            description(audio(4_000, proto="RTP/SAVP"), audio(4_002, proto="RTP/AVPF")),
        ),
    ),
    "rtp": Target(
        fuzz_rtp,
        (
            b"".join(b"\xac\0" + packet(sequence) for sequence in (1, 2, 5, 4)),
            b"".join(b"\xac\1" + packet(65_534 + sequence) for sequence in range(5)),
            b"\x1c\0" + sender_report() + b"\x20\0" + receiver_report(0x1_8000),
            b"".join(b"\xac\xc0" + packet(sequence, ssrc=sequence & 1) for sequence in range(5)),
            b"\x10\2" + packet(1, 800, b"\5\x8a\3\x20", 101) + b"\xac\0" + packet(2),
        ),
    ),
    "wav": Target(fuzz_wav, (head(160, 2) + bytes(160), head(0, 1)[:20] + bytes(40))),
    "webrtc": Target(fuzz_webrtc, WEBRTC_SEEDS),
    "transcoding": Target(
        fuzz_transcoding,
        (
            b"".join(b"\xab" + packet(sequence, payload_type=0)[1:] for sequence in (1, 2, 5, 4)),
            b"".join(
                b"\x10" + packet(sequence, sequence * 960, b"\x08\x0b\xe4", 111)[1:]
                for sequence in (1, 2, 9, 7)
            ),
        ),
    ),
    "ng": Target(fuzz_ng, NG_SEEDS),
    "two_sessions": Target(converse, (STREAM, codec.HEADER.pack(16, 0x99, 0, 5), STREAM[::-1])),
}
