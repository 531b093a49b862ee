"""Contexts from files: what they demand, and which file is to blame."""

import ssl
from pathlib import Path

import pytest

from gateway.net.errors import TlsError
from gateway.net.tls import PeerCertificate, client_context, peer_certificate, server_context
from tests.support.authority import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def issued(authority: Authority) -> tuple[str, str]:
    return authority.issue("one", "one", "IP:127.0.0.1")


def test_client_verifies_the_server() -> None:
    context = client_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_server_asks_for_a_certificate_where_it_has_an_authority(
    authority: Authority, issued: tuple[str, str]
) -> None:
    assert server_context(*issued).verify_mode is ssl.CERT_NONE
    context = server_context(*issued, authority.certificate)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_certificate_and_key_may_be_in_one_file(tmp_path: Path, issued: tuple[str, str]) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(Path(path).read_bytes() for path in issued))
    server_context(str(both))


def test_file_that_is_not_there_is_named(issued: tuple[str, str]) -> None:
    with pytest.raises(TlsError, match="cert_file /none: no such file"):
        server_context("/none", issued[1])
    with pytest.raises(TlsError, match="key_file /none: no such file"):
        server_context(issued[0], "/none")
    with pytest.raises(TlsError, match="client_ca_file /none: no such file"):
        server_context(*issued, "/none")
    with pytest.raises(TlsError, match="ca_file /none: no such file"):
        client_context("/none")


def test_file_with_something_else_in_it_is_named(issued: tuple[str, str]) -> None:
    certificate, key = issued
    with pytest.raises(TlsError, match=r"cert_file .*one.key: there is no certificate in it"):
        server_context(key, key)
    with pytest.raises(TlsError, match=r"key_file .*one.crt: there is no private key in it"):
        server_context(certificate, certificate)
    with pytest.raises(TlsError, match=r"cert_file .*one.crt: there is no private key in it"):
        server_context(certificate)


def test_key_of_another_certificate_is_named(authority: Authority, issued: tuple[str, str]) -> None:
    _, other = authority.issue("two", "two", "IP:127.0.0.1")
    with pytest.raises(TlsError, match=r"key_file .*two.key: is not the key of .*one.crt"):
        server_context(issued[0], other)


def test_broken_files_are_named(tmp_path: Path, issued: tuple[str, str]) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    with pytest.raises(TlsError, match=r"cert_file .*broken.pem: cannot be read"):
        server_context(str(broken), issued[1])
    with pytest.raises(TlsError, match=r"ca_file .*broken.pem: cannot be read"):
        client_context(str(broken))


def test_encrypted_key_is_refused_and_no_password_asked_for(
    authority: Authority, tmp_path: Path, issued: tuple[str, str]
) -> None:
    encrypted = authority.encrypt(issued[1], str(tmp_path / "encrypted.key"))
    with pytest.raises(TlsError, match=r"key_file .*encrypted.key: the key is encrypted"):
        server_context(issued[0], encrypted)


def test_certificate_is_known_by_its_common_name_and_its_other_names() -> None:
    """As the documentation of `ssl.SSLSocket.getpeercert` has it, shortened."""
    decoded = {
        "subject": ((("organizationName", "Acme"),), (("commonName", "acme.example"),)),
        "subjectAltName": (("DNS", "acme.example"), ("DNS", "sms.acme.example")),
    }
    assert peer_certificate(decoded) == PeerCertificate(
        "organizationName=Acme,commonName=acme.example", ("acme.example", "sms.acme.example")
    )


def test_no_certificate_is_none() -> None:
    assert peer_certificate(None) is None
    assert peer_certificate({}) is None
