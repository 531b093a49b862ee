"""Messages of other stacks.

CAPTURED were taken off loopback: sipp 3.6.1, baresip 1.0.0 and sipsak 0.9.8.1 of Debian 12.
WRITTEN follow the manner of stacks that were not at hand, by what is known of their formats.
"""

from __future__ import annotations

from tests.sip.torture_messages import message

_SIPP_SDP = (
    b"v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
    b"t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)

SIPP_INVITE = message(
    """
INVITE sip:service@127.0.0.1:15070 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15071;branch=z9hG4bK-27145-1-0
From: sipp <sip:sipp@127.0.0.1:15071>;tag=27145SIPpTag001
To: service <sip:service@127.0.0.1:15070>
Call-ID: 1-27145@127.0.0.1
CSeq: 1 INVITE
Contact: sip:sipp@127.0.0.1:15071
Max-Forwards: 70
Subject: Performance Test
Content-Type: application/sdp
Content-Length:   129
""",
    _SIPP_SDP,
)

SIPP_RINGING = message(
    """
SIP/2.0 180 Ringing
Via: SIP/2.0/UDP 127.0.0.1:15080;branch=z9hG4bKprobe1;rport
From: <sip:a@127.0.0.1:15080>;tag=1
To: <sip:15551234@127.0.0.1>;tag=27819SIPpTag011
Call-ID: probe1@127.0.0.1
CSeq: 1 INVITE
Contact: <sip:127.0.0.1:15081;transport=UDP>
Content-Length: 0
"""
)

SIPP_OK = message(
    """
SIP/2.0 200 OK
Via: SIP/2.0/UDP 127.0.0.1:15080;branch=z9hG4bKprobe1;rport
From: <sip:a@127.0.0.1:15080>;tag=1
To: <sip:15551234@127.0.0.1>;tag=27819SIPpTag011
Call-ID: probe1@127.0.0.1
CSeq: 1 INVITE
Contact: <sip:127.0.0.1:15081;transport=UDP>
Content-Type: application/sdp
Content-Length:   129
""",
    _SIPP_SDP,
)

# Password "secret", as with the two below.
SIPP_INVITE_WITH_DIGEST = message(
    """
INVITE sip:15551234@127.0.0.1:15074 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15075;rport;branch=z9hG4bK-28624-1-4
From: <sip:customer@127.0.0.1>;tag=28624uac1
To: <sip:15551234@127.0.0.1:15074>
Call-ID: 1-28624@127.0.0.1
CSeq: 2 INVITE
Contact: <sip:sipp@127.0.0.1:15075;transport=UDP>
Proxy-Authorization: Digest username="alice",realm="sip.example.com",cnonce="6b8b4567",nc=00000001,qop=auth,uri="sip:127.0.0.1:15074",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",response="ad9e52300db5f10e3af15b5be9e97443",algorithm=MD5
Max-Forwards: 70
Content-Type: application/sdp
Content-Length:   129
""",  # noqa: E501
    _SIPP_SDP,
)

SIPP_REGISTER_WITH_DIGEST = message(
    """
REGISTER sip:127.0.0.1:15076 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15077;rport;branch=z9hG4bK-28856-1-3
From: <sip:customer@127.0.0.1>;tag=28856reg1
To: <sip:customer@127.0.0.1>
Call-ID: 1-28856@127.0.0.1
CSeq: 2 REGISTER
Contact: <sip:customer@127.0.0.1:15077>
Authorization: Digest username="alice",realm="sip.example.com",cnonce="6b8b4567",nc=00000001,qop=auth,uri="sip:127.0.0.1:15076",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",response="936ac4e49d9bee2e28da5997ee784716",algorithm=MD5
Expires: 60
Max-Forwards: 70
Content-Length: 0
"""  # noqa: E501
)

BARESIP_REGISTER_WITH_DIGEST = message(
    """
REGISTER sip:127.0.0.1:15073 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15090;branch=z9hG4bK4d5c0e541f804f2b;rport
Contact: <sip:bench-0x55f5c79ec890@127.0.0.1:15090>;expires=60;+sip.instance="<urn:uuid:1f0ae94f-298b-1bb3-71a1-2a3caa2bbb93>"
Max-Forwards: 70
Authorization: Digest username="bench", realm="sip.example.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="sip:127.0.0.1:15073", response="4fd5b97f649660d1234aada41e1d8e95", cnonce="27e341961b9675a3", qop=auth, nc=00000001
To: <sip:bench@127.0.0.1:15073>
From: <sip:bench@127.0.0.1:15073>;tag=0fdfb63b9d88cd88
Call-ID: d4a402565252ecb4
CSeq: 2360 REGISTER
User-Agent: baresip v1.0.0 (x86_64/linux)
Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER
Content-Length: 0
"""  # noqa: E501
)

BARESIP_INVITE = message(
    """
INVITE sip:15551234@127.0.0.1:15073 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15090;branch=z9hG4bKeb361e395be65879;rport
Contact: <sip:bench-0x55c842e7c890@127.0.0.1:15090>
Max-Forwards: 70
To: <sip:15551234@127.0.0.1:15073>
From: <sip:bench@127.0.0.1:15073>;tag=13ed103c8dcfa30e
Call-ID: 093517ca99a9a0a4
CSeq: 40275 INVITE
User-Agent: baresip v1.0.0 (x86_64/linux)
Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER
Supported: gruu
Content-Type: application/sdp
Content-Length: 321
""",
    b"v=0\r\no=- 3531302345 1468819281 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"a=tool:baresip 1.0.0\r\nm=audio 24088 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\na=label:1\r\n"
    b"a=rtcp-rsize\r\na=ssrc:1409023943 cname:sip:bench@127.0.0.1:15073\r\na=minptime:20\r\n"
    b"a=ptime:20\r\n",
)

BARESIP_NOT_FOUND = message(
    """
SIP/2.0 404 Not Found
Via: SIP/2.0/UDP 127.0.0.1:15080;branch=z9hG4bKprobe1;rport=15080;received=127.0.0.1
From: <sip:a@127.0.0.1:15080>;tag=1
To: <sip:15551234@127.0.0.1>;tag=7b62545db49248de
Call-ID: probe1@127.0.0.1
CSeq: 1 INVITE
Server: baresip v1.0.0 (x86_64/linux)
Content-Length: 0
"""
)

SIPSAK_OPTIONS = message(
    """
OPTIONS sip:ping@127.0.0.1:1507 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15079;branch=z9hG4bK.12fa879a;rport;alias
From: sip:sipsak@127.0.0.1:15079;tag=1c9e0007
To: sip:ping@127.0.0.1:1507
Call-ID: 480116743@127.0.0.1
CSeq: 1 OPTIONS
Contact: sip:sipsak@127.0.0.1:15079
Content-Length: 0
Max-Forwards: 70
User-Agent: sipsak 0.9.8.1
Accept: text/plain
"""
)

# A record-routing proxy: two Via, parameters that are its own, a request of an Asterisk behind it.
KAMAILIO_INVITE = message(
    """
INVITE sip:+15005550006@198.51.100.1:5060 SIP/2.0
Record-Route: <sip:203.0.113.20;lr;ftag=as5f3c2d11;did=e12.3ab1>
Via: SIP/2.0/UDP 203.0.113.20;branch=z9hG4bKcydzigwkX.8e1f3a7e2c3bd0a3.0
Via: SIP/2.0/UDP 10.0.0.5:5060;received=203.0.113.9;rport=5060;branch=z9hG4bKPj3f2504e0-4f89
Max-Forwards: 69
From: "Call Centre, Berlin" <sip:+493012345678@203.0.113.9>;tag=as5f3c2d11
To: <sip:+15005550006@198.51.100.1>
Contact: <sip:asterisk@10.0.0.5:5060;alias=203.0.113.9~5060~1>
Call-ID: 5e5d51f06b1c4f8d@203.0.113.9:5060
CSeq: 102 INVITE
User-Agent: Asterisk PBX 18.10.0
Date: Sat, 28 Nov 2026 10:00:00 GMT
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE
Supported: replaces, timer
P-Asserted-Identity: "Call Centre, Berlin" <sip:+493012345678@203.0.113.9>
Content-Type: application/sdp
Content-Length: 0
"""
)

ASTERISK_PJSIP_OPTIONS = message(
    """
OPTIONS sip:198.51.100.1:5060 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.9:5060;rport;branch=z9hG4bKPj9c1d3b8a-7f60-4a7d-b6f3-3c9f5e4a2b10
From: <sip:gw@203.0.113.9>;tag=0a1b2c3d-77aa-4e2e-8d1b-111122223333
To: <sip:198.51.100.1>
Contact: <sip:gw@203.0.113.9:5060>
Call-ID: 2f1c9e8b-5a44-4d0e-a7c1-5f5f5f5f5f5f
CSeq: 41873 OPTIONS
Max-Forwards: 70
User-Agent: Asterisk PBX 20.5.0
Content-Length:  0
"""
)

# rinstance and ob of its Contact, and compact names where a message was to be short.
PJSIP_COMPACT_INVITE = message(
    """
INVITE sip:%2B4930123@sbc.example.net;user=phone SIP/2.0
v: SIP/2.0/TLS [2001:db8::5]:50123;rport;branch=z9hG4bKPjabc;alias
Max-Forwards: 70
f: "J\u00fcrgen" <sips:juergen@example.net>;tag=6e1f
t: <sips:%2B4930123@sbc.example.net;user=phone>
m: <sips:juergen@[2001:db8::5]:50123;transport=TLS;ob>;+sip.ice
i: 0f6b
CSeq: 20712 INVITE
k: replaces, 100rel, timer, norefersub
x: 1800
Min-SE: 90
l: 0
"""
)

# A browser over WebSocket: no address of its own (RFC 7118 §5), SRTP profiles, GRUU.
JSSIP_REGISTER = message(
    """
REGISTER sip:sbc.example.net SIP/2.0
Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK1367409
Max-Forwards: 69
To: <sip:alice@sbc.example.net>
From: "Alice" <sip:alice@sbc.example.net>;tag=9u8qo4aeq1
Call-ID: m1k6d2h5s8g9f0a3
CSeq: 1 REGISTER
Contact: <sip:8k2nqf4u@df7jal23ls0d.invalid;transport=wss>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:8f2a1c5e-0b6d-4e7f-9a3b-5c4d3e2f1a0b>";expires=600
Expires: 600
Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY
Supported: path,gruu,outbound
User-Agent: JsSIP 3.10.1
Content-Length: 0
"""  # noqa: E501
)

UNREGISTER = message(
    """
REGISTER sip:sbc.example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bK-un1
From: <sip:alice@sbc.example.net>;tag=un
To: <sip:alice@sbc.example.net>
Call-ID: un@192.0.2.50
CSeq: 7 REGISTER
Contact: *
Expires: 0
Max-Forwards: 70
Content-Length: 0
"""
)

# An enterprise gateway: capital names, an Expires, Diversion and Remote-Party-ID, a late offer.
CUBE_INVITE = message(
    """
INVITE sip:4930123@198.51.100.1:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK1A2B3C
Remote-Party-ID: "Front Desk" <sip:4420123@192.0.2.77>;party=calling;screen=yes;privacy=off
From: "Front Desk" <sip:4420123@192.0.2.77>;tag=5B4C3D2-1E
To: <sip:4930123@198.51.100.1>
Date: Sat, 28 Nov 2026 10:00:00 GMT
Call-ID: 7A6B5C4D-C0DE11EF-8001F00D-AABBCCDD@192.0.2.77
Supported: timer,resource-priority,replaces,sdp-anat
Min-SE:  1800
Cisco-Guid: 2053884621-3235778031-2147611661-2864434397
User-Agent: Cisco-SIPGateway/IOS-16.12.4
Allow: INVITE, OPTIONS, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, REGISTER
CSeq: 101 INVITE
Timestamp: 1795861200
Contact: <sip:4420123@192.0.2.77:5060>
Diversion: <sip:4420999@192.0.2.77>;privacy=off;reason=unconditional;counter=1;screen=no
Expires: 180
Allow-Events: telephone-event
Max-Forwards: 68
Session-Expires:  1800
Content-Length: 0
"""
)

FREESWITCH_SESSION_PROGRESS = message(
    """
SIP/2.0 183 Session Progress
Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKgw1;rport=5060
Record-Route: <sip:203.0.113.20;lr=on;nat=yes>,<sip:203.0.113.21;lr>
From: <sip:+493012345678@198.51.100.1>;tag=gw-1
To: <sip:+15005550006@203.0.113.30>;tag=Dg7mU3F46v0FQ
Call-ID: gw-leg-b-1
CSeq: 1 INVITE
Contact: <sip:+15005550006@203.0.113.30:5060;transport=udp>
User-Agent: FreeSWITCH-mod_sofia/1.10.7-release~64bit
Accept: application/sdp
Require: 100rel
RSeq: 4711
Remote-Party-ID: "15005550006" <sip:15005550006@203.0.113.30>;party=calling;privacy=off
Content-Length: 0
"""
)

CAPTURED = {
    "sipp INVITE": SIPP_INVITE,
    "sipp 180": SIPP_RINGING,
    "sipp 200": SIPP_OK,
    "sipp INVITE with digest": SIPP_INVITE_WITH_DIGEST,
    "sipp REGISTER with digest": SIPP_REGISTER_WITH_DIGEST,
    "baresip REGISTER with digest": BARESIP_REGISTER_WITH_DIGEST,
    "baresip INVITE": BARESIP_INVITE,
    "baresip 404": BARESIP_NOT_FOUND,
    "sipsak OPTIONS": SIPSAK_OPTIONS,
}
WRITTEN = {
    "Kamailio INVITE": KAMAILIO_INVITE,
    "Asterisk OPTIONS": ASTERISK_PJSIP_OPTIONS,
    "PJSIP INVITE in compact form": PJSIP_COMPACT_INVITE,
    "JsSIP REGISTER": JSSIP_REGISTER,
    "un-REGISTER": UNREGISTER,
    "Cisco CUBE INVITE": CUBE_INVITE,
    "FreeSWITCH 183": FREESWITCH_SESSION_PROGRESS,
}
STACKS = CAPTURED | WRITTEN
