"""URLs that a webhook may go to, and those that it must not."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.destination import (
    DestinationError,
    FailureKind,
    Overrides,
    is_public,
    parse_destination,
    parse_overrides,
)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_address_that_is_not_public_unicast_is_not_called(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "192.169.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::",
    ],
)
def test_public_address_is_called(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "/status",
        "http://",
        "http:///status",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "http://exa mple.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:http/",
        "http://[::1/",
        "http://-example.com/",
        "http://example..com/",
        "http://example.com\\@evil.example/",
        "http://example.com/\r\nX-Injected: 1",
        "http://exam\tple.com/",
        "http://example.com/\x00",
        "http://" + "a" * 64 + ".example.com/",
        "http://" + "a." * 127 + "example/",
        "http://example.com/" + "a" * 4_096,
        # Inside, in every spelling.
        "http://127.0.0.1/",
        "http://127.0.0.1:8080/",
        "http://user:pass@10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://api.localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://\u2460\u2461\u2466.0.0.1/",
        "http://example.com@127.0.0.1/",
        "http://8.8.8.8:80@127.0.0.1/",
    ],
)
def test_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(DestinationError):
        parse_destination(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/"])
def test_private_destination_is_taken_where_that_is_allowed(url: str) -> None:
    assert parse_destination(url, allow_private=True)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/A?b=c", "https://example.com/A?b=c"),
        ("http://example.com:8080?x=1", "http://example.com:8080/?x=1"),
        ("http://user:secret@example.com/#rc=2", "http://example.com/"),
        ("http://b\u00fccher.example/a b?q=\u00fc", "http://xn--bcher-kva.example/a%20b?q=%C3%BC"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("http://my_host.example/%2F?a=%2B+", "http://my_host.example/%2F?a=%2B+"),
    ],
)
def test_url_is_what_the_server_will_see(url: str, seen: str) -> None:
    assert parse_destination(url).url == seen


def test_host_is_the_endpoint_with_its_port() -> None:
    assert parse_destination("https://Example.com/a").host == "example.com:443"


def test_credentials_become_a_basic_header() -> None:
    destination = parse_destination("https://Aladdin:open%20sesame@example.com/")
    assert destination.authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_credentials_are_not_printed() -> None:
    assert "QWxh" not in repr(parse_destination("https://Aladdin:open%20sesame@example.com/"))


@given(st.text())
def test_any_text_is_a_destination_or_an_error(text: str) -> None:
    try:
        destination = parse_destination("http://" + text)
    except DestinationError:
        return
    assert destination.url.startswith("http://")
    assert destination.url.isascii()


@pytest.mark.parametrize(
    ("fragment", "overrides"),
    [
        ("", Overrides()),
        ("section-2", Overrides()),
        ("ct=2000&rt=100&tt=15000", Overrides(connect_ms=2_000, read_ms=100, total_ms=15_000)),
        ("rc=0", Overrides(retries_max=0)),
        ("rc=5&rp=4xx,ct", Overrides(retries_max=5, policies=frozenset({"4xx", "ct"}))),
        # Out of its range: cut to its bound.
        (
            "ct=99&rt=15001&tt=0&rc=9",
            Overrides(connect_ms=100, read_ms=15_000, total_ms=100, retries_max=5),
        ),
        ("ct=10001&tt=" + "9" * 4_000, Overrides(connect_ms=10_000, total_ms=15_000)),
        # No number, or no policy: as if it were not there.
        ("ct=1.5&rt=-5&tt=1e3&rc=\u0662&rp=6xx", Overrides()),
        ("ct=&rc&=&&e=ashburn&sni=y", Overrides()),
    ],
)
def test_overrides_are_read_from_the_fragment(fragment: str, overrides: Overrides) -> None:
    assert parse_overrides(fragment) == overrides


@pytest.mark.parametrize(
    ("fragment", "kind", "attempts", "again"),
    [
        ("", FailureKind.CLIENT_ERROR, 1_000, True),
        ("", FailureKind.FORBIDDEN, 1, False),
        ("", FailureKind.UNUSABLE, 1, False),
        ("rc=2", FailureKind.READ, 2, True),
        ("rc=2", FailureKind.READ, 3, False),
        ("rc=0", FailureKind.READ, 1, False),
        ("rp=5xx,ct", FailureKind.SERVER_ERROR, 1, True),
        ("rp=5xx,ct", FailureKind.READ, 1, False),
        ("rp=all", FailureKind.READ, 1, True),
    ],
)
def test_overrides_say_whether_a_failure_is_retried(
    fragment: str, kind: FailureKind, attempts: int, again: bool
) -> None:
    assert parse_overrides(fragment).retries(kind, attempts) is again
