"""What we rely on in aioice and aiortc without their having promised it. When one of these fails
after an upgrade, read `media/webrtc_hooks.py` against the new release."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version

import pylibsrtp
import pytest
from aioice import Candidate, Connection
from aioice.ice import CandidatePair, StunProtocol
from aiortc import rtcdtlstransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from pylibsrtp import SRTP_MAX_TRAILER_LEN, Session
from pylibsrtp._binding import lib

from media import srtp_in_place
from media.packet_run import TRAILER_OCTETS
from media.webrtc_hooks import HOOKED

ALL = HOOKED | srtp_in_place.HOOKED
NAMES = [(kind, name) for kind, names in ALL.items() for name in names]


def test_the_releases_are_those_that_were_read() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")
    assert version("pylibsrtp").startswith("1.0.")


@pytest.mark.parametrize(("kind", "name"), NAMES, ids=[f"{k.__name__}.{n}" for k, n in NAMES])
def test_a_name_that_is_hooked_is_there(kind: type, name: str) -> None:
    assert hasattr(kind, name) or f"self.{name}" in inspect.getsource(kind)


async def test_a_connection_begins_as_we_fill_it() -> None:
    connection = Connection(ice_controlling=True)
    kept = (connection._check_list, connection._local_candidates, connection._protocols)
    assert [len(one) for one in kept] == [0, 0, 0]
    assert (connection._local_candidates_start, connection._local_candidates_end) == (False, False)
    assert connection._nominated == {}
    assert not connection._early_checks


def test_consent_is_asked_for_by_a_method_that_can_be_waited_for() -> None:
    assert inspect.iscoroutinefunction(Connection.query_consent)
    assert "self.query_consent()" in inspect.getsource(Connection.connect)
    assert "await self.close()" in inspect.getsource(Connection.query_consent)


def test_early_checks_and_pairs_name_an_address() -> None:
    assert "self._early_checks.append((message, addr, protocol))" in inspect.getsource(
        Connection.request_received
    )
    candidate = Candidate("f", 1, "udp", 1, "192.0.2.1", 9, "host")
    pair = CandidatePair(StunProtocol.__new__(StunProtocol), candidate)
    assert pair.remote_addr == ("192.0.2.1", 9)


def test_a_nomination_goes_through_the_method_that_we_extend() -> None:
    assert "self._nominated[" in inspect.getsource(Connection.check_complete)
    assert inspect.getsource(Connection).count("self._nominated[") == 2  # set_selected_pair's too


def test_dtls_asks_nothing_of_ice_but_what_we_give() -> None:
    asked = set(re.findall(r"self\.transport\.(\w+)", inspect.getsource(RTCDtlsTransport)))
    assert asked == {"_recv", "_send", "role"}


def test_dtls_leaves_keys_and_its_task_where_we_take_them() -> None:
    certificate = RTCCertificate.generateCertificate()
    dtls = RTCDtlsTransport(RTCIceTransport.__new__(RTCIceTransport), [certificate])
    assert {dtls._tx_srtp, dtls._rx_srtp, dtls._task} == {None}
    assert dtls._srtp_profiles is rtcdtlstransport.SRTP_PROFILES
    assert rtcdtlstransport.SRTP_AEAD_AES_128_GCM in dtls._srtp_profiles
    dtls._set_role("client")
    assert dtls._role == "client"


def test_libsrtp_is_called_as_pylibsrtp_calls_it() -> None:
    source = inspect.getsource(Session)
    assert "func(self._srtp[0], self._cdata, len_p)" in source
    assert 'len_p = ffi.new("int *")' in source
    for name in ("protect", "unprotect"):
        assert f"self.__process(packet, lib.srtp_{name}" in source
    assert SRTP_MAX_TRAILER_LEN == TRAILER_OCTETS
    assert "if rc != lib.srtp_err_status_ok" in inspect.getsource(pylibsrtp)
    assert lib.srtp_err_status_ok == 0
