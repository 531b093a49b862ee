"""SIP of ours, as tshark reads it: what we make, and what we answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from subprocess import DEVNULL, run

import pytest

from gateway.sip import sanity
from gateway.sip.address import Address
from gateway.sip.digest import Algorithm, Challenge
from gateway.sip.digest_client import DigestClient
from gateway.sip.digest_server import DigestServer
from gateway.sip.errors import MessageError, RequestRefused
from gateway.sip.message import SipRequest
from gateway.sip.parser import parse
from gateway.sip.uri import SipUri
from gateway.sip.via import Via
from tests.e2e.process import PATIENCE_S
from tests.interop.capture_file import capture_file
from tests.interop.peers import PeerMissing, program
from tests.interop.relay import Segment
from tests.sip.torture_messages import TORTURE

PORT = 5060
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
FIELDS = (
    "_ws.malformed",
    "_ws.expert.message",
    "sip.Method",
    "sip.Status-Code",
    "sip.Call-ID",
    "sip.CSeq.seq",
    "sip.from.tag",
    "sip.to.tag",
    "sip.Via.branch",
    "sip.Via.rport",
    "sip.contact.host",
    "sip.display.info",
    "sip.r-uri.user",
    "sip.auth.username",
    "sip.auth.algorithm",
    "sip.auth.nc",
    "sip.auth.digest.response",
    "sdp.media.port",
)
Dissected = dict[str, list[str]]


def dissect(messages: Iterable[bytes], directory: Path) -> list[Dissected]:
    """What tshark reads in each, one in a packet of a TCP connection."""
    try:
        tshark = program("tshark")
    except PeerMissing as missing:
        pytest.skip(str(missing))
    file = directory / "capture.pcap"
    segments = [Segment(1, True, octets) for octets in messages]
    file.write_bytes(capture_file(segments, PORT))
    command = [tshark, "-r", str(file), "-T", "json"]
    for field in FIELDS:
        command += ["-e", field]
    done = run(command, stdout=-1, stderr=DEVNULL, timeout=PATIENCE_S, check=True)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def invite() -> SipRequest:
    return SipRequest.make(
        "INVITE",
        SipUri.of_e164("+15005550006", "sbc.example.net"),
        via=Via("TCP", "192.0.2.1", 5060, {"branch": "z9hG4bKleg1", "rport": None}),
        from_=Address(SipUri.of_e164("+4930901820", "example.net"), 'A "B", C', {"tag": "f1"}),
        to=Address(SipUri.of_e164("+15005550006", "sbc.example.net")),
        call_id="leg1@192.0.2.1",
        cseq=314159,
        contact="<sip:gw@192.0.2.1:5060;transport=tcp>",
        headers=[("Supported", "100rel, timer")],
        body=SDP,
        content_type="application/sdp",
    )


def authorized(algorithm: Algorithm) -> SipRequest:
    server = DigestServer("sip.example.com", b"0" * 32, (algorithm,))
    challenge = [("WWW-Authenticate", value) for value in server.challenges(1.0)]
    refused = invite().response(401, to_tag="u1", headers=challenge)
    request = DigestClient("alice", "secret").answer(invite(), refused, "c0ffee")
    assert request is not None
    return request


def answers() -> list[bytes]:
    """To each torture message that has one; but tshark 4.0 gives up at the NUL that intmeth quotes
    in its To, which comes back to it as it has to."""
    octets = []
    for name, message in TORTURE.items():
        if name == "INTMETH":
            continue
        try:
            request = parse(message)
        except RequestRefused as refused:
            answer = refused.request.response(refused.status, refused.reason, to_tag="t")
            octets.append(answer.to_bytes())
            continue
        except MessageError:
            continue
        if isinstance(request, SipRequest) and (refusal := sanity.check(request)) is not None:
            octets.append(refusal.response(request, "t").to_bytes())
    return octets


def test_tshark_reads_a_request_as_we_mean_it(tmp_path: Path) -> None:
    (read,) = dissect([invite().to_bytes()], tmp_path)
    assert "_ws.malformed" not in read
    assert "_ws.expert.message" not in read
    assert read["sip.Method"] == ["INVITE"]
    assert read["sip.CSeq.seq"] == ["314159"]
    assert read["sip.from.tag"] == ["f1"]
    assert read["sip.Via.branch"] == ["z9hG4bKleg1"]
    assert read["sip.contact.host"] == ["192.0.2.1"]
    assert read["sip.r-uri.user"] == ["+15005550006"]
    assert read["sdp.media.port"] == ["40000"]


def test_tshark_reads_responses_as_we_mean_them(tmp_path: Path) -> None:
    request = invite().received_from("203.0.113.9", 40_000)
    responses = [
        request.response(100),
        request.response(
            183, to_tag="t1", contact="<sip:b@192.0.2.4>", body=SDP, content_type="application/sdp"
        ),
        request.response(486, to_tag="t1"),
    ]
    read = dissect([response.to_bytes() for response in responses], tmp_path)
    assert [one["sip.Status-Code"] for one in read] == [["100"], ["183"], ["486"]]
    assert [one.get("sip.to.tag") for one in read] == [None, ["t1"], ["t1"]]
    assert all(one["sip.Via.rport"] == ["40000"] for one in read)
    assert not any("_ws.malformed" in one for one in read)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_tshark_reads_our_credentials(algorithm: Algorithm, tmp_path: Path) -> None:
    request = authorized(algorithm)
    challenge = Challenge("sip.example.com", "n", algorithm, stale=True, opaque="o")
    refusal = request.response(401, headers=[("WWW-Authenticate", str(challenge))])
    read, refused = dissect([request.to_bytes(), refusal.to_bytes()], tmp_path)
    assert read["sip.auth.username"] == ['"alice"']
    assert read["sip.auth.algorithm"] == refused["sip.auth.algorithm"] == [algorithm.value]
    assert read["sip.auth.nc"] == ["00000001"]
    assert "_ws.malformed" not in read
    assert "_ws.malformed" not in refused


def test_tshark_finds_nothing_malformed_in_what_answers_torture(tmp_path: Path) -> None:
    octets = answers()
    read = dissect(octets, tmp_path)
    assert len(read) == len(octets) > 20
    assert not any("_ws.malformed" in one for one in read)
    assert all(one["sip.Status-Code"] for one in read)
